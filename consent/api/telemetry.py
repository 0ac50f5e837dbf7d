from http import HTTPStatus
from typing import Any

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import HasScope
from consent import operations
from consent.api import shapes
from consent.api.samples import Sample
from consent.operations import SampleOutcome, TelemetryResult
from consent.queries import Telemetry
from web.limits import TELEMETRY_AHEAD_S_MAX, TELEMETRY_BODY_BYTES_MAX, TELEMETRY_SAMPLES_MAX
from web.openapi import answer, body
from web.public_ids import decode
from web.strict_json import Strict, convert, loads, read_body


DETAILS = {
    SampleOutcome.OLDER: "Not newer than what is stored; it changes no state.",
    SampleOutcome.UNKNOWN_VEHICLE: "There is no such vehicle.",
    SampleOutcome.IN_FUTURE: (
        f"More than {TELEMETRY_AHEAD_S_MAX} s in the future; kept as a fault."
    ),
    SampleOutcome.OUT_OF_RANGE: (
        "Charge beyond 0 to 100 %, temperature beyond -40 to 90 degrees Celsius, or power"
        " beyond 400 kW; kept as a fault."
    ),
    SampleOutcome.CONTRADICTORY: "Moving while plugged in; kept as a fault.",
}


class TelemetryBatch(Strict):
    samples: list[Any]


class TelemetryView(APIView):
    permission_classes = [HasScope("telemetry:write")]

    @extend_schema(
        operation_id="record_telemetry",
        summary="What cars say of themselves, at most 5,000 samples",
        description=(
            "Each sample is judged alone: `results` names those that changed no reading, by"
            " their place in the batch. One that is not newer than what is stored only shows"
            " that the connection lives. One that cannot be true is counted as a fault of the"
            " vehicle until the next good one comes. `refused` are those that name no vehicle"
            " or cannot be read; nothing is kept of them."
        ),
        request=body(shapes.SampleList),
        responses=answer(shapes.TelemetryVerdict),
    )
    def post(self, request: Request) -> Response:
        sent = read_body(request, max_bytes=TELEMETRY_BODY_BYTES_MAX)
        document = loads(sent, max_bytes=TELEMETRY_BODY_BYTES_MAX, items_max=TELEMETRY_SAMPLES_MAX)
        read = [_read_sample(item) for item in convert(document, TelemetryBatch).samples]
        good = [(place, *each) for place, each in enumerate(read) if isinstance(each, tuple)]
        result = operations.record_telemetry(
            samples=[(vehicle_id, sample) for _, vehicle_id, sample in good], now=timezone.now()
        )
        malformed = [
            _show(place, "malformed", each)
            for place, each in enumerate(read)
            if isinstance(each, str)
        ]
        judged = _list_unstored([place for place, *_ in good], result)
        return Response(
            {
                "accepted": result.count(SampleOutcome.STORED),
                "older": result.count(SampleOutcome.OLDER),
                "faulty": result.count_faulty(),
                "refused": len(malformed) + result.count(SampleOutcome.UNKNOWN_VEHICLE),
                "results": sorted(malformed + judged, key=lambda row: row["index"]),
            },
            status=HTTPStatus.OK,
        )


def _read_sample(item: object) -> tuple[int, Telemetry] | str:
    """
    Return a vehicle's number and its sample, or what is wrong with the item.
    """
    try:
        sample = msgspec.convert(item, Sample)
        telemetry = sample.to_telemetry()
    except msgspec.ValidationError as error:
        return str(error)
    # No vehicle has the number -1: an id that is none is as unknown as an absent one.
    vehicle_id = decode("veh", sample.vehicle_id)
    return -1 if vehicle_id is None else vehicle_id, telemetry


def _list_unstored(places: list[int], result: TelemetryResult) -> list[dict[str, Any]]:
    return [
        _show(place, outcome, DETAILS[outcome])
        for place, outcome in zip(places, result.outcomes, strict=True)
        if outcome is not SampleOutcome.STORED
    ]


def _show(index: int, code: str, detail: str) -> dict[str, Any]:
    return {"index": index, "code": code, "detail": detail}
