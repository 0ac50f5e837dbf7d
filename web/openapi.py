"""
The OpenAPI document: bodies and answers in the very shapes that the code reads and writes.

A shape is a msgspec struct. What is read is checked by it; of what is written it is the
description, and a test holds real answers to it.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

from web.problems import CONTENT_TYPE
from web.strict_json import JSON


REFERENCE: Final = "#/components/schemas/{name}"
SHAPES: dict[str, type[msgspec.Struct]] = {}
KEY: Final = "key"
TAGS: Final = {"pools": "Buyers", "bookings": "Buyers", "balance": "Buyers", "finance": "Finance"}
KEY_SCHEME: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": (
        "A key as it was shown once: `pk_live_…` of a buyer, `sk_sched_…` of a scheduler,"
        " `sk_fin_…` of finance. It carries scopes and an expiry."
    ),
}


class FieldProblem(msgspec.Struct):
    """
    Where a request is wrong: a JSON pointer into the body, or `?name` of a query parameter.
    """

    pointer: str
    code: str
    detail: str | msgspec.UnsetType = msgspec.UNSET


class ProblemDocument(msgspec.Struct):
    """
    Every error (RFC 9457). `code` is stable; some carry figures as further members.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[FieldProblem]
    request_id: str


def shape(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """
    Return a reference to a shape, and have the document define it.
    """
    known = SHAPES.setdefault(kind.__name__, kind)
    assert known is kind, f"two shapes are called {kind.__name__}"
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def body(kind: type[msgspec.Struct]) -> dict[str, dict[str, Any]]:
    """
    Return the description of a JSON body: `@extend_schema(request=body(BookingBody))`.
    """
    return {JSON: shape(kind)}


def answer(
    kind: type[msgspec.Struct],
    description: str = "",
    *,
    status: int = 200,
    files: tuple[str, ...] = (),
) -> dict[Any, Any]:
    """
    Return the description of an answer; `files` are media types that it also comes in.
    """
    described: dict[Any, Any] = {(status, JSON): OpenApiResponse(shape(kind), description)}
    for media_type in files:
        described[status, media_type] = OpenApiResponse(
            {"type": "string", "format": "binary"}, description
        )
    return described


class Described(AutoSchema):
    """
    Adds to each operation what all have: the key with its scope, and problem documents.
    """

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{KEY: self._list_scopes()}]

    def get_tags(self) -> list[str]:
        """
        Group by who calls: a scope tells, and the feed of bookings is the scheduler's too.
        """
        is_feed = self.path.endswith("/feed")
        topics = {scope.partition(":")[0] for scope in self._list_scopes()}
        return ["Scheduler" if is_feed else TAGS.get(next(iter(topics), ""), "Scheduler")]

    def _list_scopes(self) -> list[str]:
        permissions = self.view.get_permissions()
        return [scope for each in permissions if (scope := getattr(each, "scope", ""))]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:  # noqa: ANN401 - as in the base class
        problem = {"description": "Refused.", "content": {CONTENT_TYPE: {"schema": _PROBLEM}}}
        return {**super()._get_response_bodies(direction), "default": problem}


_PROBLEM: Final = shape(ProblemDocument)


def define_shapes(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """
    Write the shapes that operations refer to, and the key, into the document; for spectacular.
    """
    _references, schemas = msgspec.json.schema_components(SHAPES.values(), ref_template=REFERENCE)
    components = result.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), **dict(sorted(schemas.items()))}
    components["securitySchemes"] = {KEY: KEY_SCHEME}
    for operations in result["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
            operation["description"] = _describe(operation)
    return result


def _describe(operation: Mapping[str, Any]) -> str:
    """
    Return an operation's description with the scopes that its key must carry.
    """
    scopes = [scope for need in operation["security"] for scope in need.get(KEY, ())]
    said = [operation.get("description", ""), *(f"Scope: `{scope}`." for scope in scopes)]
    return "\n\n".join(text for text in said if text)
