"""
The only package that knows Stripe. Answers and errors are those of `provider`.

Every function that calls out raises ProviderRefused or ProviderUnknown.
"""

from billing.gateways.stripe_connect.accounts import (
    create_account,
    create_onboarding_link,
    retrieve_account,
)
from billing.gateways.stripe_connect.client import (
    get_client,
)
from billing.gateways.stripe_connect.payments import (
    create_checkout,
    retrieve_balance_cents,
    retrieve_checkout,
    retrieve_dispute,
    retrieve_refund,
)
from billing.gateways.stripe_connect.transfers import (
    create_transfer,
    find_transfer,
    retrieve_transfer,
)
from billing.gateways.stripe_connect.webhooks import (
    read_snapshot_event,
    read_thin_event,
)


__all__ = [
    "create_account",
    "create_checkout",
    "create_onboarding_link",
    "create_transfer",
    "find_transfer",
    "get_client",
    "read_snapshot_event",
    "read_thin_event",
    "retrieve_account",
    "retrieve_balance_cents",
    "retrieve_checkout",
    "retrieve_dispute",
    "retrieve_refund",
    "retrieve_transfer",
]
