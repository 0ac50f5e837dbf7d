"""
What a browser sends from the editor of rules, and what it reads.
"""

import re
from html import unescape
from typing import Any

from django.urls import reverse

from consent.forms import write_form
from consent.models import Vehicle
from consent.rules import RulesDraft
from web.public_ids import encode


def address(name: str, car: Vehicle, **arguments: Any) -> str:
    return reverse(f"consent:{name}", args=[encode("veh", car.pk), *arguments.values()])


def fill(draft: RulesDraft, *, number: int = 0, **changes: Any) -> dict[str, Any]:
    """
    Return what a browser sends that shows this draft, with some fields changed.

    None takes a field away, as an unticked box is not sent.
    """
    data: dict[str, Any] = {}
    for name, value in write_form(draft):
        data.setdefault(name, []).append(value)
    data |= {"expected_number": number} | changes
    return {name: value for name, value in data.items() if value is not None}


def read(response: Any) -> str:
    """
    Return a page with its spaces evened out and its entities read.
    """
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def read_hidden(page: str) -> dict[str, list[str]]:
    """
    Return what the hidden fields of a page send.
    """
    sent: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page):
        sent.setdefault(name, []).append(value)
    return sent
