"""
Metered work is judged by the rules that few owners have as it is by those that all have.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from billing.models import Outcome, RatedLine
from consent import operations as consent
from consent.models import ConsentVersion, Lease, WorkTerms
from consent.rules import BuyersMode, DateException, ReadyBy, ReasonCode, Window
from marketplace.operations.pools import set_rate_card
from tests.billing.meters import (
    EVENING,
    EVERYTHING,
    QUARTER,
    World,
    create_world,
    find_breaks,
    moved,
    only_line,
    settle_all,
)
from tests.consent.asking import ask_one, hear, run
from tests.factories import RATES, create_consent


pytestmark = pytest.mark.django_db

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
TOO_LOW = ReasonCode.REWARD_TOO_LOW
FRIDAY = date(2026, 11, 20)  # 19:00 in Oslo when the booking begins
CLOSED_FRIDAY = (DateException(FRIDAY, is_open=False),)


def agree(world: World, *, now: datetime = EVENING - timedelta(days=1), **rules: Any) -> None:
    """
    Let Olivia change her rules before the booking begins.
    """
    create_consent(world.vehicle, now=now, **(EVERYTHING | rules))


def report(world: World, *quarters: int, **data: Any) -> None:
    world.report(*[world.event(quarter, **data) for quarter in quarters])
    settle_all()


def refusals() -> list[int]:
    return list(RatedLine.objects.order_by("starts_at").values_list("refusals", flat=True))


class TestDates:
    def test_work_on_a_closed_date_is_a_breach_until_its_midnight(self) -> None:
        world = create_world(exceptions=CLOSED_FRIDAY)

        report(world, 19, 20)  # 23:45 and midnight in Oslo

        assert refusals() == [ReasonCode.CLOSED_DATE.bit, 0]
        line = RatedLine.objects.order_by("starts_at").first()
        assert line is not None
        assert line.outcome == Outcome.OUTSIDE_CONSENT
        assert moved("consent_breach") == {
            ("breach_compensation", "owner_available:compensation"): 2 * 25_200 + 60_480
        }
        assert find_breaks() == []

    def test_an_opening_lifts_the_week_and_a_closed_date(self) -> None:
        opening = DateException(FRIDAY, is_open=True, starts_minute=1200, ends_minute=1260)
        mornings = (Window(EVERY_DAY, 6 * 60, 9 * 60),)
        world = create_world(windows=mornings, exceptions=(opening,))
        report(world, 3, 4, 7, 8)

        hours = ReasonCode.OUTSIDE_HOURS.bit
        assert refusals() == [hours, 0, 0, hours]

    def test_an_opening_wins_over_a_closing(self) -> None:
        # From Thursday at 21:15 to Friday at 21:00.
        thursday = FRIDAY - timedelta(days=1)
        opening = DateException(thursday, is_open=True, starts_minute=1275, ends_minute=1260)
        world = create_world(exceptions=(*CLOSED_FRIDAY, opening))
        report(world, 7, 8)

        assert refusals() == [0, ReasonCode.CLOSED_DATE.bit]


class TestExpiry:
    def test_nothing_is_permitted_from_the_day_on_which_the_consent_expires(self) -> None:
        # Thirteen months later: midnight in Oslo, five hours into the booking.
        world = create_world(now=datetime(2025, 10, 21, 12, tzinfo=UTC))
        report(world, 19, 20)

        assert refusals() == [0, ReasonCode.CONSENT_EXPIRED.bit]

    def test_nothing_else_is_said_of_it(self) -> None:
        world = create_world(now=datetime(2025, 10, 20, 12, tzinfo=UTC))
        report(world, 0, plugged_in=False, state_of_charge_min_pct=None)

        assert refusals() == [ReasonCode.CONSENT_EXPIRED.bit]


class TestSkippedNight:
    def test_work_inside_it_is_a_breach_also_when_it_was_asked_for_ahead(self) -> None:
        world = create_world()
        consent.skip_night(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            starts_at=EVENING + QUARTER,
            ends_at=EVENING + 2 * QUARTER,
            now=EVENING - timedelta(days=1),
        )
        report(world, 0, 1, 2)

        assert refusals() == [0, ReasonCode.PAUSED.bit, 0]


class TestReadyBy:
    def test_work_that_the_morning_needs_is_a_breach(self) -> None:
        world = create_world(ready_by=(ReadyBy((4,), 21 * 60, 90),))
        report(world, 0, 7, 8)  # the last begins when the car should be ready

        assert refusals() == [ReasonCode.READY_BY.bit, ReasonCode.READY_BY.bit, 0]

    def test_a_car_that_is_full_enough_may_work(self) -> None:
        world = create_world(ready_by=(ReadyBy((4,), 21 * 60, 60),))
        report(world, 0)

        assert refusals() == [0]


class TestQuietHours:
    def test_limit_the_power_inside_them_only(self) -> None:
        evenings = (Window(EVERY_DAY, 20 * 60, 22 * 60),)
        world = create_world(quiet_windows=evenings, quiet_power_limit_w=500)
        report(world, 3, 4, 11, 12)

        quiet = ReasonCode.QUIET_EXCEEDED.bit
        assert refusals() == [0, quiet, quiet, 0]

    def test_say_nothing_where_the_usual_limit_is_broken(self) -> None:
        world = create_world(
            quiet_windows=(Window(EVERY_DAY, 20 * 60, 22 * 60),),
            quiet_power_limit_w=500,
            power_limit_w=900,
        )
        report(world, 4)

        assert refusals() == [ReasonCode.POWER_EXCEEDED.bit]


class TestBuyers:
    @pytest.mark.parametrize(
        ("mode", "is_named", "code"),
        [
            (BuyersMode.EXCEPT, True, ReasonCode.BUYER_REFUSED),
            (BuyersMode.EXCEPT, False, None),
            (BuyersMode.ONLY, True, None),
            (BuyersMode.ONLY, False, ReasonCode.BUYER_REFUSED),
        ],
    )
    def test_bind_the_work_that_they_bought(
        self, mode: BuyersMode, code: ReasonCode | None, *, is_named: bool
    ) -> None:
        world = create_world()
        agree(world, buyers_mode=mode, buyer_ids=(world.ben.id if is_named else 10**6,))
        report(world, 0)

        assert refusals() == [code.bit if code else 0]


class TestReward:
    # 0.10 a kWh at 1,100 W are 0.11 an hour.
    @pytest.mark.parametrize(("least", "is_breach"), [(110_000, False), (110_001, True)])
    def test_is_what_the_owner_gets_at_rated_power(self, least: int, *, is_breach: bool) -> None:
        world = create_world()
        agree(world, reward_micros_per_h_min=least)
        report(world, 0)

        assert refusals() == [ReasonCode.REWARD_TOO_LOW.bit if is_breach else 0]

    @pytest.mark.parametrize(("least", "code"), [(110_000, None), (110_001, TOO_LOW)])
    def test_is_what_the_booking_promised_live_and_at_settlement(
        self, least: int, code: ReasonCode | None
    ) -> None:
        world = create_world()
        agree(world, reward_micros_per_h_min=least)
        hear(world.vehicle, EVENING)
        dearer = replace(RATES, reward_micros_per_kwh=200_000)
        set_rate_card(pool_id=world.pool.pk, rates=dearer, starts_at=EVENING, now=EVENING)

        decision = ask_one(run(world.vehicle, booking_id=world.booking.id), now=EVENING)
        report(world, 0)

        # The new card pays 0.20 a kWh, and both judge by the 0.10 of the day of the booking.
        assert only_line().reward_micros == 252 * 200
        assert decision.codes == ((code,) if code else ())
        assert refusals() == [code.bit if code else 0]

    def test_is_what_the_booking_promised_across_a_change_of_rules(self) -> None:
        world = create_world()
        agree(world, reward_micros_per_h_min=110_001)
        agree(world, now=EVENING + QUARTER / 3, reward_micros_per_h_min=110_002)
        dearer = replace(RATES, reward_micros_per_kwh=200_000)
        set_rate_card(pool_id=world.pool.pk, rates=dearer, starts_at=EVENING, now=EVENING)
        report(world, 0)

        assert refusals() == [TOO_LOW.bit]


class TestMonthlyBudgets:
    """
    252 Wh a quarter-hour; 35 °C double what they wear.
    """

    SPENT = ReasonCode.MONTH_WEAR_SPENT.bit

    def test_wear_is_counted_by_warmth_from_the_record_that_begins_over_it(self) -> None:
        world = create_world(wear_distance_km_per_month_max=6)  # 1,080 Wh
        report(world, 0, battery_temp_max_c=35)
        report(world, 1, 2, battery_temp_max_c=35)
        report(world, 3, battery_temp_max_c=20)

        assert refusals() == [0, 0, 0, self.SPENT]  # before each: 0, 504, 1008, 1512

    def test_wear_begins_anew_with_the_month_of_the_owner(self) -> None:
        world = create_world(wear_distance_km_per_month_max=3)  # 540 Wh
        first = datetime(2026, 10, 31, 22, 15, tzinfo=UTC)  # 23:15 in Oslo
        world.report(
            *[
                world.event(starts_at=first + number * QUARTER, battery_temp_max_c=35)
                for number in range(5)
            ]
        )
        settle_all()

        assert refusals() == [0, 0, self.SPENT, 0, 0]  # midnight came before the fourth

    def test_a_late_record_is_judged_by_what_came_before_it(self) -> None:
        world = create_world(wear_distance_km_per_month_max=3)
        early = world.event(0, battery_temp_max_c=35)
        report(world, 4, 5, battery_temp_max_c=35)
        world.report(early)
        settle_all()

        assert refusals() == [0, 0, 0]

    def test_a_late_record_after_corrections_knows_what_they_took_back(self) -> None:
        world = create_world(wear_distance_km_per_month_max=3)
        late = world.event(2, battery_temp_max_c=25)
        report(world, 0, id="old", battery_temp_max_c=45)  # 1,008 Wh
        report(world, 0, supersedes="old", battery_temp_max_c=25)
        report(world, 4, battery_temp_max_c=25)
        world.report(late)
        settle_all()

        assert RatedLine.objects.get(starts_at=EVENING + 2 * QUARTER).refusals == 0

    def test_wear_in_money_counts_the_battery_and_the_computer(self) -> None:
        # 0.252 kWh at 0.0575 and a quarter of an hour at 0.02: 0.01949 each.
        world = create_world(wear_micros_per_month_max=38_980)
        report(world, 0, 1, 2, battery_temp_max_c=25)

        assert refusals() == [0, 0, self.SPENT]

    def test_mobile_data_is_counted_where_it_was_reported(self) -> None:
        world = create_world(mobile_data_mb_per_month_max=1)
        report(world, 0, mobile_data_bytes=999_999)
        report(world, 1, mobile_data_bytes=1)
        report(world, 2, mobile_data_bytes=None)
        report(world, 3)

        spent = ReasonCode.MONTH_DATA_SPENT.bit
        assert refusals() == [0, 0, spent, spent]

    def test_a_budget_set_mid_month_knows_what_the_month_had_used(self) -> None:
        world = create_world()
        report(world, 0, 1, 2, battery_temp_max_c=35)
        agree(world, now=EVENING + 3 * QUARTER, wear_distance_km_per_month_max=8)  # 1,440 Wh
        report(world, 4)

        assert refusals() == [0, 0, 0, self.SPENT]


class TestComputeTime:
    def test_counts_before_a_late_record_where_no_energy_was_drawn(self) -> None:
        world = create_world(compute_s_per_day_max=1_500)
        late = world.event(2)
        report(world, 0, 1, energy_wh=0)
        report(world, 3)
        world.report(late)
        settle_all()

        spent = ReasonCode.DAY_COMPUTE_SPENT.bit
        assert refusals() == [0, 0, spent, spent]


class TestChangesOfConsent:
    def test_both_versions_judge_an_interval_that_both_touch(self) -> None:
        world = create_world()
        middle = EVENING + timedelta(minutes=5)
        agree(world, now=middle, buyers_mode=BuyersMode.EXCEPT, buyer_ids=(world.ben.id,))
        report(world, 0, 1)

        refused = ReasonCode.BUYER_REFUSED.bit
        assert refusals() == [refused, refused]

    def test_what_was_permitted_before_may_end_within_a_lease(self) -> None:
        world = create_world()
        agree(
            world,
            now=EVENING + QUARTER - timedelta(seconds=60),
            buyers_mode=BuyersMode.EXCEPT,
            buyer_ids=(world.ben.id,),
        )
        report(world, 0, 1)

        assert refusals() == [0, ReasonCode.BUYER_REFUSED.bit]

    def test_a_rule_that_was_taken_back_binds_no_more(self) -> None:
        world = create_world(exceptions=CLOSED_FRIDAY)
        agree(world)
        report(world, 0)

        assert refusals() == [0]
        assert only_line().consent_version_id == ConsentVersion.objects.get(number=2).pk


class TestWhatConsentIsTold:
    def test_a_booking_tells_who_buys_and_what_owners_get(self) -> None:
        world = create_world()

        terms = WorkTerms.objects.get()
        assert terms.booking_id == world.booking.id
        assert terms.buyer_id == world.ben.id
        assert terms.reward_micros_per_kwh == 100_000

    def test_live_decisions_and_settlement_refuse_the_same_buyer(self) -> None:
        world = create_world()
        agree(world, buyers_mode=BuyersMode.EXCEPT, buyer_ids=(world.ben.id,))
        hear(world.vehicle, EVENING)

        decision = ask_one(run(world.vehicle, booking_id=world.booking.id), now=EVENING)
        report(world, 0)

        assert decision.codes == (ReasonCode.BUYER_REFUSED,)
        assert refusals() == [ReasonCode.BUYER_REFUSED.bit]


class TestReservations:
    def test_shrink_by_what_is_metered_of_their_job(self) -> None:
        world = create_world(energy_wh_per_day_max=1_000)
        hear(world.vehicle, EVENING)
        job = run(world.vehicle, "j-81", booking_id=world.booking.id, expected_wh=400)
        other = run(world.vehicle, "j-82", booking_id=world.booking.id, expected_wh=400)
        assert ask_one(job, now=EVENING).permit
        assert ask_one(other, now=EVENING).permit
        before = {lease.job_id: lease for lease in Lease.objects.all()}

        report(world, 0, job_id="j-81", energy_wh=10, ends_at=EVENING + timedelta(minutes=1))

        after = {lease.job_id: lease for lease in Lease.objects.all()}
        assert before["j-81"].reserved_energy_wh > 10
        shrunk = before["j-81"].reserved_energy_wh - after["j-81"].reserved_energy_wh
        assert shrunk == 10
        assert after["j-81"].reserved_compute_s == max(before["j-81"].reserved_compute_s - 60, 0)
        assert after["j-82"].reserved_energy_wh == before["j-82"].reserved_energy_wh

    def test_never_grow_and_never_fall_below_nothing(self) -> None:
        world = create_world(energy_wh_per_day_max=1_000)
        hear(world.vehicle, EVENING)
        assert ask_one(run(world.vehicle, "j-81"), now=EVENING).permit

        report(world, 0, id="old", job_id="j-81", energy_wh=252)
        report(world, 0, supersedes="old", job_id="j-81", energy_wh=100)

        lease = Lease.objects.get()
        assert (lease.reserved_energy_wh, lease.reserved_compute_s) == (0, 0)
