"""
Money out: transfers to owners' accounts.
"""

from collections.abc import Mapping
from typing import Any, cast

import stripe

from billing.gateways.provider import ProviderTransfer
from billing.gateways.stripe_connect.client import PAGE, get_client, translated


def create_transfer(*, request: Mapping[str, Any], key: str) -> ProviderTransfer:
    """
    Send the stored request of an attempt under its stored key.
    """
    with translated():
        transfer = get_client().v1.transfers.create(
            cast("Any", dict(request)), {"idempotency_key": key}
        )
    return _to_transfer(transfer)


def retrieve_transfer(*, transfer_id: str) -> ProviderTransfer:
    with translated():
        return _to_transfer(get_client().v1.transfers.retrieve(transfer_id))


def find_transfer(
    *, transfer_group: str, destination: str, attempt_key: str
) -> ProviderTransfer | None:
    """
    Return the transfer that an attempt made, looked up by its group and metadata.
    """
    with translated():
        pages = get_client().v1.transfers.list(
            {"transfer_group": transfer_group, "destination": destination, "limit": PAGE}
        )
        for transfer in pages.auto_paging_iter():
            found = _to_transfer(transfer)
            if found.attempt_key == attempt_key:
                return found
    return None


def _to_transfer(transfer: stripe.Transfer) -> ProviderTransfer:
    return ProviderTransfer(
        id=transfer.id,
        amount_cents=transfer.amount,
        reversed_cents=transfer.amount_reversed,
        attempt_key=getattr(transfer.metadata, "attempt", "") or "",
    )
