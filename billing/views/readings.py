"""
One meter reading: what was metered, how each amount is made of it, and what it was checked with.
"""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest, owner_required
from billing.queries import readings as queries
from billing.queries.readings import Line
from billing.views.cars import NamedCar, link_why
from billing.views.session_words import make_line_tag
from billing.views.sessions import find_session
from web.components import Cell, Column, DataTable, Fact, Row
from web.templatetags.parado import NOTHING, amount, full_datetime, number


@require_safe
@owner_required
def show_reading(
    request: PersonRequest, vehicle_id: str, stamp: str, record_id: int
) -> HttpResponse:
    vehicle, session = find_session(request, vehicle_id, stamp)
    lines = queries.list_lines(
        owner_id=request.user.pk,
        vehicle_id=vehicle.vehicle_id,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
    )
    mine = [line for line in lines if line.record_id == record_id]
    if not mine:
        raise Http404
    context = {
        "vehicle": vehicle,
        "line": mine[0],
        "tag": make_line_tag(mine[0]),
        "why_url": link_why(vehicle.vehicle_id, mine[0].starts_at),
        "back_url": reverse("billing:session", args=[vehicle_id, stamp]),
        "when": full_datetime(mine[0].starts_at, vehicle.time_zone),
        "reading_facts": _make_reading_facts(mine[0], vehicle),
        "sums_table": _make_sums_table(mine[0]),
        "evidence_facts": _make_evidence_facts(mine[0], vehicle),
        "nav_current": "earnings",
        "is_reversed": len(mine) > 1,
    }
    return render(request, "billing/reading.html", context)


def _make_reading_facts(line: Line, vehicle: NamedCar) -> tuple[Fact, ...]:
    yes_no = {True: _("Yes"), False: _("No"), None: _("not said")}
    return (
        Fact(
            label=_("Interval"),
            value=f"{full_datetime(line.starts_at, vehicle.time_zone)} \N{EN DASH} "
            f"{full_datetime(line.ends_at, vehicle.time_zone)}",
        ),
        Fact(
            label=_("Energy at the wall"),
            value=_("%(wh)s Wh") % {"wh": number(line.earnings.energy_wh)},
        ),
        Fact(
            label=_("Lowest battery level"),
            value=_write_tenths(line.state_of_charge_min_permille, "%"),
        ),
        Fact(
            label=_("Battery temperature"),
            value=" \N{EN DASH} ".join(
                _write_tenths(tenths, "°C")
                for tenths in (line.battery_temp_min_decic, line.battery_temp_max_decic)
            ),
        ),
        Fact(label=_("Plugged in"), value=yes_no[line.plugged_in]),
        Fact(label=_("At home"), value=yes_no[line.is_home]),
        Fact(label=_("Mobile data"), value=_write_megabytes(line.mobile_data_bytes)),
    )


def _write_tenths(tenths: int | None, unit: str) -> str:
    return _("not said") if tenths is None else f"{number(tenths / 10, 1)} {unit}"


def _write_megabytes(size_bytes: int | None) -> str:
    """
    Write bytes as the cap counts them: millions, to the byte.
    """
    if size_bytes is None:
        return _("not said")
    return f"{number(size_bytes / 10**6, 6)}\N{NO-BREAK SPACE}MB"


def _make_sums_table(line: Line) -> DataTable:
    """
    Show how each amount is made, so that an owner can compute it again.
    """
    kwh = _("%(kwh)s kWh") % {"kwh": number(line.earnings.energy_wh / 1000, 3)}
    earnings = line.earnings
    rows = [
        (_("Electricity"), kwh, line.tariff_micros_per_kwh, earnings.electricity_micros),
        (_("Battery wear"), kwh, line.wear_micros_per_kwh, earnings.wear_micros),
        (_("Reward"), kwh, line.reward_micros_per_kwh, earnings.reward_micros),
    ]
    cells = [
        (label, basis, amount(price, 6), amount(total, 6)) for label, basis, price, total in rows
    ]
    if earnings.job_micros:
        cells.append(
            (
                _("Job completed"),
                "1",
                amount(earnings.job_micros, 6),
                amount(earnings.job_micros, 6),
            )
        )
    if earnings.compensation_micros:
        formula = _("2 x reward + electricity")
        cells.append((_("Compensation"), formula, "", amount(earnings.compensation_micros, 6)))
    return DataTable(
        caption=_("How the amount is made, in euros"),
        columns=(
            Column(label=_("Part")),
            Column(label=_("Basis"), is_number=True),
            Column(label=_("Price each"), is_number=True),
            Column(label=_("Amount"), is_number=True),
        ),
        rows=tuple(Row(cells=tuple(Cell(text=text) for text in row)) for row in cells),
        foot=Row(
            cells=(
                Cell(text=_("Paid to you")),
                Cell(),
                Cell(),
                Cell(text=amount(earnings.paid_micros, 6), is_strong=True),
            )
        ),
        is_dense=True,
    )


def _make_evidence_facts(line: Line, vehicle: NamedCar) -> tuple[Fact, ...]:
    rules_text = _("Version %(number)s") % {"number": line.consent_number or NOTHING}
    return (
        Fact(label=_("Your rules at that time"), value=rules_text),
        Fact(
            label=_("Rate card"), value=_("Version %(number)s") % {"number": line.rate_card_version}
        ),
        Fact(label=_("Job"), value=line.job_id, note=_("completed") if line.job_completed else ""),
        Fact(label=_("Event"), value=line.event_id, note=line.source),
        Fact(label=_("Sequence of the meter"), value=number(line.sequence)),
        Fact(label=_("Settled"), value=full_datetime(line.settled_at, vehicle.time_zone)),
    )
