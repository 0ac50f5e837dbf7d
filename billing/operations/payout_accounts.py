"""
Where an owner is paid: an account at the provider, set up on the provider's own pages.
"""

import uuid
from datetime import datetime

from accounts.operations.records import record_audit
from billing.gateways import stripe_connect
from billing.gateways.provider import ProviderAccount
from billing.models import PayoutAccount
from web.transactions import durable


def start_onboarding(
    *,
    owner_id: int,
    email: str,
    country: str,
    currency: str,
    return_url: str,
    refresh_url: str,
    now: datetime,
) -> str:
    """
    Return the provider's single-use address where the owner sets up or mends the account.

    The account is made on the first call. Never store or mail the address.

    :raises ProviderRefused: :raises ProviderUnknown: nothing is lost; try again.
    """
    account = _intend_account(owner_id=owner_id, country=country, currency=currency, now=now)
    if account.provider_account_id is None:
        created = stripe_connect.create_account(
            owner_ref=str(owner_id),
            email=email,
            country=account.country,
            currency=account.currency,
            key=f"acct:{owner_id}:{account.pk}",
        )
        account = _keep_account(account_id=account.pk, provider=created, now=now)
    assert account.provider_account_id is not None
    return stripe_connect.create_onboarding_link(
        provider_account_id=account.provider_account_id,
        return_url=return_url,
        refresh_url=refresh_url,
        key=f"link:{owner_id}:{uuid.uuid4().hex}",
    )


@durable
def _intend_account(*, owner_id: int, country: str, currency: str, now: datetime) -> PayoutAccount:
    account, is_new = PayoutAccount.objects.get_or_create(
        owner_id=owner_id,
        defaults={"country": country, "currency": currency, "created_at": now},
    )
    if is_new:
        record_audit(
            actor_id=owner_id,
            action="payout_account.started",
            subject=f"person:{owner_id}",
            now=now,
        )
    return account


@durable
def _keep_account(*, account_id: int, provider: ProviderAccount, now: datetime) -> PayoutAccount:
    account = PayoutAccount.objects.select_for_update().get(pk=account_id)
    if account.provider_account_id is None:
        account.provider_account_id = provider.id
        _write(account, provider=provider, read_at=now)
    return account


def refresh_account(*, provider_account_id: str, now: datetime) -> bool:
    """
    Read an account again and show what it says; False when it is none of ours.

    :raises ProviderRefused: :raises ProviderUnknown:
    """
    if not PayoutAccount.objects.filter(provider_account_id=provider_account_id).exists():
        return False
    provider = stripe_connect.retrieve_account(provider_account_id=provider_account_id)
    apply_account(provider=provider, read_at=now)
    return True


@durable
def apply_account(*, provider: ProviderAccount, read_at: datetime) -> None:
    """
    Show what a reading said. One that began before the reading shown is not applied.
    """
    account = PayoutAccount.objects.select_for_update().get(provider_account_id=provider.id)
    if account.read_at is None or account.read_at <= read_at:
        _write(account, provider=provider, read_at=read_at)


def _write(account: PayoutAccount, *, provider: ProviderAccount, read_at: datetime) -> None:
    account.status = provider.status
    account.requirements = list(provider.requirements)
    account.requirements_due_at = provider.requirements_due_at
    account.is_ready = provider.is_ready
    account.read_at = read_at
    account.save()
