"""
Payout runs: worked out, submitted by one person, approved by another, settled.
"""

from datetime import datetime

from django.db import IntegrityError, connection
from django.db.models import Exists, Max, OuterRef

from accounts.operations.records import record_audit
from billing.models import (
    MICROS_PER_CENT,
    PAYOUT_MINIMUM_MICROS,
    Payout,
    PayoutAccount,
    PayoutHold,
    PayoutRun,
)
from billing.operations.ledger import open_posting, post_staged, read_sql
from billing.queries.payout_counts import count_lines
from web.transactions import durable


State = PayoutRun.State
OPEN_STATES = ("created", "submitting", "unknown", "in_transit")
# Any number will do, as long as nothing else locks it.
NUMBERING_LOCK = 7_231_001


class RunNotFound(Exception):
    """
    There is no such payout run.
    """


class WrongState(Exception):
    """
    The run is not in the state that this step starts from.
    """


class SamePerson(Exception):
    """
    Whoever worked out or submitted a run cannot approve it.
    """


class NothingToPay(Exception):
    """
    No line of the run can be paid.
    """


class RunChanged(Exception):
    """
    The run is not what the approver saw: a line, a balance, a hold or an account changed.
    """


class DraftExists(Exception):
    """
    A run of this currency is being prepared already; `number` names it.
    """

    def __init__(self, *, number: int) -> None:
        super().__init__(f"run {number} is not decided yet")
        self.number = number


class CurrencyNotPayable(Exception):
    """
    No minimum is known for this currency.
    """


@durable
def calculate_run(*, actor_id: int, currency: str, now: datetime) -> PayoutRun:
    """
    Work out what every owner with an available balance would get, and what blocks the rest.

    No money moves. Amounts are whole cents, rounded down.

    :raises DraftExists: two drafts would count the same balances.
    :raises CurrencyNotPayable: no minimum is known for the currency.
    """
    if currency not in PAYOUT_MINIMUM_MICROS:
        raise CurrencyNotPayable(currency)
    _lock_numbering()
    drafts = PayoutRun.objects.filter(
        currency=currency, state__in=[State.CALCULATED, State.SUBMITTED]
    )
    if draft := drafts.first():
        raise DraftExists(number=draft.number)
    run = PayoutRun.objects.create(
        number=_next_number(),
        currency=currency,
        cutoff_at=now,
        checksum="",
        calculated_by_id=actor_id,
        calculated_at=now,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            read_sql("calculate_payouts.sql"),
            {
                "run_id": run.pk,
                "currency": currency,
                "minimum_micros": PAYOUT_MINIMUM_MICROS[currency],
                "micros_per_cent": MICROS_PER_CENT,
            },
        )
    write_totals(run)
    _audit(run, actor_id=actor_id, action="payout_run.calculated", now=now)
    return run


def _lock_numbering() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERING_LOCK])


def _next_number() -> int:
    return int(PayoutRun.objects.aggregate(last=Max("number"))["last"] or 0) + 1


def write_totals(run: PayoutRun) -> None:
    """
    Write the sums of the lines and their checksum to the run, which the caller has locked.
    """
    groups = count_lines(run_id=run.pk)
    blocked = [group for group in groups if group["state"] == Payout.State.BLOCKED]
    run.blocked_count = sum(group["line_count"] for group in blocked)
    run.payout_count = sum(group["line_count"] for group in groups) - run.blocked_count
    run.amount_micros = sum(group["amount_micros"] for group in groups)
    run.carried_micros = sum(
        group["available_micros"] - group["offset_micros"] - group["amount_micros"]
        for group in groups
    )
    run.line_groups = groups
    run.checksum = read_checksum(run_id=run.pk)
    run.save()


def read_checksum(*, run_id: int) -> str:
    """
    Return SHA-256 over every line of the run: owner, amounts, destination, reason.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT encode(sha256(convert_to(coalesce(string_agg(concat_ws(':', owner_id, currency,
                amount_micros, available_micros, offset_reward_micros, offset_job_micros,
                returned_micros, compensation_micros, electricity_micros, wear_micros,
                reward_micros, job_micros, destination, block_reason), E'\\n' ORDER BY owner_id),
                ''), 'UTF8')), 'hex')
            FROM billing_payout WHERE run_id = %s
            """,
            [run_id],
        )
        return str(cursor.fetchone()[0])


