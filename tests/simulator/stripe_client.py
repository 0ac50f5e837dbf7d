"""
The library's own client, pointed at a stand-in.
"""

from __future__ import annotations

from typing import Any

import stripe

from tests.stripe_stand_in import StandIn


def make_client(stand_in: StandIn, *, retries: int = 0) -> stripe.StripeClient:
    stripe.enable_telemetry = False
    base = stand_in.base_url
    return stripe.StripeClient(
        "sk_test_stand_in",
        stripe_version=stripe.api_version,
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=20),
        base_addresses={"api": base, "meter_events": base, "files": base, "connect": base},
    )


def create_account(client: stripe.StripeClient, *, email: str = "olivia@example.org") -> str:
    account = client.v2.core.accounts.create(
        {
            "contact_email": email,
            "dashboard": "express",
            "identity": {"country": "NO", "entity_type": "individual"},
            "configuration": {
                "recipient": {
                    "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                }
            },
            "defaults": {
                "currency": "eur",
                "responsibilities": {
                    "fees_collector": "application",
                    "losses_collector": "application",
                },
            },
            "include": ["configuration.recipient", "requirements", "defaults"],
            "metadata": {"owner": "own_1"},
        }
    )
    return account.id


def create_ready_account(client: stripe.StripeClient, stand_in: StandIn) -> str:
    account_id = create_account(client)
    stand_in.control.complete_account(account_id)
    return account_id


def transfer(
    client: stripe.StripeClient, account_id: str, *, amount: int = 1_150, key: str = "", **more: Any
) -> stripe.Transfer:
    params: Any = {
        "amount": amount,
        "currency": "eur",
        "destination": account_id,
        "transfer_group": "run:7",
        "metadata": {"run": "7", "item": "1", "attempt": "1"},
        **more,
    }
    return client.v1.transfers.create(params, {"idempotency_key": key} if key else {})
