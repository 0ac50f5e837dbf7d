"""
What usage becomes: the worked examples, and every outcome with its transfers.
"""

from datetime import timedelta

import pytest
from django.db import connection

from billing.models import (
    Account,
    BookingDelivery,
    CompletedJob,
    Outcome,
    QuarantinedRecord,
    RatedLine,
    Settlement,
    SettlementTotal,
    Tariff,
    Transfer,
)
from billing.operations.releases import release_due
from consent import operations as consent
from consent.models import DayUse
from consent.rules import ReasonCode
from tests.billing.meters import (
    EVENING,
    NOON,
    QUARTER,
    World,
    create_world,
    find_breaks,
    leave_room,
    moved,
    only_line,
    settle_all,
)


pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return create_world()


class TestAccepted:
    def test_pays_the_worked_example(self, world: World) -> None:
        world.report(world.event())

        assert settle_all() == 1

        assert moved() == {
            ("buyer_held", "owner_pending:electricity"): 60_480,  # 0.252 kWh x 0.24
            ("buyer_held", "owner_pending:wear"): 12_600,
            ("buyer_held", "owner_pending:reward"): 25_200,
            ("buyer_held", "platform_fee"): 27_720,  # 0.126 is paid in all
        }
        line = only_line()
        assert (line.outcome, line.fee_micros, line.refusals) == (Outcome.ACCEPTED, 27_720, 0)

    def test_pays_a_job_once(self, world: World) -> None:
        world.report(
            world.event(0, job_id="j-81", job_completed=True),
            world.event(1, job_id="j-81", job_completed=True),
        )
        world.report(world.event(2, job_id="j-81", job_completed=True))

        settle_all()

        assert moved("job_completed") == {
            ("buyer_held", "owner_pending:job"): 2_000,
            ("buyer_held", "platform_fee"): 500,
        }
        assert CompletedJob.objects.count() == 1

    def test_lets_the_fee_go_negative_and_never_the_owner(self) -> None:
        world = create_world(micros_per_kwh=600_000)
        world.report(world.event())

        settle_all()

        assert moved() == {
            ("buyer_held", "owner_pending:electricity"): 126_000,  # all that the buyer pays
            ("platform_fee", "owner_pending:electricity"): 25_200,  # of 0.252 x 0.60
            ("platform_fee", "owner_pending:wear"): 12_600,
            ("platform_fee", "owner_pending:reward"): 25_200,
        }
        assert only_line().fee_micros == 126_000 - 151_200 - 12_600 - 25_200

    def test_keeps_balances_and_what_was_delivered(self, world: World) -> None:
        world.report(world.event(), world.event(1))

        settle_all()

        pending = Account.objects.filter(kind="owner_pending", owner=world.olivia)
        assert sum(account.balance_micros for account in pending) == 2 * 98_280
        delivery = BookingDelivery.objects.get()
        assert (delivery.billed_wh, delivery.charged_micros) == (504, 252_000)
        assert world.ben.balance[1] == world.booking.held_micros - 252_000

    def test_counts_the_day_of_the_owner(self, world: World) -> None:
        world.report(world.event(0), world.event(24))  # 18:00 and midnight UTC

        settle_all()

        days = DayUse.objects.order_by("on_date").values_list("on_date", "energy_wh", "compute_s")
        assert [(str(day), wh, s) for day, wh, s in days] == [
            ("2026-11-20", 252, 900),
            ("2026-11-21", 252, 900),  # 01:00 in Oslo
        ]

    def test_counts_wear_by_warmth_and_what_went_over_the_modem(self, world: World) -> None:
        world.report(
            world.event(0, battery_temp_max_c=25, mobile_data_bytes=5),
            world.event(1, battery_temp_max_c=34.2, mobile_data_bytes=7),
            world.event(2, battery_temp_max_c=None),
        )

        settle_all()

        use = DayUse.objects.get()
        assert use.wear_wh == 252 + 504 + 504  # 1, 2 and, not knowing, 2 times
        assert use.mobile_data_bytes == 12

    def test_settles_nothing_twice(self, world: World) -> None:
        world.report(world.event())

        assert settle_all() == 1
        assert settle_all() == 0
        assert RatedLine.objects.count() == 1


