"""
Forgetting an owner: everything stops when they ask, and goes when nothing is owed any more.

The ledger, rated lines and payouts stay as they are; they name owners by number only.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection

from accounts import operations as accounts
from accounts.queries import Erasure, list_addresses
from billing.models import (
    Account,
    Component,
    PayoutAccount,
    PayoutAttempt,
    PayoutHold,
    ProviderEvent,
)
from billing.operations.ledger import AccountKey, Leg, post_entry
from billing.queries.earnings import select_accounts
from billing.queries.erasure import OpenMoney, has_unsettled_usage, list_open_money
from consent import operations as consent
from consent.queries.known import list_known_cars
from web.public_ids import encode
from web.transactions import durable


LOOK_AGAIN_IN = timedelta(minutes=5)
# The last mail leaves within seconds of being written.
LOOK_FOR_MAIL_IN = timedelta(seconds=10)


@durable
def ask_for_erasure(*, owner_id: int, gives_up_money: bool, now: datetime) -> int:
    """
    Stop every car of an owner for good and note that they want to be forgotten.

    Returns how many cars were stopped. Asked again it changes only what becomes of the money.

    :raises CannotBeErased: the person has to leave the house or their teams first.
    """
    accounts.request_erasure(user_id=owner_id, gives_up_money=gives_up_money, now=now)
    return consent.stop_all_cars(owner_id=owner_id, now=now)


@durable
def take_erasure_back(*, owner_id: int, now: datetime) -> bool:
    """
    Keep the account after all, without the cars; False: it is too late, or nobody asked.
    """
    return accounts.forget_request(user_id=owner_id, now=now)


@durable
def complete_erasures(*, now: datetime) -> int:
    """
    Take the request that waits longest one step further; 0: none could be.

    Nothing may be pending, on its way or unsettled; what is left is paid out, or given up.
    """
    erasure = accounts.take_due_erasure(now=now, look_again_at=now + LOOK_AGAIN_IN)
    if erasure is None or not _is_free(erasure):
        return 0
    if not erasure.is_told:
        accounts.say_goodbye(user_id=erasure.user_id, now=now)
        return 1
    if not accounts.has_goodbye_left(user_id=erasure.user_id):
        accounts.put_erasure_off(user_id=erasure.user_id, until=now + LOOK_FOR_MAIL_IN)
        return 0
    _erase(erasure.user_id, now)
    return 1


def _is_free(erasure: Erasure) -> bool:
    if has_unsettled_usage(owner_id=erasure.user_id, until=erasure.asked_at):
        return False
    return not any(
        money.pending_micros or money.is_moving or (money.has_rest and not erasure.gives_up_money)
        for money in list_open_money(owner_id=erasure.user_id)
    )


def _erase(owner_id: int, now: datetime) -> None:
    for money in list_open_money(owner_id=owner_id):
        _close_books(owner_id, money, now)
    subjects = _erase_records(owner_id)
    # A car that was added while the request waited.
    consent.stop_all_cars(owner_id=owner_id, now=now)
    consent.erase_traces(owner_id=owner_id, addresses=list_addresses(user_id=owner_id))
    accounts.erase_person(
        user_id=owner_id,
        subjects=[*subjects, *consent.list_audit_subjects(owner_id=owner_id)],
        mail_keys=list(consent.list_mail_keys(owner_id=owner_id)),
        now=now,
    )


def _close_books(owner_id: int, money: OpenMoney, now: datetime) -> None:
    """
    Post what an owner gives up, what is less than a cent, and what they owed.
    """
    legs = list(_list_last_legs(owner_id, money))
    if legs:
        post_entry(
            code="account_closed",
            business_key=f"erasure:{owner_id}:{money.currency}",
            effective_at=now,
            booked_at=now,
            currency=money.currency,
            legs=legs,
        )


def _list_last_legs(owner_id: int, money: OpenMoney) -> Iterator[Leg]:
    kept = "platform_fee" if money.has_rest else "rounding"
    available = select_accounts(owner_id=owner_id).filter(
        kind="owner_available", currency=money.currency
    )
    for account in available:
        for component, micros in _list_parts(account):
            yield Leg(
                debit=AccountKey(kind="owner_available", component=component, owner_id=owner_id),
                credit=AccountKey(kind=kept),
                amount_micros=micros,
            )
    if money.receivable_micros > 0:
        yield Leg(
            debit=AccountKey(kind="bad_debt"),
            credit=AccountKey(kind="owner_receivable", owner_id=owner_id),
            amount_micros=money.receivable_micros,
        )


def _list_parts(account: Account) -> Iterator[tuple[str, int]]:
    for component in Component.values:
        micros = getattr(account, f"{component}_micros")
        if micros > 0:
            yield component, micros


# What a meter said of the car beside its energy. The record stays: money was made of it, or it
# was decided that none is.
_FORGET_READINGS = """
UPDATE billing_usagerecord r
SET state_of_charge_min_permille = NULL, battery_temp_min_decic = NULL,
    battery_temp_max_decic = NULL, plugged_in = NULL, is_home = NULL, mobile_data_bytes = NULL
FROM (
    SELECT on_date, record_id FROM billing_ratedline
    WHERE vehicle_id = ANY(%(vehicle_ids)s) AND owner_id = %(owner_id)s
    UNION ALL
    SELECT on_date, record_id FROM billing_quarantinedrecord
    WHERE vehicle_id = ANY(%(vehicle_ids)s) AND state IN ('dismissed', 'superseded')
) l
WHERE r.on_date = l.on_date AND r.id = l.record_id AND r.owner_id = %(owner_id)s
"""


# What was set aside and is decided, and what was said of it; an open one may still become
# money. A decision keeps that it had a reason. What was refused at the door names the car in
# its text only.
_FORGET_TEXTS = """
UPDATE billing_quarantinedrecord q
SET body = '', resolution = CASE WHEN q.resolution = '' THEN '' ELSE 'erased' END
WHERE q.state <> 'open' AND (q.vehicle_id = ANY(%s) OR q.body LIKE ANY(%s))
RETURNING 'quarantined_record:' || q.id
"""


def _erase_records(owner_id: int) -> list[str]:
    """
    Take out of billing's own rows what names an owner or tells of their car.

    Returns what the audit trail calls the rows of which a person said something.
    """
    car_ids = [car.vehicle_id for car in list_known_cars(owner_id=owner_id)]
    named = [f"%{encode('veh', car_id)}%".replace("_", r"\_") for car_id in car_ids]
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_READINGS, {"owner_id": owner_id, "vehicle_ids": car_ids})
        cursor.execute(_FORGET_TEXTS, [car_ids, named])
        subjects = [subject for (subject,) in cursor.fetchall()]
    _erase_payouts(owner_id)
    return subjects


def _erase_payouts(owner_id: int) -> None:
    PayoutHold.objects.filter(owner_id=owner_id).update(reason="")
    # What the provider said when it refused a payout.
    PayoutAttempt.objects.filter(payout__owner_id=owner_id).update(error_detail="")
    account = PayoutAccount.objects.filter(owner_id=owner_id).first()
    if account is None:
        return
    # The number at the provider stays: a payout that comes back is found by it.
    account.status, account.is_ready = PayoutAccount.Status.CLOSED, False
    account.requirements, account.requirements_due_at = [], None
    account.save(update_fields=["status", "is_ready", "requirements", "requirements_due_at"])
    if account.provider_account_id:
        ProviderEvent.objects.filter(provider_account_id=account.provider_account_id).update(
            body=""
        )
