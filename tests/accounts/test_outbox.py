from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import transaction

from accounts import operations, tasks
from accounts.models import Outbox
from accounts.operations.records import claim_due_mail


pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def enqueue(key: str = "welcome:1") -> None:
    operations.enqueue_mail(
        business_key=key, to="olivia@example.com", subject="Welcome", text="Code 1234", now=NOON
    )


class TestSendDueMail:
    def test_sends_once(self) -> None:
        enqueue()

        tried = [operations.send_due_mail(now=NOON, keep_text=False) for _ in range(2)]

        assert tried == [1, 0]
        assert [message.to for message in mail.outbox] == [["olivia@example.com"]]

    def test_forgets_the_text_once_sent(self) -> None:
        enqueue()
        operations.send_due_mail(now=NOON, keep_text=False)

        row = Outbox.objects.get()
        assert (row.state, row.sent_at) == ("sent", NOON)
        assert row.payload == {}

    def test_the_same_cause_is_one_mail(self) -> None:
        enqueue()
        enqueue()

        assert Outbox.objects.count() == 1

    def test_what_rolls_back_is_not_sent(self) -> None:
        with transaction.atomic():
            enqueue()
            transaction.set_rollback(True)

        assert operations.send_due_mail(now=NOON, keep_text=False) == 0

    def test_a_sender_that_died_leaves_it_due_after_the_lease(self) -> None:
        enqueue()
        claim_due_mail(now=NOON)

        assert operations.send_due_mail(now=NOON + timedelta(seconds=119), keep_text=False) == 0
        assert operations.send_due_mail(now=NOON + timedelta(seconds=120), keep_text=False) == 1

    def test_tries_again_later_and_at_last_gives_up(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "tests.accounts.test_outbox.BrokenBackend"
        enqueue()
        now = NOON
        waits = []
        while (row := Outbox.objects.get()).state == "pending":
            operations.send_due_mail(now=row.due_at, keep_text=False)
            waits.append(Outbox.objects.get().due_at - row.due_at)
            now = row.due_at

        assert now > NOON
        assert row.attempts == len(waits) == 20
        assert [wait.total_seconds() for wait in waits[:3]] == [30, 60, 120]
        assert max(waits) == timedelta(hours=1)
        assert row.state == "dead"
        assert "no route" in row.error
        assert row.payload["text"] == "Code 1234"

    def test_the_sweep_sends_all_of_it(self) -> None:
        for number in range(120):
            enqueue(f"welcome:{number}")

        tasks.sweep()

        assert len(mail.outbox) == 120


class BrokenBackend:
    def __init__(self, **options: Any) -> None:
        pass

    def send_messages(self, messages: list[Any]) -> int:
        raise OSError("no route to the mail server")
