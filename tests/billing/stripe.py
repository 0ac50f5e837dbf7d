"""
An owner with money, an approved run, and the stand-in on the other side.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest
from pytest_django import Settings

from accounts.models import User
from billing.models import Payout, PayoutAccount, PayoutRun
from billing.operations.payout_accounts import refresh_account, start_onboarding
from billing.operations.payout_runs import approve_run, calculate_run, submit_run
from tests.billing.people import NOON, create_felix, create_fiona, create_olivia, earn
from tests.stripe_stand_in import StandIn, run_stand_in


@pytest.fixture
def stand_in(settings: Settings) -> Iterator[StandIn]:
    """
    Serve a provider that holds 1,000 euro of ours, which Django's settings point at.
    """
    with run_stand_in() as server:
        settings.STRIPE_API_BASE = server.base_url
        server.control.add_funds(amount=100_000)
        yield server
        server.control.clear_faults()
        assert server.server.world.mismatches == []


@dataclass(frozen=True)
class Scene:
    olivia: User
    run: PayoutRun

    @property
    def payout(self) -> Payout:
        return Payout.objects.get(run=self.run)


def onboard(owner: User, stand_in: StandIn, *, now: datetime = NOON) -> PayoutAccount:
    start_onboarding(
        owner_id=owner.pk,
        email=owner.email,
        country="NO",
        currency="EUR",
        return_url="http://testserver/payouts/",
        refresh_url="http://testserver/payouts/",
        now=now,
    )
    account = PayoutAccount.objects.get(owner=owner)
    assert account.provider_account_id is not None
    stand_in.control.complete_account(account.provider_account_id)
    refresh_account(provider_account_id=account.provider_account_id, now=now)
    return PayoutAccount.objects.get(owner=owner)


def approve_a_run(stand_in: StandIn) -> Scene:
    """
    Olivia has earned 11.50, Fiona prepared the run, Felix approved it.
    """
    olivia, fiona, felix = create_olivia(), create_fiona(), create_felix()
    onboard(olivia, stand_in)
    earn(olivia, reward=11_500_000)
    run = calculate_run(actor_id=fiona.pk, currency="EUR", now=NOON)
    submit_run(run_id=run.pk, actor_id=fiona.pk, now=NOON)
    run = approve_run(run_id=run.pk, actor_id=felix.pk, checksum=run.checksum, now=NOON)
    return Scene(olivia=olivia, run=run)
