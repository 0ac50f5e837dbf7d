"""
Made-up values for the style page: every component once, in the states that matter.

For those who build Parado, so in English only.
"""
# ruff: noqa: RUF001 the samples hold the very characters that pages show

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils.html import format_html

from web import charts, components, week


NOW = datetime(2026, 11, 21, 20, 50, tzinfo=UTC)
DAY_AGO = NOW - timedelta(hours=24)
ZONE = "Europe/Lisbon"
WEEKDAYS, WEEKEND = range(5), (5, 6)


class SampleForm(forms.Form):
    email = forms.EmailField(label="E-mail address", help_text="We write to it about money only.")
    country = forms.ChoiceField(choices=[("PT", "Portugal"), ("NO", "Norway")])
    kinds = forms.MultipleChoiceField(
        label="Kinds of work",
        choices=[("inference", "AI inference"), ("training", "Model training")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    is_agreed = forms.BooleanField(label="I have read what happens to my car")


def make_samples() -> dict[str, Any]:
    """
    Return the context of the style page.
    """
    return {
        "now": NOW,
        "zone": ZONE,
        **_make_sign_samples(),
        **_make_list_samples(),
        **_make_chart_samples(),
        **_make_finance_samples(),
        **_make_editor_samples(),
    }


def _make_sign_samples() -> dict[str, Any]:
    gate = components.Gate
    return {
        "sign": components.Sign(
            title="Waiting: the battery is under your floor",
            text=format_html(
                "It is at <strong>{}</strong> and you asked us to leave the car alone below "
                "<strong>{}</strong>. Charging at {} it gets there at about <strong>{}</strong>, "
                "and can then earn until 07:00.",
                "47 %",
                "60 %",
                "3.7 kW",
                "00:30",
            ),
            gates=(
                gate(state="ok", label="Plugged in", value="3.7 kW"),
                gate(state="ok", label="Parked at home", value="Yes"),
                gate(state="ok", label="Inside your hours", value="Until 07:00"),
                gate(state="no", label="Battery floor", value="47 / 60 %", url="#editor"),
                gate(state="ok", label="Pack below 35 °C", value="24 °C"),
                gate(state="ok", label="Energy left today", value="7.4 kWh"),
                gate(state="later", label="Kind of work", value="Not asked yet"),
            ),
        ),
        "pause_items": (
            components.MenuItem(label="For 1 hour", note="until 22:52", name="until", value="hour"),
            components.MenuItem(label="Tonight", note="until 07:00", name="until", value="night"),
            components.MenuItem(label="Until I resume", note="no end", name="until", value=""),
        ),
        "small_signs": (
            components.Sign(
                key="earning",
                title="Earning: answering questions for a buyer",
                text="Since 22:10, until 07:00 at the latest.",
                state="earning",
            ),
            components.Sign(
                key="paused",
                title="Paused until you resume",
                text="Nothing runs on your car.",
                state="off",
            ),
        ),
    }


def _make_list_samples() -> dict[str, Any]:
    return {
        "tags": (
            components.Tag(label="Clearing", tone="cost"),
            components.Tag(label="Available", tone="brand"),
            components.Tag(label="Paid", tone="earn"),
            components.Tag(label="Held", tone="stop"),
            components.Tag(label="Wear", tone="wear"),
            components.Tag(label="Carried over"),
        ),
        "tasks": (
            components.TaskRow(label="Add your car", note="BX 42 LR, Model Y", is_done=True),
            components.TaskRow(
                label="Say when it may work",
                note="Nothing runs before you do.",
                url="#editor",
                action="Set rules",
            ),
            components.TaskRow(label="Say where the money goes", url="#forms"),
        ),
        "meters": (
            components.Meter(
                key="energy", label="Energy today", text="2.6 of 10.0 kWh", percent=26
            ),
            components.Meter(
                key="hours", label="Compute hours", text="104 of 120 h", percent=87, tone="cost"
            ),
            components.Meter(
                key="month",
                label="Energy this month",
                text="200 of 200 kWh",
                percent=100,
                tone="stop",
            ),
        ),
        "facts": (
            components.Fact(
                label="Clearing", value="€5.25", note="€2.97 on 25 Nov, €2.28 on 26 Nov"
            ),
            components.Fact(label="Paid in November", value="€29.40"),
            components.Fact(label="Earned in November", value="€46.13", is_total=True),
        ),
        "sessions": _make_session_table(),
    }


def _make_session_table() -> components.DataTable:
    cell, column, tag = components.Cell, components.Column, components.Tag
    clearing, available, paid = (
        tag(label="Clearing", tone="cost"),
        tag(label="Available", tone="brand"),
        tag(label="Paid", tone="earn"),
    )
    nights = (
        ("Fri 21 Nov", "22:10–04:35", ("5.8", "2.28", "−0.69", "−0.20"), "1.39", clearing),
        ("Thu 20 Nov", "21:40–06:10", ("7.6", "2.97", "−0.91", "−0.27"), "1.79", available),
        ("Mon 17 Nov", "22:00–06:30", ("7.7", "3.04", "−0.92", "−0.27"), "1.85", paid),
    )
    return components.DataTable(
        caption="Latest sessions, amounts in euros",
        columns=(
            column(label="Night", sort_url="?sort=night", sorted="descending"),
            column(label="kWh", is_number=True, is_optional=True),
            column(label="Paid", is_number=True),
            column(label="Power", is_number=True, is_optional=True),
            column(label="Wear", is_number=True, is_optional=True),
            column(label="Net", is_number=True),
            column(label="Money is"),
        ),
        rows=tuple(
            components.Row(
                cells=(
                    cell(text=night, note=span, url="#data"),
                    *(cell(text=figure) for figure in figures),
                    cell(text=net, is_strong=True),
                    cell(tag=state),
                )
            )
            for night, span, figures, net, state in nights
        ),
        foot=components.Row(
            cells=tuple(
                cell(text=text)
                for text in ("3 nights", "21.1", "8.29", "−2.52", "−0.74", "5.03", "")
            )
        ),
    )


def _at(minutes: int) -> datetime:
    return DAY_AGO + timedelta(minutes=minutes)


def _make_day() -> tuple[charts.Span, ...]:
    span = charts.Span
    return (
        span(
            starts_at=_at(0),
            ends_at=_at(20),
            label="Waiting for work",
            tone="brand",
            fill="outline",
        ),
        span(starts_at=_at(20), ends_at=_at(405), label="Earning", tone="earn", detail="21 jobs"),
        span(
            starts_at=_at(405),
            ends_at=_at(550),
            label="Kept for charging",
            tone="brand",
            fill="hatch",
        ),
        span(starts_at=_at(550), ends_at=_at(680), label="Outside your hours", tone="quiet"),
        span(starts_at=_at(680), ends_at=_at(1250), label="Driving or away", tone="idle"),
        span(starts_at=_at(1250), ends_at=_at(1330), label="Outside your hours", tone="quiet"),
        span(
            starts_at=_at(1330), ends_at=_at(1440), label="Below floor", tone="stop", fill="hatch"
        ),
    )


def _make_chart_samples() -> dict[str, Any]:
    step, point = charts.FallStep, charts.Point
    spans = _make_day()
    levels = (
        (0, 72),
        (405, 71),
        (550, 90),
        (680, 90),
        (735, 76),
        (1010, 74),
        (1085, 58),
        (1190, 45),
    )
    return {
        "fall": charts.draw_waterfall(
            caption="Net benefit, 1 to 22 November, in euros",
            currency="EUR",
            steps=(
                step(label="Paid to you", note="412 jobs", amount_micros=46_130_000, tone="brand"),
                step(
                    label="Electricity", note="on your bill", amount_micros=-14_160_000, tone="cost"
                ),
                step(label="Battery wear", note="estimate", amount_micros=-4_140_000, tone="wear"),
                step(label="Better off by", amount_micros=27_830_000, tone="earn", is_total=True),
            ),
        ),
        "lane": charts.draw_lane(spans=spans, starts_at=DAY_AGO, ends_at=NOW, time_zone=ZONE),
        "curve": charts.draw_curve(
            points=[point(at=_at(minutes), value=level) for minutes, level in (*levels, (1250, 31))]
            + [point(at=_at(1440), value=47)],
            starts_at=DAY_AGO,
            ends_at=NOW,
            limit=60,
            limit_label="floor 60 %",
        ),
        "lane_table": components.DataTable(
            caption="Last 24 hours",
            columns=(components.Column(label="Time"), components.Column(label="What happened")),
            rows=tuple(
                components.Row(
                    cells=(
                        components.Cell(text=f"{one.starts_at:%H:%M}–{one.ends_at:%H:%M}"),
                        components.Cell(text=one.label, note=one.detail),
                    )
                )
                for one in spans
            ),
        ),
        "funnel": charts.draw_funnel(
            steps=(
                charts.FunnelStep(label="Allowed", value=81, text="81 h"),
                charts.FunnelStep(label="Plugged in", value=70, text="70 h"),
                charts.FunnelStep(label="Above the floor", value=57, text="57 h"),
                charts.FunnelStep(label="Has work for you", value=45, text="45 h", tone="earn"),
            )
        ),
    }


def _make_finance_samples() -> dict[str, Any]:
    step, entry, part = components.Step, components.TimelineEntry, components.TiePart
    return {
        "steps": (
            step(label="Worked out", note="1,284 owners", state="done"),
            step(label="Submitted", note="by Fiona", state="done"),
            step(label="Approved", note="1 of 2", state="now"),
            step(label="Sent", note="to Stripe"),
            step(label="Settled", note="tied out"),
        ),
        "stopped_steps": (
            step(label="Worked out", state="done"),
            step(label="Cancelled", note="by Felix", state="stopped"),
        ),
        "tie": components.TieOut(
            parts=(
                part(label="Charged to buyers", amount_micros=22_180_060_000),
                part(label="To owners, this run", amount_micros=15_391_340_000, sign="="),
                part(label="Platform fee", amount_micros=4_436_010_000, sign="+"),
                part(label="Held or carried over", amount_micros=2_352_710_000, sign="+"),
            ),
            difference_micros=0,
        ),
        "views": (
            components.View(label="All", url="?view=all", count=1284),
            components.View(label="Needs a look", url="?view=look", count=9, is_current=True),
            components.View(label="Held", url="?view=held", count=23),
            components.View(label="Below minimum", url="?view=minimum", count=118),
            components.View(label="Failed last time", url="?view=failed", count=4),
        ),
        "owners": _make_owner_table(),
        "pages": components.Pages(previous_url="?page=1", next_url="?page=3", text="51 to 100"),
        "log": (
            entry(label="Second approval", note="nobody yet", tone="idle"),
            entry(label="Submitted by Fiona Prepares", note="24 Nov 08:44, checksum 7f3a…c21"),
            entry(label="Worked out", note="24 Nov 00:31, 1,284 owners in 48 s"),
            entry(label="Window closed", note="24 Nov 00:00, late events go to run 48"),
        ),
    }


def _make_owner_table() -> components.DataTable:
    tag = components.Tag
    check, carry = tag(label="Check", tone="cost"), tag(label="Carry")
    held, ready = tag(label="Held", tone="stop"), tag(label="Ready", tone="brand")
    owners = (
        ("Marta Pires", "CD 19 MT", "38.6", "14.21", "Meter gap of 2 h 10 min", check),
        ("Otto Lindqvist", "KLM 118", "31.0", "9.20", "Below minimum", carry),
        ("Sofia Reis", "AQ 07 ZT", "41.8", "15.38", "Bank details changed", held),
        ("Aoife Brennan", "211 D 4471", "22.9", "11.53", "Dispute 388 settled", ready),
    )
    cell, column = components.Cell, components.Column
    return components.DataTable(
        caption="Owners that need a look, amounts in euros",
        is_dense=True,
        select_name="payout",
        columns=(
            column(label="Owner", sort_url="?sort=owner", sorted="ascending"),
            column(label="kWh", is_number=True, is_optional=True),
            column(label="Pay", is_number=True),
            column(label="Why it is here"),
            column(label="State", is_optional=True),
        ),
        rows=tuple(
            components.Row(
                select=plate,
                is_selected=state is check,
                cells=(
                    cell(text=name, note=plate, url="#finance"),
                    cell(text=energy),
                    cell(text=pay, is_strong=True),
                    cell(text=why),
                    cell(tag=state),
                ),
            )
            for name, plate, energy, pay, why, state in owners
        ),
    )


def _make_editor_samples() -> dict[str, Any]:
    preset = week.make_preset
    weeknights = preset(label="Weeknights 20–07", windows=[(WEEKDAYS, 20, 7)])
    is_open = [hour == "1" for hour in weeknights.hours for _ in range(week.QUARTERS_PER_HOUR)]
    saturday = 5 * week.HOURS * week.QUARTERS_PER_HOUR
    is_open[saturday + 13 * 4 + 2 : saturday + 16 * 4 + 1] = [True] * 11
    worth = [90, 95, 100, 100, 90, 70, 35, -10, 12, 20, 25, 30, 28, 25, 22, 20, -15, -30, 45]
    return {
        "week": week.draw_week(
            is_open=is_open,
            worth_micros=[*worth, 40, 55, 70, 85, 90],
            reserved_hours=[(day, hour) for day in WEEKDAYS for hour in (5, 6)],
        ),
        "presets": (
            preset(label="Every night 22–07", windows=[(range(7), 22, 7)]),
            weeknights,
            preset(label="Whole weekend", windows=[(WEEKEND, 0, 24)]),
            preset(label="Clear all", windows=[]),
        ),
        "rules": (
            components.RangeNumber(
                name="floor",
                label="Battery floor",
                value=50,
                low=20,
                high=90,
                step=5,
                unit="%",
                help_text="Never start, and stop within a minute, below this level.",
                price=format_html("Costs you about <b>{}</b> a month", "€3.10"),
            ),
            components.RangeNumber(
                name="heat",
                label="Pack temperature",
                value=62,
                low=25,
                high=45,
                step=1,
                unit="°C",
                help_text="Pause above this until it has cooled by 3 °C.",
                errors=("Choose a temperature between 25 and 45 °C.",),
            ),
        ),
        "form": SampleForm({"email": "olivia", "country": "PT"}),
        "empty_form": SampleForm(auto_id="empty_%s"),
    }
