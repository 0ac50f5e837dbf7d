"""
Finance's look at owners' electricity prices that are far above their region's.
"""

from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import PersonRequest, finance_required
from accounts.queries import get_display_names
from billing.queries.tariff_outliers import TariffOutlier, list_tariff_outliers
from web.components import Cell, Column, DataTable, Row
from web.limits import PAGE_ROWS_MAX, TARIFF_MICROS_PER_KWH_MAX, TARIFF_OUTLIER_PCT
from web.public_ids import encode
from web.templatetags.parado import energy_kwh, local_date, money, pct, price_kwh


@require_safe
@finance_required
def show_outliers(request: PersonRequest) -> HttpResponse:
    now, zone = timezone.now(), request.user.time_zone
    local = now.astimezone(ZoneInfo(zone))
    rows = list_tariff_outliers(
        since=local.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
        now=now,
        outlier_pct=TARIFF_OUTLIER_PCT,
        limit=PAGE_ROWS_MAX,
    )
    names = get_display_names(user_ids={row.owner_id for row in rows})
    context = {
        "table": _make_table(rows, names, zone),
        "limit": pct(TARIFF_OUTLIER_PCT),
        "cap": price_kwh(TARIFF_MICROS_PER_KWH_MAX),
    }
    return render(request, "billing/tariff_outliers.html", context)


def _make_table(rows: tuple[TariffOutlier, ...], names: dict[int, str], zone: str) -> DataTable:
    return DataTable(
        caption=_("Owners' prices far above their region's, the farthest first"),
        columns=(
            Column(label=_("Owner")),
            Column(label=_("Dearest hour"), is_number=True, is_optional=True),
            Column(label=_("In the region"), is_number=True, is_optional=True),
            Column(label=_("Of it"), is_number=True, sorted="descending"),
            Column(label=_("Paid this month, kWh"), is_number=True, is_optional=True),
            Column(label=_("Paid this month"), is_number=True),
        ),
        rows=tuple(_make_row(row, names, zone) for row in rows),
        is_dense=True,
        key="tariffs",
    )


def _make_row(row: TariffOutlier, names: dict[int, str], zone: str) -> Row:
    return Row(
        cells=(
            Cell(
                text=names.get(row.owner_id, "") or encode("prs", row.owner_id),
                note=_("%(region)s, since %(day)s")
                % {"region": row.region_name, "day": local_date(row.in_force_since, zone)},
            ),
            Cell(text=price_kwh(row.micros_per_kwh, row.currency)),
            Cell(text=price_kwh(row.average_micros_per_kwh, row.currency)),
            Cell(text=pct(row.percent_of_average)),
            Cell(text=energy_kwh(row.energy_wh)),
            Cell(text=money(row.electricity_micros, row.currency)),
        )
    )
