"""
Which address does what, with the library's types for both directions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import stripe
from stripe import checkout
from stripe import params as types
from stripe.params import checkout as checkout_types
from stripe.params.v2 import core as v2_types
from stripe.v2 import core as v2

from simulator.stripe import (
    accounts,
    charges,
    disputes,
    events,
    money,
    payments,
    payouts,
    transfers,
)


@dataclass(frozen=True, kw_only=True)
class Route:
    """``answer`` is the resource class of one object, or of a list's items."""

    method: str
    pattern: re.Pattern[str]
    params: type | None
    answer: Any
    endpoint: Callable[..., Any]
    is_list: bool = False

    @property
    def is_v2(self) -> bool:
        return self.pattern.pattern.startswith("/v2/")


def _route(
    line: str,
    endpoint: Callable[..., Any],
    params: type | None,
    answer: object,
    *,
    is_list: bool = False,
) -> Route:
    method, path = line.split()
    return Route(
        method=method,
        pattern=re.compile(re.sub(r"\{\w+\}", r"([A-Za-z0-9_]+)", path)),
        params=params,
        answer=answer,
        endpoint=endpoint,
        is_list=is_list,
    )


_V2_ACCOUNT = v2.Account
_SESSION = checkout.Session

ROUTES: tuple[Route, ...] = (
    # Owners' accounts
    _route("POST /v2/core/accounts", accounts.create, v2_types.AccountCreateParams, _V2_ACCOUNT),
    _route(
        "GET /v2/core/accounts",
        accounts.list_accounts,
        v2_types.AccountListParams,
        _V2_ACCOUNT,
        is_list=True,
    ),
    _route(
        "GET /v2/core/accounts/{id}",
        accounts.retrieve,
        v2_types.AccountRetrieveParams,
        _V2_ACCOUNT,
    ),
    _route(
        "POST /v2/core/accounts/{id}", accounts.update, v2_types.AccountUpdateParams, _V2_ACCOUNT
    ),
    _route(
        "POST /v2/core/accounts/{id}/close",
        accounts.close,
        v2_types.AccountCloseParams,
        _V2_ACCOUNT,
    ),
    _route(
        "POST /v2/core/account_links",
        accounts.create_link,
        v2_types.AccountLinkCreateParams,
        v2.AccountLink,
    ),
    _route(
        "GET /v2/core/events", events.list_thin, v2_types.EventListParams, v2.Event, is_list=True
    ),
    _route(
        "GET /v2/core/events/{id}", events.retrieve_thin, v2_types.EventRetrieveParams, v2.Event
    ),
    _route(
        "POST /v1/accounts/{id}/login_links",
        accounts.create_login_link,
        types.AccountLoginLinkCreateParams,
        stripe.LoginLink,
    ),
    # Buyers' money
    _route(
        "POST /v1/checkout/sessions",
        payments.create_session,
        checkout_types.SessionCreateParams,
        _SESSION,
    ),
    _route(
        "GET /v1/checkout/sessions",
        payments.list_sessions,
        checkout_types.SessionListParams,
        _SESSION,
        is_list=True,
    ),
    _route(
        "GET /v1/checkout/sessions/{id}",
        payments.retrieve_session,
        checkout_types.SessionRetrieveParams,
        _SESSION,
    ),
    _route(
        "POST /v1/checkout/sessions/{id}/expire",
        payments.expire_session,
        checkout_types.SessionExpireParams,
        _SESSION,
    ),
    _route(
        "POST /v1/payment_intents",
        payments.create_intent,
        types.PaymentIntentCreateParams,
        stripe.PaymentIntent,
    ),
    _route(
        "GET /v1/payment_intents",
        payments.list_intents,
        types.PaymentIntentListParams,
        stripe.PaymentIntent,
        is_list=True,
    ),
    _route(
        "GET /v1/payment_intents/{id}",
        payments.retrieve_intent,
        types.PaymentIntentRetrieveParams,
        stripe.PaymentIntent,
    ),
    _route(
        "POST /v1/payment_intents/{id}/confirm",
        payments.confirm_intent,
        types.PaymentIntentConfirmParams,
        stripe.PaymentIntent,
    ),
    _route(
        "POST /v1/payment_intents/{id}/cancel",
        payments.cancel_intent,
        types.PaymentIntentCancelParams,
        stripe.PaymentIntent,
    ),
    _route(
        "GET /v1/charges",
        charges.list_charges,
        types.ChargeListParams,
        stripe.Charge,
        is_list=True,
    ),
    _route(
        "GET /v1/charges/{id}",
        charges.retrieve,
        types.ChargeRetrieveParams,
        stripe.Charge,
    ),
    _route("POST /v1/refunds", payments.create_refund, types.RefundCreateParams, stripe.Refund),
    _route(
        "GET /v1/refunds",
        payments.list_refunds,
        types.RefundListParams,
        stripe.Refund,
        is_list=True,
    ),
    _route(
        "GET /v1/refunds/{id}", payments.retrieve_refund, types.RefundRetrieveParams, stripe.Refund
    ),
    _route(
        "GET /v1/disputes",
        disputes.list_disputes,
        types.DisputeListParams,
        stripe.Dispute,
        is_list=True,
    ),
    _route(
        "GET /v1/disputes/{id}",
        disputes.retrieve,
        types.DisputeRetrieveParams,
        stripe.Dispute,
    ),
    # Owners' money
    _route("POST /v1/transfers", transfers.create, types.TransferCreateParams, stripe.Transfer),
    _route(
        "GET /v1/transfers",
        transfers.list_transfers,
        types.TransferListParams,
        stripe.Transfer,
        is_list=True,
    ),
    _route(
        "GET /v1/transfers/{id}",
        transfers.retrieve,
        types.TransferRetrieveParams,
        stripe.Transfer,
    ),
    _route(
        "POST /v1/transfers/{id}", transfers.update, types.TransferUpdateParams, stripe.Transfer
    ),
    _route(
        "POST /v1/transfers/{id}/reversals",
        transfers.create_reversal,
        types.TransferReversalCreateParams,
        stripe.TransferReversal,
    ),
    _route(
        "GET /v1/transfers/{id}/reversals",
        transfers.list_reversals,
        types.TransferReversalListParams,
        stripe.TransferReversal,
        is_list=True,
    ),
    _route(
        "GET /v1/transfers/{id}/reversals/{reversal}",
        transfers.retrieve_reversal,
        types.TransferReversalRetrieveParams,
        stripe.TransferReversal,
    ),
    _route("POST /v1/payouts", payouts.create, types.PayoutCreateParams, stripe.Payout),
    _route(
        "GET /v1/payouts",
        payouts.list_payouts,
        types.PayoutListParams,
        stripe.Payout,
        is_list=True,
    ),
    _route("GET /v1/payouts/{id}", payouts.retrieve, types.PayoutRetrieveParams, stripe.Payout),
    _route("POST /v1/payouts/{id}/cancel", payouts.cancel, types.PayoutCancelParams, stripe.Payout),
    _route(
        "GET /v1/balance_settings",
        payouts.retrieve_settings,
        types.BalanceSettingsRetrieveParams,
        stripe.BalanceSettings,
    ),
    _route(
        "POST /v1/balance_settings",
        payouts.update_settings,
        types.BalanceSettingsUpdateParams,
        stripe.BalanceSettings,
    ),
    # Books and news
    _route("POST /v1/topups", money.top_up, types.TopupCreateParams, stripe.Topup),
    _route("GET /v1/balance", money.retrieve, types.BalanceRetrieveParams, stripe.Balance),
    _route(
        "GET /v1/balance_transactions",
        money.list_transactions,
        types.BalanceTransactionListParams,
        stripe.BalanceTransaction,
        is_list=True,
    ),
    _route(
        "GET /v1/balance_transactions/{id}",
        money.retrieve_transaction,
        types.BalanceTransactionRetrieveParams,
        stripe.BalanceTransaction,
    ),
    _route("GET /v1/events", events.list_events, types.EventListParams, stripe.Event, is_list=True),
    _route("GET /v1/events/{id}", events.retrieve, types.EventRetrieveParams, stripe.Event),
)


def find_route(*, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match and route.method == method:
            return route, match.groups()
    return None
