"""
What is used up, reserved and needed: budgets, wear and mobile data.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from consent.rules import (
    Gate,
    ReasonCode,
    Use,
)
from tests.consent.terms import INFERENCE, ask


# Midnight of the first in Oslo.
DECEMBER = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)


class TestReservations:
    @pytest.mark.parametrize(
        ("use", "needs", "code"),
        [
            (Use(day_energy_wh=5_900), {"needs_energy_wh": 101}, ReasonCode.DAY_ENERGY_SPENT),
            (Use(month_energy_wh=89_900), {"needs_energy_wh": 101}, ReasonCode.MONTH_ENERGY_SPENT),
            (Use(day_compute_s=35_940), {"needs_compute_s": 61}, ReasonCode.DAY_COMPUTE_SPENT),
            (
                Use(month_compute_s=719_940),
                {"needs_compute_s": 61},
                ReasonCode.MONTH_COMPUTE_SPENT,
            ),
            (
                Use(day_energy_wh=5_900, reserved_energy_wh=50),
                {"needs_energy_wh": 51},
                ReasonCode.DAY_ENERGY_SPENT,
            ),
            (Use(day_energy_wh=5_900, reserved_energy_wh=100), {}, ReasonCode.DAY_ENERGY_SPENT),
        ],
    )
    def test_what_a_job_needs_must_fit_beside_what_others_reserve(
        self, use: Use, needs: dict[str, Any], code: ReasonCode
    ) -> None:
        assert ask(use=use, workload=replace(INFERENCE, **needs)).codes == (code,)

    def test_the_last_tenth_of_a_kilowatt_hour_is_given_once(self) -> None:
        job = replace(INFERENCE, needs_energy_wh=100)
        used = Use(day_energy_wh=5_900)

        assert ask(use=used, workload=job).permit
        assert not ask(use=replace(used, reserved_energy_wh=100), workload=job).permit

    def test_no_midnight_helps_a_job_that_no_budget_holds(self) -> None:
        for job in (
            replace(INFERENCE, needs_energy_wh=1_000_000),
            replace(INFERENCE, needs_compute_s=1_000_000),
        ):
            decision = ask(workload=job)

            assert decision.reasons
            assert all(reason.opens_at is None for reason in decision.reasons)
            assert decision.next_open_at is None


class TestWear:
    MONEY = {
        "wear_micros_per_month_max": 10_000_000,
        "wear_micros_per_kwh": 50_000,
        "compute_micros_per_h": 20_000,
    }

    def test_refuses_at_the_limit_in_weighted_energy(self) -> None:
        rules = {"wear_wh_per_month_max": 60_000}

        assert ask(rules=rules, use=Use(month_wear_wh=59_999)).permit
        decision = ask(rules=rules, use=Use(month_wear_wh=60_000))
        assert decision.codes == (ReasonCode.MONTH_WEAR_SPENT,)
        assert decision.next_open_at == DECEMBER

    def test_refuses_at_the_limit_in_money_of_battery_and_computer(self) -> None:
        # 150 kWh x EUR 0.05 and 125 h x EUR 0.02 are EUR 10.00.
        spent = Use(month_wear_wh=150_000, month_compute_s=125 * 3600)

        assert ask(rules=self.MONEY, use=spent).codes == (ReasonCode.MONTH_WEAR_SPENT,)
        assert ask(rules=self.MONEY, use=replace(spent, month_wear_wh=149_979)).permit

    def test_shows_the_share_of_the_tighter_budget(self) -> None:
        rules = self.MONEY | {"wear_wh_per_month_max": 200_000}

        [wear] = [
            finding
            for finding in ask(rules=rules, use=Use(month_wear_wh=150_000)).findings
            if finding.gate is Gate.WEAR
        ]

        # 150 of 200 kWh; EUR 7.50 of EUR 10.00 as well; then compute time tips the scales.
        assert (wear.value, wear.limit) == (750, 1000)
        tipped = ask(rules=rules, use=Use(month_wear_wh=150_000, month_compute_s=36_000)).findings
        assert next(each.value for each in tipped if each.gate is Gate.WEAR) == 770

    def test_counts_what_is_reserved_and_needed(self) -> None:
        rules, used = {"wear_wh_per_month_max": 60_000}, Use(month_wear_wh=59_900)
        job = replace(INFERENCE, needs_energy_wh=100)

        assert ask(rules=rules, use=used, workload=job).permit
        reserved = replace(used, reserved_energy_wh=1)
        assert ask(rules=rules, use=reserved, workload=job).codes == (ReasonCode.MONTH_WEAR_SPENT,)

    def test_counts_needs_in_money_too(self) -> None:
        spent = Use(month_wear_wh=150_000, month_compute_s=125 * 3600 - 60)

        assert ask(rules=self.MONEY, use=spent, workload=INFERENCE).permit
        for job in (
            replace(INFERENCE, needs_compute_s=120),
            replace(INFERENCE, needs_energy_wh=100),
        ):
            decision = ask(rules=self.MONEY, use=spent, workload=job)
            assert decision.codes == (ReasonCode.MONTH_WEAR_SPENT,)

    def test_no_month_helps_a_limit_of_nothing(self) -> None:
        decision = ask(rules={"wear_wh_per_month_max": 0})

        assert decision.codes == (ReasonCode.MONTH_WEAR_SPENT,)
        assert decision.next_open_at is None


class TestData:
    def test_refuses_at_the_cap_until_the_month_is_over(self) -> None:
        rules = {"mobile_data_bytes_per_month_max": 5_000_000}

        assert ask(rules=rules, use=Use(month_data_bytes=4_999_999)).permit
        decision = ask(rules=rules, use=Use(month_data_bytes=5_000_000))
        assert decision.codes == (ReasonCode.MONTH_DATA_SPENT,)
        assert decision.next_open_at == DECEMBER
