"""
A scheduler that calls the API: what its cars say, and whether its jobs may run.
"""

import json
from datetime import datetime
from typing import Any

from django.test import Client

from consent.models import Vehicle
from web.public_ids import encode


def post(client: Client, path: str, document: Any) -> dict[str, Any]:
    response = client.post(path, json.dumps(document), content_type="application/json")
    assert response.status_code == 200, response.content
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


def tell(client: Client, car: Vehicle, at: datetime, **facts: Any) -> dict[str, Any]:
    sample = {
        "vehicle_id": encode("veh", car.pk),
        "observed_at": at.isoformat(),
        "state_of_charge_pct": 62,
        "plugged_in": True,
        "battery_temp_c": 18,
        "is_home": True,
        "is_moving": False,
    }
    return post(client, "/api/v1/telemetry", {"samples": [sample | facts]})


def ask(
    client: Client,
    car: Vehicle,
    *,
    action: str = "run",
    job_id: str = "j-81",
    context: dict[str, Any] | None = None,
    **properties: Any,
) -> dict[str, Any]:
    return post(
        client,
        "/access/v1/evaluation",
        {
            "subject": {
                "type": "workload",
                "id": job_id,
                "properties": {"category": "inference"} | properties,
            },
            "action": {"name": action},
            "resource": {"type": "vehicle", "id": encode("veh", car.pk)},
            "context": context or {},
        },
    )


def codes(answer: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in answer["context"]["reasons"]]
