"""
POST /api/v1/usage: what is taken, what is set aside, and that nothing is dropped.
"""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import QuarantinedRecord, UsageBatch, UsageKey, UsagePart, UsageRecord
from billing.operations.usage_events import read_batch
from billing.queries.metering import GapRow, list_gaps
from tests.billing.meters import EVENING, NOON, QUARTER, World, create_world, settle_all
from tests.factories import create_api_key, create_owner
from web.limits import USAGE_EVENTS_MAX
from web.problems import Problem


pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return create_world()


@pytest.fixture
def key(world: World) -> str:
    return create_api_key()


class TestAccepted:
    def test_answers_202_and_stores_what_was_said(
        self, client: Client, world: World, key: str
    ) -> None:
        answer = world.post(client, key, [world.event(is_home=False, mobile_data_bytes=10**12)])

        assert answer.status_code == 202
        assert answer.json() | {"batch_id": ""} == {
            "batch_id": "",
            "accepted": 1,
            "duplicates": 0,
            "quarantined": 0,
            "results": [],
        }
        record = UsageRecord.objects.get()
        assert (record.vehicle_id, record.owner_id) == (world.vehicle.pk, world.olivia.pk)
        assert (record.starts_at, record.ends_at) == (EVENING, EVENING + QUARTER)
        assert (record.energy_wh, record.category_bit, record.sequence) == (252, 1, 1)
        assert record.state_of_charge_min_permille == 615
        assert (record.battery_temp_min_decic, record.battery_temp_max_decic) == (110, 295)
        assert (record.plugged_in, record.is_home, record.job_completed) == (True, False, False)
        assert record.mobile_data_bytes == 10**12
        assert (record.event_id, record.job_id) == ("eu1-000001", "j-1")

    @pytest.mark.parametrize(
        "missing",
        [
            "consent_version",
            "state_of_charge_min_pct",
            "plugged_in",
            "is_home",
            "battery_temp_min_c",
            "battery_temp_max_c",
            "job_completed",
            "supersedes",
        ],
    )
    def test_takes_an_event_without(self, world: World, missing: str) -> None:
        event = world.event()
        del event["data"][missing]

        assert world.report(event).accepted_count == 1

    @pytest.mark.parametrize("said", [None, 0, 3_000_000])
    def test_keeps_what_went_over_the_modem(self, world: World, said: int | None) -> None:
        assert world.report(world.event(mobile_data_bytes=said)).accepted_count == 1
        assert UsageRecord.objects.get().mobile_data_bytes == said

    def test_takes_one_event(self, client: Client, world: World, key: str) -> None:
        body = json.dumps(world.event()).encode()
        answer = world.post(client, key, body, content_type="application/cloudevents+json")

        assert answer.json()["accepted"] == 1

    def test_takes_lines_and_sets_aside_one_that_is_not_json(
        self, client: Client, world: World, key: str
    ) -> None:
        lines = [json.dumps(world.event(quarter)) for quarter in range(3)]
        lines[1] = "not json"
        body = "\n".join([*lines, ""]).encode()

        answer = world.post(client, key, body, content_type="application/x-ndjson")

        assert answer.json()["accepted"] == 2
        assert answer.json()["results"][0]["index"] == 1
        assert QuarantinedRecord.objects.get().body == "not json"

    def test_takes_gzip(self, client: Client, world: World, key: str) -> None:
        body = gzip.compress(json.dumps([world.event()]).encode())
        answer = world.post(client, key, body, **{"Content-Encoding": "gzip"})

        assert answer.json()["accepted"] == 1

    def test_sorts_owners_into_lanes(self, world: World) -> None:
        world.report(*[world.event(quarter) for quarter in range(4)])

        part = UsagePart.objects.get()
        assert (part.lane, part.record_count) == (world.olivia.pk % 8, 4)
        assert part.last_record_id - part.first_record_id == 3


