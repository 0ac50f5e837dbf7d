"""
A car's past under a draft: what is known of a quarter-hour, and what it would have taken.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from consent import operations as consent
from consent.models import Vehicle
from consent.queries import VehicleNotFound
from consent.queries.past import (
    Likely,
    PastQuarter,
    Ran,
    UsualWork,
    list_past_quarters,
    load_history,
    to_quarter,
)
from consent.rules import ALL_CATEGORIES_MASK, ReasonCode, RulesDraft, Window, WorkloadCategory
from tests.factories import NIGHTLY_RULES, create_consent
from tests.portal.samples import AWAY, HOUR, say, say_hourly


pytestmark = pytest.mark.django_db

# Friday, 23:00 in Oslo: inside the nightly hours, until 07:00.
NIGHT = datetime(2026, 11, 20, 22, tzinfo=UTC)
NIGHT_N = to_quarter(NIGHT)
QUARTER = timedelta(minutes=15)
INFERENCE, TRAINING = WorkloadCategory.INFERENCE, WorkloadCategory.TRAINING
WARMING_UP = ReasonCode.WARMING_UP.bit
# An idle quarter-hour takes 100 Wh of inference and 10 Wh of training.
LIKELY = Likely(
    time_zone="Europe/Oslo",
    work=[
        UsualWork(INFERENCE.bit, [100_000] * 168, [600] * 168),
        UsualWork(TRAINING.bit, [10_000] * 168, [60] * 168),
    ],
)
DRAFT = replace(
    NIGHTLY_RULES,
    energy_wh_per_day_max=None,
    energy_wh_per_month_max=None,
    compute_s_per_day_max=None,
    compute_s_per_month_max=None,
)


def metered(quarter: int, **changes: Any) -> Ran:
    facts = {
        "n": NIGHT_N + quarter,
        "energy_mwh": 200_000,
        "compute_s": 900,
        "data_bytes": 0,
        "category_bit": INFERENCE.bit,
        "buyer_id": 1,
        "is_clean": True,
        "charge_permille": 700,
        "plugged_in": True,
        "is_home": True,
        "coldest_decic": 180,
        "hottest_decic": 190,
    }
    return Ran(**(facts | changes))


def replay(
    car: Vehicle,
    *ran: Ran,
    draft: RulesDraft = DRAFT,
    owner_id: int | None = None,
    quarters: int = 8,
    likely: Likely = LIKELY,
) -> tuple[PastQuarter, ...]:
    history = load_history(
        vehicle_id=car.pk,
        owner_id=owner_id or car.owner_id,
        first_n=NIGHT_N,
        last_n=NIGHT_N + quarters,
        ran=ran,
        rewards=(),
    )
    return list_past_quarters(
        vehicle_id=car.pk,
        owner_id=owner_id or car.owner_id,
        draft=draft,
        history=history,
        likely=likely,
    )


class TestWhatIsKnown:
    def test_holds_what_a_plugged_in_car_said_until_it_says_something_else(
        self, car: Vehicle
    ) -> None:
        say(car, NIGHT)
        say(car, NIGHT + HOUR, **AWAY)

        found = [(each.n - NIGHT_N, each.mask == 0) for each in replay(car)]

        assert found == [(0, True), (1, True), (2, True), (3, True), (4, False)]

    def test_holds_it_from_before_the_period(self, car: Vehicle) -> None:
        say(car, NIGHT - 2 * HOUR)

        assert len(replay(car)) == 8

    def test_holds_it_for_twelve_hours_at_most(self, car: Vehicle) -> None:
        say(car, NIGHT - 11 * HOUR)

        assert [each.n - NIGHT_N for each in replay(car)] == [0, 1, 2, 3, 4]

    def test_judges_a_quarter_by_the_least_charge_and_the_most_heat(self, car: Vehicle) -> None:
        say(car, NIGHT, state_of_charge_permille=395)
        say(car, NIGHT + QUARTER / 3, battery_temp_decic=351)
        say(car, NIGHT + QUARTER / 2)

        [first] = replay(car, quarters=1)

        assert first.mask == ReasonCode.BATTERY_LOW.bit | ReasonCode.TOO_HOT.bit

    def test_reads_the_meter_first(self, car: Vehicle) -> None:
        say(car, NIGHT, state_of_charge_permille=300)

        [first] = replay(car, metered(0, is_clean=False), quarters=1)

        assert first.mask == 0

    def test_takes_no_sample_that_could_not_be_true(self, car: Vehicle) -> None:
        say(car, NIGHT, fault=ReasonCode.TELEMETRY_CONTRADICTORY)

        assert replay(car) == ()

    def test_takes_late_samples_in_their_place(self, car: Vehicle) -> None:
        say(car, NIGHT, is_late=True)

        assert len(replay(car)) == 8

    def test_knows_no_car_of_somebody_else(self, car: Vehicle, mallory: User) -> None:
        with pytest.raises(VehicleNotFound):
            replay(car, owner_id=mallory.pk)


class TestWhatItTakes:
    def test_takes_what_is_usual_where_the_rules_of_then_said_no(self, car: Vehicle) -> None:
        create_consent(car, windows=(Window((0,), 0, 60),))
        say(car, NIGHT)

        [first] = replay(car, quarters=1)

        assert (first.mask, first.energy_mwh, first.compute_s) == (0, 100_000, 600)

    def test_takes_nothing_where_they_permitted_and_no_work_came(self, car: Vehicle) -> None:
        create_consent(car)
        say(car, NIGHT)

        [first] = replay(car, quarters=1)

        assert (first.mask, first.energy_mwh) == (0, 0)

    def test_takes_the_kinds_that_they_refused(self, car: Vehicle) -> None:
        create_consent(car)
        say(car, NIGHT)
        draft = replace(DRAFT, categories=(INFERENCE, TRAINING))

        [first] = replay(car, draft=draft, quarters=1)

        # Then it allowed inference and research.
        assert first.kinds == ALL_CATEGORIES_MASK - DRAFT.categories_mask
        assert first.energy_mwh == 10_000

    def test_takes_what_was_metered(self, car: Vehicle) -> None:
        [first] = replay(car, metered(0), quarters=1)

        assert (first.has_run, first.energy_mwh, first.compute_s) == (1, 200_000, 900)

    def test_takes_no_more_than_the_power_limits_let_through(self, car: Vehicle) -> None:
        quiet = (Window((4,), 23 * 60, 23 * 60 + 15),)
        draft = replace(DRAFT, power_limit_w=600, quiet_windows=quiet, quiet_power_limit_w=200)

        found = replay(car, metered(0), metered(1), draft=draft, quarters=2)

        assert [(each.energy_mwh, each.whole_mwh) for each in found] == [
            (50_000, 200_000),
            (150_000, 200_000),
        ]

    def test_forgives_a_meter_half_a_watt_hour(self, car: Vehicle) -> None:
        create_consent(car, power_limit_w=850)
        draft = replace(DRAFT, power_limit_w=850)

        # 850 W are 212.5 Wh, which a meter reports as 213.
        assert replay(car, metered(0, energy_mwh=213_000), draft=draft)[0].energy_mwh == 213_000


class TestWhatRanWithinTheRules:
    def test_runs_again_though_the_readings_of_the_quarter_say_no(self, car: Vehicle) -> None:
        create_consent(car)

        # Settlement let it pass: a grace, or a lease of before.
        assert replay(car, metered(0, charge_permille=300), quarters=1)[0].mask == 0

    def test_is_stopped_by_what_is_stricter_in_the_draft(self, car: Vehicle) -> None:
        create_consent(car)
        draft = replace(DRAFT, battery_stop_pct=75, battery_resume_pct=75)

        [first] = replay(car, metered(0), draft=draft, quarters=1)

        assert first.mask == ReasonCode.BATTERY_LOW.bit
        assert first.reading == 700

    def test_is_stopped_by_its_own_breach(self, car: Vehicle) -> None:
        create_consent(car)
        breach = metered(0, is_clean=False, is_home=False)

        assert replay(car, breach, quarters=1)[0].mask == ReasonCode.NOT_HOME.bit

    def test_runs_in_a_pause_as_it_did(self, car: Vehicle) -> None:
        create_consent(car)
        say_hourly(car, NIGHT, NIGHT + HOUR)
        consent.pause(
            vehicle_id=car.pk,
            owner_id=car.owner_id,
            until=NIGHT + HOUR,
            kind="hour",
            now=NIGHT - HOUR / 2,
        )

        found = replay(car, metered(0), quarters=2)

        assert [each.mask for each in found] == [0, ReasonCode.PAUSED.bit]

    def test_needs_no_recovery_that_it_did_not_need_then(self, car: Vehicle) -> None:
        create_consent(car)
        say(car, NIGHT, state_of_charge_permille=390)
        work = metered(1, charge_permille=420)

        assert replay(car, work, quarters=2)[1].mask == 0
        stricter = replace(DRAFT, battery_resume_pct=60)
        assert replay(car, work, draft=stricter, quarters=2)[1].mask == (
            ReasonCode.BATTERY_RECOVERING.bit
        )

    def test_cools_down_no_longer_than_it_did_then(self, car: Vehicle) -> None:
        create_consent(car)
        say(car, NIGHT, battery_temp_decic=360)
        work = metered(1, hottest_decic=340)

        assert replay(car, work, quarters=2)[1].mask == 0
        stricter = replace(DRAFT, temp_high_resume_c=30)
        assert replay(car, work, draft=stricter, quarters=2)[1].mask == ReasonCode.COOLING_DOWN.bit

    @pytest.mark.parametrize(
        ("then", "rules", "mask"),
        [
            ({"temp_low_c": 5}, {"temp_low_c": 5}, 0),
            ({"temp_low_c": 5}, {"temp_low_c": 5, "temp_hold_min": 60}, WARMING_UP),
            ({"temp_low_c": None}, {"temp_low_c": 5, "temp_low_resume_c": 7}, WARMING_UP),
        ],
    )
    def test_warms_up_no_longer_than_it_did_then(
        self, car: Vehicle, then: dict[str, Any], rules: dict[str, Any], mask: int
    ) -> None:
        create_consent(car, **then)
        say(car, NIGHT, battery_temp_decic=40)
        draft = replace(DRAFT, **rules)

        found = replay(car, metered(1, coldest_decic=60), draft=draft, quarters=2)

        assert found[1].mask == mask


class TestBudgets:
    def test_stop_when_they_are_spent(self, car: Vehicle) -> None:
        work = [metered(quarter) for quarter in range(4)]
        draft = replace(DRAFT, energy_wh_per_day_max=400)

        found = replay(car, *work, draft=draft, quarters=4)

        # Before each: 0, 200, 400, 400. Midnight in Oslo is after the fourth.
        spent = ReasonCode.DAY_ENERGY_SPENT.bit
        assert [each.mask for each in found] == [0, 0, spent, spent]

    def test_begin_anew_at_local_midnight(self, car: Vehicle) -> None:
        work = [metered(quarter) for quarter in range(6)]
        draft = replace(DRAFT, energy_wh_per_day_max=400)

        found = replay(car, *work, draft=draft, quarters=6)

        assert [each.mask == 0 for each in found] == [True, True, False, False, True, True]

    def test_leave_what_they_stop_to_other_budgets(self, car: Vehicle) -> None:
        work = [metered(quarter) for quarter in range(7)]
        draft = replace(DRAFT, energy_wh_per_day_max=400, energy_wh_per_month_max=800)

        found = replay(car, *work, draft=draft, quarters=7)

        # Two before midnight and two after make 800 Wh; the seventh finds both spent.
        both = ReasonCode.DAY_ENERGY_SPENT.bit | ReasonCode.MONTH_ENERGY_SPENT.bit
        assert found[-1].mask == both


class TestTheRulesOfThen:
    """
    Where they permitted, idle quarters had no work; where they did not, usual work comes.
    """

    def test_are_those_of_the_version_of_the_quarter(self, car: Vehicle) -> None:
        create_consent(car)
        closed = (Window((0,), 0, 60),)
        create_consent(car, now=NIGHT + QUARTER, expected_number=1, windows=closed)
        say(car, NIGHT)

        found = replay(car, quarters=3)

        assert [each.energy_mwh for each in found] == [0, 100_000, 100_000]

    def test_permit_nothing_after_a_withdrawal(self, car: Vehicle) -> None:
        create_consent(car)
        consent.withdraw(vehicle_id=car.pk, owner_id=car.owner_id, now=NIGHT + QUARTER)
        say(car, NIGHT)

        assert [each.energy_mwh for each in replay(car, quarters=2)] == [0, 100_000]

    def test_permit_nothing_once_they_have_expired(self, car: Vehicle) -> None:
        # Thirteen months: until midnight in Oslo before the night.
        create_consent(car, now=datetime(2025, 10, 20, 9, tzinfo=UTC))
        say(car, NIGHT)

        assert replay(car, quarters=1)[0].energy_mwh == 100_000

    @pytest.mark.parametrize(
        "budget",
        [
            {"energy_wh_per_day_max": 200},
            {"energy_wh_per_day_max": None, "energy_wh_per_month_max": 200},
            {"compute_s_per_day_max": 900},
            {"wear_micros_per_month_max": 10_000},
            {"mobile_data_mb_per_month_max": 1},
        ],
    )
    def test_leave_quarters_to_the_draft_when_a_budget_was_spent(
        self, car: Vehicle, budget: dict[str, Any]
    ) -> None:
        create_consent(car, **budget)
        say_hourly(car, NIGHT, NIGHT + HOUR)

        found = replay(car, metered(0, data_bytes=1_000_000), quarters=3)

        # It was over after the first; a draft without that budget goes on.
        assert [each.energy_mwh for each in found] == [200_000, 100_000, 100_000]


def test_rules_that_did_not_differ_replay_what_was_metered(car: Vehicle) -> None:
    create_consent(car, energy_wh_per_day_max=400)
    say_hourly(car, NIGHT, NIGHT + 8 * HOUR)
    work = [metered(quarter) for quarter in (0, 1, 9, 12)]

    found = replay(car, *work, draft=replace(NIGHTLY_RULES, energy_wh_per_day_max=400), quarters=32)

    ran = [(each.n, each.energy_mwh) for each in found if each.mask == 0 and each.energy_mwh]
    assert ran == [(each.n, 200_000) for each in work]
