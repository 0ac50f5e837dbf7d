"""
From requests to seconds to watt-hours, and the battery beside it.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.scheduler.__main__ import DATA
from simulator.scheduler.energy import (
    Charging,
    get_battery_temp_c,
    make_accelerator,
    meter,
)
from simulator.scheduler.trace import InferenceRequest, Work, deal_lanes, parse_trace


works = st.builds(
    Work,
    requests=st.integers(0, 10_000),
    prompt_tokens=st.integers(0, 10_000_000),
    generated_tokens=st.integers(0, 1_000_000),
)


class TestMeter:
    @given(
        works,
        st.integers(1, 900),
        st.integers(200, 3_000),
        st.none() | st.integers(0, 3_000),
    )
    def test_never_reads_more_than_rated_power_times_time(
        self, work: Work, duration_s: int, rated_power_w: int, power_limit_w: int | None
    ) -> None:
        accelerator = make_accelerator(rated_power_w=rated_power_w, power_limit_w=power_limit_w)

        metered = meter(accelerator=accelerator, work=work, duration_s=duration_s)

        limit_w = rated_power_w if power_limit_w is None else min(rated_power_w, power_limit_w)
        assert 0 <= metered.energy_wh * 3_600 <= limit_w * duration_s
        assert 0 <= metered.busy_s <= duration_s
        assert 0 <= metered.requests <= work.requests

    def test_reads_a_worked_example(self) -> None:
        # 300 requests of 2,000 + 40 tokens: 600,000 / 4,000 + 12,000 / 30 = 150 + 400 = 550 s.
        work = Work(requests=300, prompt_tokens=600_000, generated_tokens=12_000)

        metered = meter(
            accelerator=make_accelerator(rated_power_w=1_000), work=work, duration_s=900
        )

        assert metered.busy_s == pytest.approx(550)
        assert metered.requests == 300
        # 550 s at 950 W and 350 s at 120 W: 145.1 + 11.7 = 156.8 Wh, rounded down.
        assert metered.energy_wh == 156

    def test_leaves_to_others_what_does_not_fit(self) -> None:
        work = Work(requests=1_000, prompt_tokens=0, generated_tokens=54_000)

        metered = meter(
            accelerator=make_accelerator(rated_power_w=1_000), work=work, duration_s=900
        )

        assert metered.busy_s == 900
        assert metered.requests == 500

    def test_idles_when_nothing_arrives(self) -> None:
        metered = meter(
            accelerator=make_accelerator(rated_power_w=1_000), work=Work(), duration_s=900
        )

        assert (metered.energy_wh, metered.busy_s) == (30, 0)  # 120 W for a quarter-hour

    def test_works_slower_under_a_power_limit(self) -> None:
        work = Work(requests=100, prompt_tokens=0, generated_tokens=9_000)
        free = make_accelerator(rated_power_w=1_000)
        half = make_accelerator(rated_power_w=1_000, power_limit_w=535)

        assert meter(accelerator=free, work=work, duration_s=900).busy_s == pytest.approx(300)
        assert meter(accelerator=half, work=work, duration_s=900).busy_s == pytest.approx(600)

    def test_serves_nothing_below_its_idle_power(self) -> None:
        accelerator = make_accelerator(rated_power_w=1_000, power_limit_w=100)
        work = Work(requests=5, prompt_tokens=100, generated_tokens=100)

        metered = meter(accelerator=accelerator, work=work, duration_s=900)

        assert (metered.requests, metered.energy_wh) == (0, 25)


class TestCharging:
    @given(st.integers(20_000, 120_000), st.integers(0, 90_000), st.integers(60, 900_000))
    def test_rises_and_stays_between_empty_and_full(
        self, battery_wh: int, energy_wh: int, length_s: int
    ) -> None:
        charging = Charging(
            battery_wh=battery_wh, energy_wh=energy_wh, starts_at_s=0, ends_at_s=length_s
        )

        levels = [
            charging.get_state_of_charge_pct(at) for at in range(0, length_s + 1, length_s // 20)
        ]

        assert levels == sorted(levels)
        assert levels[0] >= 8
        assert levels[-1] <= 100

    def test_ends_at_ninety_percent(self) -> None:
        charging = Charging(
            battery_wh=60_000, energy_wh=12_000, starts_at_s=0, ends_at_s=10 * 3_600
        )

        assert charging.get_state_of_charge_pct(0) == 70
        assert charging.get_state_of_charge_pct(3_600) == 76  # 3.6 of 60 kWh
        assert charging.get_state_of_charge_pct(10 * 3_600) == 90

    def test_charges_faster_where_the_row_says_so(self) -> None:
        charging = Charging(battery_wh=60_000, energy_wh=11_000, starts_at_s=0, ends_at_s=3_600)

        assert charging.power_w == 11_000


class TestBatteryTemperature:
    def test_follows_the_season_and_the_work(self) -> None:
        january, july = 25 * 86_400, 207 * 86_400

        assert get_battery_temp_c(at_s=january, busy_for_s=0) == pytest.approx(3, abs=0.2)
        assert get_battery_temp_c(at_s=july, busy_for_s=0) == pytest.approx(21, abs=0.2)
        assert get_battery_temp_c(at_s=july, busy_for_s=7_200) == pytest.approx(34.7, abs=0.3)


class TestTrace:
    def test_reads_all_of_the_published_table(self) -> None:
        with (DATA / "azure_llm_code_2023.csv").open(encoding="utf-8", newline="") as lines:
            requests = parse_trace(lines)

        assert len(requests) == 8_819
        assert requests[0].arrived_at_s == 0
        assert requests[1].arrived_at_s == pytest.approx(0.052)  # .0319600 after .9799600
        assert sum(request.generated_tokens for request in requests) == 245_896

    def test_reads_seven_decimals(self) -> None:
        table = [
            "TIMESTAMP,ContextTokens,GeneratedTokens",
            "2023-11-16 18:17:03.9799600,4808,10",
            "2023-11-16 18:17:04.0319600,3180,8",
        ]

        _, second = parse_trace(table)

        assert second.arrived_at_s == pytest.approx(0.052)
        assert (second.prompt_tokens, second.generated_tokens) == (3_180, 8)

    @given(st.integers(0, 10_000), st.integers(0, 3_000), st.integers(0, 3_000))
    def test_work_of_two_spans_is_the_work_of_both(self, at_s: int, one: int, two: int) -> None:
        requests = [
            InferenceRequest(
                arrived_at_s=number * 1.7, prompt_tokens=number, generated_tokens=number % 7
            )
            for number in range(200)
        ]
        (lane,) = deal_lanes(requests, one_in=1)

        first = lane.get_work(at_s, at_s + one)
        second = lane.get_work(at_s + one, at_s + one + two)
        both = lane.get_work(at_s, at_s + one + two)

        assert first.requests + second.requests == both.requests
        assert first.prompt_tokens + second.prompt_tokens == both.prompt_tokens

    def test_deals_every_request_to_one_lane(self) -> None:
        requests = [
            InferenceRequest(arrived_at_s=float(number), prompt_tokens=1, generated_tokens=1)
            for number in range(103)
        ]

        lanes = deal_lanes(requests, one_in=5)

        assert sum(lane.get_work(0, lane.period_s).requests for lane in lanes) == 103
