"""
Who may call which address: the expectation of every route, in one table.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.matrix.world import MACHINES, PEOPLE, STRANGER


FINE = frozenset({200, 201, 202, 204, 302, 303, 400, 402, 409, 422})
OWNERS = frozenset({"olivia", "mallory"})
ADMINS = frozenset({"ben", "bella"})
MEMBERS = ADMINS | {"mia"}
BUYERS = MEMBERS | {"vic"}
FINANCE = frozenset({"fiona", "felix"})
OPERATORS = frozenset({"olga"})
EVERYBODY = frozenset({STRANGER, *PEOPLE, *MACHINES})
SCHEDULERS = frozenset({"scheduler", "other_scheduler"})
BUYER_KEYS = frozenset({"buyer_key", "foreign_buyer_key"})
POOL_READERS = BUYER_KEYS | {"narrow_buyer_key"}
BOOKING_READERS = BUYER_KEYS


@dataclass(frozen=True, kw_only=True)
class Route:
    """
    One method of one named address. `thing` names what its arguments stand for; `fine` are
    the statuses of those who get past the guard.
    """

    name: str
    allowed: frozenset[str]
    method: str = "get"
    thing: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    fine: frozenset[int] = FINE
    # What an address that is open to some answers to the rest; 0: as its interface does.
    refused: int = 0

    @property
    def is_api(self) -> bool:
        return "_api:" in self.name or "_access:" in self.name

    @property
    def roles(self) -> tuple[str, ...]:
        """
        Return who calls it: pages read no key and the API no session, so one such will do.
        """
        if self.is_api:
            return (STRANGER, "ben", *MACHINES)
        return (STRANGER, *PEOPLE, "scheduler")

    @property
    def key(self) -> str:
        return f"{self.method} {self.name}"


def page(name: str, allowed: frozenset[str], **more: Any) -> Route:
    return Route(name=name, allowed=allowed, **more)


def post(name: str, allowed: frozenset[str], **more: Any) -> Route:
    return Route(name=name, allowed=allowed, method="post", **more)


PAGES_OF_OWNERS = (
    page("portal:owner_sign", OWNERS, thing="sign"),
    page("billing:tariff", OWNERS),
    post("billing:tariff", OWNERS),
    post("billing:tariff_average", OWNERS),
    page("billing:earnings", OWNERS),
    page("billing:breaches", OWNERS),
    page("billing:sessions", OWNERS),
    page("billing:session", OWNERS, thing="session"),
    page("billing:reading", OWNERS, thing="reading"),
    page("billing:payouts", OWNERS),
    post("billing:payouts_set_up", OWNERS),
    page("billing:payouts_return", OWNERS),
    page("billing:payout", OWNERS, thing="payout"),
    page("consent:cars", OWNERS),
    # Whoever adds a car becomes an owner by it.
    page("consent:car_new", frozenset(PEOPLE)),
    post("consent:car_new", frozenset(PEOPLE)),
    page("consent:profile", OWNERS),
    post("consent:profile_review", OWNERS),
    page("consent:details", OWNERS, thing="car"),
    post("consent:details", OWNERS, thing="car"),
    page("consent:rules", OWNERS, thing="car"),
    post("consent:review", OWNERS, thing="car"),
    post("consent:summary", OWNERS, thing="car"),
    page("consent:renew", OWNERS, thing="car"),
    post("consent:renew", OWNERS, thing="car"),
    page("consent:history", OWNERS, thing="car"),
    page("consent:compare", OWNERS, thing="car"),
    page("consent:transfer", OWNERS, thing="car"),
    post("consent:transfer", OWNERS, thing="car", data={"email": "nina@example.com"}),
    post("consent:transfer_take_back", OWNERS, thing="car"),
    # Whoever takes a car over becomes an owner by it.
    page("consent:offer_accept", frozenset(PEOPLE), thing="offer"),
    post("consent:offer_accept", frozenset(PEOPLE), thing="offer", data={"plate": "NN 1"}),
    page("consent:receipt", OWNERS, thing="receipt"),
    page("consent:receipt_pdf", OWNERS, thing="receipt"),
    post("consent:pause", OWNERS, thing="car", data={"kind": "hour"}),
    post("consent:resume", OWNERS, thing="car"),
    post("consent:skip", OWNERS, thing="car"),
    post("consent:unskip", OWNERS, thing="car"),
    post("consent:undo", OWNERS, thing="car"),
    page("portal:withdraw", OWNERS, thing="car"),
    page("portal:why", OWNERS, thing="car"),
    page("portal:preview", OWNERS, thing="car"),
    post("portal:preview", OWNERS, thing="car"),
    page("portal:replay", OWNERS, thing="car"),
    post("portal:replay", OWNERS, thing="car"),
    post("consent:withdraw", OWNERS, thing="car"),
)
PAGES_OF_BUYERS = (
    page("portal:buyer_home", BUYERS),
    page("billing:buyer_bookings", BUYERS),
    page("billing:buyer_booking_new", MEMBERS),
    post("billing:buyer_booking_new", MEMBERS),
    page("billing:buyer_outlook", MEMBERS, fine=frozenset({404})),
    page("billing:buyer_booking", BUYERS, thing="booking"),
    page("billing:buyer_billing", BUYERS),
    post("billing:buyer_top_up", ADMINS),
    page("billing:buyer_billing_return", BUYERS),
    page("accounts:team", BUYERS),
    post("accounts:member_invite", ADMINS),
    post("accounts:organization_switch", BUYERS, fine=frozenset({404})),
    post("accounts:member_role", ADMINS, thing="member", data={"role": "viewer"}),
    post("accounts:member_remove", ADMINS, thing="member"),
    page("accounts:buyer_keys", BUYERS),
    post("accounts:buyer_keys_issue", ADMINS),
    post("accounts:buyer_keys_rotate", ADMINS, thing="key"),
    post("accounts:buyer_keys_revoke", ADMINS, thing="key"),
)
PAGES_OF_STAFF = (
    page("billing:finance", FINANCE),
    page("billing:payout_runs", FINANCE),
    post("billing:payout_run_start", frozenset({"fiona"})),
    page("billing:payout_run", FINANCE, thing="run"),
    page("billing:payout_run_progress", FINANCE, thing="run"),
    post("billing:payout_run_submit", frozenset({"fiona"}), thing="run"),
    post("billing:payout_run_approve", frozenset({"felix"}), thing="run"),
    post("billing:payout_run_cancel", frozenset({"fiona"}), thing="run"),
    post("billing:payout_run_hold", frozenset({"fiona"}), thing="run"),
    page("billing:payout_run_export", FINANCE, thing="run_file"),
    page("billing:payout_holds", FINANCE),
    post("billing:payout_hold_lift", frozenset({"fiona"})),
    page("billing:ledger", FINANCE),
    post("billing:ledger_check", FINANCE),
    page("billing:ledger_export", FINANCE, arguments={"file_format": "csv"}),
    page("billing:reports", FINANCE),
    page("billing:metering", FINANCE),
    page("billing:tariff_outliers", FINANCE),
    page("billing:quarantine", FINANCE),
    post("billing:quarantine_decide", FINANCE, data={"act": "replay"}),
    page("billing:quarantined", FINANCE, thing="quarantined"),
    post(
        "billing:quarantined_decide",
        FINANCE,
        thing="quarantined",
        data={"act": "dismiss", "reason": "Test meter"},
    ),
    page("portal:operations", OPERATORS),
    page("portal:operations_part", OPERATORS),
    page("portal:given_up", OPERATORS),
    post("portal:given_up_mail", OPERATORS),
    post("portal:given_up_news", OPERATORS),
    page("billing:operations_metering", OPERATORS),
    page("accounts:operations_keys", OPERATORS),
    post("accounts:operations_keys_issue", OPERATORS),
    post("accounts:operations_keys_rotate", OPERATORS, thing="house_key"),
    post("accounts:operations_keys_revoke", OPERATORS, thing="house_key"),
    page("accounts:limits", OPERATORS),
    page("web:components", OPERATORS, refused=404),
)
PAGES_OF_ALL = (
    page("portal:home", EVERYBODY),
    page("accounts:settings", frozenset(PEOPLE)),
    post("accounts:settings", frozenset(PEOPLE)),
    post("accounts:own_a_car", frozenset(PEOPLE)),
    page("billing:erasure", frozenset(PEOPLE)),
    post("billing:erasure", frozenset(PEOPLE), data={"understood": "on"}),
    post("billing:erasure_take_back", frozenset(PEOPLE)),
    page("accounts:organization_new", frozenset(PEOPLE)),
    post("accounts:organization_new", frozenset(PEOPLE)),
    # Only the demo has it.
    page("accounts:mail", EVERYBODY, fine=frozenset({404})),
    post("web:theme", EVERYBODY),
    page("consent:authzen-configuration", EVERYBODY),
    page("consent:receipt_keys", EVERYBODY),
    page("schema", EVERYBODY),
    page("api-docs", EVERYBODY),
    post("billing_webhooks:stripe_snapshot", EVERYBODY),
    post("billing_webhooks:stripe_thin", EVERYBODY),
)
API = (
    page("marketplace_api:pools", POOL_READERS),
    page("marketplace_api:capacity", POOL_READERS),
    page("marketplace_api:booking_feed", SCHEDULERS),
    page("billing_api:bookings", BOOKING_READERS),
    post("billing_api:bookings", BUYER_KEYS),
    page("billing_api:booking", BOOKING_READERS, thing="booking"),
    page("billing_api:booking_usage", BOOKING_READERS, thing="booking"),
    page("billing_api:balance", BUYER_KEYS),
    page("billing_api:transfers", BUYER_KEYS),
    post("billing_api:top_ups", BUYER_KEYS),
    post("billing_api:usage", SCHEDULERS, fine=FINE | {415}),
    page("billing_api:usage_batch", SCHEDULERS, thing="batch"),
    page("billing_api:payout_runs", frozenset({"finance_key"})),
    page("billing_api:payout_run", frozenset({"finance_key"}), thing="run"),
    page("billing_api:payouts", frozenset({"finance_key"}), thing="run"),
    page("billing_api:trial_balance", frozenset({"finance_key"})),
    post("consent_api:telemetry", SCHEDULERS),
    page("consent_api:consents", SCHEDULERS),
    post("consent_access:evaluation", SCHEDULERS),
    post("consent_access:evaluations", SCHEDULERS),
)
ROUTES = (*PAGES_OF_OWNERS, *PAGES_OF_BUYERS, *PAGES_OF_STAFF, *PAGES_OF_ALL, *API)

# allauth's own pages, tested by allauth; here they must only not break, and the two that
# name somebody's passkey must not tell.
PASSKEYS = ("mfa_remove_webauthn", "mfa_edit_webauthn")
OF_ALLAUTH = (
    "account_change_password",
    "account_confirm_login_code",
    "account_email",
    "account_email_verification_sent",
    "account_inactive",
    "account_login",
    "account_logout",
    "account_reauthenticate",
    "account_request_login_code",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_set_password",
    "account_signup",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_authenticate",
    "mfa_deactivate_totp",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_index",
    "mfa_list_webauthn",
    "mfa_login_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_view_recovery_codes",
)

# Ids that stand in the query or the form: the field, whose caller, and the thing.
IN_FIELDS = (
    (page("portal:home", OWNERS), "car", "olivia", "sign"),
    (page("billing:sessions", OWNERS), "car", "olivia", "sign"),
    (page("billing:breaches", OWNERS), "car", "olivia", "sign"),
    (post("accounts:organization_switch", BUYERS), "organization", "ben", "organization"),
)
