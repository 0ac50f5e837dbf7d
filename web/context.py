"""
Who is looking at the page: which of the four parts of Parado are open to them.
"""

from enum import StrEnum

from django.http import HttpRequest


class Area(StrEnum):
    """A part of Parado with its own home and navigation."""

    OWNER = "owner"
    BUYER = "buyer"
    FINANCE = "finance"
    OPERATIONS = "operations"


AREA_OF_STAFF_ROLE = {
    "finance_preparer": Area.FINANCE,
    "finance_approver": Area.FINANCE,
    "operator": Area.OPERATIONS,
}
PREFIXES = (
    ("/buy/", Area.BUYER),
    ("/finance/", Area.FINANCE),
    ("/operations/", Area.OPERATIONS),
    ("/design/", Area.OPERATIONS),
)
# Kept on the request, so that a page with several fragments asks once.
_KEPT_AS = "_parado_areas"


def list_areas(*, request: HttpRequest) -> tuple[Area, ...]:
    """
    Return the areas that the signed-in person may enter, in the order of the switch.

    Reads the user's own attributes, so that this package needs no other app. At most one query
    (membership of an organisation), once per request.
    """
    if not hasattr(request, _KEPT_AS):
        setattr(request, _KEPT_AS, _find_areas(request))
    areas: tuple[Area, ...] = getattr(request, _KEPT_AS)
    return areas


def find_area(*, request: HttpRequest) -> Area | None:
    """
    Return the area that this address belongs to, for this person; None when signed out.
    """
    areas = list_areas(request=request)
    for prefix, area in PREFIXES:
        if request.path.startswith(prefix):
            return area if area in areas else None
    return areas[0] if areas else None


def _find_areas(request: HttpRequest) -> tuple[Area, ...]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ()
    found = {AREA_OF_STAFF_ROLE.get(getattr(user, "staff_role", ""))}
    if getattr(user, "is_owner", False):
        found.add(Area.OWNER)
    memberships = getattr(user, "memberships", None)
    if memberships is not None and memberships.exists():
        found.add(Area.BUYER)
    return tuple(area for area in Area if area in found)
