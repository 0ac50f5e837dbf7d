"""
The transaction of a public operation.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction


P = ParamSpec("P")
R = TypeVar("R")

_is_joined: ContextVar[bool] = ContextVar("is_joined", default=False)


def durable(operation: Callable[P, R]) -> Callable[P, R]:
    """
    Run an operation as the outermost transaction: when it returns, its effect is committed.

    One caller may stand around it: the idempotency record, which has to commit with the
    effect (R8). It answers only after both are committed, so nobody is told too early.
    """

    @wraps(operation)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic(durable=not _is_joined.get()):
            return operation(*args, **kwargs)

    return run


@contextmanager
def joined() -> Iterator[None]:
    """
    Open the transaction that the operation called inside shall join.
    """
    with transaction.atomic(durable=True):
        token = _is_joined.set(True)
        try:
            yield
        finally:
            _is_joined.reset(token)
