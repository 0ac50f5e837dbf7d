"""
No double payout: the provider drops answers, fails and forgets keys; workers are killed.

Every test stands beside its naive twin, which pays twice under the same faults.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from pytest_django import Settings

from billing.gateways import stripe_connect
from billing.gateways.provider import ProviderRefused, ProviderUnknown
from billing.models import Payout, PayoutAttempt, PayoutRun
from billing.operations.ledger_checks import check_ledger
from billing.operations.payout_returns import confirm_transfers
from billing.operations.payout_runs import approve_run, calculate_run, settle_runs, submit_run
from billing.operations.payouts import claim_attempts, execute_payouts, look_up_unknown
from tests.billing.people import NOON, create_felix, create_fiona, earn, read_balance
from tests.billing.stripe import onboard
from tests.factories import create_owner
from tests.stripe_stand_in import StandIn, run_stand_in


pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
OWNERS = int(os.environ.get("PAYOUT_OWNERS", "12"))
KILLS = int(os.environ.get("PAYOUT_KILLS", "12"))
AMOUNT_MICROS = 11_500_000
DAY = timedelta(hours=25)


@pytest.fixture
def stand_in(settings: Settings) -> Iterator[StandIn]:
    with run_stand_in(seed=7) as server:
        settings.STRIPE_API_BASE = server.base_url
        server.control.add_funds(amount=10_000_000)
        yield server


@pytest.fixture
def run(stand_in: StandIn) -> PayoutRun:
    fiona, felix = create_fiona(), create_felix()
    for number in range(OWNERS):
        owner = create_owner(f"Owner{number}")
        onboard(owner, stand_in)
        earn(owner, reward=AMOUNT_MICROS)
    run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
    submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)
    return approve_run(run_id=run.pk, actor_id=felix.pk, checksum=run.checksum, now=NOON)


def count_transfers(stand_in: StandIn) -> Counter[int]:
    """
    Return how often each payout was really paid.
    """
    transfers = stand_in.control.get_objects("transfer")
    return Counter(int(transfer["metadata"]["item"]) for transfer in transfers)


def sweep_until_settled(run: PayoutRun, *, now: datetime) -> datetime:
    """
    Do what the sweep does, two minutes apart, until the run is settled.
    """
    for _ in range(400):
        while execute_payouts(now=now):
            pass
        while look_up_unknown(now=now):
            pass
        while confirm_transfers(now=now):
            pass
        settle_runs(now=now)
        run.refresh_from_db()
        if run.state == PayoutRun.State.SETTLED:
            return now
        now += timedelta(minutes=2)
    states = Counter(Payout.objects.values_list("state", flat=True))
    pytest.fail(f"the run did not settle: {states}")


def assert_each_paid_once(stand_in: StandIn) -> None:
    paid = count_transfers(stand_in)
    assert paid == Counter(Payout.objects.values_list("pk", flat=True))
    assert set(Payout.objects.values_list("state", flat=True)) == {"paid"}
    assert read_balance("stripe_available") == OWNERS * AMOUNT_MICROS
    assert check_ledger(now=NOON, with_provider=False).is_clean


def pay_naively(attempt: PayoutAttempt, *, tries: int = 6) -> None:
    """
    Do what one would without the rule: no good answer means try again, with a new key.
    """
    for number in range(tries):
        try:
            stripe_connect.create_transfer(
                request=attempt.request, key=f"naive:{attempt.pk}:{number}"
            )
        except (ProviderRefused, ProviderUnknown):
            continue
        return


class TestDroppedAndFailed:
    """
    Of all POSTs the provider drops 30 % of the answers and fails 20 %.
    """

    RATES = {"drop_rate": 0.3, "fail_rate": 0.2}

    def test_pays_each_once(self, run: PayoutRun, stand_in: StandIn) -> None:
        stand_in.control.set_rates(**self.RATES)

        sweep_until_settled(run, now=NOON)

        used = stand_in.control.get_state()["faults"]["used"]
        assert used["drop_after_effect"] >= 3
        assert used["fail"] >= 1
        assert_each_paid_once(stand_in)

    def test_the_naive_twin_pays_twice(self, run: PayoutRun, stand_in: StandIn) -> None:
        stand_in.control.set_rates(drop_rate=0.8, fail_rate=0.1)

        for attempt in PayoutAttempt.objects.all()[:4]:
            pay_naively(attempt)

        assert max(count_transfers(stand_in).values()) > 1


class TestForgottenKeys:
    """
    The answer is lost, everybody sleeps for 25 hours, the provider forgets every key.
    """

    def lose_answers(self, stand_in: StandIn) -> list[PayoutAttempt]:
        stand_in.control.add_fault("drop_after_effect", path="/v1/transfers", count=3 * OWNERS)
        while execute_payouts(now=NOON):
            pass
        stand_in.control.clear_faults()
        stand_in.control.advance_clock(seconds=int(DAY.total_seconds()))
        stand_in.control.forget_keys()
        return list(PayoutAttempt.objects.filter(state="unknown"))

    def test_pays_each_once(self, run: PayoutRun, stand_in: StandIn) -> None:
        assert len(self.lose_answers(stand_in)) == OWNERS

        sweep_until_settled(run, now=NOON + DAY)

        assert PayoutAttempt.objects.count() == OWNERS
        assert_each_paid_once(stand_in)

    def test_the_naive_twin_pays_twice(self, run: PayoutRun, stand_in: StandIn) -> None:
        # The same key again, as one may within a day.
        for attempt in self.lose_answers(stand_in):
            stripe_connect.create_transfer(request=attempt.request, key=attempt.idempotency_key)

        assert set(count_transfers(stand_in).values()) == {2}

    def test_what_never_arrived_is_paid_under_a_new_key(
        self, run: PayoutRun, stand_in: StandIn
    ) -> None:
        while claim_attempts(limit=50, now=NOON):
            pass

        sweep_until_settled(run, now=NOON + DAY)

        assert PayoutAttempt.objects.count() == 2 * OWNERS
        assert_each_paid_once(stand_in)


LOOP = """
print("ready", flush=True)
while True:
    if not work(now=timezone.now() + ahead):
        time.sleep(0.02)
