import json
import math
import os
import random
import time
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.test import Client
from django.utils import timezone

from accounts.models import Organization
from billing.models import Account, Payout, PayoutAccount, ProviderEvent, TopUp, Transfer
from billing.operations.payouts import execute_payouts
from billing.operations.provider_events import apply_events, find_refresh, replay_events
from billing.operations.top_ups import Wish, start_top_up
from tests.billing.people import NOON, create_bens_company
from tests.billing.stripe import Scene, approve_a_run, stand_in
from tests.stripe_stand_in import StandIn


__all__ = ["stand_in"]

pytestmark = pytest.mark.django_db

SNAPSHOT, THIN = "/webhooks/stripe/", "/webhooks/stripe/thin/"
# The promise is 1,000, which takes a minute: PARADO_WEBHOOK_EVENTS=1000.
EVENTS = int(os.environ.get("PARADO_WEBHOOK_EVENTS", "60"))
EVENTS_PER_TOP_UP = 4
SECRETS = {SNAPSHOT: "whsec_snapshot", THIN: "whsec_thin"}


def sign(body: str, *, secret: str, at: int | None = None) -> str:
    return str(
        stripe.WebhookSignature.generate_signature_header(
            body, secret, timestamp=at or int(time.time())
        )
    )


def deliver(client: Client, body: dict[str, Any], *, url: str = "", at: int | None = None) -> int:
    url = url or (THIN if body["object"] == "v2.core.event" else SNAPSHOT)
    text = json.dumps(body)
    answer = client.post(
        url,
        data=text,
        content_type="application/json",
        headers={"Stripe-Signature": sign(text, secret=SECRETS[url], at=at)},
    )
    return answer.status_code


def make_event(event_id: str = "evt_1", **values: Any) -> dict[str, Any]:
    return {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": {"id": "tr_1", "object": "transfer"}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": None,
        "type": "transfer.created",
        **values,
    }


class TestReceive:
    def test_stores_once_and_answers_200_every_time(self, client: Client) -> None:
        assert [deliver(client, make_event()) for _ in range(3)] == [200, 200, 200]

        event = ProviderEvent.objects.get()
        assert (event.event_id, event.object_id, event.state) == ("evt_1", "tr_1", "received")

    def test_refuses_a_foreign_signature(self, client: Client) -> None:
        text = json.dumps(make_event())
        header = sign(text, secret="whsec_mallory")

        answer = client.post(
            SNAPSHOT, text, content_type="application/json", headers={"Stripe-Signature": header}
        )

        assert answer.status_code == 400
        assert not ProviderEvent.objects.exists()

    @pytest.mark.parametrize("header", ["", "t=1", "nonsense", "t=x,v1=0", "v1=00"])
    def test_refuses_no_signature(self, client: Client, header: str) -> None:
        answer = client.post(
            SNAPSHOT, "{}", content_type="application/json", headers={"Stripe-Signature": header}
        )

        assert answer.status_code == 400

    @pytest.mark.parametrize("offset_s", [-400, 400])
    def test_refuses_more_than_five_minutes_old_or_ahead(
        self, client: Client, offset_s: int
    ) -> None:
        assert deliver(client, make_event(), at=int(time.time()) + offset_s) == 400

    def test_a_changed_body_is_refused(self, client: Client) -> None:
        text = json.dumps(make_event())
        header = sign(text, secret=SECRETS[SNAPSHOT])

        answer = client.post(
            SNAPSHOT,
            text.replace("evt_1", "evt_2"),
            content_type="application/json",
            headers={"Stripe-Signature": header},
        )

        assert answer.status_code == 400

    def test_a_thin_event_at_the_snapshot_address_is_400(self, client: Client) -> None:
        thin = {"id": "evt_2", "object": "v2.core.event", "type": "v2.core.account.updated"}

        assert deliver(client, thin, url=SNAPSHOT) == 400

    def test_signed_nonsense_is_400(self, client: Client) -> None:
        for text in ("[]", "not json", '{"id": 1}', '"evt"'):
            for url in (SNAPSHOT, THIN):
                header = sign(text, secret=SECRETS[url])
                answer = client.post(
                    url, text, content_type="application/json", headers={"Stripe-Signature": header}
                )
                assert answer.status_code == 400

    def test_get_is_not_allowed(self, client: Client) -> None:
        assert client.get(SNAPSHOT).status_code == 405


