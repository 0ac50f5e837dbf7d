"""
Prepaid money, payout accounts and electricity prices of the demo.
"""

import time
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from billing.operations.ledger import AccountKey, Leg, post_entry
from billing.operations.payout_accounts import start_onboarding
from billing.operations.top_ups import StartedTopUp, Wish, refresh_top_ups, start_top_up
from billing.queries.bookings import get_balance
from portal.demo import stand_in
from web.transactions import durable


CURRENCY = "EUR"
MICROS_PER_EURO = 1_000_000
# Top-ups come in round sums, with something left for the next bookings.
ROUND_SUM_MICROS = 1_000 * MICROS_PER_EURO
SPARE_MICROS = 1_500 * MICROS_PER_EURO
FEE_PERMILLE = 40
ARRIVES_WITHIN_S = 30.0


class MoneyDidNotArrive(Exception):
    """
    The checkout was paid, but the webhook that says so has not been applied in time.
    """


def find_round_sum(needed_micros: int) -> int:
    """
    Return what to pay in so that the needed sum is there after the card fee.
    """
    with_fee = needed_micros * 1000 // (1000 - FEE_PERMILLE) + SPARE_MICROS
    return -(-with_fee // ROUND_SUM_MICROS) * ROUND_SUM_MICROS


def ensure_balance(
    *, organization_id: int, actor_id: int, needed_micros: int, request_key: str, now: datetime
) -> None:
    """
    Pay in what is missing through the hosted checkout, or by bank where that is Stripe's own.

    :raises MoneyDidNotArrive: see there.
    """
    balance = get_balance(organization_id=organization_id, currency=CURRENCY)
    missing_micros = needed_micros - balance.available_micros
    if missing_micros <= 0:
        return
    amount_micros = find_round_sum(missing_micros)
    if not stand_in.is_there():
        receive_by_bank(organization_id=organization_id, amount_micros=amount_micros, now=now)
        return
    started = start_top_up(
        wish=Wish(
            organization_id=organization_id,
            amount_micros=amount_micros,
            currency=CURRENCY,
            title="Parado prepaid balance",
            return_url=f"{settings.BASE_URL}/buy/",
            request_key=request_key,
        ),
        actor_id=actor_id,
        now=now,
    )
    pay(started)
    wait_for_balance(organization_id=organization_id, needed_micros=needed_micros)


@durable
def receive_by_bank(*, organization_id: int, amount_micros: int, now: datetime) -> None:
    """
    Book money that reached the platform's bank account: nobody pays Stripe by script.
    """
    post_entry(
        code="bank_transfer_received",
        business_key=f"bank_transfer:demo:{organization_id}:{now:%Y%m%d%H%M%S}",
        effective_at=now,
        booked_at=now,
        currency=CURRENCY,
        legs=[
            Leg(
                debit=AccountKey(kind="bank"),
                credit=AccountKey(kind="buyer_prepaid", organization_id=organization_id),
                amount_micros=amount_micros,
            )
        ],
        description="Demo: paid in by bank transfer",
    )


def pay(started: StartedTopUp) -> None:
    if started.checkout_url:
        stand_in.submit(started.checkout_url, card="visa")


def wait_for_balance(*, organization_id: int, needed_micros: int) -> None:
    """
    Wait for the webhook, as a buyer does who looks at the balance.
    """
    deadline = time.monotonic() + ARRIVES_WITHIN_S
    while time.monotonic() < deadline:
        balance = get_balance(organization_id=organization_id, currency=CURRENCY)
        if balance.available_micros >= needed_micros:
            return
        time.sleep(0.2)
        refresh_top_ups(now=timezone.now())
    raise MoneyDidNotArrive(organization_id)


def onboard(*, owner_id: int, email: str, now: datetime) -> None:
    """
    Open the owner's payout account and fill in the provider's form.
    """
    page = start_onboarding(
        owner_id=owner_id,
        email=email,
        country="NO",
        currency=CURRENCY,
        return_url=f"{settings.BASE_URL}/payouts/",
        refresh_url=f"{settings.BASE_URL}/payouts/",
        now=now,
    )
    stand_in.submit(page)
