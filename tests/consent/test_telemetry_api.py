import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consent.models import StateSample, Vehicle, VehicleState
from tests.factories import bearer, create_api_key
from web.public_ids import encode


@pytest.fixture
def now() -> datetime:
    return timezone.now().replace(microsecond=0)


def sample(vehicle: Vehicle, at: datetime, **facts: Any) -> dict[str, Any]:
    return {
        "vehicle_id": encode("veh", vehicle.pk),
        "observed_at": at.isoformat(),
        "state_of_charge_pct": 61.5,
        "plugged_in": True,
        "battery_temp_c": -1.5,
        "is_home": True,
        "is_moving": False,
    } | facts


def post(client: Client, *samples: Any) -> dict[str, Any]:
    response = client.post(
        "/api/v1/telemetry",
        json.dumps({"samples": samples}),
        content_type="application/json",
    )
    assert response.status_code == 200, response.content
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


class TestTelemetry:
    def test_is_stored_in_the_units_of_the_rules(
        self, scheduler: Client, car: Vehicle, now: datetime
    ) -> None:
        answer = post(scheduler, sample(car, now, charge_power_w=3_700))

        assert answer == {"accepted": 1, "older": 0, "faulty": 0, "refused": 0, "results": []}
        state = VehicleState.objects.get()
        assert (state.state_of_charge_permille, state.battery_temp_decic) == (615, -15)
        assert state.charge_power_w == 3_700

    def test_each_sample_gets_its_own_answer(
        self, scheduler: Client, car: Vehicle, now: datetime
    ) -> None:
        post(scheduler, sample(car, now))

        answer = post(
            scheduler,
            sample(car, now - timedelta(seconds=1)),
            sample(car, now + timedelta(minutes=5)),
            sample(car, now, vehicle_id="veh_000000000000000"),
            sample(car, now, vehicle_id="nonsense"),
            sample(car, now, state_of_charge_pct=101),
            sample(car, now, is_moving=True),
            sample(car, now, colour="red"),
            7,
            sample(car, now, observed_at="0001-01-01T00:00:00+23:59"),
            sample(car, now + timedelta(seconds=1)),
        )

        counts = [answer[name] for name in ("accepted", "older", "faulty", "refused")]
        assert counts == [1, 1, 3, 5]
        assert [(row["index"], row["code"]) for row in answer["results"]] == [
            (0, "older"),
            (1, "telemetry_in_future"),
            (2, "unknown_vehicle"),
            (3, "unknown_vehicle"),
            (4, "telemetry_out_of_range"),
            (5, "telemetry_contradictory"),
            (6, "malformed"),
            (7, "malformed"),
            (8, "malformed"),
        ]

    @pytest.mark.parametrize(
        "reading",
        [
            {"state_of_charge_pct": -0.1},
            {"state_of_charge_pct": 100.1},
            {"state_of_charge_pct": 1e308},
            {"battery_temp_c": -40.1},
            {"battery_temp_c": 90.1},
            {"charge_power_w": 400_001},
            {"charge_power_w": -(10**40)},
        ],
    )
    def test_keeps_what_no_car_can_read_as_a_fault(
        self, scheduler: Client, car: Vehicle, now: datetime, reading: dict[str, float]
    ) -> None:
        answer = post(scheduler, sample(car, now, **reading))

        assert [row["code"] for row in answer["results"]] == ["telemetry_out_of_range"]
        assert StateSample.objects.get().fault == "telemetry_out_of_range"
        assert not VehicleState.objects.exists()

    @pytest.mark.parametrize(
        "reading",
        [
            {"state_of_charge_pct": 0},
            {"state_of_charge_pct": 100},
            {"battery_temp_c": -40},
            {"battery_temp_c": 90},
            {"charge_power_w": -400_000},
            {"plugged_in": False, "is_moving": True},
        ],
    )
    def test_takes_what_a_car_can_read(
        self, scheduler: Client, car: Vehicle, now: datetime, reading: dict[str, float]
    ) -> None:
        assert post(scheduler, sample(car, now, **reading))["accepted"] == 1

    def test_refuses_more_than_five_thousand(self, scheduler: Client) -> None:
        body = json.dumps({"samples": [0] * 5_001})

        response = scheduler.post("/api/v1/telemetry", body, content_type="application/json")

        assert (response.status_code, response.json()["code"]) == (413, "too_many_items")

    def test_needs_its_scope(self, db: None) -> None:
        other = Client(headers=bearer(create_api_key(scopes=frozenset({"usage:write"}))))

        response = other.post("/api/v1/telemetry", "{}", content_type="application/json")

        assert response.status_code == 403