class TestRepeated:
    def test_stores_a_repeat_once(self, client: Client, world: World, key: str) -> None:
        events = [world.event(quarter) for quarter in range(3)]
        world.post(client, key, events)
        answer = world.post(client, key, [*events, world.event(3)])

        assert (answer.json()["accepted"], answer.json()["duplicates"]) == (1, 3)
        assert [r["status"] for r in answer.json()["results"]] == ["duplicate"] * 3
        assert UsageRecord.objects.count() == UsageKey.objects.count() == 4

    def test_ignores_when_it_was_sent(self, world: World) -> None:
        event = world.event()
        world.report(event)

        assert world.report(event | {"time": "2026-11-21T00:00:00Z"}).duplicate_count == 1

    def test_sets_aside_other_content_under_the_same_id(self, world: World) -> None:
        world.report(world.event(id="a"))
        result = world.report(world.event(id="a", energy_wh=100))

        assert result.results[0].code == "conflict"
        assert UsageRecord.objects.count() == 1

    def test_finds_repeats_inside_a_batch(self, world: World) -> None:
        event = world.event(id="a")
        other = world.event(id="a", energy_wh=1)

        result = world.report(event, event, other)

        assert [r.code for r in result.results] == ["duplicate", "conflict"]

    def test_counts_a_bad_event_that_comes_again(self, world: World) -> None:
        event = world.event(energy_wh=-1)
        world.report(event)
        result = world.report(event)

        assert result.quarantined_count == 1
        assert QuarantinedRecord.objects.get().seen_count == 2


def make_bad(world: World) -> dict[str, Any]:
    """
    Return an event for every way to be wrong, by its code and a name.
    """
    now = timezone.now()
    naive = world.event()
    naive["data"]["starts_at"] = "2026-11-20T18:00:00"
    surplus = world.event() | {"surplus": 1}
    unlabelled = world.event()
    del unlabelled["data"]["workload_category"]
    return {
        "unknown_vehicle": world.event() | {"subject": "veh_000000000000000"},
        "unknown_vehicle form": world.event() | {"subject": "car 7"},
        "unknown_booking": world.event(booking_id="bkg_000000000000000"),
        "interval_empty": world.event(ends_at=EVENING),
        "interval_empty backwards": world.event(ends_at=EVENING - QUARTER),
        "interval_crosses_settlement_period": world.event(
            starts_at=EVENING + timedelta(minutes=10)
        ),
        "interval_in_future": world.event(starts_at=now.replace(microsecond=0) + timedelta(days=1)),
        "too_old": world.event(starts_at=EVENING - timedelta(days=120)),
        "energy_out_of_range": world.event(energy_wh=-1),
        "energy_out_of_range huge": world.event(energy_wh=10**30),
        "unlabelled_workload": unlabelled,
        "unlabelled_workload null": world.event(workload_category=None),
        "unlabelled_workload word": world.event(workload_category="mining"),
        "malformed number": 17,
        "malformed null": None,
        "malformed list": [],
        "malformed empty": {},
        "malformed float": world.event(energy_wh=252.5),
        "malformed text": world.event(sequence="1"),
        "malformed sequence": world.event(sequence=10**30),
        "malformed negative": world.event(sequence=-1),
        "malformed charge": world.event(state_of_charge_min_pct=101),
        "malformed temperature": world.event(battery_temp_max_c=1e300),
        "malformed data": world.event(mobile_data_bytes=-1),
        "malformed data huge": world.event(mobile_data_bytes=10**12 + 1),
        "malformed data beyond": world.event(mobile_data_bytes=10**40),
        "malformed data float": world.event(mobile_data_bytes=1.5),
        "malformed version": world.event(consent_version=2**40),
        "malformed nul": world.event(job_id="a\0b"),
        "malformed surrogate": world.event(job_id="\ud800"),
        "malformed naive": naive,
        "malformed surplus": surplus,
        "malformed source": world.event() | {"source": "urn:somebody:else"},
        "malformed type": world.event() | {"type": "org.parado.other"},
        "malformed no id": {k: v for k, v in world.event().items() if k != "id"},
        "malformed long id": world.event(id="x" * 201),
        "malformed supersedes": world.event(supersedes="never-seen"),
        "malformed supersedes self": world.event(id="me", supersedes="me"),
    }


