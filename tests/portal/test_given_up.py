"""
What was given up is shown to operators, who have it tried again; each act is kept.
"""

from datetime import datetime

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Outbox, User
from accounts.operations import enqueue_mail, send_due_mail
from billing.models import ProviderEvent
from billing.operations.provider_events import apply_events
from tests.factories import create_person, sign_in
from web.public_ids import encode


pytestmark = pytest.mark.django_db
PAGE = "/operations/given-up/"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def olga() -> User:
    return create_person("Olga", staff_role="operator")


@pytest.fixture
def operator(client: Client, olga: User) -> Client:
    sign_in(client, olga)
    return client


def give_up_mail(now: datetime, *, key: str = "welcome:1") -> Outbox:
    enqueue_mail(
        business_key=key, to="olivia@example.com", subject="Welcome", text="Code 1234", now=now
    )
    row = Outbox.objects.get(business_key=key)
    Outbox.objects.filter(pk=row.pk).update(
        state=Outbox.State.DEAD, attempts=20, error="OSError('no route')"
    )
    return row


def give_up_news(now: datetime) -> ProviderEvent:
    return ProviderEvent.objects.create(
        event_id="evt_1",
        kind=ProviderEvent.Kind.SNAPSHOT,
        event_type="radar.early_fraud_warning.created",
        object_id="issfr_1",
        body="{}",
        state=ProviderEvent.State.DEAD,
        attempts=20,
        error="The provider did not answer",
        received_at=now,
        due_at=now,
    )


def try_again(operator: Client, what: str, *ids: str) -> str:
    answer = operator.post(f"{PAGE}{what}/", {"chosen": ids}, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    return answer.text


class TestPage:
    def test_says_that_nothing_was_given_up(self, operator: Client) -> None:
        page = operator.get(PAGE).text

        assert "Every message went out" in page
        assert "Everything the provider told was applied" in page

    def test_shows_errors_and_no_text_of_a_mail(self, operator: Client, now: datetime) -> None:
        give_up_mail(now)
        give_up_news(now)

        page = operator.get(PAGE).text

        assert "no route" in page
        assert "The provider did not answer" in page
        assert "Code 1234" not in page

    def test_is_where_health_leads(self, operator: Client, now: datetime) -> None:
        give_up_news(now)

        page = operator.get("/operations/").text

        assert f'href="{PAGE}"' in page
        assert "could not be read at the provider" in page


class TestTryAgain:
    def test_sends_a_mail_that_was_given_up(
        self, operator: Client, olga: User, now: datetime
    ) -> None:
        row = give_up_mail(now)
        other = give_up_mail(now, key="welcome:2")

        page = try_again(operator, "mail", encode("msg", row.pk))

        assert "1 is tried again within seconds" in page
        assert send_due_mail(now=timezone.now(), keep_text=False) == 1
        assert [message.to for message in mail.outbox] == [["olivia@example.com"]]
        other.refresh_from_db()
        assert other.state == Outbox.State.DEAD
        event = AuditEvent.objects.get(action="mail.replayed")
        assert (event.actor, event.subject) == (olga, f"outbox:{row.pk}")
        assert "no route" in event.detail["error"]

    def test_applies_news_that_were_given_up(
        self, operator: Client, olga: User, now: datetime
    ) -> None:
        event = give_up_news(now)

        try_again(operator, "news", encode("evt", event.pk))

        assert apply_events(now=timezone.now()) == 1
        event.refresh_from_db()
        assert event.state == ProviderEvent.State.IGNORED
        kept = AuditEvent.objects.get(action="provider_event.replayed")
        assert (kept.actor, kept.subject) == (olga, f"provider_event:{event.pk}")

    def test_twice_is_once(self, operator: Client, now: datetime) -> None:
        row = give_up_mail(now)
        try_again(operator, "mail", encode("msg", row.pk))

        page = try_again(operator, "mail", encode("msg", row.pk))

        assert "Nothing was chosen that is still given up" in page
        assert AuditEvent.objects.filter(action="mail.replayed").count() == 1

    @pytest.mark.parametrize("chosen", [(), ("nonsense",), ("evt_000000000000001",)])
    def test_nothing_chosen_changes_nothing(
        self, operator: Client, now: datetime, chosen: tuple[str, ...]
    ) -> None:
        row = give_up_mail(now)

        try_again(operator, "mail", *chosen)

        row.refresh_from_db()
        assert row.state == Outbox.State.DEAD