class TestApply:
    def test_an_event_about_nothing_of_ours_is_ignored(
        self, client: Client, stand_in: StandIn
    ) -> None:
        deliver(client, make_event())
        deliver(client, make_event("evt_2", type="radar.early_fraud_warning.created"))

        assert apply_events(now=timezone.now()) == 2

        assert set(ProviderEvent.objects.values_list("state", flat=True)) == {"ignored"}

    def test_is_tried_again_while_the_provider_is_away(
        self, client: Client, stand_in: StandIn
    ) -> None:
        approve_a_run(stand_in)
        execute_payouts(now=NOON)
        payout = Payout.objects.get()
        event = make_event(data={"object": {"id": payout.provider_id, "object": "transfer"}})
        deliver(client, event)
        stand_in.control.add_fault("fail", path="/v1/transfers", method="GET", count=3)

        now = timezone.now()
        apply_events(now=now)
        assert ProviderEvent.objects.get().state == "received"
        apply_events(now=now + timedelta(hours=1))

        assert ProviderEvent.objects.get().state == "applied"
        payout.refresh_from_db()
        assert payout.state == Payout.State.PAID

    def test_is_given_up_after_twenty_tries_and_can_be_replayed(
        self, client: Client, stand_in: StandIn
    ) -> None:
        approve_a_run(stand_in)
        execute_payouts(now=NOON)
        payout = Payout.objects.get()
        deliver(client, make_event(data={"object": {"id": payout.provider_id}}))
        ProviderEvent.objects.update(attempts=19)
        stand_in.control.add_fault("fail", path="/v1/transfers", method="GET", count=3)
        now = timezone.now()

        apply_events(now=now)
        event = ProviderEvent.objects.get()
        assert event.state == "dead"
        assert (
            replay_events(event_ids=[event.pk], actor_id=Payout.objects.get().owner_id, now=now)
            == 1
        )
        apply_events(now=now)

        event.refresh_from_db()
        assert event.state == "applied"

    def test_an_older_account_reading_does_not_take_readiness_back(
        self, client: Client, stand_in: StandIn
    ) -> None:
        approve_a_run(stand_in)

        account = PayoutAccount.objects.get()
        assert account.is_ready
        stand_in.control.restrict_account(str(account.provider_account_id))
        PayoutAccount.objects.update(read_at=timezone.now() + timedelta(days=1))
        deliver(
            client,
            make_event(
                type="account.updated", data={"object": {"id": account.provider_account_id}}
            ),
        )
        apply_events(now=timezone.now())

        account.refresh_from_db()
        assert account.is_ready

    def test_the_longest_prefix_wins(self) -> None:
        assert find_refresh(event_type="v2.core.account[requirements].updated") is not None
        assert find_refresh(event_type="v2.core.event_destination.ping") is None


def pay_top_ups(bens: Organization, stand_in: StandIn, *, count: int) -> None:
    for number in range(count):
        started = start_top_up(
            wish=Wish(
                organization_id=bens.pk,
                amount_micros=(100 + number) * 1_000_000,
                currency="EUR",
                title="Parado balance",
                return_url="http://testserver/buy/",
            ),
            actor_id=None,
            now=NOON,
        )
        session_id = TopUp.objects.get(pk=started.top_up_id).checkout_session_id
        stand_in.control.pay_session(str(session_id))


def read_end_state() -> tuple[object, ...]:
    return (
        sorted(Payout.objects.values_list("owner_id", "state")),
        sorted(TopUp.objects.values_list("pk", "state", "fee_micros")),
        sorted(PayoutAccount.objects.values_list("owner_id", "status", "is_ready")),
        sorted(Account.objects.values_list("kind", "balance_micros")),
        sorted(Transfer.objects.values_list("entry__business_key", "number", "amount_micros")),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_events_one_to_five_times_in_any_order_end_the_same(
    client: Client, stand_in: StandIn, seed: int
) -> None:
    scene: Scene = approve_a_run(stand_in)
    execute_payouts(now=NOON)
    pay_top_ups(create_bens_company(), stand_in, count=math.ceil(EVENTS / EVENTS_PER_TOP_UP))
    state = stand_in.control.get_state()["objects"]
    events = [*state["event"], *state["v2.core.event"]]
    assert len(events) >= EVENTS
    chance = random.Random(seed)
    deliveries = [event for event in events for _ in range(chance.randint(1, 5))]
    chance.shuffle(deliveries)

    for number, event in enumerate(deliveries):
        assert deliver(client, event) == 200
        if number % 37 == 0:
            apply_events(now=timezone.now())
    while apply_events(now=timezone.now()):
        pass

    assert ProviderEvent.objects.count() == len(events)
    assert not ProviderEvent.objects.filter(state__in=["received", "dead"]).exists()
    assert scene.payout.state == Payout.State.PAID
    assert set(TopUp.objects.values_list("state", flat=True)) == {"available"}
    reached = read_end_state()

    for event in deliveries[:40]:
        deliver(client, event)
    ProviderEvent.objects.update(state="received", due_at=NOON)
    while apply_events(now=timezone.now()):
        pass

    assert read_end_state() == reached