class TestRefused:
    def test_loses_no_good_record_among_all_bad_ones(
        self, client: Client, world: World, key: str
    ) -> None:
        bad = make_bad(world)
        good = [world.event(quarter) for quarter in range(5)]
        events = [good[0], *bad.values(), *good[1:]]

        answer = world.post(client, key, events)

        assert answer.status_code == 202
        body = answer.json()
        assert (body["accepted"], body["quarantined"]) == (5, len(bad))
        codes = [result["code"] for result in body["results"]]
        assert codes == [name.partition(" ")[0] for name in bad]
        assert UsageRecord.objects.count() == 5
        assert QuarantinedRecord.objects.count() == len(bad)

    @pytest.mark.parametrize(
        "code", ["unknown_vehicle", "energy_out_of_range", "too_old", "unlabelled_workload"]
    )
    def test_keeps_the_text(self, world: World, code: str) -> None:
        event = make_bad(world)[code]
        world.report(event)

        record = QuarantinedRecord.objects.get()
        assert (record.code, json.loads(record.body)) == (code, event)

    def test_refuses_a_key_that_comes_twice(self, client: Client, world: World, key: str) -> None:
        good, bad = json.dumps(world.event()), json.dumps(world.event(1))
        bad = bad.replace('"energy_wh": 252', '"energy_wh": 1, "energy_wh": 252')

        answer = world.post(client, key, f"[{good},{bad}]".encode())

        assert answer.json()["accepted"] == 1
        assert QuarantinedRecord.objects.get().detail == "An object has the same key twice."

    def test_takes_escapes(self, client: Client, world: World, key: str) -> None:
        body = json.dumps([world.event(job_id='say "hi" \\ æ')]).encode()

        assert world.post(client, key, body).json()["accepted"] == 1
        assert UsageRecord.objects.get().job_id == 'say "hi" \\ æ'

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b" ", 400),
            (b"{", 400),
            (b"[1,]", 400),
            (b"[NaN]", 400),
            (b'["\xff"]', 400),
            (b"[" * 100_000, 400),
            (b"{}", 422),
            (b"17", 422),
            (b"[" + b"1," * 10_000 + b"1]", 413),
            (b"[" + b"1," * 1_000_000 + b"1]", 413),
        ],
    )
    def test_refuses_whole_what_is_no_batch(
        self, client: Client, world: World, key: str, body: bytes, status: int
    ) -> None:
        answer = world.post(client, key, body)

        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"

    def test_refuses_more_events_than_the_limit(self, world: World) -> None:
        event = json.dumps(world.event())
        body = ("[" + ",".join([event] * (USAGE_EVENTS_MAX + 1)) + "]").encode()

        with pytest.raises(Problem) as caught:
            read_batch(body)
        assert caught.value.status == 413

    def test_refuses_other_content_types(self, client: Client, world: World, key: str) -> None:
        answer = world.post(client, key, b"[]", content_type="application/json")
        assert answer.status_code == 415

    def test_refuses_broken_and_endless_gzip(self, client: Client, world: World, key: str) -> None:
        headers = {"Content-Encoding": "gzip"}
        bomb = gzip.compress(b"[" + b" " * (17 * 1024 * 1024) + b"]")
        for body, status in ((b"nonsense", 400), (bomb, 413), (bomb[:50], 400)):
            assert world.post(client, key, body, **headers).status_code == status

    def test_takes_an_empty_batch(self, client: Client, world: World, key: str) -> None:
        assert world.post(client, key, b"[]").status_code == 202

    def test_needs_a_key_with_the_scope(self, client: Client, world: World) -> None:
        other = create_api_key(scopes=frozenset({"telemetry:write"}))
        assert world.post(client, other, b"[]").status_code == 403
        assert world.post(client, "pk_live_nobody", b"[]").status_code == 401


