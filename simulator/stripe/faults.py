"""
Faults on demand: by count through the control address, by rate from the start.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from simulator.stripe.errors import ApiError, Json, invalid_request


FaultKind = Literal[
    "fail",
    "fail_after_effect",
    "drop_before_effect",
    "drop_after_effect",
    "delay",
    "rate_limit",
    "insufficient_balance",
    "reject_destination",
    "fail_payout",
]
KINDS: tuple[str, ...] = get_args(FaultKind)


@dataclass(kw_only=True)
class Fault:
    """
    What goes wrong with the next ``count`` matching requests.

    ``path`` is a prefix of the request's path; ``account`` narrows
    ``reject_destination`` and ``fail_payout`` to one connected account.
    ``is_saved`` says whether an idempotency key keeps a failure (Stripe keeps
    the 500 of a request that had begun).
    """

    kind: FaultKind
    count: int = 1
    path: str = "/v"
    method: str = "POST"
    account: str = ""
    status: int = 500
    seconds: float = 0.0
    failure_code: str = "account_closed"
    is_saved: bool = True

    def matches(self, *, kinds: tuple[str, ...], method: str, path: str, account: str) -> bool:
        return (
            self.count > 0
            and self.kind in kinds
            and self.method == method
            and path.startswith(self.path)
            and self.account in ("", account)
        )


def parse_fault(values: Json) -> Fault:
    """
    Return the fault that a script describes.

    :raises ApiError: an unknown kind or field.
    """
    known = {field.name for field in fields(Fault)}
    if unknown := values.keys() - known:
        raise invalid_request(
            f"Unknown field of a fault: {sorted(unknown)}; known: {sorted(known)}"
        )
    if values.get("kind") not in KINDS:
        raise invalid_request(f"Unknown fault {values.get('kind')!r}; known: {', '.join(KINDS)}")
    return Fault(**values)


@dataclass(kw_only=True)
class Faults:
    fail_rate: float = 0.0
    drop_rate: float = 0.0
    delay_s: float = 0.0
    random: random.Random = field(default_factory=random.Random)
    waiting: list[Fault] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)

    def take(
        self, *kinds: FaultKind, method: str = "POST", path: str = "/v", account: str = ""
    ) -> Fault | None:
        """Return the first fault that applies to this request and use it up once."""
        for fault in self.waiting:
            if fault.matches(kinds=kinds, method=method, path=path, account=account):
                fault.count -= 1
                self.waiting = [kept for kept in self.waiting if kept.count > 0]
                self._count(fault.kind)
                return fault
        return None

    def take_by_rate(self, *, method: str) -> Fault | None:
        """Draw a failure or a dropped answer by the rates; reads never fail by rate."""
        if method != "POST":
            return None
        drawn = self.random.random()
        if drawn < self.fail_rate:
            self._count("fail")
            return Fault(kind="fail")
        if drawn < self.fail_rate + self.drop_rate:
            self._count("drop_after_effect")
            return Fault(kind="drop_after_effect")
        return None

    def _count(self, kind: str) -> None:
        self.used[kind] = self.used.get(kind, 0) + 1

    def clear(self) -> None:
        self.waiting, self.fail_rate, self.drop_rate, self.delay_s = [], 0.0, 0.0, 0.0


def to_error(fault: Fault) -> ApiError:
    """Return the answer of a request that fails or is throttled."""
    if fault.kind == "rate_limit":
        return ApiError(
            status=429,
            type="invalid_request_error",
            code="rate_limit",
            message="Too many requests hit the API too quickly.",
            is_saved=False,
        )
    return ApiError(
        status=fault.status,
        type="api_error",
        message="An unknown error occurred",
        is_saved=fault.is_saved,
    )
