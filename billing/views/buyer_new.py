"""
Booking in two steps: what is wanted, then its price and the balance after it, then the deed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import BuyerRequest, buyer_required
from billing.forms.buyer import CATEGORIES, LOCAL_FORMAT, BookingForm, make_request_key, name_pool
from billing.operations import bookings as operations
from billing.queries.bookings import BuyerBalance, get_balance
from billing.views.hour_bars import HourBars, HourValue, draw_hours
from billing.views.words import public_id, write_window
from marketplace import rules
from marketplace.operations import bookings as marketplace
from marketplace.operations.bookings import ShortHour, Wish
from marketplace.queries import capacity, pools
from marketplace.queries.pools import PoolRow
from web.charts import Key
from web.components import Cell, Column, DataTable, Fact, Row
from web.public_ids import decode, encode
from web.templatetags.parado import energy, local_datetime, money, number, power, price_kwh


OUTLOOK_HOURS = 7 * 24
SHORT_HOURS_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """
    What is free in a pool in the coming days.
    """

    pool_name: str
    price: rules.Price | None
    bars: HourBars
    table: DataTable
    is_empty: bool


@dataclass(frozen=True, kw_only=True)
class Review:
    """
    What a booking would cost, shown before it is made.
    """

    terms: tuple[Fact, ...]
    facts: tuple[Fact, ...]
    held_micros: int
    missing_micros: int
    currency: str


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(role="member")
def new_booking(request: BuyerRequest) -> HttpResponse:
    now = timezone.now()
    rows = tuple(pool for pool in pools.list_pools(now=now) if pool.price)
    if request.method == "GET":
        return _render_form(request, rows, _make_empty_form(request, rows, now), now)
    form = BookingForm(request.POST, pools=rows, time_zone=request.user.time_zone)
    if not form.is_valid():
        return _render_form(request, rows, form, now, status=422)
    if "confirm" in request.POST:
        return _confirm(request, rows, form, now)
    if "change" in request.POST:
        return _render_form(request, rows, form, now)
    return _review(request, rows, form, now)


@require_safe
@buyer_required(role="member")
def show_outlook(request: BuyerRequest) -> HttpResponse:
    """
    Answer htmx with what is free in the pool that the form names now.
    """
    now = timezone.now()
    pool_id = decode("pool", request.GET.get("pool", ""))
    pool = pools.get_pool(pool_id=pool_id, now=now) if pool_id is not None else None
    if pool is None:
        raise Http404
    outlook = _make_outlook(pool, request.user.time_zone, now)
    return render(request, "billing/_buyer_outlook.html", {"outlook": outlook})


# ------------------------------------------------------------------ step one: what is wanted
def _make_empty_form(
    request: BuyerRequest, rows: tuple[PoolRow, ...], now: datetime
) -> BookingForm:
    zone = request.user.time_zone
    start = timezone.localtime(rules.floor_to_hour(now) + rules.HOUR, ZoneInfo(zone))
    asked = request.GET.get("pool", "")
    initial = {
        "pool": asked if any(encode("pool", row.id) == asked for row in rows) else None,
        "starts_at": start.strftime(LOCAL_FORMAT),
        "ends_at": (start + timedelta(hours=8)).strftime(LOCAL_FORMAT),
    }
    return BookingForm(initial=initial, pools=rows, time_zone=zone)


def _render_form(
    request: BuyerRequest,
    rows: tuple[PoolRow, ...],
    form: BookingForm,
    now: datetime,
    *,
    status: int = 200,
) -> HttpResponse:
    chosen = form["pool"].value()
    pool = next((row for row in rows if encode("pool", row.id) == chosen), None)
    pool = pool or next(iter(rows), None)
    context = {
        "form": form,
        "has_pools": bool(rows),
        "outlook": _make_outlook(pool, request.user.time_zone, now) if pool else None,
    }
    return render(request, "billing/buyer_booking_new.html", context, status=status)


def _make_outlook(pool: PoolRow, zone: str, now: datetime) -> Outlook:
    starts_at = rules.floor_to_hour(now) + rules.HOUR
    ends_at = starts_at + timedelta(hours=OUTLOOK_HOURS)
    span = {"starts_at": starts_at, "ends_at": ends_at}
    hours = capacity.get_hours(pool_id=pool.id, **span)
    steps = capacity.get_schedule(pool_id=pool.id, **span)
    bars = draw_hours(
        hours=[
            HourValue(
                starts_at=hour.starts_at,
                filled=hour.available_w,
                title=f"{local_datetime(hour.starts_at, zone)}: {power(hour.available_w)}",
            )
            for hour in hours
        ],
        ends_at=ends_at,
        time_zone=zone,
        keys=(Key(label=_("Free to book"), tone="brand"),),
    )
    return Outlook(
        pool_name=name_pool(pool),
        price=pool.price,
        bars=bars,
        table=_make_steps_table(steps, zone),
        is_empty=not any(hour.available_w for hour in hours),
    )


def _make_steps_table(steps: tuple[capacity.Step, ...], zone: str) -> DataTable:
    return DataTable(
        caption=_("Power free to book"),
        columns=(Column(label=_("Window")), Column(label=_("Power"), is_number=True)),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=write_window(step.starts_at, step.ends_at, zone)),
                    Cell(text=power(step.available_w)),
                )
            )
            for step in steps
        ),
        is_dense=True,
    )


# ------------------------------------------------------------------ step two: what it costs
def _review(
    request: BuyerRequest, rows: tuple[PoolRow, ...], form: BookingForm, now: datetime
) -> HttpResponse:
    wish = form.make_wish()
    price = pools.get_price(pool_id=wish.pool_id, at=wish.starts_at)
    if price is None:
        form.add_error("starts_at", _("The pool has no price for this window."))
    elif short := _find_short_hours(wish):
        form.add_error("power_kw", _say_short(short, request.user.time_zone))
    elif wish.starts_at < rules.floor_to_hour(now):
        form.add_error("starts_at", _("This has begun already. Take a later hour."))
    if price is None or form.errors:
        return _render_form(request, rows, form, now, status=422)
    return _render_review(request, form, _make_review(request, rows, wish, price))


def _render_review(
    request: BuyerRequest, form: BookingForm, review: Review, *, status: int = 200
) -> HttpResponse:
    kept = {name: request.POST.get(name, "") for name in form.fields}
    kept["request_key"] = kept["request_key"] or make_request_key()
    kept["held_micros"] = str(review.held_micros)
    context = {"review": review, "kept": kept, "form": form}
    return render(request, "billing/buyer_booking_review.html", context, status=status)


def _find_short_hours(wish: Wish) -> tuple[ShortHour, ...]:
    hours = capacity.get_hours(pool_id=wish.pool_id, starts_at=wish.starts_at, ends_at=wish.ends_at)
    return tuple(
        ShortHour(starts_at=hour.starts_at, available_w=hour.available_w)
        for hour in hours
        if hour.available_w < wish.power_w
    )


def _say_short(hours: tuple[ShortHour, ...], zone: str) -> str:
    named = ", ".join(
        _("%(power)s on %(hour)s")
        % {"power": power(hour.available_w), "hour": local_datetime(hour.starts_at, zone)}
        for hour in hours[:SHORT_HOURS_NAMED]
    )
    if len(hours) <= SHORT_HOURS_NAMED:
        return _("There is less left: %(hours)s.") % {"hours": named}
    more = len(hours) - SHORT_HOURS_NAMED
    return _("There is less left: %(hours)s, and in %(more)s more hours.") % {
        "hours": named,
        "more": number(more),
    }


def _make_review(
    request: BuyerRequest, rows: tuple[PoolRow, ...], wish: Wish, price: rules.Price
) -> Review:
    balance = get_balance(
        organization_id=request.membership.organization_id, currency=price.currency
    )
    energy_micros = rules.energy_price(price=price, energy_wh=wish.energy_wh)
    held_micros = rules.hold_of(price=price, energy_wh=wish.energy_wh, jobs_max=wish.job_limit)
    pool = next(row for row in rows if row.id == wish.pool_id)
    zone = request.user.time_zone
    return Review(
        terms=(
            Fact(label=_("Pool"), value=name_pool(pool)),
            Fact(label=_("Window"), value=write_window(wish.starts_at, wish.ends_at, zone)),
            Fact(label=_("Power"), value=power(wish.power_w)),
            Fact(label=_("Kind of work"), value=CATEGORIES[wish.workload_category]),
        ),
        facts=(
            Fact(
                label=_("Energy"),
                value=money(energy_micros, price.currency),
                note=_("%(power)s for %(hours)s h: %(energy)s at %(price)s")
                % {
                    "power": power(wish.power_w),
                    "hours": rules.count_hours(starts_at=wish.starts_at, ends_at=wish.ends_at),
                    "energy": energy(wish.energy_wh),
                    "price": price_kwh(price.micros_per_kwh, price.currency),
                },
            ),
            Fact(
                label=_("Jobs"),
                value=money(held_micros - energy_micros, price.currency),
                note=_("at most %(count)s completed jobs") % {"count": number(wish.job_limit)},
            ),
            Fact(
                label=_("Held from your balance"),
                value=money(held_micros, price.currency),
                is_total=True,
            ),
            *_make_balance_facts(balance, held_micros),
        ),
        held_micros=held_micros,
        missing_micros=max(held_micros - balance.available_micros, 0),
        currency=price.currency,
    )


def _make_balance_facts(balance: BuyerBalance, held_micros: int) -> tuple[Fact, ...]:
    left_micros = balance.available_micros - held_micros
    return (
        Fact(label=_("Available now"), value=money(balance.available_micros, balance.currency)),
        Fact(label=_("Available after it"), value=money(left_micros, balance.currency)),
    )


# ------------------------------------------------------------------ step three: the deed
def _confirm(
    request: BuyerRequest, rows: tuple[PoolRow, ...], form: BookingForm, now: datetime
) -> HttpResponse:
    wish = form.make_wish()
    buyer = operations.Buyer(
        organization_id=request.membership.organization_id,
        actor_id=request.user.pk,
        held_micros_max=form.cleaned_data["held_micros"] or 0,
    )
    key = form.cleaned_data["request_key"] or make_request_key()
    try:
        booking = operations.place_booking(
            buyer=buyer, wish=wish, request_key=f"page:{key}", now=now
        )
    except marketplace.CapacityShort as error:
        form.add_error("power_kw", _say_short(error.hours, request.user.time_zone))
    except marketplace.WindowInPast:
        form.add_error("starts_at", _("This has begun already. Take a later hour."))
    except (marketplace.NotOnSale, operations.RequestReused):
        form.add_error(None, _("This can no longer be booked as shown. Look at it again."))
    except (operations.PriceRose, operations.InsufficientBalance):
        # The review says which it is, with the figures of now.
        return _review(request, rows, form, now)
    else:
        messages.success(request, _("Booked. The power is kept for you."))
        return redirect(reverse("billing:buyer_booking", args=[public_id(booking)]))
    return _render_form(request, rows, form, now, status=422)
