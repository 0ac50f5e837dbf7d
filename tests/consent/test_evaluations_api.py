import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from consent import operations
from consent.api.answers import DETAILS
from consent.models import DecisionRecord, Lease, Vehicle
from consent.rules import ReasonCode, Window
from tests.factories import (
    bearer,
    create_api_key,
    create_consent,
    create_vehicle,
    create_vehicle_state,
)
from web.public_ids import encode


JSON = "application/json"
ALWAYS = (Window((0, 1, 2, 3, 4, 5, 6), 0, 1440),)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def ready_car(car: Vehicle, now: datetime) -> Vehicle:
    create_consent(car, windows=ALWAYS)
    create_vehicle_state(car, now=now)
    return car


WORK = {"type": "workload", "id": "j-81", "properties": {"category": "inference"}}


def question(vehicle: Vehicle, **changes: Any) -> dict[str, Any]:
    return {
        "subject": WORK,
        "action": {"name": "run"},
        "resource": {"type": "vehicle", "id": encode("veh", vehicle.pk)},
    } | changes


def post(client: Client, document: Any, *, path: str = "/access/v1/evaluations") -> Any:
    response = client.post(path, json.dumps(document), content_type="application/json")
    assert response.status_code == 200, response.content
    return response.json()


def post_batch(client: Client, *items: Any, **rest: Any) -> list[dict[str, Any]]:
    answers = post(client, {"evaluations": list(items)} | rest)["evaluations"]
    assert isinstance(answers, list)
    return answers


def codes(answer: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in answer["context"]["reasons"]]