"""
HEAD = """
import sys, time, uuid
from datetime import timedelta
import django
django.setup()
from django.utils import timezone
from billing.gateways import stripe_connect
from billing.models import PayoutAttempt
from billing.operations.payouts import execute_payouts, look_up_unknown
ahead = timedelta(minutes=float(sys.argv[1]))
"""
SOUND = """
def work(*, now):
    return execute_payouts(now=now) + look_up_unknown(now=now)
"""
# Pays first and writes afterwards, under a key that a second try does not know.
NAIVE = """
def work(*, now):
    attempt = PayoutAttempt.objects.filter(state="created").order_by("id").first()
    if attempt is None:
        return 0
    transfer = stripe_connect.create_transfer(request=attempt.request, key=uuid.uuid4().hex)
    attempt.state, attempt.sent_at, attempt.provider_id = "succeeded", now, transfer.id
    attempt.save()
    return 1
"""


def start_worker(stand_in: StandIn, *, ahead_min: float, source: str) -> subprocess.Popen[bytes]:
    """
    Start a worker of its own process on the test database.
    """
    database = connection.settings_dict
    url = (
        f"postgres://{quote(str(database['USER']))}:{quote(str(database['PASSWORD'] or ''))}"
        f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    environment: dict[str, Any] = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "STRIPE_API_BASE": stand_in.base_url,
        "PYTHONPATH": str(ROOT),
    }
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", HEAD + source + LOOP, str(ahead_min)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


def kill(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()


def kill_again_and_again(stand_in: StandIn, *, source: str, kills: int) -> None:
    """
    Start a worker and kill it at a random moment, again and again.

    Each next one lives five minutes later, so that the leases of the dead have ended.
    """
    chance = random.Random(47)
    for number in range(kills):
        worker = start_worker(stand_in, ahead_min=5.0 * number, source=source)
        time.sleep(chance.uniform(0.0, 0.25))
        kill(worker)


class TestKilledWorkers:
    def test_pays_each_once(self, run: PayoutRun, stand_in: StandIn) -> None:
        stand_in.control.set_rates(drop_rate=0.1, fail_rate=0.05, delay_s=0.02)
        PayoutAttempt.objects.update(due_at=NOON - timedelta(days=1))

        kill_again_and_again(stand_in, source=SOUND, kills=KILLS)
        stand_in.control.clear_faults()
        later = datetime.now(tz=NOON.tzinfo) + timedelta(minutes=5 * (KILLS + 1))
        sweep_until_settled(run, now=later)

        assert_each_paid_once(stand_in)

    def test_the_naive_twin_pays_twice(self, run: PayoutRun, stand_in: StandIn) -> None:
        stand_in.control.set_rates(delay_s=0.05)

        kill_again_and_again(stand_in, source=NAIVE, kills=KILLS)
        last = start_worker(stand_in, ahead_min=0, source=NAIVE)
        until = time.monotonic() + 30
        waiting = PayoutAttempt.objects.filter(state="created")
        while time.monotonic() < until and waiting.exists():
            time.sleep(0.1)
        kill(last)

        assert max(count_transfers(stand_in).values()) > 1