@durable
def submit_run(*, run_id: int, actor_id: int, now: datetime) -> PayoutRun:
    """
    Hand a run over to a second person.

    :raises RunNotFound: :raises WrongState: :raises NothingToPay:
    """
    run = _lock(run_id=run_id, states=(State.CALCULATED,))
    if not run.payout_count:
        raise NothingToPay(run.number)
    run.state = State.SUBMITTED
    run.submitted_by_id, run.submitted_at = actor_id, now
    run.save()
    _audit(run, actor_id=actor_id, action="payout_run.submitted", now=now)
    return run


@durable
def approve_run(*, run_id: int, actor_id: int, checksum: str, now: datetime) -> PayoutRun:
    """
    Approve exactly what was seen, and move its money to payout_in_transit.

    The first attempt of every payout is written in the same transaction, with its key; the
    sweep sends it afterwards.

    :raises SamePerson: the actor worked the run out or submitted it.
    :raises RunChanged: a line, balance, hold or account is not as it was.
    :raises RunNotFound: :raises WrongState:
    """
    run = _lock(run_id=run_id, states=(State.SUBMITTED,))
    if actor_id in {run.calculated_by_id, run.submitted_by_id}:
        raise SamePerson(run.number)
    if checksum != run.checksum or read_checksum(run_id=run_id) != run.checksum:
        raise RunChanged(run.number)
    if _is_outdated(run):
        raise RunChanged(run.number)
    run.state = State.APPROVED
    run.approved_by_id, run.approved_at = actor_id, now
    run.save()
    try:
        _move_money(run, now=now)
    except IntegrityError as error:
        if "billing_account_not_overdrawn" not in str(error):
            raise
        raise RunChanged(run.number) from error
    _audit(run, actor_id=actor_id, action="payout_run.approved", now=now)
    return run


def _is_outdated(run: PayoutRun) -> bool:
    owners = OuterRef("owner_id")
    held = PayoutHold.objects.filter(owner_id=owners, lifted_at__isnull=True)
    account = PayoutAccount.objects.filter(
        owner_id=owners, is_ready=True, provider_account_id=OuterRef("destination")
    )
    ready = run.payouts.filter(state=Payout.State.READY)
    return ready.filter(Exists(held) | ~Exists(account)).exists()


def _move_money(run: PayoutRun, *, now: datetime) -> None:
    with connection.cursor() as cursor:
        open_posting(cursor=cursor)
        cursor.execute(
            read_sql("approve_payouts.sql"),
            {
                "run_id": run.pk,
                "now": now,
                "micros_per_cent": MICROS_PER_CENT,
                "description": f"Parado payout run {run.number}",
            },
        )
        post_staged(cursor=cursor, effective_at=now, booked_at=now)


@durable
def cancel_run(*, run_id: int, actor_id: int, now: datetime) -> PayoutRun:
    """
    Give up a run before it is approved; nothing has moved.

    :raises RunNotFound: :raises WrongState:
    """
    run = _lock(run_id=run_id, states=(State.CALCULATED, State.SUBMITTED))
    run.state = State.CANCELLED
    run.cancelled_by_id, run.cancelled_at = actor_id, now
    run.save()
    run.payouts.filter(state=Payout.State.READY).update(state=Payout.State.CANCELLED)
    _audit(run, actor_id=actor_id, action="payout_run.cancelled", now=now)
    return run


@durable
def settle_runs(*, now: datetime) -> int:
    """
    Close every run of which no payout is open any more; return how many that were.
    """
    is_open = Payout.objects.filter(run_id=OuterRef("pk"), state__in=OPEN_STATES)
    running = PayoutRun.objects.filter(state__in=[State.APPROVED, State.EXECUTING])
    done = running.filter(~Exists(is_open))
    return done.update(state=State.SETTLED, settled_at=now)


def _lock(*, run_id: int, states: tuple[str, ...]) -> PayoutRun:
    run = PayoutRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None:
        raise RunNotFound(run_id)
    if run.state not in states:
        raise WrongState(run.state)
    return run


def _audit(run: PayoutRun, *, actor_id: int, action: str, now: datetime) -> None:
    record_audit(
        actor_id=actor_id,
        action=action,
        subject=f"payout_run:{run.pk}",
        detail={"number": run.number, "checksum": run.checksum},
        now=now,
    )
