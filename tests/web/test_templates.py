"""
What holds for every template of the project, whoever wrote it.
"""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template


ROOT = Path(settings.BASE_DIR)
TEMPLATES = ROOT / "templates"
PAGES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
SCRIPTS = [ROOT / "static" / "js" / "app.js", ROOT / "static" / "js" / "week.js"]
SCRIPT_LINES_MAX = 150
# A block of data is not run, so the content policy lets it stand (allauth's pages carry some).
INLINE_SCRIPT = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE
)
HANDLER = re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)
# Mail is read by programs that know no style sheets.
IN_MAIL = "emails/"


def read(page: str) -> str:
    return (TEMPLATES / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("template", PAGES)
class TestEveryTemplate:
    def test_can_be_parsed(self, template: str) -> None:
        get_template(template)

    def test_keeps_the_content_policy(self, template: str) -> None:
        text = read(template)

        assert not INLINE_SCRIPT.search(text)
        assert not HANDLER.search(text)
        assert "javascript:" not in text
        assert "hx-on" not in text
        assert template.startswith(IN_MAIL) or " style=" not in text
        assert template.startswith(IN_MAIL) or "<style" not in text

    def test_writes_its_title_as_the_others_do(self, template: str) -> None:
        titles = re.findall(r"\{% block (?:head_)?title %\}(.*?)\{% endblock", read(template))

        assert not any("· Parado" in title or "- Parado" in title for title in titles)

    def test_marks_nothing_as_safe_but_the_help_of_forms(self, template: str) -> None:
        text = read(template).replace("field.help_text|safe", "")

        assert "|safe" not in text
        assert "autoescape off" not in text


class TestComponents:
    @pytest.mark.parametrize("template", [page for page in PAGES if page.startswith("components/")])
    def test_each_states_its_context_first(self, template: str) -> None:
        first = read(template).splitlines()[0]

        assert re.match(r"\{# .*(Context|context).* #\}$", first)

    def test_each_is_shown_on_the_style_page(self) -> None:
        shown = "".join(
            read(page) for page in PAGES if page.startswith(("design/", "layouts/", "components/"))
        )
        missing = [
            page
            for page in PAGES
            if page.startswith("components/") and f'include "{page}"' not in shown
        ]

        assert missing == []


class TestScripts:
    def test_are_short(self) -> None:
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in SCRIPTS)

        assert lines <= SCRIPT_LINES_MAX

    @pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
    def test_run_nothing_that_was_text(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")

        assert not re.search(r"\beval\(|new Function|innerHTML|outerHTML|document\.write", text)