class TestEvaluation:
    def test_permits_for_at_most_a_minute(self, scheduler: Client, ready_car: Vehicle) -> None:
        answer = post(scheduler, question(ready_car), path="/access/v1/evaluation")

        context = answer["context"]
        assert answer["decision"] is True
        assert context["reasons"] == []
        assert (context["consent_version"], context["power_limit_w"]) == (1, 900)
        left = datetime.fromisoformat(context["valid_until"]) - timezone.now()
        assert timedelta(0) < left <= timedelta(seconds=60)
        assert "replayed" not in context

    def test_shows_value_and_limit_of_each_reason(
        self, scheduler: Client, car: Vehicle, now: datetime
    ) -> None:
        create_consent(car, windows=ALWAYS)
        create_vehicle_state(car, now=now, state_of_charge_permille=312, battery_temp_decic=355)

        answer = post(scheduler, question(car), path="/access/v1/evaluation")

        assert answer["decision"] is False
        assert answer["context"]["valid_until"] is None
        shown = [
            (reason["code"], reason["rule"], reason["value"], reason["limit"])
            for reason in answer["context"]["reasons"]
        ]
        assert shown == [("battery_low", "battery", 31.2, 40.0), ("too_hot", "heat", 35.5, 35.0)]

    def test_takes_fresh_telemetry_with_the_question(
        self, scheduler: Client, ready_car: Vehicle, now: datetime
    ) -> None:
        at = (now + timedelta(seconds=1)).isoformat()
        telemetry = {"observed_at": at, "state_of_charge_pct": 39.9, "plugged_in": True}

        answer = post(
            scheduler,
            question(ready_car, context={"telemetry": telemetry}),
            path="/access/v1/evaluation",
        )

        # Both limits of temperature miss their reading.
        unknown = ["temperature_unknown", "temperature_unknown"]
        assert codes(answer) == ["home_unknown", "battery_low", *unknown]

    def test_replays_the_past_without_a_lease(
        self, scheduler: Client, ready_car: Vehicle, olivia: User, now: datetime
    ) -> None:
        hour_ago = now - timedelta(hours=1)
        telemetry = {
            "observed_at": hour_ago.isoformat(),
            "state_of_charge_pct": 61.5,
            "plugged_in": True,
            "is_home": True,
            "battery_temp_c": 21,
        }
        operations.withdraw(vehicle_id=ready_car.pk, owner_id=olivia.pk, now=now)

        past, present = post_batch(
            scheduler,
            question(ready_car, context={"time": hour_ago.isoformat(), "telemetry": telemetry}),
            question(ready_car),
        )

        assert (past["decision"], past["context"]["replayed"]) == (True, True)
        assert past["context"]["valid_until"] is None
        assert codes(present) == ["consent_withdrawn"]

    def test_without_a_required_member_is_a_bad_request(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        whole = question(ready_car)

        for name in ("subject", "action", "resource"):
            body = json.dumps({key: value for key, value in whole.items() if key != name})
            response = scheduler.post("/access/v1/evaluation", body, content_type=JSON)

            assert (response.status_code, response.json()["code"]) == (400, "invalid")
            assert response.json()["errors"][0]["pointer"] == f"/{name}"

    def test_ignores_members_that_it_does_not_know(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        """
        AuthZEN 1.0, 10.1.1: receivers ignore unknown fields.
        """
        subject = WORK | {"surprise": 1, "properties": {"category": "inference", "colour": "red"}}
        whole = question(ready_car, subject=subject, surprise=1, context={"weather": "rain"})

        assert post(scheduler, whole, path="/access/v1/evaluation")["decision"] is True

    def test_a_sample_in_the_question_that_cannot_be_true_is_a_deny(
        self, scheduler: Client, ready_car: Vehicle, now: datetime
    ) -> None:
        at = (now + timedelta(seconds=1)).isoformat()
        telemetry = {"observed_at": at, "plugged_in": True, "is_moving": True}

        answer = post(
            scheduler,
            question(ready_car, context={"telemetry": telemetry}),
            path="/access/v1/evaluation",
        )

        assert codes(answer) == ["telemetry_contradictory"]

    def test_a_time_that_no_calendar_holds_is_a_bad_request(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        body = json.dumps(question(ready_car, context={"time": "0001-01-01T00:00:00+23:59"}))

        response = scheduler.post("/access/v1/evaluation", body, content_type=JSON)

        assert response.status_code == 400

    def test_gives_the_id_of_the_request_back(self, scheduler: Client, ready_car: Vehicle) -> None:
        body = json.dumps(question(ready_car))
        for given in ("bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "7", "batch #7 / 9"):
            response = scheduler.post(
                "/access/v1/evaluation", body, content_type=JSON, headers={"X-Request-ID": given}
            )

            assert response["X-Request-ID"] == given


class TestEvaluations:
    def test_keeps_the_order_and_one_bad_item_never_fails_the_rest(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        answers = post_batch(
            scheduler,
            question(ready_car),
            {"nonsense": True},
            question(ready_car, resource={"type": "vehicle", "id": "veh_000000000000000"}),
            question(ready_car, resource={"type": "vehicle", "id": "bkg_1"}),
            question(ready_car, action={"name": "drive"}),
            question(ready_car, subject={"type": "workload", "id": "j-1"}),
            question(
                ready_car,
                subject={"type": "workload", "id": "j", "properties": {"category": "mining"}},
            ),
            "not even an object",
            question(ready_car, context={"time": "2099-01-01T00:00:00Z"}),
            question(
                ready_car,
                subject=WORK | {"id": "j-2"},
                context={"telemetry": {"observed_at": "2099-01-01T00:00:00Z"}},
            ),
            question(ready_car),
        )

        assert [answer["decision"] for answer in answers] == [True, *[False] * 9, True]
        assert [codes(answer) for answer in answers[1:-1]] == [
            ["malformed"],
            ["unknown_vehicle"],
            ["unknown_vehicle"],
            ["unknown_action"],
            ["workload_unlabelled"],
            ["malformed"],
            ["malformed"],
            ["time_in_future"],
            ["telemetry_in_future"],
        ]
        assert [answer["context"].get("error", {}).get("status") for answer in answers[1:-1]] == [
            *(400, 404, 404, 400, None, 400, 400, 400, None)
        ]

    def test_takes_defaults_from_around_the_items(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        whole = question(ready_car)
        resource = whole.pop("resource")

        answers = post_batch(scheduler, {"resource": resource}, {"resource": resource}, **whole)

        assert [answer["decision"] for answer in answers] == [True, True]

    @pytest.mark.parametrize(
        ("semantic", "expected"),
        [
            ("execute_all", [True, False, True]),
            ("deny_on_first_deny", [True, False]),
            ("permit_on_first_permit", [True]),
        ],
    )
    def test_stops_where_the_semantic_says(
        self, scheduler: Client, ready_car: Vehicle, semantic: str, expected: list[bool]
    ) -> None:
        unlabelled = question(ready_car, subject={"type": "workload", "id": "j-1"})

        answers = post_batch(
            scheduler,
            question(ready_car),
            unlabelled,
            question(ready_car),
            options={"evaluations_semantic": semantic},
        )

        assert [answer["decision"] for answer in answers] == expected

    def test_a_bad_item_is_a_deny_that_ends_the_batch(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        answers = post_batch(
            scheduler,
            question(ready_car),
            "not even an object",
            question(ready_car),
            options={"evaluations_semantic": "deny_on_first_deny", "another": 1},
        )

        assert [answer["decision"] for answer in answers] == [True, False]

    def test_nothing_happens_to_items_after_the_end_of_the_batch(
        self, scheduler: Client, ready_car: Vehicle
    ) -> None:
        post_batch(
            scheduler,
            question(ready_car, subject=WORK | {"id": "first"}),
            question(ready_car, subject=WORK | {"id": "second"}),
            options={"evaluations_semantic": "permit_on_first_permit"},
        )

        assert [lease.job_id for lease in Lease.objects.all()] == ["first"]
        assert [record.job_id for record in DecisionRecord.objects.all()] == ["first"]

    @pytest.mark.parametrize("rest", [{}, {"evaluations": []}])
    def test_without_items_is_one_evaluation(
        self, scheduler: Client, ready_car: Vehicle, rest: dict[str, Any]
    ) -> None:
        answer = post(scheduler, question(ready_car) | rest)

        assert answer["decision"] is True
        assert answer["context"]["consent_version"] == 1

    def test_sees_any_owners_vehicle(self, scheduler: Client, mallory: User, now: datetime) -> None:
        theirs = create_vehicle(mallory)
        create_consent(theirs, windows=ALWAYS)
        create_vehicle_state(theirs, now=now)

        [answer] = post_batch(scheduler, question(theirs))

        assert answer["decision"] is True

    def test_a_thousand_items_take_a_constant_number_of_statements(
        self, scheduler: Client, ready_car: Vehicle, django_assert_max_num_queries: Any
    ) -> None:
        items = [question(ready_car)] * 1_000

        # The key, its last use, the throttle; then one savepoint around five statements that
        # read, a lock, and two that write.
        with django_assert_max_num_queries(13):
            answers = post_batch(scheduler, *items)

        assert len(answers) == 1_000


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ("{", 400, "malformed"),
            ("[]", 400, "invalid"),
            ("{}", 400, "invalid"),
            ('{"evaluations": 7}', 400, "invalid"),
            ('{"evaluations": [{}], "options": {"evaluations_semantic": "some"}}', 400, "invalid"),
            ('{"evaluations": [' + ",".join(["0"] * 1_001) + "]}", 413, "too_many_items"),
        ],
    )
    def test_says_what_is_wrong_with_the_whole(
        self, scheduler: Client, body: str, status: int, code: str
    ) -> None:
        response = scheduler.post("/access/v1/evaluations", body, content_type="application/json")

        assert response.status_code == status
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == code

    def test_needs_a_key_and_its_scope(self, db: None) -> None:
        other = Client(headers=bearer(create_api_key(scopes=frozenset({"usage:write"}))))

        body = json.dumps({"evaluations": []})
        path = "/access/v1/evaluations"
        assert Client().post(path, body, content_type="application/json").status_code == 401
        assert other.post(path, body, content_type="application/json").status_code == 403


def test_metadata_names_the_endpoints(client: Client, db: None) -> None:
    response = client.get("/.well-known/authzen-configuration")

    assert response["Cache-Control"] == "public, max-age=3600"
    assert response.json() == {
        "policy_decision_point": "http://testserver",
        "access_evaluation_endpoint": "http://testserver/access/v1/evaluation",
        "access_evaluations_endpoint": "http://testserver/access/v1/evaluations",
    }


def test_every_reason_has_a_text() -> None:
    assert set(DETAILS) == set(ReasonCode)
