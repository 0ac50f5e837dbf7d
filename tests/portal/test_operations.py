"""
What operators see when something stands still, and that they are left alone when nothing does.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Outbox
from billing.models import LedgerCheck, UsageBatch, UsagePart, UsageSource, VehicleMeter
from tests.factories import create_booking, create_organization, create_person, create_pool, sign_in
from web.heartbeats import QUEUES
from web.models import Heartbeat
from web.public_ids import encode


pytestmark = pytest.mark.django_db
PAGE = "/operations/"
METERING = "/operations/metering/"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def olga(client: Client) -> Client:
    sign_in(client, create_person("Olga", staff_role="operator"))
    return client


@pytest.fixture
def _well(now: datetime) -> None:
    """
    Let every worker have swept, and the books be checked.
    """
    Heartbeat.objects.bulk_create(Heartbeat(queue=queue, beat_at=now) for queue in QUEUES)
    LedgerCheck.objects.create(started_at=now, finished_at=now, is_clean=True, lines=[])


def receive(now: datetime, *, parts: int = 0) -> UsageBatch:
    """
    Record a batch that came in then, of which so many parts wait for settlement.
    """
    source, _ = UsageSource.objects.get_or_create(name="urn:scheduler:eu-1")
    counts = {"event_count": 0, "accepted_count": 0, "duplicate_count": 0, "quarantined_count": 0}
    batch = UsageBatch.objects.create(source=source, received_at=now, **counts)
    day = {"first_date": now.date(), "last_date": now.date()}
    for lane in range(parts):
        ids = {"first_record_id": lane, "last_record_id": lane}
        UsagePart.objects.create(batch=batch, lane=lane, record_count=500, **day, **ids)
    return batch


def run_booking(now: datetime) -> None:
    """
    Let a booking run since a whole hour more than an hour ago.
    """
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    create_booking(
        organization_id=create_organization().pk, pool=create_pool(), starts_at=start, hours=6
    )


def miss(vehicle_id: int, *, missing: int, now: datetime) -> None:
    VehicleMeter.objects.create(
        vehicle_id=vehicle_id,
        first_sequence=1,
        last_sequence=100,
        record_count=100 - missing,
        latest_ends_at=now,
    )


@pytest.mark.usefixtures("_well")
class TestHealth:
    def test_says_that_all_is_well(self, olga: Client) -> None:
        page = olga.get(PAGE).text

        assert "Everything is within its limits" in page
        assert 'data-gate="no"' not in page
        assert "No usage was ever reported" in page

    def test_marks_a_worker_that_went_silent(self, olga: Client, now: datetime) -> None:
        Heartbeat.objects.filter(queue="money").update(beat_at=now - 10 * MINUTE)

        page = olga.get(PAGE).text

        assert "1 thing needs you" in page
        assert "10 minutes ago" in page
        assert "Nothing of this queue is being done" in page

    def test_tells_a_worker_that_works_from_one_that_is_stuck(
        self, olga: Client, now: datetime
    ) -> None:
        Heartbeat.objects.filter(queue="money").update(busy_since=now - 2 * MINUTE)
        Heartbeat.objects.filter(queue="bulk").update(busy_since=now - 20 * MINUTE)

        page = olga.get(PAGE).text

        assert "1 thing needs you" in page
        assert "Is at a long piece of work" in page
        assert "A sweep began and never ended" in page

    def test_marks_usage_that_waits_too_long(self, olga: Client, now: datetime) -> None:
        receive(now - 5 * MINUTE, parts=2)

        page = olga.get(PAGE).text

        assert "2, oldest 5\N{NO-BREAK SPACE}min" in page
        assert "1,000 records." in page
        assert "Settlement does not keep up" in page

    def test_marks_books_that_broke_or_were_not_checked(self, olga: Client, now: datetime) -> None:
        LedgerCheck.objects.update(is_clean=False)
        assert "A rule did not hold" in olga.get(PAGE).text

        LedgerCheck.objects.update(is_clean=True, finished_at=now - timedelta(hours=4))
        assert "that is too long ago" in olga.get(PAGE).text

        LedgerCheck.objects.all().delete()
        assert "Never checked" in olga.get(PAGE).text

    def test_counts_messages_that_were_given_up(self, olga: Client, now: datetime) -> None:
        Outbox.objects.create(
            kind="mail", business_key="a", payload={}, state=Outbox.State.DEAD, due_at=now
        )

        assert "Not sent after 20 tries" in olga.get(PAGE).text

    def test_the_live_part_is_the_page_without_its_frame(self, olga: Client) -> None:
        part = olga.get("/operations/now/")

        assert 'hx-get="/operations/now/"' in part.text
        assert "<html" not in part.text

    def test_costs_the_same_however_much_waits(
        self, olga: Client, now: datetime, django_assert_max_num_queries: Any
    ) -> None:
        receive(now, parts=8)
        for number in range(60):
            miss(number, missing=2, now=now)

        with django_assert_max_num_queries(14):
            olga.get(PAGE)


def test_says_that_no_worker_ever_came(olga: Client) -> None:
    assert olga.get(PAGE).text.count("No worker has come yet") == len(QUEUES)


class TestMetering:
    def test_is_down_when_bookings_run_and_nothing_comes(self, olga: Client, now: datetime) -> None:
        run_booking(now)
        receive(now - 45 * MINUTE)

        page = olga.get(METERING).text

        assert "Metering is down" in page
        assert "1 booking runs" in page
        assert "The scheduler is not heard either" in page
        assert "metering is down" in olga.get(PAGE).text

    def test_is_quiet_when_nothing_is_booked(self, olga: Client, now: datetime) -> None:
        receive(now - 45 * MINUTE)

        page = olga.get(METERING).text

        assert "No use now" in page
        assert "this is quiet, not a fault" in page

    def test_works_when_usage_came_lately(self, olga: Client, now: datetime) -> None:
        run_booking(now)
        receive(now - 5 * MINUTE)

        assert "Metering works" in olga.get(METERING).text

    def test_lists_the_vehicles_whose_records_did_not_come(
        self, olga: Client, now: datetime
    ) -> None:
        miss(1, missing=3, now=now)
        miss(2, missing=0, now=now)

        page = olga.get(METERING).text

        assert encode("veh", 1) in page
        assert encode("veh", 2) not in page

    def test_leads_through_all_pages_once(self, olga: Client, now: datetime) -> None:
        for number in range(1, 121):
            miss(number, missing=1, now=now - (number // 3) * MINUTE)

        seen: list[str] = []
        url = METERING
        while url:
            response = olga.get(url)
            seen += [row.cells[0].text for row in response.context["table"].rows]
            url = (
                response.context["pages"].next_url and METERING + response.context["pages"].next_url
            )

        assert len(seen) == 120
        assert set(seen) == {encode("veh", number) for number in range(1, 121)}

    def test_refuses_a_cursor_of_another_list(self, olga: Client) -> None:
        assert olga.get(METERING, {"cursor": "nonsense"}).status_code == 400

    def test_is_for_finance_too(self, client: Client, now: datetime) -> None:
        sign_in(client, create_person("Fiona", staff_role="finance_preparer"))

        assert client.get("/finance/metering/").status_code == 200
        assert client.get(METERING).status_code == 403
