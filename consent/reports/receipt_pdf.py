"""
A receipt as a document to read: A4, in the words of the review page and its language.

Everything on the pages comes from the receipt itself, so pages and attachment cannot differ.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

import font_manrope
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from consent.rules.receipts import Receipt
from consent.rules.week import QUARTERS_PER_DAY
from web.templatetags.parado import full_datetime


INK, INK_2, LINE, BRAND, SUNKEN = (
    HexColor(color) for color in ("#131f2d", "#435264", "#d3dbe5", "#0b4da2", "#e6ecf3")
)
MARGIN = 20 * mm
WIDTH = A4[0] - 2 * MARGIN
LABEL_WIDTH = 48 * mm
# What reportlab leaves empty inside a frame.
FRAME_PADDING = 6


def draw_receipt(receipt: Receipt) -> bytes:
    """
    Return the pages of a receipt as PDF, without the attachment that proves them.
    """
    _load_fonts()
    language = receipt["pii_processing"]["language"]
    with override(language), BytesIO() as file:
        document = SimpleDocTemplate(
            file,
            pagesize=A4,
            leftMargin=MARGIN - FRAME_PADDING,
            rightMargin=MARGIN - FRAME_PADDING,
            topMargin=16 * mm,
            bottomMargin=20 * mm,
            title=_("Receipt of your consent, %(car)s") % {"car": _name(receipt)},
            author=receipt["party_identification"][0]["party_name"],
            lang=language,
        )

        def draw_foot(canvas: Canvas, _document: object) -> None:
            canvas.setFont("Manrope", 8)
            canvas.setFillColor(INK_2)
            canvas.drawString(MARGIN, 12 * mm, receipt["record_id"])
            page = _("Page %(number)s") % {"number": canvas.getPageNumber()}
            canvas.drawRightString(A4[0] - MARGIN, 12 * mm, page)

        document.build(list(_list_parts(receipt)), onFirstPage=draw_foot, onLaterPages=draw_foot)
        return file.getvalue()


def _list_parts(receipt: Receipt) -> Iterator[Flowable]:
    yield _Plate(receipt["vehicle"]["plate"], receipt["party_identification"][0]["party_name"])
    yield Spacer(1, 6 * mm)
    yield _paragraph(_("Receipt of your consent"), "title")
    yield _facts(_list_facts(receipt))
    yield from _section(
        _("What you agreed to"),
        _facts([(rule["label"], rule["text"]) for rule in receipt["rules"]]),
    )
    week = receipt["content"]["rules"]["week_mask"]
    yield from _section(_("The week"), _Week(int(week, 16)))
    yield from _section(_("The notice that you agreed to"), *_list_notice(receipt))
    yield from _section(_("Who gets to know what"), _facts(_list_data(receipt)))
    yield from _section(
        _("How this document proves itself"),
        *_list_proofs(receipt),
        _facts(_list_marks(receipt), style="mark"),
    )


def _list_facts(receipt: Receipt) -> Iterator[tuple[str, str]]:
    content = receipt["content"]
    zone = content["rules"]["time_zone"]
    name = receipt["vehicle"]["name"]
    yield _("Car"), ", ".join(part for part in (receipt["vehicle"]["plate"], name) if part)
    yield _("Version"), str(content["number"])
    for event in receipt["events"]:
        yield _name_event(event["event_state"]), _write_time(event["event_time"], zone)
    if content["state"] == "given":
        expires_at = content["rules"]["expires_at"]
        yield _("Holds at most until"), _write_time(expires_at, zone)
    for figure in receipt["judged_by"]:
        yield figure["label"], figure["text"]
    yield _("Receipt made"), _write_time(receipt["issued_at"], zone)


def _name_event(state: str) -> str:
    names = {
        "given": _("Agreed"),
        "continued": _("Continued with the car's new figures"),
        "withdrawn": _("Withdrawn"),
        "replaced": _("Replaced by the next version"),
    }
    return names[state]


def _list_notice(receipt: Receipt) -> Iterator[Flowable]:
    notice = receipt["pii_processing"]["privacy_notice"]
    for text in notice["paragraphs"]:
        yield _paragraph(text)
    for text in notice["points"]:
        yield _paragraph(text, "point")
    values = {"version": notice["version"], "digest": notice["sha256"]}
    yield _paragraph(_("Notice %(version)s, SHA-256 %(digest)s") % values, "small")


def _list_data(receipt: Receipt) -> Iterator[tuple[str, str]]:
    processing = receipt["pii_processing"]
    data = "; ".join(each["pii_type_description"] for each in processing["pii_information"])
    yield _("What is known"), f"{data}. {processing['collection_method']}."
    yield (
        _("On what ground"),
        _("Your consent (%(reference)s)")
        % {"reference": processing["purposes"][0]["lawful_basis_reference"]},
    )
    for party in receipt["party_identification"]:
        place = party["party_address"]
        yield party["party_name"], f"{party['party_type']}. {place}, {party['party_contact']}"
    yield _("How long"), processing["retention_period"]
    yield _("Withdrawing"), processing["withdrawal_method"]
    yield _("Your rights"), " ".join(processing["privacy_rights"])


def _list_proofs(receipt: Receipt) -> Iterator[Flowable]:
    yield _paragraph(
        _(
            "The file receipt.json is attached to this document. It holds the exact rules and is"
            " signed; the signature covers these pages too. Change one character of either, and"
            " the check fails."
        )
    )
    url = receipt["party_identification"][0]["party_url"]
    values = {
        "command": "manage.py verify_receipt FILE",
        "url": f"{url}/.well-known/receipt-keys.json",
    }
    yield _paragraph(_("Check it with %(command)s, or with the public keys at %(url)s.") % values)


def _list_marks(receipt: Receipt) -> Iterator[tuple[str, str]]:
    integrity = receipt["integrity"]
    yield _("Record"), receipt["record_id"]
    yield _("Digest"), integrity["digest"]
    yield _("Digest before it"), integrity["previous_digest"]
    yield _("Signing key"), integrity["key_id"]
    yield _("Form"), receipt["schema_version"]


def _name(receipt: Receipt) -> str:
    return f"{receipt['vehicle']['plate']}, {receipt['record_id']}"


def _write_time(text: str, zone: str) -> str:
    return full_datetime(datetime.fromisoformat(text), zone)


# ------------------------------------------------------------------ how it looks
def _section(title: str, *parts: Flowable) -> Iterator[Flowable]:
    """
    Yield a heading that never stands alone at the foot of a page, and what belongs to it.
    """
    first, *rest = parts
    heading = [Spacer(1, 5 * mm), _paragraph(title, "heading")]
    yield KeepTogether([*heading, first])
    yield from rest


def _paragraph(text: str, style: str = "text") -> Paragraph:
    bullet = "\N{BULLET}" if style == "point" else None
    return Paragraph(escape(text), _styles()[style], bulletText=bullet)


def _facts(pairs: Iterable[tuple[str, str]], *, style: str = "cell") -> Table:
    rows = [[_paragraph(label, "label"), _paragraph(text, style)] for label, text in pairs]
    lines = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 6),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ]
    )
    return Table(rows, colWidths=[LABEL_WIDTH, WIDTH - LABEL_WIDTH], style=lines)


@cache
def _styles() -> dict[str, ParagraphStyle]:
    cell = ParagraphStyle("cell", fontName="Manrope", fontSize=9.5, leading=13, textColor=INK)
    text = ParagraphStyle("text", cell, spaceAfter=4)
    return {
        "cell": cell,
        "text": text,
        "point": ParagraphStyle("point", text, leftIndent=13, bulletFontName="Manrope"),
        "label": ParagraphStyle("label", cell, textColor=INK_2),
        "small": ParagraphStyle("small", text, fontSize=8, leading=11, textColor=INK_2),
        "mark": ParagraphStyle("mark", cell, fontSize=8.2),
        "heading": ParagraphStyle(
            "heading", text, fontName="Manrope-Bold", fontSize=12, leading=16, spaceAfter=4
        ),
        "title": ParagraphStyle(
            "title", text, fontName="Manrope-Bold", fontSize=20, leading=26, spaceAfter=8
        ),
    }


@cache
def _load_fonts() -> None:
    folder = Path(font_manrope.font_directory)
    for name, file in (("Manrope", "Manrope-Regular"), ("Manrope-Bold", "Manrope-Bold")):
        registerFont(TTFont(name, folder / f"{file}.ttf"))


class _Plate(Flowable):
    """
    The blue band with the number plate, as on every page of the product.
    """

    def __init__(self, plate: str, name: str) -> None:
        super().__init__()
        self.plate, self.name = plate, name
        self.width, self.height = WIDTH, 16 * mm

    def draw(self) -> None:
        canvas = self.canv
        canvas.setFillColor(BRAND)
        canvas.roundRect(0, 0, self.width, self.height, 8, stroke=0, fill=1)
        canvas.setStrokeColor(white)
        canvas.roundRect(2.5, 2.5, self.width - 5, self.height - 5, 6, stroke=1, fill=0)
        canvas.setFillColor(white)
        canvas.setFont("Manrope-Bold", 15)
        canvas.drawString(6 * mm, 5.6 * mm, self.name)
        canvas.drawRightString(self.width - 6 * mm, 5.6 * mm, self.plate)


class _Week(Flowable):
    """
    The hours of the week, a line for each day and a cell for each quarter-hour.
    """

    LEFT, ROW, FOOT = 12 * mm, 4.2 * mm, 5 * mm

    def __init__(self, mask: int) -> None:
        super().__init__()
        self.mask = mask
        self.width, self.height = WIDTH, 7 * self.ROW + self.FOOT

    def draw(self) -> None:
        canvas, cell = self.canv, (self.width - self.LEFT) / QUARTERS_PER_DAY
        canvas.setFont("Manrope", 8)
        for day in range(7):
            y = self.height - (day + 1) * self.ROW
            canvas.setFillColor(INK_2)
            canvas.drawString(0, y + 1.2 * mm, str(WEEKDAYS_ABBR[day]))
            canvas.setFillColor(SUNKEN)
            canvas.rect(self.LEFT, y + 1, self.width - self.LEFT, self.ROW - 2, 0, fill=1)
            canvas.setFillColor(BRAND)
            for quarter in range(QUARTERS_PER_DAY):
                if self.mask >> (day * QUARTERS_PER_DAY + quarter) & 1:
                    canvas.rect(self.LEFT + quarter * cell, y + 1, cell, self.ROW - 2, 0, fill=1)
        canvas.setFillColor(INK_2)
        for hour in range(0, 25, 6):
            x = self.LEFT + hour * 4 * cell
            draw = canvas.drawRightString if hour == 24 else canvas.drawString
            draw(x, 0, f"{hour:02d}:00")
