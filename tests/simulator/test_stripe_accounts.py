"""
The Stripe stand-in's accounts: created, onboarded, restricted, listed, configured.
"""

from __future__ import annotations

import pytest
import requests
import stripe

from tests.simulator.stripe_client import (
    create_account,
    create_ready_account,
    make_client,
    transfer,
)
from tests.stripe_stand_in import StandIn, stripe_stand_in


__all__ = ["stripe_stand_in"]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def client(stripe_stand_in: StandIn) -> stripe.StripeClient:
    return make_client(stripe_stand_in)


def get_transfer_status(client: stripe.StripeClient, account_id: str) -> str:
    account = client.v2.core.accounts.retrieve(
        account_id, {"include": ["configuration.recipient", "requirements"]}
    )
    assert account.configuration is not None
    recipient = account.configuration.recipient
    assert recipient is not None
    assert recipient.capabilities is not None
    assert recipient.capabilities.stripe_balance is not None
    assert recipient.capabilities.stripe_balance.stripe_transfers is not None
    return recipient.capabilities.stripe_balance.stripe_transfers.status


class TestAccounts:
    def test_a_new_account_waits_for_its_owner(self, client: stripe.StripeClient) -> None:
        account_id = create_account(client)

        account = client.v2.core.accounts.retrieve(account_id, {"include": ["requirements"]})

        assert account.requirements is not None
        assert account.requirements.entries is not None
        assert {entry.awaiting_action_from for entry in account.requirements.entries} == {"user"}
        assert get_transfer_status(client, account_id) == "restricted"

    def test_shows_only_what_is_included(self, client: stripe.StripeClient) -> None:
        account = client.v2.core.accounts.retrieve(create_account(client))

        assert account.configuration is None
        assert account.requirements is None

    def test_onboarding_by_the_page_makes_it_ready_once(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_account(client)
        link = client.v2.core.account_links.create(
            {
                "account": account_id,
                "use_case": {
                    "type": "account_onboarding",
                    "account_onboarding": {
                        "refresh_url": "https://parado.test/refresh",
                        "return_url": "https://parado.test/back",
                    },
                },
            }
        )

        page = requests.get(link.url, timeout=5)
        done = requests.post(link.url, allow_redirects=False, timeout=5)
        again = requests.get(link.url, allow_redirects=False, timeout=5)

        assert "olivia@example.org" in page.text
        assert (done.status_code, done.headers["Location"]) == (303, "https://parado.test/back")
        assert get_transfer_status(client, account_id) == "active"
        assert again.headers["Location"] == "https://parado.test/refresh"

    def test_a_link_dies_after_five_minutes(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        link = client.v2.core.account_links.create(
            {
                "account": create_account(client),
                "use_case": {
                    "type": "account_update",
                    "account_update": {"refresh_url": "https://parado.test/refresh"},
                },
            }
        )
        stripe_stand_in.control.advance_clock(seconds=301)

        found = requests.get(link.url, allow_redirects=False, timeout=5)

        assert found.headers["Location"] == "https://parado.test/refresh"

    def test_restricting_stops_transfers(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        stripe_stand_in.control.add_funds(amount=10_000)
        account_id = create_ready_account(client, stripe_stand_in)
        stripe_stand_in.control.restrict_account(account_id)

        with pytest.raises(stripe.InvalidRequestError) as refused:
            transfer(client, account_id)

        assert refused.value.code == "insufficient_capabilities_for_transfer"

    def test_pages_through_accounts(self, client: stripe.StripeClient) -> None:
        made = [create_account(client, email=f"{n}@example.org") for n in range(5)]

        found = client.v2.core.accounts.list({"limit": 2}).auto_paging_iter()

        assert [account.id for account in found] == made[::-1]

    def test_keeps_the_payout_schedule(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        account_id = create_ready_account(client, stripe_stand_in)

        settings = client.v1.balance_settings.update(
            {
                "payments": {
                    "payouts": {
                        "schedule": {"interval": "weekly", "weekly_payout_days": ["monday"]},
                        "minimum_balance_by_currency": {"eur": 500},
                    }
                }
            },
            {"stripe_account": account_id},
        )

        payouts = settings.payments.payouts
        assert payouts is not None
        assert payouts.to_dict()["minimum_balance_by_currency"] == {"eur": 500}
        assert payouts.to_dict()["schedule"]["weekly_payout_days"] == ["monday"]

    def test_gives_a_login_link_to_a_ready_owner_only(
        self, client: stripe.StripeClient, stripe_stand_in: StandIn
    ) -> None:
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.accounts.login_links.create(create_account(client))

        link = client.v1.accounts.login_links.create(create_ready_account(client, stripe_stand_in))

        assert requests.get(link.url, timeout=5).status_code == 200
