"""
One race for every operation that moves money: many at once do what one would have done.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from billing.models import Payout, PayoutAttempt, PayoutRun, TopUp, Transfer
from billing.operations.ledger_checks import check_ledger
from billing.operations.payout_returns import confirm_transfers
from billing.operations.payout_runs import (
    DraftExists,
    RunChanged,
    WrongState,
    approve_run,
    calculate_run,
    submit_run,
)
from billing.operations.payouts import claim_attempts, execute_payouts, look_up_unknown
from billing.operations.top_ups import refresh_checkout
from simulator.stripe.context import Options
from tests.billing.people import (
    NOON,
    create_bens_company,
    create_felix,
    create_fiona,
    earn,
    read_balance,
)
from tests.billing.stripe import onboard
from tests.billing.test_webhooks import pay_top_ups
from tests.factories import create_owner
from tests.stripe_stand_in import StandIn, run_stand_in


pytestmark = pytest.mark.django_db(transaction=True)

OWNERS = 6
WORKERS = 4


@pytest.fixture
def stand_in(settings: Settings) -> Iterator[StandIn]:
    with run_stand_in(options=Options()) as server:
        settings.STRIPE_API_BASE = server.base_url
        server.control.add_funds(amount=1_000_000)
        yield server


def at_once(work: Callable[[], object], *, workers: int = WORKERS) -> list[object]:
    """
    Let several threads, each with its own connection, do the same; return what came of it.
    """

    def run(_worker: int) -> object:
        try:
            return work()
        except (DraftExists, RunChanged, WrongState) as refusal:
            return type(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as threads:
        return list(threads.map(run, range(workers)))


def prepare(stand_in: StandIn) -> tuple[PayoutRun, User]:
    fiona, felix = create_fiona(), create_felix()
    for number in range(OWNERS):
        owner = create_owner(f"Owner{number}")
        onboard(owner, stand_in)
        earn(owner, reward=11_500_000)
    run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
    return submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON), felix


def approve(run: PayoutRun, felix: User) -> PayoutRun:
    return approve_run(run_id=run.pk, actor_id=felix.pk, checksum=run.checksum, now=NOON)


def work_off(work: Callable[..., int], **given: object) -> Callable[[], int]:
    def run() -> int:
        done = 0
        while took := work(**given):
            done += took
        return done

    return run


def assert_each_paid_once(stand_in: StandIn) -> None:
    transfers = stand_in.control.get_objects("transfer")
    items = sorted(int(transfer["metadata"]["item"]) for transfer in transfers)
    assert items == sorted(Payout.objects.values_list("pk", flat=True))
    assert read_balance("payout_in_transit") == 0
    assert read_balance("stripe_available") == OWNERS * 11_500_000
    assert check_ledger(now=NOON, with_provider=False).is_clean


def test_one_draft_is_worked_out_by_four(stand_in: StandIn) -> None:
    fiona = create_fiona()

    came = at_once(lambda: calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON).number)

    assert came.count(DraftExists) == WORKERS - 1
    assert PayoutRun.objects.count() == 1


def test_an_approval_given_four_times_moves_the_money_once(stand_in: StandIn) -> None:
    run, felix = prepare(stand_in)

    came = at_once(lambda: approve(run, felix).pk)

    assert came.count(WrongState) == WORKERS - 1
    assert PayoutAttempt.objects.count() == OWNERS
    assert read_balance("payout_in_transit") == OWNERS * 11_500_000


def test_four_workers_send_every_payout_once(stand_in: StandIn) -> None:
    run, felix = prepare(stand_in)
    approve(run, felix)

    came = at_once(work_off(execute_payouts, now=NOON))

    assert sum(int(str(count)) for count in came) == OWNERS
    assert_each_paid_once(stand_in)


def test_four_workers_look_up_what_a_dead_one_had_claimed(stand_in: StandIn) -> None:
    run, felix = prepare(stand_in)
    approve(run, felix)
    claim_attempts(limit=OWNERS, now=NOON)

    at_once(work_off(look_up_unknown, now=NOON + timedelta(minutes=5)))

    assert_each_paid_once(stand_in)


def test_four_workers_confirm_every_payout_once(stand_in: StandIn) -> None:
    run, felix = prepare(stand_in)
    approve(run, felix)
    work_off(execute_payouts, now=NOON)()

    at_once(work_off(confirm_transfers, now=NOON + timedelta(minutes=5)))

    assert set(Payout.objects.values_list("state", flat=True)) == {"paid"}
    assert_each_paid_once(stand_in)


def test_a_payment_is_booked_once_by_four(stand_in: StandIn) -> None:
    pay_top_ups(create_bens_company(), stand_in, count=1)
    session_id = str(TopUp.objects.get().checkout_session_id)

    at_once(lambda: refresh_checkout(session_id=session_id, now=NOON))

    assert read_balance("buyer_prepaid") == 100_000_000
    assert Transfer.objects.filter(code="top_up_captured").count() == 2
