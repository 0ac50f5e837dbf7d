"""
Wear as docs/wear.md has it: weighted energy, cycles, kilometres and money.
"""

from dataclasses import replace

import pytest

from consent.rules.wear import (
    find_wear_micros,
    find_wear_micros_per_kwh,
    find_wear_wh,
    find_wear_wh_max,
    find_weight_permille,
)
from tests.consent.test_rules_faults import DRAFT


class TestWeight:
    @pytest.mark.parametrize(
        ("decic", "permille"),
        [
            (-100, 1000),
            (250, 1000),
            # A tenth of a degree over 25 counts as a whole one.
            (251, 1072),
            (260, 1072),
            (350, 2000),
            (450, 4000),
            # 2 ^ 3.5, and no more above 60 °C.
            (600, 11_314),
            (900, 11_314),
            # Unknown counts as 35 °C.
            (None, 2000),
        ],
    )
    def test_doubles_every_ten_degrees(self, decic: int | None, permille: int) -> None:
        assert find_weight_permille(battery_temp_max_decic=decic) == permille

    def test_energy_is_weighted_and_rounded_half_up(self) -> None:
        assert find_wear_wh(energy_wh=1_000, battery_temp_max_decic=350) == 2_000
        # 7 x 1.072 = 7.504; 6 x 1.072 = 6.432.
        assert find_wear_wh(energy_wh=7, battery_temp_max_decic=260) == 8
        assert find_wear_wh(energy_wh=6, battery_temp_max_decic=260) == 6


class TestLimits:
    def test_there_is_none_where_the_owner_set_none(self) -> None:
        assert find_wear_wh_max(draft=DRAFT, battery_wh=75_000) is None

    @pytest.mark.parametrize(
        ("cycles_milli", "distance_km", "wear_wh"),
        [(1_500, None, 112_500), (None, 400, 72_000), (1_500, 400, 72_000), (500, 400, 37_500)],
    )
    def test_the_stricter_of_cycles_and_kilometres_counts(
        self, cycles_milli: int | None, distance_km: int | None, wear_wh: int
    ) -> None:
        draft = replace(
            DRAFT,
            wear_cycles_milli_per_month_max=cycles_milli,
            wear_distance_km_per_month_max=distance_km,
        )

        assert find_wear_wh_max(draft=draft, battery_wh=75_000) == wear_wh


class TestMoney:
    def test_a_kilowatt_hour_takes_its_share_of_the_battery(self) -> None:
        # EUR 128 a kWh over 2,000 cycles.
        assert find_wear_micros_per_kwh() == 64_000

    def test_the_worked_example_of_the_page(self) -> None:
        wear_wh = find_wear_wh(energy_wh=40_000, battery_temp_max_decic=220) + find_wear_wh(
            energy_wh=20_000, battery_temp_max_decic=350
        )

        assert wear_wh == 80_000
        assert wear_wh // 180 == 444
        micros = find_wear_micros(
            wear_wh=wear_wh,
            compute_s=75 * 3600,
            wear_micros_per_kwh=64_000,
            compute_micros_per_h=20_000,
        )
        assert micros == 6_620_000

    def test_battery_and_computer_are_rounded_down_each(self) -> None:
        # 1 Wh x 64,999 / 1,000 = 64.999; 1 s x 20,000 / 3,600 = 5.6.
        micros = find_wear_micros(
            wear_wh=1, compute_s=1, wear_micros_per_kwh=64_999, compute_micros_per_h=20_000
        )

        assert micros == 64 + 5