class TestAsTheAppRole:
    def test_needs_no_right_that_the_application_lacks(self, world: World) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE parado_app")
            world.report(world.event(job_completed=True), world.event(24, energy_wh=999))
            settle_all()
            release_due(now=NOON + timedelta(days=9))
            cursor.execute("RESET ROLE")

        assert sum(moved("earnings_released").values()) == 98_280 + 2_000


class TestOutsideConsent:
    def test_pays_as_usual_and_compensates_at_once(self) -> None:
        world = create_world(energy_wh_per_day_max=1_000, temp_high_c=25)
        world.report(world.event())

        settle_all()

        line = only_line()
        assert line.outcome == Outcome.OUTSIDE_CONSENT
        assert line.refusals == ReasonCode.TOO_HOT.bit
        assert moved("consent_breach") == {
            ("breach_compensation", "owner_available:compensation"): 2 * 25_200 + 60_480
        }
        assert moved("usage_settled")[("buyer_held", "platform_fee")] == 27_720

    def test_refuses_from_the_record_that_begins_over_the_cap(self) -> None:
        world = create_world(energy_wh_per_day_max=500)
        world.report(*[world.event(quarter) for quarter in range(3)])
        world.report(world.event(3))

        settle_all()

        outcomes = RatedLine.objects.order_by("starts_at").values_list("refusals", flat=True)
        spent = ReasonCode.DAY_ENERGY_SPENT.bit
        assert list(outcomes) == [0, 0, spent, spent]  # before each: 0, 252, 504, 756

    def test_judges_a_late_record_by_what_came_before_it(self) -> None:
        world = create_world(energy_wh_per_day_max=500)
        early = world.event(0)
        world.report(world.event(4), world.event(5))
        settle_all()
        world.report(early)

        settle_all()

        assert not RatedLine.objects.exclude(refusals=0).exists()

    def test_flags_work_after_a_withdrawal_but_not_within_the_lease(self, world: World) -> None:
        consent.withdraw(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            now=EVENING + QUARTER - timedelta(seconds=60),
        )
        world.report(world.event(0), world.event(1))

        settle_all()

        masks = RatedLine.objects.order_by("starts_at").values_list("refusals", flat=True)
        assert list(masks) == [0, ReasonCode.CONSENT_WITHDRAWN.bit]

    def test_flags_an_interval_that_outlasts_the_lease(self, world: World) -> None:
        consent.withdraw(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            now=EVENING + QUARTER - timedelta(seconds=61),
        )
        world.report(world.event(0))

        settle_all()

        assert only_line().refusals == ReasonCode.CONSENT_WITHDRAWN.bit

    def test_flags_work_during_a_pause(self, world: World) -> None:
        consent.pause(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            until=EVENING + 2 * QUARTER,
            kind="tonight",
            now=EVENING + timedelta(minutes=10),
        )
        world.report(*[world.event(quarter) for quarter in range(3)])

        settle_all()

        masks = RatedLine.objects.order_by("starts_at").values_list("refusals", flat=True)
        assert list(masks) == [ReasonCode.PAUSED.bit, ReasonCode.PAUSED.bit, 0]


class TestOutsideBooking:
    def test_pays_the_owner_and_charges_nobody(self, world: World) -> None:
        world.report(world.event(-1))

        settle_all()

        assert only_line().outcome == Outcome.OUTSIDE_BOOKING
        assert moved() == {
            ("unbilled_usage", "owner_pending:electricity"): 60_480,
            ("unbilled_usage", "owner_pending:wear"): 12_600,
            ("unbilled_usage", "owner_pending:reward"): 25_200,
        }

    def test_holds_for_another_kind_of_work_too(self, world: World) -> None:
        world.report(world.event(workload_category="rendering"))

        settle_all()

        assert only_line().outcome == Outcome.OUTSIDE_BOOKING
        assert not only_line().is_billed

    def test_says_outside_consent_when_it_is_both(self) -> None:
        world = create_world(temp_high_c=25)
        world.report(world.event(-1))

        settle_all()

        assert only_line().outcome == Outcome.OUTSIDE_CONSENT
        assert not only_line().is_billed
        assert moved("consent_breach")


