import pytest

from consent.rules import (
    ALL_CATEGORIES_MASK,
    ReasonCode,
    WorkloadCategory,
    categories_from_mask,
    mask_from_categories,
    mask_from_reasons,
    reasons_from_mask,
)


class TestReasonCode:
    def test_no_two_reasons_share_a_bit(self) -> None:
        assert len({code.bit for code in ReasonCode}) == len(ReasonCode)

    def test_stored_bits_keep_their_owners(self) -> None:
        # Settled records of past years hold these numbers: a failure here means that
        # history would be read wrongly.
        assert {code.value: code.bit_number for code in ReasonCode if code.is_stored} == {
            "no_consent": 0,
            "consent_withdrawn": 1,
            "paused": 2,
            "not_plugged_in": 3,
            "plug_unknown": 4,
            "not_home": 5,
            "home_unknown": 6,
            "outside_hours": 7,
            "battery_low": 8,
            "battery_unknown": 9,
            "too_hot": 10,
            "too_cold": 11,
            "temperature_unknown": 12,
            "day_energy_spent": 13,
            "month_energy_spent": 14,
            "day_compute_spent": 15,
            "month_compute_spent": 16,
            "power_exceeded": 17,
            "workload_unlabelled": 18,
            "workload_refused": 19,
            "closed_date": 20,
            "quiet_exceeded": 21,
            "month_wear_spent": 22,
            "reward_too_low": 23,
            "reward_unknown": 24,
            "buyer_refused": 25,
            "buyer_unknown": 26,
            "month_data_spent": 27,
            "ready_by": 28,
            "consent_expired": 29,
        }

    def test_bits_of_live_reasons_keep_their_owners(self) -> None:
        # Decisions that were written down hold these.
        assert {code.value: code.bit_number for code in ReasonCode if not code.is_stored} == {
            "telemetry_missing": 32,
            "telemetry_stale": 33,
            "driving": 34,
            "battery_recovering": 35,
            "cooling_down": 36,
            "warming_up": 37,
            "connection_lost": 38,
            "telemetry_contradictory": 39,
            "telemetry_out_of_range": 40,
            "telemetry_in_future": 41,
        }

    def test_a_mask_and_its_reasons_say_the_same(self) -> None:
        reasons = (ReasonCode.OUTSIDE_HOURS, ReasonCode.BATTERY_LOW)

        mask = mask_from_reasons(reasons)

        assert mask == 128 + 256
        assert reasons_from_mask(mask) == reasons

    def test_live_reasons_are_never_stored(self) -> None:
        assert mask_from_reasons((ReasonCode.TELEMETRY_STALE, ReasonCode.PAUSED)) == 4

    def test_a_bit_without_an_owner_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="no reason owns"):
            reasons_from_mask(1 << 30)


class TestWorkloadCategory:
    def test_bits_keep_their_owners(self) -> None:
        assert {category.value: category.bit for category in WorkloadCategory} == {
            "inference": 1,
            "research": 2,
            "rendering": 4,
            "training": 8,
            "speech": 16,
            "other": 32,
        }
        assert ALL_CATEGORIES_MASK == 63

    def test_a_mask_and_its_categories_say_the_same(self) -> None:
        categories = (WorkloadCategory.INFERENCE, WorkloadCategory.SPEECH)

        assert categories_from_mask(mask_from_categories(categories)) == categories