class TestBatch:
    def test_tells_what_became_of_it(self, client: Client, world: World, key: str) -> None:
        events = [world.event(), world.event(1, energy_wh=280_000), world.event(2, energy_wh=280)]
        batch_id = world.post(client, key, [*events, world.event(3, energy_wh=289)]).json()[
            "batch_id"
        ]
        settle_all()

        answer = client.get(
            f"/api/v1/usage/batches/{batch_id}", headers={"Authorization": f"Bearer {key}"}
        ).json()

        assert (answer["accepted"], answer["quarantined"], answer["is_settled"]) == (3, 1, True)
        assert answer["outcomes"] == {"accepted": 2}
        assert [entry["code"] for entry in answer["quarantine"]] == [
            "energy_out_of_range",
            "energy_implausible",
        ]

    def test_shows_another_source_nothing(self, client: Client, world: World, key: str) -> None:
        batch_id = world.post(client, key, [world.event()]).json()["batch_id"]
        other = create_api_key(source="urn:scheduler:us-1")

        def get(number: str) -> Any:
            headers = {"Authorization": f"Bearer {other}"}
            return client.get(f"/api/v1/usage/batches/{number}", headers=headers)

        assert get(batch_id).status_code == get("bat_000000000000000").status_code == 404

    def test_counts_add_up(self, world: World) -> None:
        create_owner("Olaf")
        world.report(world.event(), world.event(energy_wh=-1))
        batch = UsageBatch.objects.get()
        assert (batch.event_count, batch.received_at) == (2, NOON)


class TestLines:
    def test_refuses_more_lines_than_the_limit(
        self, client: Client, world: World, key: str
    ) -> None:
        lines = b"\n".join([b"{}"] * (USAGE_EVENTS_MAX + 1))
        for body in (lines, b"\n" * (2 * USAGE_EVENTS_MAX + 1)):
            answer = world.post(client, key, body, content_type="application/x-ndjson")
            assert answer.status_code == 413

    @pytest.mark.parametrize("line", ["{},{}", '{"a": 1', "17", "[]", '{"id": "x"}', "\ud800"])
    def test_sets_a_line_aside_alone(
        self, client: Client, world: World, key: str, line: str
    ) -> None:
        good = [json.dumps(world.event(quarter)) for quarter in range(2)]
        body = "\n".join([good[0], line, good[1]]).encode("utf-8", "surrogatepass")

        answer = world.post(client, key, body, content_type="application/x-ndjson").json()

        assert (answer["accepted"], answer["quarantined"]) == (2, 1)
        assert answer["results"][0]["index"] == 1

    def test_refuses_other_encodings(self, client: Client, world: World, key: str) -> None:
        answer = world.post(client, key, b"[]", **{"Content-Encoding": "br"})
        assert answer.status_code == 415


def read_gaps() -> tuple[GapRow, ...]:
    return list_gaps(cursor=None, limit=10).rows


class TestMeterGaps:
    def test_a_hole_is_shown_until_it_is_filled(self, world: World) -> None:
        for quarter, sequence in enumerate((1, 2, 5)):
            world.report(world.event(quarter, sequence=sequence))
        settle_all()
        (gap,) = read_gaps()
        assert (gap.vehicle_id, gap.missing_count) == (world.vehicle.pk, 2)

        world.report(world.event(3, sequence=3), world.event(4, sequence=4))
        settle_all()

        assert read_gaps() == ()

    def test_a_record_in_quarantine_is_not_missing(self, world: World) -> None:
        world.report(
            world.event(0, sequence=1),
            world.event(1, sequence=2, energy_wh=400),
            world.event(2, sequence=3),
        )
        settle_all()

        assert read_gaps() == ()
