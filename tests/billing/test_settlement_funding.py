"""
Who pays for what: line by line as billing.rules.fund has it, however settlement sums the lines.
"""

from collections import Counter

import pytest

from billing.models import Outcome, RatedLine, Settlement, Tariff
from billing.rules import fund
from consent.rules.week import Window
from tests.billing.meters import (
    World,
    create_world,
    find_breaks,
    moved,
    read_priced,
    settle_all,
)


pytestmark = pytest.mark.django_db
QUARTERS = 40
# A kWh is sold at 0.50 and earns 0.15: all is covered up to 0.35, wear up to 0.45, electricity up
# to 0.50.
PRICES = (100_000, 350_000, 351_000, 449_999, 450_000, 480_000, 500_000, 501_000, 900_000)
EVENINGS = (Window((0, 1, 2, 3, 4, 5, 6), 18 * 60, 23 * 60),)
COMPONENTS = ("electricity", "wear", "reward", "job")


def price_each_quarter_otherwise() -> None:
    Tariff.objects.update(
        bands=bytes(quarter % len(PRICES) for quarter in range(672)),
        band_micros_per_kwh=list(PRICES),
    )


def work(world: World, *, energy_wh: int) -> None:
    """
    Report ten hours: a job is done in every third quarter, every seventh is not what was booked.
    """
    world.report(
        *[
            world.event(
                quarter,
                energy_wh=energy_wh - quarter,
                job_completed=quarter % 3 == 0,
                workload_category="training" if quarter % 7 == 6 else "inference",
            )
            for quarter in range(QUARTERS)
        ]
    )
    settle_all()


def fund_each_line() -> Counter[tuple[str, str]]:
    """
    Return the micros by (code, component) that the rule gives, a line at a time.
    """
    sums: Counter[tuple[str, str]] = Counter()
    for line in RatedLine.objects.all():
        parts = fund(read_priced(line))
        for component in COMPONENTS:
            paid = "job_completed" if component == "job" else "usage_settled"
            rest = "low_margin" if line.is_billed else "usage_unbilled"
            sums[paid, component] += getattr(parts, f"{component}_micros")
            sums[rest, component] += getattr(parts, f"rest_{component}_micros")
    return +sums


def find_moved() -> Counter[tuple[str, str]]:
    return Counter(
        {
            (code, credit.partition(":")[2]): micros
            for code in ("usage_settled", "job_completed", "low_margin", "usage_unbilled")
            for (_, credit), micros in moved(code).items()
            if credit.startswith("owner_pending")
        }
    )


@pytest.mark.parametrize("jobs_max", [0, 3, 100])
@pytest.mark.parametrize("energy_wh", [41, 252])
def test_the_buyer_pays_first_line_by_line(jobs_max: int, energy_wh: int) -> None:
    world = create_world(jobs_max=jobs_max, windows=EVENINGS)
    price_each_quarter_otherwise()

    work(world, energy_wh=energy_wh)

    assert find_moved() == fund_each_line()
    assert find_breaks() == []


def test_every_line_is_counted_by_its_outcome() -> None:
    world = create_world(jobs_max=100, windows=EVENINGS)
    price_each_quarter_otherwise()

    work(world, energy_wh=252)

    settlement = Settlement.objects.get()
    outcomes = Counter(RatedLine.objects.values_list("outcome", flat=True))
    assert outcomes[Outcome.ACCEPTED] == settlement.accepted_count > 0
    assert outcomes[Outcome.OUTSIDE_CONSENT] == settlement.outside_consent_count > 0
    assert outcomes[Outcome.OUTSIDE_BOOKING] == settlement.outside_booking_count > 0
    assert settlement.record_count == QUARTERS
