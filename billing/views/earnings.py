"""
What an owner earned, month by month and car by car.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest, owner_required
from billing.queries import earnings as queries
from billing.queries.earnings import Clearing, Earnings, MonthEarnings, OwnerBalance
from consent.queries.known import KnownCar, list_known_cars
from web.charts import FallStep, Waterfall, draw_waterfall
from web.components import Cell, Column, DataTable, Fact, Row
from web.limits import HOLD_DAYS
from web.templatetags.parado import energy_kwh, local_date, money, number


CURRENCY = "EUR"
MONTHS_SHOWN = 13


@require_safe
@owner_required
def show_earnings(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    owner_id, zone = request.user.pk, request.user.time_zone
    vehicles = list_known_cars(owner_id=owner_id)
    vehicle_ids = [vehicle.vehicle_id for vehicle in vehicles]
    months = queries.list_months(
        owner_id=owner_id,
        vehicle_ids=vehicle_ids,
        currency=CURRENCY,
        time_zone=zone,
        starts_at=find_month_start(now=now, zone=zone, months_back=MONTHS_SHOWN - 1),
        ends_at=now,
    )
    this_month = find_month_start(now=now, zone=zone)
    by_vehicle = queries.get_earnings(
        owner_id=owner_id,
        vehicle_ids=vehicle_ids,
        currency=CURRENCY,
        starts_at=this_month,
        ends_at=now,
    )
    total = queries.add_up([each.earnings for each in by_vehicle])
    balance = queries.get_owner_balance(owner_id=owner_id, currency=CURRENCY)
    clearing = queries.list_clearing(
        owner_id=owner_id, vehicle_ids=vehicle_ids, currency=CURRENCY, now=now
    )
    context = {
        "month_name": name_month(this_month.astimezone(ZoneInfo(zone)).date()),
        "earnings": total,
        "currency": CURRENCY,
        "fall": draw_earnings(earnings=total, caption=_("This month so far")),
        "facts": make_balance_facts(balance=balance, clearing=clearing, zone=zone),
        "months_table": _make_months_table(months),
        "cars_table": _make_cars_table(
            {each.vehicle_id: each.earnings for each in by_vehicle}, vehicles
        ),
        "has_several_cars": len(vehicles) > 1,
        "hold_days": HOLD_DAYS,
    }
    return render(request, "billing/earnings.html", context)


def find_month_start(*, now: datetime, zone: str, months_back: int = 0) -> datetime:
    """
    Return the first instant of a local month, `months_back` months before this one.
    """
    local = now.astimezone(ZoneInfo(zone))
    year, month = divmod(local.year * 12 + local.month - 1 - months_back, 12)
    return datetime(year, month + 1, 1, tzinfo=ZoneInfo(zone))


def name_month(first: date) -> str:
    return date_format(first, "F Y")


def draw_earnings(*, earnings: Earnings, caption: str) -> Waterfall:
    """
    Return paid, minus electricity, minus wear, makes better off.
    """
    jobs = ngettext("%(count)s job", "%(count)s jobs", earnings.job_count)
    steps = (
        FallStep(
            label=_("Paid to you"),
            note=jobs % {"count": number(earnings.job_count)},
            amount_micros=earnings.paid_micros,
            tone="brand",
        ),
        FallStep(
            label=_("Electricity"),
            note=_("on your bill"),
            amount_micros=-earnings.electricity_micros,
            tone="cost",
        ),
        FallStep(
            label=_("Battery wear"),
            note=_("estimate"),
            amount_micros=-earnings.wear_micros,
            tone="wear",
        ),
        FallStep(
            label=_("Better off by"),
            amount_micros=earnings.better_off_micros,
            tone="earn",
            is_total=True,
        ),
    )
    return draw_waterfall(caption=caption, currency=CURRENCY, steps=steps)


def make_balance_facts(
    *, balance: OwnerBalance, clearing: tuple[Clearing, ...], zone: str
) -> tuple[Fact, ...]:
    """
    Return clearing, available and owed, as lines.
    """
    facts = [
        Fact(
            label=_("Clearing"),
            value=money(balance.pending_micros, balance.currency),
            note=_write_clearing(clearing, balance.currency, zone),
        ),
        Fact(
            label=_("Available"),
            value=money(balance.available_micros, balance.currency),
            note=_("goes into the next payout"),
        ),
    ]
    if balance.receivable_micros:
        facts.append(
            Fact(
                label=_("Corrections to come off"),
                value=money(-balance.receivable_micros, balance.currency),
                note=_("from later rewards and jobs, never from electricity or wear"),
            )
        )
    return tuple(facts)


def _write_clearing(clearing: tuple[Clearing, ...], currency: str, zone: str) -> str:
    parts = [
        _("%(amount)s on %(day)s")
        % {"amount": money(each.amount_micros, currency), "day": local_date(each.due_at, zone)}
        for each in clearing[:3]
    ]
    return ", ".join(parts)


def _make_months_table(months: tuple[MonthEarnings, ...]) -> DataTable:
    return DataTable(
        caption=_("Earnings by month, amounts in euros"),
        columns=(Column(label=_("Month")), *_money_columns()),
        rows=tuple(
            Row(cells=(Cell(text=name_month(month.first)), *_money_cells(month.earnings)))
            for month in months
        ),
    )


def _make_cars_table(
    earnings_by_id: dict[int, Earnings], vehicles: tuple[KnownCar, ...]
) -> DataTable:
    return DataTable(
        caption=_("Earnings of each car this month, amounts in euros"),
        columns=(Column(label=_("Car")), *_money_columns()),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=vehicle.plate, note=vehicle.name),
                    *_money_cells(earnings_by_id.get(vehicle.vehicle_id, Earnings())),
                )
            )
            for vehicle in vehicles
            if vehicle.retired_at is None or vehicle.vehicle_id in earnings_by_id
        ),
    )


def _money_columns() -> tuple[Column, ...]:
    return (
        Column(label=_("kWh"), is_number=True, is_optional=True),
        Column(label=_("Paid"), is_number=True),
        Column(label=_("Electricity"), is_number=True, is_optional=True),
        Column(label=_("Wear"), is_number=True, is_optional=True),
        Column(label=_("Better off"), is_number=True),
    )


def _money_cells(earnings: Earnings) -> tuple[Cell, ...]:
    return (
        Cell(text=energy_kwh(earnings.energy_wh)),
        Cell(text=money(earnings.paid_micros, CURRENCY)),
        Cell(text=money(-earnings.electricity_micros, CURRENCY)),
        Cell(text=money(-earnings.wear_micros, CURRENCY)),
        Cell(text=money(earnings.better_off_micros, CURRENCY), is_strong=True),
    )
