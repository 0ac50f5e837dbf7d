"""
Ben, who buys, and Mallory, who must not see it: their companies, their money, their keys.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from accounts.models import Organization, User
from billing.models import BookingDelivery
from billing.operations.bookings import Buyer, place_booking
from billing.operations.ledger import AccountKey, Leg, post_entry
from billing.queries.bookings import BuyerBalance, get_balance
from consent.rules import WorkloadCategory
from marketplace.models import Pool
from marketplace.operations.bookings import Wish
from marketplace.queries.bookings import BookingRow
from tests.factories import create_api_key, create_organization, create_person


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Company:
    person: User
    organization: Organization

    @property
    def id(self) -> int:
        return self.organization.pk

    @property
    def balance(self) -> tuple[int, int]:
        """
        Return available and held micros.
        """
        balance: BuyerBalance = get_balance(organization_id=self.id, currency="EUR")
        return balance.available_micros, balance.held_micros

    def key(self, scopes: frozenset[str] | None = None) -> str:
        return create_api_key(kind="buyer", organization_id=self.id, scopes=scopes)


def create_company(name: str = "Ben", *, prepaid_micros: int = 0) -> Company:
    person = create_person(name)
    company = Company(person, create_organization(person, name=f"{name}'s lab"))
    if prepaid_micros:
        top_up(company, prepaid_micros)
    return company


def top_up(company: Company, amount_micros: int, *, number: int = 1) -> None:
    """
    Book a captured payment, of which the provider kept 2.96 %.
    """
    fee_micros = amount_micros * 296 // 10_000
    prepaid = AccountKey(kind="buyer_prepaid", organization_id=company.id)
    with transaction.atomic():
        post_entry(
            code="top_up_captured",
            business_key=f"top_up_captured:test-{company.id}-{number}",
            effective_at=NOON - timedelta(days=1),
            booked_at=NOON - timedelta(days=1),
            currency="EUR",
            legs=[
                Leg(
                    debit=AccountKey(kind="stripe_pending"),
                    credit=prepaid,
                    amount_micros=amount_micros - fee_micros,
                ),
                Leg(
                    debit=AccountKey(kind="processor_fees"),
                    credit=prepaid,
                    amount_micros=fee_micros,
                ),
            ],
        )


def wish_for(
    pool: Pool,
    *,
    starts_at: datetime = NOON,
    hours: int = 24,
    power_w: int = 10_000,
    jobs_max: int | None = 0,
) -> Wish:
    """
    Return a wish for 240 kWh unless told otherwise: 120.00 at the worked examples' price.
    """
    return Wish(
        pool_id=pool.pk,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
        power_w=power_w,
        workload_category=WorkloadCategory.INFERENCE,
        jobs_max=jobs_max,
    )


def book(company: Company, wish: Wish, *, key: str = "first", now: datetime = NOON) -> BookingRow:
    buyer = Buyer(organization_id=company.id, actor_id=company.person.pk)
    return place_booking(buyer=buyer, wish=wish, request_key=key, now=now)


def charge(company: Company, booking: BookingRow, amount_micros: int, *, energy_wh: int) -> None:
    """
    Charge a booking as settlement does, in one sum: held money becomes the platform's.
    """
    with transaction.atomic():
        post_entry(
            code="usage_settled",
            business_key=f"settlement:test-{booking.id}",
            effective_at=booking.ends_at,
            booked_at=booking.ends_at,
            currency="EUR",
            legs=[
                Leg(
                    debit=AccountKey(kind="buyer_held", organization_id=company.id),
                    credit=AccountKey(kind="platform_fee"),
                    amount_micros=amount_micros,
                    booking_id=booking.id,
                )
            ],
        )
        BookingDelivery.objects.create(
            booking_id=booking.id,
            booked_wh=booking.energy_wh,
            jobs_max=booking.jobs_max,
            billed_wh=energy_wh,
            charged_micros=amount_micros,
        )
