"""
Caps of a day and a month: each reading is judged by what came before it, wherever that stands.
"""

from collections import Counter
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from billing.models import RatedLine
from consent.rules import ReasonCode
from tests.billing.meters import EVENING, QUARTER, create_world, settle_all


pytestmark = pytest.mark.django_db
OSLO = ZoneInfo("Europe/Oslo")
# Quarter-hours after 19:00 in Oslo: two nights before, this evening, after midnight. Each group
# is settled by itself, and each reading is of 252 Wh and 900 s.
REPORTS = ((-190, -189, 0), (1, 2, 20, 21), (22, 23))
REASONS = {
    "energy_wh_per_day_max": ReasonCode.DAY_ENERGY_SPENT,
    "energy_wh_per_month_max": ReasonCode.MONTH_ENERGY_SPENT,
    "compute_s_per_day_max": ReasonCode.DAY_COMPUTE_SPENT,
    "compute_s_per_month_max": ReasonCode.MONTH_COMPUTE_SPENT,
}


def count_refusals(rule: str, limit: int) -> list[int]:
    """
    Work out by hand which readings begin with the cap spent, in the order of their time.
    """
    each = 252 if rule.startswith("energy") else 900
    used: Counter[date] = Counter()
    masks = []
    for quarter in sorted(q for report in REPORTS for q in report):
        day = (EVENING + quarter * QUARTER).astimezone(OSLO).date()
        bucket = day.replace(day=1) if "month" in rule else day
        masks.append(REASONS[rule].bit if used[bucket] >= limit else 0)
        used[bucket] += each
    return masks


@pytest.mark.parametrize("rule", REASONS)
@pytest.mark.parametrize("readings", [1, 2, 3, 4, 6, 8, 20])
@pytest.mark.parametrize("more", [0, 1])
def test_each_reading_knows_what_came_before_it(rule: str, readings: int, more: int) -> None:
    limit = readings * (252 if rule.startswith("energy") else 900) + more
    world = create_world(**{rule: limit})
    for report in REPORTS:
        world.report(*[world.event(quarter) for quarter in report])
        settle_all()

    masks = RatedLine.objects.order_by("starts_at").values_list("refusals", flat=True)
    assert list(masks) == count_refusals(rule, limit)


def test_a_month_begins_anew_at_midnight_of_the_owner() -> None:
    world = create_world(energy_wh_per_month_max=252)
    # 23:45 and 00:00 in Oslo, in one settlement.
    world.report(
        world.event(starts_at=datetime(2026, 10, 31, 22, 45, tzinfo=UTC)),
        world.event(starts_at=datetime(2026, 10, 31, 23, tzinfo=UTC)),
        world.event(starts_at=datetime(2026, 10, 31, 23, 15, tzinfo=UTC)),
    )

    settle_all()

    masks = RatedLine.objects.order_by("starts_at").values_list("refusals", flat=True)
    assert list(masks) == [0, 0, ReasonCode.MONTH_ENERGY_SPENT.bit]
