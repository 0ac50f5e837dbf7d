"""
The worked examples of the ledger, by the pure rules.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules import (
    Facts,
    OutcomeCode,
    TariffWindow,
    Terms,
    fund,
    is_plausible,
    make_bands,
    price_record,
    round_half_up_micros,
)


TERMS = Terms(
    tariff_micros_per_kwh=240_000,
    wear_micros_per_kwh=50_000,
    reward_micros_per_kwh=100_000,
    reward_micros_per_job=2_000,
    price_micros_per_kwh=500_000,
    price_micros_per_job=2_500,
)
amounts = st.integers(0, 3_000_000)
terms = st.builds(
    Terms,
    tariff_micros_per_kwh=amounts,
    wear_micros_per_kwh=amounts,
    reward_micros_per_kwh=amounts,
    reward_micros_per_job=amounts,
    price_micros_per_kwh=amounts,
    price_micros_per_job=amounts,
)
facts = st.builds(
    Facts,
    energy_wh=st.integers(0, 100_000),
    is_job_paid=st.booleans(),
    is_in_booking=st.booleans(),
    is_within_energy=st.booleans(),
    refusals=st.sampled_from([0, 0, 8, 1024]),
)


def test_usage_settled() -> None:
    line = price_record(facts=Facts(energy_wh=252), terms=TERMS)

    assert line.outcome == OutcomeCode.ACCEPTED
    assert (line.electricity_micros, line.wear_micros, line.reward_micros) == (
        60_480,
        12_600,
        25_200,
    )
    assert (line.charge_micros, line.fee_micros) == (126_000, 27_720)


def test_job_completed() -> None:
    line = price_record(facts=Facts(energy_wh=0, is_job_paid=True), terms=TERMS)
    assert (line.job_micros, line.job_charge_micros, line.fee_micros) == (2_000, 2_500, 500)


def test_consent_breach() -> None:
    line = price_record(facts=Facts(energy_wh=252, refusals=8), terms=TERMS)
    assert line.outcome == OutcomeCode.OUTSIDE_CONSENT
    assert line.compensation_micros == 2 * 25_200 + 60_480
    assert line.charge_micros == 126_000


@pytest.mark.parametrize(
    ("given_facts", "outcome"),
    [
        (Facts(energy_wh=252, is_in_booking=False), OutcomeCode.OUTSIDE_BOOKING),
        (Facts(energy_wh=252, is_within_energy=False), OutcomeCode.OVER_BOOKING),
    ],
)
def test_usage_unbilled(given_facts: Facts, outcome: OutcomeCode) -> None:
    line = price_record(facts=given_facts, terms=TERMS)
    assert line.outcome == outcome
    assert (line.owner_micros, line.charge_micros, line.fee_micros) == (98_280, 0, 0)


@pytest.mark.parametrize(
    ("numerator", "micros"), [(0, 0), (499, 0), (500, 1), (1_499, 1), (1_500, 2)]
)
def test_halves_round_up(numerator: int, micros: int) -> None:
    assert round_half_up_micros(numerator) == micros


def test_plausible_is_rated_power_and_five_percent() -> None:
    assert is_plausible(energy_wh=262, rated_power_w=1_000, duration_s=900)  # 262.5 Wh
    assert not is_plausible(energy_wh=263, rated_power_w=1_000, duration_s=900)


@given(facts=facts, terms=terms)
def test_an_owner_is_never_worse_off(facts: Facts, terms: Terms) -> None:
    line = price_record(facts=facts, terms=terms)
    assert line.owner_micros >= line.electricity_micros + line.wear_micros


@given(facts=facts, terms=terms)
def test_what_is_paid_is_what_comes_in(facts: Facts, terms: Terms) -> None:
    line = price_record(facts=facts, terms=terms)
    parts = fund(line)
    rest = (
        parts.rest_electricity_micros
        + parts.rest_wear_micros
        + parts.rest_reward_micros
        + parts.rest_job_micros
    )
    buyer = line.charge_micros + line.job_charge_micros
    assert line.owner_micros == buyer - parts.kept_micros + rest
    assert min(parts.kept_micros, rest, parts.electricity_micros, parts.wear_micros) >= 0
    if line.is_billed:
        assert line.fee_micros == parts.kept_micros - rest


class TestBands:
    def test_a_night_window_runs_into_the_next_day(self) -> None:
        night = TariffWindow(
            days=(6,), starts_minute=22 * 60, ends_minute=6 * 60, micros_per_kwh=120_000
        )
        bands, prices = make_bands(base_micros_per_kwh=240_000, windows=(night,))

        assert prices == (240_000, 120_000)
        assert [quarter for quarter in range(672) if bands[quarter]] == [
            *range(24),
            *range(664, 672),
        ]

    def test_a_later_window_covers_an_earlier_one(self) -> None:
        day = TariffWindow(days=(0,), starts_minute=0, ends_minute=0, micros_per_kwh=1)
        noon = TariffWindow(days=(0,), starts_minute=720, ends_minute=735, micros_per_kwh=2)
        bands, prices = make_bands(base_micros_per_kwh=9, windows=(day, noon))

        assert [prices[band] for band in bands[47:50]] == [1, 2, 1]
        assert prices[bands[96]] == 9
