"""
Errors in the shape Stripe gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ApiError(Exception):
    """
    A request that is answered with an error object.

    ``is_saved`` says whether an idempotency key keeps this answer: Stripe saves
    whatever an endpoint answered once it began to execute, and nothing that was
    refused before (validation, conflict, rate limit).
    """

    status: int
    type: str
    message: str
    code: str | None = None
    param: str | None = None
    is_saved: bool = True

    def __str__(self) -> str:
        return f"{self.status} {self.code or self.type}: {self.message}"

    def to_body(self, *, request_id: str) -> Json:
        error: Json = {"type": self.type, "message": self.message}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://docs.stripe.com/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


def invalid_request(
    message: str, *, code: str | None = None, param: str | None = None, status: int = 400
) -> ApiError:
    return ApiError(
        status=status, type="invalid_request_error", message=message, code=code, param=param
    )


def refused_parameter(*, message: str, code: str, param: str) -> ApiError:
    """Return a fault of form, found before the endpoint runs: no key remembers it."""
    return ApiError(
        status=400,
        type="invalid_request_error",
        message=message,
        code=code,
        param=param,
        is_saved=False,
    )


def no_such(kind: str, object_id: str, *, param: str = "id", status: int = 404) -> ApiError:
    return invalid_request(
        f"No such {kind}: '{object_id}'", code="resource_missing", param=param, status=status
    )
