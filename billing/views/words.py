"""
How buyers' pages name phases, moves of money and bookings.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplace.queries.bookings import BookingRow, Phase
from web.components import Tag
from web.public_ids import encode
from web.templatetags.parado import local_datetime, local_time


PHASES: dict[Phase, str | Promise] = {
    Phase.BOOKED: gettext_lazy("Booked"),
    Phase.RUNNING: gettext_lazy("Running"),
    Phase.SETTLING: gettext_lazy("Settling"),
    Phase.RELEASED: gettext_lazy("Closed"),
}
MOVES: dict[str, str | Promise] = {
    "top_up_captured": gettext_lazy("Top-up"),
    "booking_held": gettext_lazy("Held for a booking"),
    "booking_released": gettext_lazy("Not used, given back"),
    "shortfall_credit": gettext_lazy("Credit for a shortfall"),
    "buyer_refund": gettext_lazy("Refund"),
    "card_dispute": gettext_lazy("Disputed card payment"),
}


def make_phase_tag(phase: Phase) -> Tag:
    return Tag(label=PHASES[phase], tone="brand" if phase in {Phase.RUNNING, Phase.BOOKED} else "")


def name_move(code: str) -> str | Promise:
    return MOVES.get(code, code)


def public_id(booking: BookingRow) -> str:
    return encode("bkg", booking.id)


def name_booking(booking: BookingRow) -> str:
    return f"{booking.region_name}, {booking.hardware_class_name}"


def write_window(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """
    Return a window on one clock, the second day only when it is another.
    """
    is_one_day = _day(starts_at, zone) == _day(ends_at, zone)
    end = local_time(ends_at, zone) if is_one_day else local_datetime(ends_at, zone)
    return _("%(start)s to %(end)s") % {"start": local_datetime(starts_at, zone), "end": end}


def _day(at: datetime, zone: str) -> object:
    return at.astimezone(ZoneInfo(zone)).date()
