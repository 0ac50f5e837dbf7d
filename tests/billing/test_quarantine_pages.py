"""
Finance decides about records that were set aside, on pages.
"""

from typing import Any

import pytest
from django.test import Client

from billing.models import QuarantinedRecord, RatedLine
from tests.billing.meters import World, create_world, settle_all
from tests.factories import create_owner, create_person, sign_in
from web.public_ids import encode


pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return create_world()


@pytest.fixture
def finance(client: Client) -> Client:
    sign_in(client, create_person("Fiona", staff_role="finance_preparer"))
    return client


def set_aside(world: World) -> QuarantinedRecord:
    """
    Report nine times what the car can draw: settlement sets it aside.
    """
    world.report(world.event(energy_wh=2_520))
    settle_all()
    return QuarantinedRecord.objects.get()


def address(kept: QuarantinedRecord, *more: str) -> str:
    return "/".join(("/finance/quarantine", encode("qua", kept.pk), *more, ""))


def decide(client: Client, kept: QuarantinedRecord, act: str, reason: str = "") -> Any:
    return client.post(address(kept, "decide"), {"act": act, "reason": reason})


def set_aside_many(world: World) -> list[QuarantinedRecord]:
    """
    Two readings of too much energy, and one event that cannot be read.
    """
    unreadable = world.event(3)
    unreadable["data"]["energy_wh"] = "much"
    world.report(world.event(energy_wh=2_520), world.event(2, energy_wh=2_520), unreadable)
    settle_all()
    return list(QuarantinedRecord.objects.order_by("code", "pk"))


def decide_many(client: Client, kept: list[QuarantinedRecord], act: str, reason: str = "") -> Any:
    chosen = [encode("qua", record.pk) for record in kept]
    url = "/finance/quarantine/decide/?state=open"
    return client.post(url, {"record": chosen, "act": act, "reason": reason})


def read_states() -> list[str]:
    return list(QuarantinedRecord.objects.order_by("code", "pk").values_list("state", flat=True))


def read_messages(client: Client) -> list[str]:
    page = client.get("/finance/quarantine/")
    return [str(message) for message in page.context["messages"]]


class TestSeveral:
    def test_are_dismissed_with_one_reason(self, finance: Client, world: World) -> None:
        kept = set_aside_many(world)

        answer = decide_many(finance, kept, "dismiss", "Test meter")

        assert answer["Location"] == "/finance/quarantine/?state=open"
        assert read_states() == ["dismissed"] * 3
        assert set(QuarantinedRecord.objects.values_list("resolution", flat=True)) == {"Test meter"}
        [said] = read_messages(finance)
        assert said.startswith("3 records. Dismissed.")

    def test_one_that_does_not_go_stops_no_other(self, finance: Client, world: World) -> None:
        kept = set_aside_many(world)

        decide_many(finance, kept, "accept", "Meter checked")

        assert read_states() == ["accepted", "accepted", "open"]
        done, left = read_messages(finance)
        assert done.startswith("2 records. Accepted.")
        assert left.startswith("1 record is as it was. Only an implausible reading")
        assert settle_all() == 2
        assert RatedLine.objects.count() == 2

    def test_decided_meanwhile_are_left_as_they_are(self, finance: Client, world: World) -> None:
        kept = set_aside_many(world)
        decide(finance, kept[0], "dismiss", "First")

        decide_many(finance, kept[:2], "dismiss", "Second")

        kept[0].refresh_from_db()
        assert kept[0].resolution == "First"
        assert read_states() == ["dismissed", "dismissed", "open"]

    @pytest.mark.parametrize(
        ("act", "reason", "count", "refused"),
        [
            ("dismiss", "", 2, "reason"),
            ("accept", "   ", 2, "reason"),
            ("dismiss", "x" * 501, 2, "reason"),
            ("replay", "", 0, "record"),
            ("shred", "x", 2, "__all__"),
        ],
    )
    def test_a_decision_that_lacks_something_is_422(
        self, finance: Client, world: World, act: str, reason: str, count: int, refused: str
    ) -> None:
        kept = set_aside_many(world)

        page = decide_many(finance, kept[:count], act, reason)

        assert page.status_code == 422
        assert list(page.context["form"].errors) == [refused]
        assert len([row for row in page.context["table"].rows if row.is_selected]) == count
        assert read_states() == ["open"] * 3

    def test_are_offered_only_where_they_are_open(self, finance: Client, world: World) -> None:
        decide_many(finance, set_aside_many(world), "dismiss", "Test meter")

        page = finance.get("/finance/quarantine/?state=dismissed")

        assert page.context["table"].select_name == ""
        assert 'name="act"' not in page.text


