"""
The buyer's home: what runs and what is booked, what was delivered, what is left to spend.
"""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.permissions import BuyerRequest, buyer_required
from billing.queries import bookings as billing_queries
from billing.queries.bookings import NOTHING_DELIVERED, BuyerBalance, Delivery
from billing.views.buyer import make_bookings_table
from billing.views.words import name_booking
from marketplace.queries import bookings as booking_queries
from marketplace.queries.bookings import BookingRow, Phase
from web.components import Fact, Meter, Sign
from web.templatetags.parado import energy, energy_kwh, local_datetime, money, power


BOOKINGS_SHOWN = 8


@require_safe
@buyer_required
def show_home(request: BuyerRequest) -> HttpResponse:
    now = timezone.now()
    membership, zone = request.membership, request.user.time_zone
    bookings = booking_queries.list_current_bookings(
        organization_id=membership.organization_id, now=now, limit=BOOKINGS_SHOWN
    )
    recent = booking_queries.list_bookings(
        organization_id=membership.organization_id,
        now=now,
        phase=Phase.SETTLING,
        limit=BOOKINGS_SHOWN,
    )
    deliveries = billing_queries.get_deliveries(
        booking_ids=[booking.id for booking in bookings + recent]
    )
    balance = billing_queries.get_balance(
        organization_id=membership.organization_id, currency=membership.currency
    )
    month = get_month_start(now, zone)
    spent_micros = billing_queries.sum_spent(
        organization_id=membership.organization_id,
        currency=membership.currency,
        starts_at=month,
        ends_at=now,
    )
    context = {
        "organization_name": membership.organization_name,
        "now": now,
        "zone": zone,
        "sign": _make_sign(bookings, deliveries, zone),
        "bookings_table": make_bookings_table(
            caption=_("Bookings that run or will"),
            bookings=bookings,
            deliveries=deliveries,
            zone=zone,
        ),
        "recent_table": make_bookings_table(
            caption=_("Bookings that are over"),
            bookings=recent,
            deliveries=deliveries,
            zone=zone,
        ),
        "meters": tuple(
            _make_meter(booking, deliveries, zone)
            for booking in bookings
            if booking.phase is Phase.RUNNING
        ),
        "balance": balance,
        "facts": _make_facts(balance, spent_micros, month, zone),
        "can_book": membership.is_at_least("member"),
    }
    return render(request, "portal/buyer_home.html", context)


def get_month_start(now: datetime, zone: str) -> datetime:
    """
    Return the first moment of the month on the clock of the zone.
    """
    local = now.astimezone(ZoneInfo(zone))
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _make_sign(
    bookings: tuple[BookingRow, ...], deliveries: dict[int, Delivery], zone: str
) -> Sign:
    running = tuple(booking for booking in bookings if booking.phase is Phase.RUNNING)
    if running:
        return _make_running_sign(running, deliveries)
    if bookings:
        return _make_waiting_sign(bookings[0], zone)
    return Sign(
        title=_("Nothing is booked"),
        text=_(
            "Choose a pool, a window and a power. You see the price before you confirm, and "
            "you pay only for what is delivered."
        ),
        state="off",
    )


def _make_running_sign(running: Collection[BookingRow], deliveries: dict[int, Delivery]) -> Sign:
    power_w = sum(booking.power_w for booking in running)
    booked_wh = sum(booking.energy_wh for booking in running)
    delivered_wh = sum(
        deliveries.get(booking.id, NOTHING_DELIVERED).billed_wh for booking in running
    )
    title = ngettext("Running: %(power)s", "Running: %(power)s in %(count)s bookings",
                     len(running))  # fmt: skip
    return Sign(
        title=title % {"power": power(power_w), "count": len(running)},
        text=format_html(
            _("<strong>{delivered}</strong> of {booked} are delivered and settled so far."),
            delivered=energy(delivered_wh),
            booked=energy(booked_wh),
        ),
    )


def _make_waiting_sign(booking: BookingRow, zone: str) -> Sign:
    return Sign(
        title=_("Next: %(power)s") % {"power": power(booking.power_w)},
        text=format_html(
            _("{name}, from <strong>{start}</strong>. Nothing of yours runs until then."),
            name=name_booking(booking),
            start=local_datetime(booking.starts_at, zone),
        ),
    )


def _make_meter(booking: BookingRow, deliveries: dict[int, Delivery], zone: str) -> Meter:
    delivered_wh = deliveries.get(booking.id, NOTHING_DELIVERED).billed_wh
    return Meter(
        key=f"booking-{booking.id}",
        label=_("%(name)s, until %(end)s")
        % {"name": name_booking(booking), "end": local_datetime(booking.ends_at, zone)},
        text=_("%(delivered)s of %(booked)s kWh")
        % {"delivered": energy_kwh(delivered_wh), "booked": energy_kwh(booking.energy_wh)},
        percent=round(100 * delivered_wh / booking.energy_wh, 1),
    )


def _make_facts(
    balance: BuyerBalance, spent_micros: int, month: datetime, zone: str
) -> tuple[Fact, ...]:
    return (
        Fact(
            label=_("Held for bookings"),
            value=money(balance.held_micros, balance.currency),
            note=_("what is not delivered comes back"),
        ),
        Fact(
            label=_("Spent this month"),
            value=money(spent_micros, balance.currency),
            note=_("bookings that began since %(day)s")
            % {"day": local_datetime(month, zone).partition(",")[0]},
        ),
    )
