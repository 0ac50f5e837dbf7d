from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from consent.rules.leases import (
    NOTHING,
    RENEWAL_S,
    UNMETERED_S_MAX,
    Reservation,
    counts_use,
    has_budget,
    release,
    reserve,
)
from tests.consent.terms import NIGHT, NIGHT_RULES
from web import limits


SECOND = timedelta(seconds=1)
UNLIMITED = replace(
    NIGHT_RULES,
    energy_wh_per_day_max=None,
    energy_wh_per_month_max=None,
    compute_s_per_day_max=None,
    compute_s_per_month_max=None,
)


def hold(
    held: Reservation = NOTHING,
    *,
    held_until: datetime | None = None,
    expected_wh: int | None = None,
    seconds: int = 60,
) -> Reservation:
    """
    Reserve for a car of 900 W: 15 Wh a minute.
    """
    return reserve(
        held=held,
        held_until=held_until,
        power_w=900,
        expected_wh=expected_wh,
        now=NIGHT,
        until=NIGHT + seconds * SECOND,
    )


class TestReserve:
    def test_takes_what_the_car_can_draw_in_the_time_granted(self) -> None:
        assert hold() == Reservation(15, 60)
        assert hold(seconds=1) == Reservation(1, 1)  # 0.25 Wh, rounded up

    def test_adds_only_the_time_that_a_renewal_adds(self) -> None:
        held = Reservation(15, 60)

        assert hold(held, held_until=NIGHT + 40 * SECOND) == Reservation(20, 80)
        # The answer was on its way for ten seconds; the job may have run.
        assert hold(held, held_until=NIGHT - 10 * SECOND) == Reservation(33, 130)

    def test_of_a_new_lease_keeps_what_an_earlier_one_left_unmetered(self) -> None:
        assert hold(Reservation(10, 40)) == Reservation(25, 100)

    def test_holds_no_more_than_may_wait_for_a_meter(self) -> None:
        held = Reservation(445, UNMETERED_S_MAX - 5)

        assert hold(held, held_until=NIGHT) == Reservation(450, UNMETERED_S_MAX)

    def test_takes_what_the_job_expects_when_it_begins(self) -> None:
        assert hold(expected_wh=2_000) == Reservation(2_000, 60)
        assert hold(Reservation(10, 40), expected_wh=5) == Reservation(15, 100)

    def test_of_a_renewal_keeps_what_the_job_expected(self) -> None:
        held = Reservation(2_000, 60)

        assert hold(held, held_until=NIGHT, expected_wh=2_000) == Reservation(2_000, 120)
        # Most of it was metered by now.
        assert hold(Reservation(3, 60), held_until=NIGHT, expected_wh=2_000).energy_wh == 15


class TestRelease:
    @pytest.mark.parametrize(
        ("held", "ran_s", "left"),
        [
            (Reservation(15, 60), 20, Reservation(5, 20)),
            (Reservation(2_000, 60), 20, Reservation(5, 20)),
            (Reservation(3, 20), 600, Reservation(3, 20)),
            (Reservation(15, 60), 0, NOTHING),
        ],
    )
    def test_leaves_what_the_job_can_have_used(
        self, held: Reservation, ran_s: int, left: Reservation
    ) -> None:
        ended_at = NIGHT + ran_s * SECOND

        assert release(held=held, started_at=NIGHT, power_w=900, ended_at=ended_at) == left


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"energy_wh_per_day_max": 1}, True),
        ({"energy_wh_per_month_max": 1}, True),
        ({"compute_s_per_day_max": 1}, True),
        ({"compute_s_per_month_max": 1}, True),
        ({"wear_wh_per_month_max": 1}, True),
        ({"wear_micros_per_month_max": 1}, True),
        ({"mobile_data_bytes_per_month_max": 1}, False),
    ],
)
def test_knows_the_budgets_that_a_job_takes_from(
    changes: dict[str, Any], *, expected: bool
) -> None:
    assert has_budget(replace(UNLIMITED, **changes)) is expected


def test_counts_what_is_used_where_it_is_reserved_and_where_data_is_limited() -> None:
    assert not counts_use(UNLIMITED)
    assert counts_use(replace(UNLIMITED, compute_s_per_day_max=1))
    assert counts_use(replace(UNLIMITED, mobile_data_bytes_per_month_max=1))


def test_people_are_shown_the_same_limits() -> None:
    assert limits.LEASE_RENEWAL_S == RENEWAL_S
    assert limits.UNMETERED_S_MAX == UNMETERED_S_MAX