class TestList:
    def test_says_that_nothing_is_set_aside(self, finance: Client) -> None:
        assert "Nothing is set aside" in finance.get("/finance/quarantine/").text

    def test_leads_to_a_record_with_its_reason_and_reading(
        self, finance: Client, world: World
    ) -> None:
        kept = set_aside(world)

        page = finance.get("/finance/quarantine/")
        assert "More energy than the vehicle can draw" in page.text
        assert page.context["table"].rows[0].cells[0].url == address(kept)

        record = finance.get(address(kept))
        assert "2520 Wh in 900 s" in record.text
        assert "Accept as metered" in record.text
        assert "Accept pays it as it was reported." in record.text

    def test_shows_what_came_as_it_came(self, finance: Client, world: World) -> None:
        event = world.event()
        event["data"]["energy_wh"] = "much"
        world.report(event)

        record = finance.get(address(QuarantinedRecord.objects.get()))

        assert "&quot;energy_wh&quot;: &quot;much&quot;" in record.text
        assert "Accept" not in record.text
        assert "Dismiss leaves it unpaid for good." in record.text

    def test_filters_by_reason_and_state(self, finance: Client, world: World) -> None:
        set_aside(world)

        def count(query: str) -> int:
            return len(finance.get(f"/finance/quarantine/?{query}").context["table"].rows)

        assert count("code=energy_implausible") == 1
        assert count("code=malformed") == 0
        assert count("state=dismissed") == 0
        assert count("q=eu1-000001") == 1
        assert finance.get("/finance/quarantine/?state=nonsense").status_code == 404


class TestDecide:
    def test_accepts_with_a_reason_and_pays(self, finance: Client, world: World) -> None:
        kept = set_aside(world)

        response = decide(finance, kept, "accept", "The charger confirms it.")
        settle_all()

        assert response.status_code == 302
        assert RatedLine.objects.get().energy_wh == 2_520
        assert "The charger confirms it." in finance.get(address(kept)).text

    @pytest.mark.parametrize("act", ["accept", "dismiss"])
    def test_asks_for_a_reason(self, finance: Client, world: World, act: str) -> None:
        kept = set_aside(world)

        response = decide(finance, kept, act)

        assert response.status_code == 422
        assert "Give a reason" in response.text
        kept.refresh_from_db()
        assert kept.state == "open"

    def test_says_when_the_cause_is_not_mended(self, finance: Client, world: World) -> None:
        event = world.event()
        event["data"]["energy_wh"] = -1
        world.report(event)
        kept = QuarantinedRecord.objects.get()

        response = decide(finance, kept, "replay")

        assert response.status_code == 422
        assert "refused again" in response.text

    def test_dismisses_once(self, finance: Client, world: World) -> None:
        kept = set_aside(world)
        decide(finance, kept, "dismiss", "A broken meter.")

        response = decide(finance, kept, "accept", "Or not?")

        assert response.status_code == 422
        assert "decided meanwhile" in response.text
        assert settle_all() == 0

    def test_does_nothing_without_a_choice(self, finance: Client, world: World) -> None:
        assert decide(finance, set_aside(world), "").status_code == 422

    def test_is_for_finance_only(self, client: Client, world: World) -> None:
        kept = set_aside(world)
        sign_in(client, create_owner("Mallory"))

        assert client.get("/finance/quarantine/").status_code == 403
        assert client.get(address(kept)).status_code == 403
        assert decide(client, kept, "accept", "For me.").status_code == 403

    def test_knows_no_other_ids(self, finance: Client, world: World) -> None:
        for wrong in ("qua_000000000000000", "nonsense", encode("qua", 10**9)):
            assert finance.get(f"/finance/quarantine/{wrong}/").status_code == 404
