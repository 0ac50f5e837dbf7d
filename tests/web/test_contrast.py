"""
The contrast of every pair of colours that meet, computed from the tokens of both themes.
"""

import re
from pathlib import Path

import pytest
from django.conf import settings


CSS = Path(settings.BASE_DIR) / "static" / "css"
TOKEN = re.compile(r"--([\w-]+): (light-dark\((#\w{6}), (#\w{6})\)|(#\w{6}));")
WHITE = "#ffffff"
TEXT, GRAPHIC = 4.5, 3.0

PAPERS = ("bg", "surface", "sunken")
SIGNS = ("sign", "sign-ok", "sign-off")
TINTED = ("brand", "earn", "cost", "wear", "stop")
TEXT_PAIRS = [
    *((ink, paper) for ink in ("ink", "ink-2", "ink-3") for paper in PAPERS),
    *((tone, paper) for tone in TINTED for paper in ("bg", "surface")),
    *((tone, f"{tone}-tint") for tone in TINTED),
    *((ink, f"{tone}-tint") for ink in ("ink", "ink-2") for tone in TINTED),
    *(
        (ink, sign)
        for ink in ("sign-ink", "sign-ink-2")
        for sign in ("sign", "sign-ok", "sign-off")
    ),
    ("brand", "brand-tint"),
    ("brand", "cost-tint"),
    ("on-brand", "brand"),
    ("plate-ink", "plate"),
    ("plate-stop", "plate"),
]
FILLS = ("brand", "allow", "earn-fill", "cost-fill", "wear-fill", "stop-fill", "idle-fill")
GRAPHIC_PAIRS = [
    *((fill, "surface") for fill in FILLS),
    *((fill, "sunken") for fill in ("brand", "allow", "earn-fill")),
    *(("line-strong", paper) for paper in ("bg", "surface")),
    ("plate-band", "plate"),
    ("sign-ink", "sign"),
]


def read_tokens() -> dict[str, tuple[str, str]]:
    """
    Return the colours of the light and of the dark theme by token.
    """
    text = (CSS / "tokens.css").read_text(encoding="utf-8")
    return {
        name: (light or both, dark or both) for name, _, light, dark, both in TOKEN.findall(text)
    }


def read_luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def find_contrast(one: str, other: str) -> float:
    darker, lighter = sorted((read_luminance(one), read_luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(over: str, under: str, share: float) -> str:
    places = (1, 3, 5)
    mixed = (
        round(int(over[at : at + 2], 16) * share + int(under[at : at + 2], 16) * (1 - share))
        for at in places
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


class TestContrast:
    @pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
    @pytest.mark.parametrize(("ink", "paper"), TEXT_PAIRS)
    def test_text_can_be_read(self, ink: str, paper: str, theme: int) -> None:
        tokens = read_tokens()

        assert find_contrast(tokens[ink][theme], tokens[paper][theme]) >= TEXT

    @pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
    @pytest.mark.parametrize(("fill", "paper"), GRAPHIC_PAIRS)
    def test_shapes_can_be_told_apart(self, fill: str, paper: str, theme: int) -> None:
        tokens = read_tokens()

        assert find_contrast(tokens[fill][theme], tokens[paper][theme]) >= GRAPHIC

    @pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
    @pytest.mark.parametrize("sign", SIGNS)
    def test_gates_can_be_read_on_their_veil_of_white(self, sign: str, theme: int) -> None:
        veiled = mix(WHITE, read_tokens()[sign][theme], 0.13)

        assert find_contrast(WHITE, veiled) >= TEXT

    @pytest.mark.parametrize(
        ("state", "sign"),
        [("waiting", "#0b3f87"), ("earning", "#0a5436"), ("off", "#2b3643")],
    )
    def test_buttons_of_a_sign_can_be_read(self, state: str, sign: str) -> None:
        text = (CSS / "components.css").read_text(encoding="utf-8")

        assert sign in text, f"the button of a sign that is {state} has another colour now"
        assert find_contrast(sign, WHITE) >= TEXT

    def test_knows_black_on_white(self) -> None:
        assert find_contrast("#000000", WHITE) == pytest.approx(21)


class TestTokens:
    def test_no_colour_stands_outside_the_tokens(self) -> None:
        # Signs and plates are painted things: the same in both themes, so some stand as they are.
        allowed = {"#0b3f87", "#0a5436", "#2b3643", "#fff", "#999", "#000"}
        found = {
            (path.name, colour)
            for path in CSS.glob("*.css")
            if path.name != "tokens.css"
            for colour in re.findall(
                r"#[0-9a-fA-F]{3,8}\b(?!-)", re.sub(r"url\([^)]*\)", "", path.read_text("utf-8"))
            )
            if colour not in allowed
        }

        assert found == set()

    def test_every_variable_that_is_used_is_set(self) -> None:
        text = "".join(path.read_text(encoding="utf-8") for path in sorted(CSS.glob("*.css")))
        used = set(re.findall(r"var\(--([\w-]+)", text))
        declared = set(re.findall(r"--([\w-]+):", text))

        assert used <= declared
