"""
"May this car run this job now?" in the words of OpenID AuthZEN 1.0.

That standard asks receivers to ignore members that they do not know, and to answer 400 where a
required one is missing; both differ from the rest of the API.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import HasScope
from consent import operations
from consent.api import shapes
from consent.api.answers import Fault, show_decision, show_fault, show_stop
from consent.api.samples import TelemetryBody, to_utc
from consent.operations.decisions import Action, Answer, Semantic, Stop
from consent.operations.decisions import Request as Item
from consent.queries import Question
from consent.rules import LEASE, WorkloadCategory
from web.limits import BODY_BYTES_MAX, EVALUATIONS_MAX, JOB_ENERGY_WH_MAX, TELEMETRY_AHEAD_S_MAX
from web.openapi import answer, body
from web.problems import FieldError, Problem
from web.public_ids import decode
from web.strict_json import Instant, loads, read_body, split_place


AHEAD_MAX = timedelta(seconds=TELEMETRY_AHEAD_S_MAX)
# Where the endpoints are changes with a deployment at most.
METADATA_KEPT_S = 3_600
ACTIONS = {action.value: action for action in Action}
UNKNOWN_VEHICLE = Fault("unknown_vehicle", "There is no such vehicle.", HTTPStatus.NOT_FOUND)

Text = Annotated[str, msgspec.Meta(min_length=1)]
JobId = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
EnergyWh = Annotated[int, msgspec.Meta(ge=1, le=JOB_ENERGY_WH_MAX)]


class WorkloadFacts(msgspec.Struct):
    """
    `energy_wh`: what the whole job is expected to use.
    """

    category: WorkloadCategory | None = None
    booking_id: str | None = None
    energy_wh: EnergyWh | None = None


class Subject(msgspec.Struct):
    type: Text
    id: JobId
    properties: WorkloadFacts = msgspec.field(default_factory=WorkloadFacts)


class ActionName(msgspec.Struct):
    name: Text


class Resource(msgspec.Struct):
    type: Text
    id: Text


class Context(msgspec.Struct):
    """
    `time` asks about a past moment. A `dry_run` takes no lease and leaves no record.
    """

    time: Instant | None = None
    telemetry: TelemetryBody | None = None
    dry_run: bool = False


class Evaluation(msgspec.Struct):
    subject: Subject
    action: ActionName
    resource: Resource
    context: Context = msgspec.field(default_factory=Context)


class Options(msgspec.Struct):
    evaluations_semantic: Semantic = Semantic.EXECUTE_ALL


class Evaluations(msgspec.Struct):
    """
    A batch; what stands outside `evaluations` is the default of its items.
    """

    evaluations: list[Any] = msgspec.field(default_factory=list)
    subject: Any = msgspec.UNSET
    action: Any = msgspec.UNSET
    resource: Any = msgspec.UNSET
    context: Any = msgspec.UNSET
    options: Options = msgspec.field(default_factory=Options)

    def get_defaults(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in Evaluation.__struct_fields__}
        return {name: value for name, value in given.items() if value is not msgspec.UNSET}


class QuestionItem(msgspec.Struct):
    """
    One item of a batch as it may be written: what it leaves out stands outside the list.
    """

    subject: Subject | msgspec.UnsetType = msgspec.UNSET
    action: ActionName | msgspec.UnsetType = msgspec.UNSET
    resource: Resource | msgspec.UnsetType = msgspec.UNSET
    context: Context | msgspec.UnsetType = msgspec.UNSET


class Questions(QuestionItem):
    """
    A batch as it may be written. It is read as `Evaluations`, each item by itself.
    """

    evaluations: Annotated[list[QuestionItem], msgspec.Meta(max_length=EVALUATIONS_MAX)] = []
    options: Options = msgspec.field(default_factory=Options)


class EvaluationView(APIView):
    permission_classes = [HasScope("decisions:read")]

    @extend_schema(
        operation_id="evaluate",
        summary="May this vehicle run this job now? (AuthZEN 1.0)",
        description=(
            "A permit is a lease of at most 60 s: ask again to renew it, send the action `stop`"
            " when the job is over. Treat a permit with an obligation that you do not"
            " understand as a deny."
        ),
        request=body(Evaluation),
        responses=answer(shapes.Decision),
    )
    def post(self, request: Request) -> HttpResponse:
        return _respond(_answer_one(_load(request), timezone.now()))


class EvaluationsView(APIView):
    permission_classes = [HasScope("decisions:read")]

    @extend_schema(
        operation_id="evaluate_many",
        summary="At most 1,000 decisions, in order (AuthZEN 1.0)",
        description=(
            "An item that cannot be read, or names a vehicle that does not exist, is a deny"
            " with its own reason; it never fails the rest. What an item is granted counts for"
            " those after it. Without `evaluations` this is one evaluation."
        ),
        request=body(Questions),
        responses=answer(shapes.Decisions),
    )
    def post(self, request: Request) -> HttpResponse:
        document = _load(request)
        try:
            batch = msgspec.convert(document, Evaluations)
        except msgspec.ValidationError as error:
            raise _refuse(error) from error
        now = timezone.now()
        if not batch.evaluations:
            return _respond(_answer_one(document, now))
        defaults = batch.get_defaults()
        items = _read_items(batch.evaluations, defaults, now)
        answers = _answer_all(items, batch.options.evaluations_semantic, now)
        return _respond({"evaluations": answers})


@require_safe
def metadata(request: HttpRequest) -> JsonResponse:
    """
    Answer where the decisions are made, as AuthZEN clients look it up.
    """
    base = f"{request.scheme}://{request.get_host()}"
    return JsonResponse(
        {
            "policy_decision_point": base,
            "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        },
        headers={"Cache-Control": f"public, max-age={METADATA_KEPT_S}"},
    )


def _load(request: Request) -> dict[str, Any]:
    sent = read_body(request, max_bytes=BODY_BYTES_MAX)
    document = loads(sent, max_bytes=BODY_BYTES_MAX, items_max=EVALUATIONS_MAX)
    if not isinstance(document, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "invalid", detail="Send an object.")
    return document


def _refuse(error: msgspec.ValidationError) -> Problem:
    detail, pointer = split_place(str(error))
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "invalid",
        detail="The document is readable but cannot be accepted.",
        errors=[FieldError(pointer=pointer, code="invalid", detail=detail)],
    )


def _answer_one(document: dict[str, Any], now: datetime) -> dict[str, Any]:
    try:
        item = _to_item(msgspec.convert(document, Evaluation), now)
    except msgspec.ValidationError as error:
        raise _refuse(error) from error
    [answer] = _answer_all([item], Semantic.EXECUTE_ALL, now)
    return answer


def _read_items(
    items: Sequence[object], defaults: dict[str, Any], now: datetime
) -> list[Item | Fault]:
    whole = [defaults | item if isinstance(item, dict) else item for item in items]
    try:
        # All at once takes half as long as one by one, and mostly nothing is wrong with any.
        return [_to_item(asked, now) for asked in msgspec.convert(whole, list[Evaluation])]
    except msgspec.ValidationError:
        return [_read_item(item, now) for item in whole]


def _read_item(item: object, now: datetime) -> Item | Fault:
    try:
        return _to_item(msgspec.convert(item, Evaluation), now)
    except msgspec.ValidationError as error:
        return Fault("malformed", str(error))


def _to_item(asked: Evaluation, now: datetime) -> Item | Fault:
    """
    Return what is asked, or why it cannot be.

    :raises msgspec.ValidationError: a time that no calendar holds.
    """
    action = ACTIONS.get(asked.action.name)
    if asked.subject.type != "workload" or action is None:
        return Fault("unknown_action", "Only a workload may ask, to run or to stop.")
    vehicle_id = decode("veh", asked.resource.id) if asked.resource.type == "vehicle" else None
    if vehicle_id is None:
        return UNKNOWN_VEHICLE
    at = None if asked.context.time is None else to_utc(asked.context.time)
    if at is not None and at > now + AHEAD_MAX:
        return Fault("time_in_future", "Nothing is known about the future.")
    work, telemetry = asked.subject.properties, asked.context.telemetry
    question = Question(
        vehicle_id,
        work.category,
        None if telemetry is None else telemetry.to_telemetry(),
        # A client that names the present time asks about the present.
        None if at is None or at > now - LEASE else at,
        asked.subject.id,
        None if work.booking_id is None else decode("bkg", work.booking_id),
        work.energy_wh,
    )
    return Item(question, action, asked.context.dry_run)


def _answer_all(
    items: Sequence[Item | Fault], semantic: Semantic, now: datetime
) -> list[dict[str, Any]]:
    given = operations.answer(
        requests=[None if isinstance(item, Fault) else item for item in items],
        semantic=semantic,
        now=now,
    )
    # A batch may end before its last item.
    return [_show(item, answer) for item, answer in zip(items, given, strict=False)]


def _show(item: Item | Fault, answer: Answer | None) -> dict[str, Any]:
    if isinstance(item, Fault):
        return show_fault(item)
    if answer is None:
        return show_fault(UNKNOWN_VEHICLE)
    if isinstance(answer, Stop):
        return show_stop(is_stopped=answer.permit, is_dry_run=item.is_dry_run)
    return show_decision(
        answer, is_replayed=item.question.at is not None, is_dry_run=item.is_dry_run
    )


def _respond(document: object) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(document), content_type="application/json")
