"""
How quantities are written, in both languages of the pages.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import override

from web.templatetags import parado


NOW = datetime(2026, 11, 22, 20, 52, tzinfo=UTC)


def plain(text: str) -> str:
    """
    Return a text with its no-break spaces as plain ones and its minus as a hyphen.
    """
    return text.replace("\u202f", " ").replace("\xa0", " ").replace("\N{MINUS SIGN}", "-")


class TestMoney:
    @pytest.mark.parametrize(
        ("micros", "currency", "text"),
        [
            (46_130_000, "EUR", "€46.13"),
            (-4_140_000, "EUR", "-€4.14"),
            (15_391_340_000, "EUR", "€15,391.34"),
            (5_000, "EUR", "€0.01"),  # half a cent goes up
            (-5_000, "EUR", "-€0.01"),
            (4_999, "EUR", "€0.00"),
            (-4_999, "EUR", "€0.00"),  # never "-€0.00"
            (1_500_000, "JPY", "JP¥2"),
            (-4_140_000, "NOK", "-NOK 4.14"),
        ],
    )
    def test_is_rounded_half_up_with_its_sign_first(
        self, micros: int, currency: str, text: str
    ) -> None:
        assert plain(parado.money(micros, currency)) == text

    def test_the_sign_is_a_minus(self) -> None:
        assert parado.money(-1_000_000).startswith("\N{MINUS SIGN}")

    def test_follows_the_language(self) -> None:
        with override("pt"):
            assert plain(parado.money(15_391_340_000)) == "€ 15.391,34"

    @pytest.mark.parametrize(
        ("micros", "text"),
        [(3_000_000, "€3.00"), (41_400, "€0.0414"), (1, "€0.000001"), (-1, "-€0.000001")],
    )
    def test_exact_goes_down_to_the_micro(self, micros: int, text: str) -> None:
        assert plain(parado.money_exact(micros)) == text

    @pytest.mark.parametrize(
        ("micros", "text"), [(3_100_000, "+€3.10"), (-2_200_000, "-€2.20"), (0, "€0.00")]
    )
    def test_signed_carries_its_sign(self, micros: int, text: str) -> None:
        assert plain(parado.money_signed(micros)) == text

    def test_an_amount_leaves_its_currency_to_the_column(self) -> None:
        assert plain(parado.amount(-690_000)) == "-0.69"

    def test_a_price_has_two_to_four_decimals(self) -> None:
        assert parado.price_kwh(214_300) == "€0.2143/kWh"
        assert parado.price_kwh(500_000) == "€0.50/kWh"


class TestPhysics:
    def test_energy_is_written_in_kilowatt_hours(self) -> None:
        assert plain(parado.energy(5_849)) == "5.8 kWh"
        assert plain(parado.energy(5_850)) == "5.9 kWh"
        assert parado.energy_kwh(-5_800) == "\N{MINUS SIGN}5.8"

    def test_power_is_written_in_kilowatts_and_large_power_in_megawatts(self) -> None:
        assert plain(parado.power(3_700)) == "3.7 kW"
        assert plain(parado.power(9_999_000)) == "9,999 kW"
        assert plain(parado.power(12_340_000)) == "12.3 MW"

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0, "0 s"),
            (12, "12 s"),
            (95, "1 min 35 s"),
            (2_712, "45 min"),
            (7_830, "2 h 10 min"),
            (7_200, "2 h"),
            (273_600, "3 d 4 h"),
            (-60, "-1 min"),
            (timedelta(hours=6, minutes=25), "6 h 25 min"),
        ],
    )
    def test_a_length_of_time_has_two_units(self, seconds: float, text: str) -> None:
        assert plain(parado.duration(seconds)) == text

    def test_a_share_is_given_in_percent(self) -> None:
        assert plain(parado.pct(47)) == "47 %"
        assert plain(parado.pct(99.972, 2)) == "99.97 %"


class TestClocks:
    def test_a_time_is_local(self) -> None:
        assert parado.local_time(NOW, "Europe/Oslo") == "21:52"
        assert plain(parado.local_date(NOW, "Pacific/Auckland")) == "Mon 23 Nov"
        assert plain(parado.local_datetime(NOW, "Europe/Oslo")) == "Sun 22 Nov, 21:52"
        assert plain(parado.short_date(NOW, "Pacific/Auckland")) == "23 Nov"

    def test_a_day_stays_on_one_line(self) -> None:
        assert parado.local_datetime(NOW, "UTC").count(" ") == 1
        assert parado.full_datetime(NOW, "UTC").count(" ") == 1

    def test_another_year_is_said(self) -> None:
        assert plain(parado.local_date(NOW.replace(year=2019), "UTC")) == "22 Nov 2019"

    def test_evidence_is_to_the_second_with_its_zone(self) -> None:
        assert plain(parado.full_datetime(NOW, "UTC")) == "22 Nov 2026, 20:52:00 UTC"

    def test_a_span_has_a_dash_and_may_be_open(self) -> None:
        starts_at = parado.in_zone(NOW, "Europe/Oslo")

        assert (
            parado.local_span(starts_at, starts_at + timedelta(hours=6)) == "21:52\N{EN DASH}03:52"
        )
        assert parado.local_span(starts_at, None) == "21:52\N{EN DASH}now"

    @pytest.mark.parametrize(
        ("seconds", "text"), [(0, "0 s ago"), (9, "9 s ago"), (300, "5 minutes ago")]
    )
    def test_since_is_told_from_the_clock_of_the_page(self, seconds: int, text: str) -> None:
        assert parado.since(NOW - timedelta(seconds=seconds), NOW) == text

    def test_never_has_a_word(self) -> None:
        assert parado.since(None, NOW) == "never"


class TestNothing:
    @pytest.mark.parametrize(
        "write",
        [
            parado.money,
            parado.money_exact,
            parado.amount,
            parado.price_kwh,
            parado.energy,
            parado.energy_kwh,
            parado.power,
            parado.duration,
            parado.pct,
            parado.number,
            parado.local_time,
            parado.local_date,
            parado.local_datetime,
            parado.full_datetime,
        ],
    )
    def test_is_a_dash(self, write: object) -> None:
        assert callable(write)
        assert write(None) == "\N{EN DASH}"
