"""
A correction takes the place of an earlier record: reversed, and priced again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection

from billing.models import (
    CREDITS_NO_BUYER,
    Account,
    BookingDelivery,
    CompletedJob,
    Entry,
    LineKind,
    Outcome,
    QuarantinedRecord,
    RatedLine,
    SettlementTotal,
    Supersession,
)
from billing.operations.bookings import release_booking
from billing.operations.releases import release_due
from billing.queries.bookings import BALANCE_MOVES, list_balance_moves
from billing.queries.overview import list_outcomes
from consent.models import DayUse
from tests.billing.meters import NOON, World, create_world, find_breaks, moved, settle_all


pytestmark = pytest.mark.django_db
LATER = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture
def world() -> Iterator[World]:
    yield create_world()
    assert find_breaks() == []


def correct(world: World, old: str, *, energy_wh: int, quarter: int = 0) -> None:
    world.report(world.event(quarter, supersedes=old, energy_wh=energy_wh))
    settle_all()


def balance(world: World, kind: str) -> int:
    accounts = Account.objects.filter(kind=kind, owner=world.olivia)
    return sum(account.balance_micros for account in accounts)


class TestCorrection:
    def test_reverses_and_prices_anew(self, world: World) -> None:
        world.report(world.event(id="old"))
        settle_all()

        correct(world, "old", energy_wh=100)

        assert RatedLine.objects.filter(kind=LineKind.REVERSAL).count() == 1
        assert balance(world, "owner_pending") == 39_000  # 0.1 x (0.24 + 0.05 + 0.10)
        assert BookingDelivery.objects.get().billed_wh == 100
        assert world.ben.balance[1] == world.booking.held_micros - 50_000
        assert DayUse.objects.get().energy_wh == 100

    def test_counts_wear_and_data_anew(self, world: World) -> None:
        world.report(
            world.event(0, id="old", battery_temp_max_c=45, mobile_data_bytes=9),
            world.event(1, battery_temp_max_c=25, mobile_data_bytes=1),
        )
        settle_all()
        assert DayUse.objects.get().wear_wh == 252 * 4 + 252

        world.report(
            world.event(0, id="new", supersedes="old", battery_temp_max_c=25, mobile_data_bytes=4)
        )
        settle_all()
        world.report(world.event(0, id="newer", supersedes="new", battery_temp_max_c=35))
        settle_all()

        use = DayUse.objects.get()
        assert (use.energy_wh, use.wear_wh, use.mobile_data_bytes) == (504, 252 * 2 + 252, 1)

    def test_names_the_entry_that_it_corrects(self, world: World) -> None:
        world.report(world.event(id="old"))
        settle_all()
        first = Entry.objects.get(code="usage_settled")

        correct(world, "old", energy_wh=100)

        entry = Entry.objects.get(code="correction")
        assert entry.corrects_id == first.pk
        assert first.transfers.count() == 4
        assert moved("correction")[("platform_fee", "buyer_held")] == 27_720

    def test_adds_up_in_the_totals(self, world: World) -> None:
        world.report(world.event(id="old"))
        settle_all()
        correct(world, "old", energy_wh=100)

        totals = SettlementTotal.objects.all()
        assert sum(total.charge_micros for total in totals) == 50_000
        assert sum(total.electricity_micros for total in totals) == 24_000

    def test_replaces_what_was_not_settled_yet(self, world: World) -> None:
        world.report(world.event(id="old"), world.event(supersedes="old", energy_wh=100))

        settle_all()

        outcomes = RatedLine.objects.order_by("record_id").values_list("outcome", "energy_wh")
        assert sorted(outcomes) == [(Outcome.ACCEPTED, 100), (Outcome.SUPERSEDED, 0)]
        assert Supersession.objects.count() == 1

    def test_may_be_corrected_itself_before_it_is_settled(self, world: World) -> None:
        world.report(world.event(id="old"))
        settle_all()

        world.report(
            world.event(id="new", supersedes="old", energy_wh=100),
            world.event(id="newer", supersedes="new", energy_wh=40),
            world.event(id="newest", supersedes="newer", energy_wh=50),
        )
        settle_all()

        assert not QuarantinedRecord.objects.exists()
        lines = RatedLine.objects.values_list("kind", "outcome", "energy_wh")
        assert sorted(lines) == [
            (LineKind.USAGE, Outcome.ACCEPTED, 50),
            (LineKind.USAGE, Outcome.ACCEPTED, 252),
            (LineKind.USAGE, Outcome.SUPERSEDED, 0),
            (LineKind.USAGE, Outcome.SUPERSEDED, 0),
            (LineKind.REVERSAL, Outcome.ACCEPTED, -252),
        ]
        assert balance(world, "owner_pending") == 19_500  # 0.05 x (0.24 + 0.05 + 0.10)
        assert world.ben.balance[1] == world.booking.held_micros - 25_000  # 0.05 x 0.50

    @pytest.mark.parametrize("before", [["other"], []])
    def test_that_is_set_aside_leaves_no_original_unchecked(
        self, world: World, before: list[str]
    ) -> None:
        # Three records at one time: an original, its correction, and the correction of that.
        for name in before:
            world.report(world.event(id=name))
            settle_all()
        world.report(
            *([] if before else [world.event(id="other")]),
            world.event(id="old"),
            world.event(id="new", supersedes="old", energy_wh=100),
            world.event(id="newer", supersedes="new", energy_wh=50),
        )
        settle_all()

        line = RatedLine.objects.get()
        assert (line.energy_wh, line.outcome) == (252, Outcome.ACCEPTED)
        codes = QuarantinedRecord.objects.values_list("code", flat=True)
        assert list(codes) == ["overlap"] * 3

    def test_that_another_one_corrects_is_charged_though_the_booking_is_over(
        self, world: World
    ) -> None:
        world.report(world.event(id="old"))
        settle_all()
        release_booking(booking_id=world.booking.id, now=NOON)
        prepaid, _ = world.ben.balance

        world.report(
            world.event(id="new", supersedes="old", energy_wh=200),
            world.event(id="newer", supersedes="new", energy_wh=100),
        )
        settle_all()

        assert world.ben.balance == (prepaid + 76_000, 0)  # 126,000 back, 50,000 charged
        line = RatedLine.objects.get(energy_wh=100)
        assert (line.outcome, line.charge_micros) == (Outcome.ACCEPTED, 50_000)

    def test_of_a_booking_that_is_over_stands_in_the_buyers_list_with_its_booking(
        self, world: World
    ) -> None:
        world.report(world.event(id="old"))
        settle_all()
        release_booking(booking_id=world.booking.id, now=NOON)

        correct(world, "old", energy_wh=100)

        moves = list_balance_moves(organization_id=world.ben.organization.id, limit=2)
        assert [(m.code, m.amount_micros, m.booking_id) for m in moves] == [
            ("correction", 126_000, world.booking.id),
            ("usage_settled", -50_000, world.booking.id),
        ]

    def test_the_buyers_list_reads_no_transfer_that_it_does_not_show(self) -> None:
        with connection.cursor() as cursor:
            # What is cheap depends on what earlier tests left in the statistics.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(
                f"EXPLAIN {BALANCE_MOVES}",
                {
                    "organization_id": 1,
                    "credits_no_buyer": CREDITS_NO_BUYER,
                    "before_id": 9,
                    "limit": 1,
                },
            )
            plan = "".join(line for (line,) in cursor.fetchall())
        assert "using billing_transfer_debited" in plan
        assert "using billing_transfer_credited" in plan

    def test_is_counted_once_whether_it_came_before_or_after_the_price(self, world: World) -> None:
        world.report(world.event(0, id="priced"), world.event(1, id="early"), world.event(2))
        world.report(world.event(1, supersedes="early", energy_wh=50))
        settle_all()

        correct(world, "priced", energy_wh=100)

        assert [(row.outcome, row.record_count, row.energy_wh) for row in list_outcomes()] == [
            ("accepted", 3, 252 + 50 + 100),
            ("superseded", 2, 0),
        ]

    def test_may_be_corrected_itself_but_not_past_itself(self, world: World) -> None:
        world.report(world.event(id="old"))
        settle_all()
        world.report(world.event(id="second", supersedes="old", energy_wh=100))
        settle_all()

        correct(world, "second", energy_wh=50)
        correct(world, "old", energy_wh=10)

        assert balance(world, "owner_pending") == 19_500
        assert QuarantinedRecord.objects.get().code == "supersedes_unfit"

    def test_settles_the_quarantine_of_an_implausible_record(self, world: World) -> None:
        world.report(world.event(id="old", energy_wh=9_000))
        settle_all()

        correct(world, "old", energy_wh=252)

        assert QuarantinedRecord.objects.get().state == "superseded"
        assert RatedLine.objects.get().outcome == Outcome.ACCEPTED

    def test_hands_the_job_over(self, world: World) -> None:
        world.report(world.event(id="old", job_id="j-81", job_completed=True))
        settle_all()
        event = world.event(supersedes="old", job_id="j-81", job_completed=True, energy_wh=100)
        world.report(event)

        settle_all()

        assert CompletedJob.objects.count() == 1
        assert balance(world, "owner_pending") == 39_000 + 2_000

    def test_makes_a_debt_of_what_was_released_and_sets_it_off_against_rewards(
        self, world: World
    ) -> None:
        world.report(world.event(id="old"))
        settle_all()
        release_due(now=LATER)

        correct(world, "old", energy_wh=0)
        assert balance(world, "owner_receivable") == -98_280
        world.report(world.event(1))
        settle_all()
        release_due(now=LATER)

        assert balance(world, "owner_receivable") == -98_280 + 25_200  # its reward, no more
        assert moved("receivable_offset") == {("owner_pending:reward", "owner_receivable"): 25_200}

    def test_keeps_compensation_and_pays_only_what_is_more(self) -> None:
        world = create_world(temp_high_c=25)
        world.report(world.event(id="old"))
        settle_all()
        correct(world, "old", energy_wh=100)
        assert balance(world, "owner_available") == 110_880

        world.report(world.event(2, id="less", energy_wh=100))
        settle_all()
        before = balance(world, "owner_available")
        correct(world, "less", energy_wh=200, quarter=2)

        assert balance(world, "owner_available") - before == 44_000  # 0.1 kWh x (2 x 0.10 + 0.24)

    def test_gives_a_buyer_whose_booking_is_over_the_money_back(self, world: World) -> None:
        world.report(world.event(id="old"))
        settle_all()
        release_booking(booking_id=world.booking.id, now=NOON)
        prepaid, held = world.ben.balance
        assert held == 0

        correct(world, "old", energy_wh=100)

        assert world.ben.balance == (prepaid + 76_000, 0)
        line = RatedLine.objects.get(energy_wh=100)
        assert (line.outcome, line.charge_micros) == (Outcome.ACCEPTED, 50_000)
