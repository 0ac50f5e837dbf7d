"""
The navigation of every role, in one place.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from web.context import Area, find_area, list_areas


register = template.Library()

THEMES = ("light", "dark")
THEME_COOKIE = "theme"


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """One entry: `key` for `nav_current`, a Lucide icon for the phone's tab bar."""

    key: str
    path: str
    label: str | Promise
    icon: str


@dataclass(frozen=True, kw_only=True)
class NavLink:
    """A NavItem as one page shows it."""

    path: str
    label: str | Promise
    icon: str
    is_current: bool


AREA_NAMES: dict[Area, str | Promise] = {
    Area.OWNER: _("Your cars"),
    Area.BUYER: _("Buying"),
    Area.FINANCE: _("Finance"),
    Area.OPERATIONS: _("Operations"),
}
HOMES = {
    Area.OWNER: "/",
    Area.BUYER: "/buy/",
    Area.FINANCE: "/finance/",
    Area.OPERATIONS: "/operations/",
}


def _item(key: str, path: str, label: str | Promise, icon: str) -> NavItem:
    return NavItem(key=key, path=path, label=label, icon=icon)


NAVIGATION: dict[Area, tuple[NavItem, ...]] = {
    Area.OWNER: (
        _item("home", "/", _("Home"), "house"),
        _item("rules", "/cars/", _("Rules"), "calendar-clock"),
        _item("earnings", "/earnings/", _("Earnings"), "chart-column"),
        _item("payouts", "/payouts/", _("Payouts"), "banknote"),
    ),
    Area.BUYER: (
        _item("home", "/buy/", _("Home"), "house"),
        _item("bookings", "/buy/bookings/", _("Bookings"), "calendar-range"),
        _item("billing", "/buy/billing/", _("Billing"), "wallet"),
        _item("team", "/buy/team/", _("Team"), "users"),
        _item("developers", "/buy/developers/", _("Developers"), "code-xml"),
    ),
    Area.FINANCE: (
        _item("home", "/finance/", _("Queue"), "inbox"),
        _item("runs", "/finance/runs/", _("Payout runs"), "banknote"),
        _item("quarantine", "/finance/quarantine/", _("Quarantine"), "shield-alert"),
        _item("tariffs", "/finance/tariffs/", _("Tariffs"), "plug-zap"),
        _item("ledger", "/finance/ledger/", _("Ledger"), "scale"),
        _item("reports", "/finance/reports/", _("Reports"), "file-text"),
    ),
    Area.OPERATIONS: (
        _item("home", "/operations/", _("Health"), "activity"),
        _item("metering", "/operations/metering/", _("Metering"), "gauge"),
        _item("keys", "/operations/keys/", _("Keys"), "key-round"),
        _item("limits", "/operations/limits/", _("Limits"), "ruler"),
        _item("design", "/design/", _("Components"), "swatch-book"),
    ),
}


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> tuple[NavLink, ...]:
    """
    Return the links of this page's area; addresses that nobody serves are left out.

    `nav_current` in the context names the current item; otherwise the longest address that
    this one starts with is it.
    """
    request: HttpRequest | None = context.get("request")
    area = find_area(request=request) if request else None
    if request is None or area is None:
        return ()
    items = [item for item in NAVIGATION[area] if is_served(item.path)]
    current = context.get("nav_current") or _find_current(items, request.path, HOMES[area])
    return tuple(
        NavLink(path=item.path, label=item.label, icon=item.icon, is_current=item.key == current)
        for item in items
    )


@register.simple_tag(takes_context=True)
def area_switch(context: template.Context) -> tuple[NavLink, ...]:
    """
    Return the homes of a person with several roles; empty for everybody else.
    """
    request: HttpRequest | None = context.get("request")
    areas = list_areas(request=request) if request else ()
    if request is None or len(areas) < 2:
        return ()
    here = find_area(request=request)
    return tuple(
        NavLink(path=HOMES[area], label=AREA_NAMES[area], icon="", is_current=area == here)
        for area in areas
        if is_served(HOMES[area])
    )


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """
    Return "light", "dark", or "" to follow the device. Read from a cookie, so nothing flashes.
    """
    request: HttpRequest | None = context.get("request")
    wanted = request.COOKIES.get(THEME_COOKIE, "") if request else ""
    return wanted if wanted in THEMES else ""


@register.filter
def initials(name: Any) -> str:  # noqa: ANN401 — a filter gets whatever the template has
    """
    Return up to two initials: "Inês Duarte" → "ID", "ines@example.org" → "I".
    """
    words = str(name).split("@")[0].split()
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[0] for word in words]
    return "".join(letters).upper()


@register.filter
def is_served(path: str) -> bool:
    """
    Return whether some view answers at this address.
    """
    return _is_served(path, settings.ROOT_URLCONF)


@lru_cache(maxsize=256)
def _is_served(path: str, urlconf: str) -> bool:
    try:
        resolve(path, urlconf)
    except Resolver404:
        return False
    return True


def _find_current(items: list[NavItem], path: str, home: str) -> str:
    inside = [
        item
        for item in items
        if path == item.path or (item.path != home and path.startswith(item.path))
    ]
    return max(inside, key=lambda item: len(item.path)).key if inside else ""
