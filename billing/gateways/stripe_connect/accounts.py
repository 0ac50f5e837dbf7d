"""
Owners' accounts at the provider.
"""

from datetime import datetime
from typing import Any

from billing.gateways.provider import ProviderAccount
from billing.gateways.stripe_connect.client import get_client, translated


def create_account(
    *, owner_ref: str, email: str, country: str, currency: str, key: str
) -> ProviderAccount:
    with translated():
        account = get_client().v2.core.accounts.create(
            {
                "dashboard": "express",
                "contact_email": email,
                "identity": {"country": country.lower(), "entity_type": "individual"},
                "configuration": {
                    "recipient": {
                        "capabilities": {
                            "stripe_balance": {"stripe_transfers": {"requested": True}}
                        }
                    }
                },
                "defaults": {
                    "currency": currency.lower(),
                    "responsibilities": {
                        "fees_collector": "application",
                        "losses_collector": "application",
                    },
                },
                "include": ["configuration.recipient", "requirements", "defaults"],
                "metadata": {"owner": owner_ref},
            },
            {"idempotency_key": key},
        )
    return _to_account(account)


def retrieve_account(*, provider_account_id: str) -> ProviderAccount:
    with translated():
        account = get_client().v2.core.accounts.retrieve(
            provider_account_id, {"include": ["configuration.recipient", "requirements"]}
        )
    return _to_account(account)


def create_onboarding_link(
    *, provider_account_id: str, return_url: str, refresh_url: str, key: str
) -> str:
    """
    Return a single-use address at the provider; never store or mail it.
    """
    with translated():
        link = get_client().v2.core.account_links.create(
            {
                "account": provider_account_id,
                "use_case": {
                    "type": "account_onboarding",
                    "account_onboarding": {
                        "refresh_url": refresh_url,
                        "return_url": return_url,
                        "collection_options": {"fields": "eventually_due"},
                    },
                },
            },
            {"idempotency_key": key},
        )
    return link.url


def _to_account(account: Any) -> ProviderAccount:  # noqa: ANN401 - v2 objects are deep and untyped here
    body = account.to_dict()
    recipient = (body.get("configuration") or {}).get("recipient") or {}
    balance = (recipient.get("capabilities") or {}).get("stripe_balance") or {}
    status = (balance.get("stripe_transfers") or {}).get("status") or "restricted"
    requirements = body.get("requirements") or {}
    deadline = (requirements.get("summary") or {}).get("minimum_deadline") or {}
    return ProviderAccount(
        id=body["id"],
        status="closed" if body.get("closed") else status,
        requirements=tuple(
            entry["description"]
            for entry in requirements.get("entries") or []
            if entry["awaiting_action_from"] == "user"
        ),
        requirements_due_at=(
            datetime.fromisoformat(deadline["time"]) if deadline.get("time") else None
        ),
    )