class TestOverBooking:
    def test_charges_no_more_than_was_booked(self) -> None:
        world = create_world()
        leave_room(world, energy_wh=480)
        world.report(*[world.event(quarter) for quarter in range(3)])

        settle_all()

        outcomes = RatedLine.objects.order_by("starts_at").values_list("outcome", flat=True)
        assert list(outcomes) == [Outcome.ACCEPTED, Outcome.OVER_BOOKING, Outcome.OVER_BOOKING]
        delivery = BookingDelivery.objects.get()
        assert delivery.booked_wh - delivery.billed_wh == 480 - 252
        assert moved("usage_unbilled")[("unbilled_usage", "owner_pending:reward")] == 50_400

    def test_remembers_what_earlier_settlements_billed(self) -> None:
        world = create_world()
        leave_room(world, energy_wh=480)
        world.report(world.event(0))
        settle_all()
        world.report(world.event(1))

        settle_all()

        last = RatedLine.objects.order_by("starts_at").last()
        assert last is not None
        assert last.outcome == Outcome.OVER_BOOKING

    def test_lets_the_platform_pay_for_jobs_beyond_the_booked_ones(self) -> None:
        world = create_world(jobs_max=1)
        world.report(world.event(0, job_completed=True), world.event(1, job_completed=True))

        settle_all()

        assert BookingDelivery.objects.get().billed_jobs == 1
        assert moved("low_margin") == {("platform_fee", "owner_pending:job"): 2_000}


class TestImplausible:
    def test_sets_aside_more_energy_than_the_car_can_draw(self, world: World) -> None:
        world.report(world.event(energy_wh=290))  # 1,100 W x 0.25 h x 1.05 = 288.75 Wh

        settle_all()

        record = QuarantinedRecord.objects.get()
        assert (record.code, record.vehicle_id) == ("energy_implausible", world.vehicle.pk)
        assert not RatedLine.objects.exists()
        assert moved() == {}
        assert Settlement.objects.get().quarantined_count == 1

    def test_sets_aside_the_second_of_two_records_at_one_time(self, world: World) -> None:
        half = timedelta(minutes=5)
        world.report(
            world.event(0),
            world.event(starts_at=EVENING + half, ends_at=EVENING + 2 * half, energy_wh=50),
            world.event(1),
        )

        settle_all()

        assert RatedLine.objects.count() == 2
        assert QuarantinedRecord.objects.get().code == "overlap"

    def test_sets_aside_an_overlap_with_what_was_settled_before(self, world: World) -> None:
        world.report(world.event(0))
        settle_all()
        world.report(world.event(0, energy_wh=100))

        settle_all()

        assert RatedLine.objects.count() == 1
        assert QuarantinedRecord.objects.get().code == "overlap"

    def test_sets_aside_what_lies_between_two_prices(self, world: World) -> None:
        average = Tariff.objects.get()
        own = Tariff.objects.get()
        own.pk, own.owner, own.region_code = None, world.olivia, ""
        own.in_force = (average.in_force.lower, EVENING + QUARTER)
        own.save()
        average.in_force = (EVENING + 2 * QUARTER, None)
        average.save()
        world.report(*[world.event(quarter) for quarter in range(3)])

        settle_all()

        assert RatedLine.objects.count() == 2
        unpriced = QuarantinedRecord.objects.get()
        assert (unpriced.code, unpriced.event_id) == ("unknown_price", "eu1-000002")

    def test_sets_aside_what_has_no_price(self, world: World) -> None:
        world.report(world.event(0, job_completed=True, starts_at=EVENING))
        consent_vehicle = world.vehicle
        consent_vehicle.region_code = "elsewhere"
        consent_vehicle.save()

        settle_all()

        assert QuarantinedRecord.objects.get().code == "unknown_price"
        assert not CompletedJob.objects.exists()


class TestTotals:
    def test_lines_add_up_to_transfers(self) -> None:
        world = create_world(temp_high_c=29, energy_wh_per_day_max=900)
        leave_room(world, energy_wh=1_500)
        world.report(
            *[
                world.event(quarter, battery_temp_max_c=20 + quarter, job_completed=quarter == 3)
                for quarter in range(-2, 12)
            ]
        )

        settle_all()

        for total in SettlementTotal.objects.all():
            moved_micros = sum(
                t.amount_micros
                for t in Transfer.objects.filter(settlement_id=total.settlement_id)
                if t.credit_account.owner_id
            )
            assert moved_micros == (
                total.electricity_micros
                + total.wear_micros
                + total.reward_micros
                + total.job_micros
                + total.compensation_micros
            )
        settlement = Settlement.objects.get()
        assert settlement.record_count == 14
        assert find_breaks() == []
        assert settlement.booked_at == NOON
