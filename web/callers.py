"""
What the layers below need to know of a machine client: a name to count and store under.
"""

from typing import Protocol, cast

from rest_framework.request import Request


class Caller(Protocol):
    """
    `principal` outlives a rotated key: "org:7", "source:urn:scheduler:eu-1".
    """

    @property
    def kind(self) -> str: ...

    @property
    def principal(self) -> str: ...


def get_caller(request: Request) -> Caller | None:
    """
    Return whoever authenticated this request, as `accounts.authentication` found it.
    """
    return cast("Caller | None", request.auth)
