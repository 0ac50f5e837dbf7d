"""
Olivia asks why: the page of a moment, and what stands on it.
"""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

from django.test import Client
from time_machine import travel

from accounts.models import User
from consent.models import Vehicle
from consent.rules import Window
from portal.why import WhyView
from tests.billing.meters import NOON, World
from tests.factories import sign_in
from web.public_ids import encode


MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
# In Oslo from noon to 20:00, an hour after the booking begins.
UNTIL_EIGHT = (Window(EVERY_DAY, 12 * 60, 20 * 60),)
FLOOR = {"battery_stop_pct": 40, "battery_resume_pct": 50}


def address(car: Vehicle, at: datetime | str | None = None) -> str:
    path = f"/cars/{encode('veh', car.pk)}/why/"
    if at is None:
        return path
    text = at if isinstance(at, str) else at.isoformat()
    return f"{path}?at={quote(text)}"


def get(client: Client, user: User, path: str, *, now: datetime = NOON) -> Any:
    sign_in(client, user)
    with travel(now, tick=False):
        return client.get(path)


def read(response: Any) -> str:
    """
    Return the words of a page, spaces made plain.
    """
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(unescape(text).replace("\N{NO-BREAK SPACE}", " ").split())


def open_why(client: Client, world: World, at: datetime | str | None, **more: Any) -> Any:
    response = get(client, world.olivia, address(world.vehicle, at), **more)
    assert response.status_code == 200, read(response)
    return response


def view_of(response: Any) -> WhyView:
    view: WhyView = response.context["view"]
    return view


def find_check(response: Any, label: str) -> dict[str, str]:
    [found] = [each for each in view_of(response).checks if str(each.label) == label]
    return {
        "state": found.state,
        "found": found.found.replace("\N{NO-BREAK SPACE}", " "),
        "limit": found.limit.replace("\N{NO-BREAK SPACE}", " "),
        "note": found.note.replace("\N{NO-BREAK SPACE}", " "),
    }
