"""
What a draft means on the day it is agreed, and that no later day changes it.
"""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from consent.rules import DateException, ReadyBy, Window
from consent.rules.frozen import FrozenRules, add_months, freeze
from tests.consent.terms import EVERY_DAY
from tests.consent.test_rules_faults import DRAFT


NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)


def agree(agreed_at: datetime = NOON, **changes: Any) -> FrozenRules:
    return freeze(
        draft=replace(DRAFT, **changes),
        battery_wh=75_000,
        charge_power_w=3_680,
        agreed_at=agreed_at,
    )


class TestFreeze:
    def test_a_plain_draft_has_nothing_but_its_end_and_prices(self) -> None:
        assert agree() == FrozenRules(
            # Midnight of 18 December 2027 in Oslo.
            expires_at=datetime(2027, 12, 17, 23, 0, tzinfo=UTC),
            closed=(),
            opened=(),
            ready_floors_permille=None,
            quiet_mask=None,
            wear_wh_per_month_max=None,
            wear_micros_per_kwh=64_000,
            compute_micros_per_h=20_000,
        )

    def test_thirteen_months_count_from_the_owners_date(self) -> None:
        # 23:30 UTC is half past midnight on the next day in Oslo.
        late = agree(datetime(2026, 11, 17, 23, 30, tzinfo=UTC))

        assert late.expires_at == agree().expires_at

    def test_dates_become_spans(self) -> None:
        frozen = agree(
            exceptions=(
                DateException(date(2026, 12, 24), is_open=False),
                DateException(date(2026, 12, 31), is_open=True, starts_minute=600),
            )
        )

        # The night of the 24th ends on the 25th at 07:00 in Oslo.
        assert frozen.closed == (
            (datetime(2026, 12, 23, 23, tzinfo=UTC), datetime(2026, 12, 25, 6, tzinfo=UTC)),
        )
        assert frozen.opened == (
            (datetime(2026, 12, 31, 9, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)),
        )

    def test_holidays_are_those_of_the_consent_and_of_the_night_that_still_runs(self) -> None:
        # Agreed at 03:00 on 18 May 2026: the night of the 17th is closed until 07:00.
        frozen = agree(datetime(2026, 5, 18, 1, tzinfo=UTC), holiday_country="NO")

        assert frozen.closed[0] == (
            datetime(2026, 5, 16, 22, tzinfo=UTC),
            datetime(2026, 5, 18, 5, tzinfo=UTC),
        )
        # The last before 18 June 2027 are Whit Sunday and Monday, which is 17 May.
        assert frozen.closed[-1] == (
            datetime(2027, 5, 15, 22, tzinfo=UTC),
            datetime(2027, 5, 18, 5, tzinfo=UTC),
        )

    def test_readiness_quiet_hours_and_wear_are_worked_out_for_the_car(self) -> None:
        frozen = agree(
            ready_by=(ReadyBy(EVERY_DAY, 7 * 60, 80),),
            quiet_windows=(Window((0,), 0, 15),),
            wear_cycles_milli_per_month_max=1_000,
        )

        assert frozen.ready_floors_permille is not None
        assert frozen.ready_floors_permille[27] == 800
        assert frozen.quiet_mask == 1
        assert frozen.wear_wh_per_month_max == 75_000


class TestAddMonths:
    @pytest.mark.parametrize(
        ("on_date", "expected"),
        [
            ("2026-11-18", "2027-12-18"),
            ("2026-12-01", "2028-01-01"),
            ("2026-01-31", "2027-02-28"),
            ("2027-01-31", "2028-02-29"),
        ],
    )
    def test_keeps_the_day_or_takes_the_months_last(self, on_date: str, expected: str) -> None:
        later = add_months(date.fromisoformat(on_date), 13)

        assert later == date.fromisoformat(expected)
