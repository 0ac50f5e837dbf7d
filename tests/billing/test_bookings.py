"""
Hold and release: the worked figures of the ledger, each exactly once.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from accounts.models import AuditEvent
from billing.models import BookingDelivery, Entry, Transfer
from billing.operations import bookings
from billing.operations.bookings import release_finished_bookings
from marketplace.models import Booking, CapacityBucket, Pool
from marketplace.operations.bookings import CapacityShort
from marketplace.queries.bookings import (
    BookingRow,
    Phase,
    get_booking,
    list_bookings,
    list_by_window,
)
from tests.billing.buyers import NOON, Company, book, charge, create_company, wish_for
from tests.billing.refusals import refuse
from tests.factories import create_booking, create_capacity, create_pool


pytestmark = pytest.mark.django_db
A_DAY = timedelta(days=1)


@pytest.fixture
def pool() -> Pool:
    pool = create_pool()
    create_capacity(pool=pool, starts_at=NOON, hours=72, sellable_w=50_000)
    return pool


@pytest.fixture
def ben() -> Company:
    return create_company(prepaid_micros=500_000_000)


class TestPlaceBooking:
    def test_holds_the_price_of_every_booked_hour(self, ben: Company, pool: Pool) -> None:
        booking = book(ben, wish_for(pool))  # 24 h x 10 kW x 0.50

        assert booking.held_micros == 120_000_000
        assert ben.balance == (380_000_000, 120_000_000)
        transfer = Transfer.objects.get(code="booking_held")
        assert transfer.booking_id == booking.id
        assert transfer.debit_account.kind == "buyer_prepaid"
        assert transfer.credit_account.kind == "buyer_held"

    def test_says_who_booked(self, ben: Company, pool: Pool) -> None:
        booking = book(ben, wish_for(pool))

        event = AuditEvent.objects.get(action="booking.placed")
        assert (event.actor_id, event.subject) == (ben.person.pk, f"booking:{booking.id}")

    def test_books_once_when_called_twice(self, ben: Company, pool: Pool) -> None:
        first = book(ben, wish_for(pool))
        again = book(ben, wish_for(pool))

        assert again.id == first.id
        assert ben.balance == (380_000_000, 120_000_000)

    def test_refuses_a_request_key_used_for_another_wish(self, ben: Company, pool: Pool) -> None:
        book(ben, wish_for(pool))

        with pytest.raises(bookings.RequestReused):
            book(ben, wish_for(pool, power_w=20_000))

    def test_takes_nothing_when_the_balance_is_too_small(self, ben: Company, pool: Pool) -> None:
        with pytest.raises(bookings.InsufficientBalance) as caught:
            book(ben, wish_for(pool, hours=48, power_w=50_000))  # 2,400 kWh x 0.50

        assert caught.value.required_micros == 1_200_000_000
        assert caught.value.available_micros == 500_000_000
        assert ben.balance == (500_000_000, 0)
        assert not Booking.objects.exists()
        assert not CapacityBucket.objects.filter(reserved_w__gt=0).exists()

    def test_takes_no_money_when_the_capacity_is_short(self, ben: Company, pool: Pool) -> None:
        with pytest.raises(CapacityShort):
            book(ben, wish_for(pool, hours=1, power_w=50_001))

        assert ben.balance == (500_000_000, 0)

    def test_lets_a_broken_ledger_be_seen(
        self, ben: Company, pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bookings, "NOT_OVERDRAWN", "another constraint")

        with pytest.raises(IntegrityError):
            book(ben, wish_for(pool, hours=48, power_w=50_000))

    def test_finds_no_balance_of_a_company_that_never_paid(self, pool: Pool) -> None:
        mallory = create_company("Mallory")

        with pytest.raises(bookings.InsufficientBalance) as caught:
            book(mallory, wish_for(pool))

        assert caught.value.available_micros == 0


class TestReleaseFinishedBookings:
    @pytest.fixture
    def booking(self, ben: Company, pool: Pool) -> BookingRow:
        return book(ben, wish_for(pool))

    def test_gives_back_what_was_not_charged(self, ben: Company, booking: BookingRow) -> None:
        charge(ben, booking, 45_000_000, energy_wh=90_000)  # 90 of 240 kWh

        assert release_finished_bookings(now=booking.ends_at + A_DAY) == 1

        assert ben.balance == (455_000_000, 0)  # 500 - 45
        transfer = Transfer.objects.get(code="booking_released")
        assert transfer.amount_micros == 75_000_000  # 120 - 45
        assert Booking.objects.get().state == "released"

    def test_closes_the_booking_to_later_charges(self, booking: BookingRow) -> None:
        release_finished_bookings(now=booking.ends_at + A_DAY)

        delivery = BookingDelivery.objects.get()
        assert (delivery.booking_id, delivery.charged_micros) == (booking.id, 0)
        assert delivery.closed_at == booking.ends_at + A_DAY

    def test_one_that_the_books_refuse_keeps_no_other_waiting(
        self, ben: Company, pool: Pool, booking: BookingRow
    ) -> None:
        sound = book(ben, wish_for(pool), key="second")
        refuse(
            "billing_transfer",
            unless="code <> 'booking_released' OR booking_id <> %s",
            value=booking.id,
        )

        assert release_finished_bookings(now=booking.ends_at + A_DAY) == 1

        assert Booking.objects.get(pk=sound.id).state == "released"
        assert Booking.objects.get(pk=booking.id).state == "held"
        assert ben.balance == (380_000_000, 120_000_000)

    def test_releases_once_when_called_twice(self, ben: Company, booking: BookingRow) -> None:
        assert release_finished_bookings(now=booking.ends_at + A_DAY) == 1
        assert release_finished_bookings(now=booking.ends_at + A_DAY) == 0
        assert bookings.release_booking(booking_id=booking.id, now=booking.ends_at) is False

        assert ben.balance == (500_000_000, 0)

    def test_posts_nothing_when_all_was_used(self, ben: Company, booking: BookingRow) -> None:
        charge(ben, booking, 120_000_000, energy_wh=240_000)

        release_finished_bookings(now=booking.ends_at + A_DAY)

        assert not Entry.objects.filter(code="booking_released").exists()
        assert ben.balance == (380_000_000, 0)

    def test_waits_for_late_reports(self, booking: BookingRow) -> None:
        assert release_finished_bookings(now=booking.ends_at + A_DAY - timedelta(seconds=1)) == 0

    def test_waits_as_long_for_a_booking_made_after_its_end(self, ben: Company, pool: Pool) -> None:
        imported_at = NOON + timedelta(days=10)
        buyer = bookings.Buyer(organization_id=ben.id, actor_id=None)
        bookings.place_booking(
            buyer=buyer, wish=wish_for(pool), request_key="b", now=imported_at, allow_past=True
        )

        assert release_finished_bookings(now=imported_at + timedelta(hours=1)) == 0
        assert release_finished_bookings(now=imported_at + A_DAY) == 1


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_eight_repeats_of_one_request_book_once(self, ben: Company, pool: Pool) -> None:
        def repeat(_: int) -> int:
            try:
                # Only one of these fits into an hour: a repeat that looked too early
                # would find its own capacity gone.
                return book(ben, wish_for(pool, hours=2, power_w=50_000)).id
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as threads:
            ids = set(threads.map(repeat, range(8)))

        assert len(ids) == 1
        assert ben.balance == (450_000_000, 50_000_000)

    def test_two_bookings_cannot_spend_the_same_money(self, ben: Company, pool: Pool) -> None:
        def spend(number: int) -> bool:
            try:
                book(ben, wish_for(pool, hours=24, power_w=25_000), key=f"{number}")  # 300.00
            except bookings.InsufficientBalance:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(2) as threads:
            outcomes = sorted(threads.map(spend, range(2)))

        assert outcomes == [False, True]
        assert ben.balance == (200_000_000, 300_000_000)
        assert Booking.objects.count() == 1


class TestPhase:
    @pytest.mark.parametrize(
        ("hours", "phase"),
        [(-1, Phase.BOOKED), (0, Phase.RUNNING), (23, Phase.RUNNING), (24, Phase.SETTLING)],
    )
    def test_follows_the_clock(self, ben: Company, pool: Pool, hours: int, phase: Phase) -> None:

        booking = book(ben, wish_for(pool))
        now = NOON + timedelta(hours=hours)

        found = get_booking(organization_id=ben.id, booking_id=booking.id, now=now)

        assert found is not None
        assert found.phase is phase
        assert list_bookings(organization_id=ben.id, now=now, phase=phase, limit=9) == (found,)


@pytest.mark.parametrize(
    ("phase", "hours"),
    [
        (None, (9, 5, 0, -30)),
        (Phase.BOOKED, (5, 9)),
        (Phase.RUNNING, (0,)),
        (Phase.SETTLING, (-30,)),
    ],
)
def test_bookings_by_window_begin_with_what_is_to_come(
    ben: Company, pool: Pool, phase: Phase | None, hours: tuple[int, ...]
) -> None:
    # As placed: neither by window nor backwards.
    for hour in (5, -30, 9, 0):
        create_booking(organization_id=ben.id, pool=pool, starts_at=NOON + timedelta(hours=hour))
    shown: list[int] = []
    cursor = None

    while True:
        page = list_by_window(organization_id=ben.id, now=NOON, phase=phase, cursor=cursor, limit=3)
        shown += [(row.starts_at - NOON) // timedelta(hours=1) for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert tuple(shown) == hours
