"""
"May this car run this job now?" in the words of OpenID AuthZEN 1.0.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import HasScope
from consent.api.answers import Fault, show_decision, show_fault
from consent.api.samples import TelemetryBody
from consent.queries import Question, evaluate
from consent.rules import LEASE, Decision, WorkloadCategory
from web.limits import BODY_BYTES_MAX, EVALUATIONS_MAX, TELEMETRY_AHEAD_S_MAX
from web.problems import Problem
from web.public_ids import decode
from web.strict_json import Instant, Strict, convert, loads, read_body


AHEAD_MAX = timedelta(seconds=TELEMETRY_AHEAD_S_MAX)


class WorkloadFacts(Strict):
    category: WorkloadCategory | None = None
    booking_id: str | None = None


class Subject(Strict):
    type: str
    id: str
    properties: WorkloadFacts = msgspec.field(default_factory=WorkloadFacts)


class Action(Strict):
    name: str


class Resource(Strict):
    type: str
    id: str


class Context(Strict):
    time: Instant | None = None
    telemetry: TelemetryBody | None = None


class Evaluation(Strict):
    subject: Subject
    action: Action
    resource: Resource
    context: Context = msgspec.field(default_factory=Context)


class Semantic(StrEnum):
    """
    When a batch stops: never, after its first deny, after its first permit.
    """

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


class Options(Strict):
    evaluations_semantic: Semantic = Semantic.EXECUTE_ALL


class Evaluations(Strict):
    """
    A batch; what stands outside `evaluations` is the default of its items.
    """

    evaluations: list[Any]
    subject: Any = msgspec.UNSET
    action: Any = msgspec.UNSET
    resource: Any = msgspec.UNSET
    context: Any = msgspec.UNSET
    options: Options = msgspec.field(default_factory=Options)

    def get_defaults(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in Evaluation.__struct_fields__}
        return {name: value for name, value in given.items() if value is not msgspec.UNSET}


class EvaluationView(APIView):
    permission_classes = [HasScope("decisions:read")]

    @extend_schema(
        operation_id="evaluate",
        summary="May this vehicle run this job now? (AuthZEN 1.0)",
        request=dict,
        responses=dict,
    )
    def post(self, request: Request) -> HttpResponse:
        asked = convert(_load(request), Evaluation)
        now = timezone.now()
        [answer] = _decide_all([_to_question(asked, now)], now=now)
        return _respond(answer)


class EvaluationsView(APIView):
    permission_classes = [HasScope("decisions:read")]

    @extend_schema(
        operation_id="evaluate_many",
        summary="At most 1,000 decisions, in order (AuthZEN 1.0)",
        description=(
            "An item that cannot be read, or names a vehicle that does not exist, is a deny"
            " with its own reason; it never fails the rest."
        ),
        request=dict,
        responses=dict,
    )
    def post(self, request: Request) -> HttpResponse:
        batch = convert(_load(request), Evaluations)
        now = timezone.now()
        defaults = batch.get_defaults()
        asked = [_read_item(item, defaults, now) for item in batch.evaluations]
        answers = _decide_all(asked, now=now)
        kept = _cut(answers, batch.options.evaluations_semantic)
        return _respond({"evaluations": kept})


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
        }
    )


def _load(request: Request) -> Any:  # noqa: ANN401 - any JSON there is
    body = read_body(request, max_bytes=BODY_BYTES_MAX)
    document = loads(body, max_bytes=BODY_BYTES_MAX, items_max=EVALUATIONS_MAX)
    if not isinstance(document, dict):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail="Send an object.")
    return document


def _read_item(item: object, defaults: dict[str, Any], now: datetime) -> Question | Fault:
    try:
        whole = defaults | item if isinstance(item, dict) else item
        return _to_question(msgspec.convert(whole, Evaluation), now)
    except msgspec.ValidationError as error:
        return Fault("malformed", str(error))


def _to_question(asked: Evaluation, now: datetime) -> Question | Fault:
    if (asked.subject.type, asked.action.name) != ("workload", "run"):
        return Fault("unknown_action", "Only a workload may ask to run.")
    vehicle_id = decode("veh", asked.resource.id) if asked.resource.type == "vehicle" else None
    if vehicle_id is None:
        return Fault("unknown_vehicle", "There is no such vehicle.")
    at, telemetry = asked.context.time, asked.context.telemetry
    if at is not None and at > now + AHEAD_MAX:
        return Fault("time_in_future", "Nothing is known about the future.")
    # A client that names the present time asks about the present.
    at = None if at is None or at > now - LEASE else at
    if telemetry is not None and telemetry.observed_at > (at or now) + AHEAD_MAX:
        return Fault("telemetry_in_future", "This was not observed yet.")
    return Question(
        vehicle_id=vehicle_id,
        category=asked.subject.properties.category,
        telemetry=None if telemetry is None else telemetry.to_telemetry(),
        at=at,
    )


def _decide_all(asked: Sequence[Question | Fault], *, now: datetime) -> list[dict[str, Any]]:
    questions = [each for each in asked if isinstance(each, Question)]
    decisions = iter(evaluate(questions=questions, now=now) if questions else ())
    return [
        show_fault(each) if isinstance(each, Fault) else _show(each, next(decisions))
        for each in asked
    ]


def _show(question: Question, decision: Decision | None) -> dict[str, Any]:
    if decision is None:
        return show_fault(Fault("unknown_vehicle", "There is no such vehicle."))
    return show_decision(decision, is_replayed=question.at is not None)


def _cut(answers: list[dict[str, Any]], semantic: Semantic) -> list[dict[str, Any]]:
    """
    Return the answers up to the one that ends the batch.
    """
    if semantic is Semantic.EXECUTE_ALL:
        return answers
    last = semantic is Semantic.PERMIT_ON_FIRST_PERMIT
    for place, answer in enumerate(answers, start=1):
        if answer["decision"] is last:
            return answers[:place]
    return answers


def _respond(document: object) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(document), content_type="application/json")
