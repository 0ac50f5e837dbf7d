"""
The library's client, and its errors as this package's.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, cast


# The library writes notices and a telemetry id into the home folder unless told not to.
os.environ.setdefault("STRIPE_SUPPRESS_NOTICES", "true")

import stripe
from django.conf import settings

from billing.gateways.provider import ProviderRefused, ProviderUnknown


API_VERSION = "2026-10-28.endive"
TIMEOUT_S = 20
NETWORK_RETRIES = 2
# How many objects a list asks for at once.
PAGE = 100

stripe.enable_telemetry = False
assert stripe.api_version == API_VERSION, "the calls here were written against one version"


def get_client() -> stripe.StripeClient:
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@cache
def _client(secret_key: str, api_base: str) -> stripe.StripeClient:
    """
    Return the client: Stripe itself with a key, the stand-in at api_base without.
    """
    addresses = dict.fromkeys(("api", "connect", "files", "meter_events"), api_base)
    return stripe.StripeClient(
        secret_key or "sk_test_standin",
        stripe_version=API_VERSION,
        max_network_retries=NETWORK_RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
        base_addresses=cast("Any", {} if secret_key else addresses),
    )


@contextmanager
def translated() -> Iterator[None]:
    """
    Turn the library's errors into this module's.

    409 means that the same key is being worked on; 429 that the request was not taken up.
    """
    try:
        yield
    except (stripe.APIConnectionError, stripe.IdempotencyError) as error:
        # A key that was used with another body says nothing about what that body did.
        raise ProviderUnknown(detail=str(error)[:500]) from error
    except stripe.StripeError as error:
        status = error.http_status or 500
        detail = str(error.user_message or error)[:500]
        if status >= 500 or status == 409:
            is_final = _is_replayed(error.headers)
            raise ProviderUnknown(detail=detail, is_final=is_final) from error
        raise ProviderRefused(code=error.code or f"http_{status}", detail=detail) from error


def _is_replayed(headers: Mapping[str, str] | None) -> bool:
    folded = {name.lower(): value for name, value in (headers or {}).items()}
    return folded.get("idempotent-replayed") == "true"
