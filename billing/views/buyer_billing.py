"""
A buyer's prepaid money: what is there, what moved it, and paying in.
"""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import BuyerRequest, buyer_required
from billing.forms.buyer import TopUpForm, make_request_key
from billing.gateways.provider import ProviderRefused, ProviderUnknown
from billing.operations import top_ups
from billing.queries import bookings as queries
from billing.queries.bookings import BalanceMove
from billing.views.words import name_move
from web.components import Cell, Column, DataTable, Fact, Pages, Row
from web.limits import PAGE_ROWS
from web.pagination import decode_cursor, encode_cursor
from web.problems import Problem
from web.public_ids import encode
from web.templatetags.parado import local_datetime, money, money_signed


@require_safe
@buyer_required
def show_billing(request: BuyerRequest) -> HttpResponse:
    form = TopUpForm(
        initial={"request_key": make_request_key()}, currency=request.membership.currency
    )
    return _render(request, form)


@require_POST
@buyer_required(role="admin")
def start_top_up(request: BuyerRequest) -> HttpResponse:
    """
    Send the buyer to the provider's page; the balance grows when the provider says so.
    """
    form = TopUpForm(request.POST, currency=request.membership.currency)
    if not form.is_valid():
        return _render(request, form, status=422)
    try:
        started = top_ups.start_top_up(
            wish=_make_wish(request, form), actor_id=request.user.pk, now=timezone.now()
        )
    except top_ups.RequestKeyReused:
        form.add_error("amount", _("This form was sent before with another amount. Send it anew."))
    except (ProviderRefused, ProviderUnknown):
        form.add_error(
            None, _("The payment provider does not answer. Nothing was charged; try again.")
        )
    else:
        return redirect(started.checkout_url or reverse("billing:buyer_billing"))
    return _render(request, form, status=422)


def _make_wish(request: BuyerRequest, form: TopUpForm) -> top_ups.Wish:
    membership = request.membership
    return top_ups.Wish(
        organization_id=membership.organization_id,
        amount_micros=form.amount_micros,
        currency=membership.currency,
        title=_("Prepaid balance of %(name)s on Parado") % {"name": membership.organization_name},
        return_url=f"{settings.BASE_URL}{reverse('billing:buyer_billing_return')}",
        request_key=form.cleaned_data["request_key"],
    )


@require_safe
@buyer_required
def return_from_top_up(request: BuyerRequest) -> HttpResponse:
    messages.info(
        request, _("The balance grows as soon as the provider confirms, usually at once.")
    )
    return redirect("billing:buyer_billing")


def _render(request: BuyerRequest, form: TopUpForm, *, status: int = 200) -> HttpResponse:
    organization_id = request.membership.organization_id
    currency = request.membership.currency
    balance = queries.get_balance(organization_id=organization_id, currency=currency)
    scope = f"buyer-moves:{organization_id}"
    moves = queries.list_balance_moves(
        organization_id=organization_id,
        before_id=_read_position(request, scope),
        limit=PAGE_ROWS + 1,
    )
    context = {
        "balance": balance,
        "facts": (
            Fact(label=_("Held for bookings"), value=money(balance.held_micros, currency)),
            Fact(
                label=_("All your money here"),
                value=money(balance.available_micros + balance.held_micros, currency),
                is_total=True,
            ),
        ),
        "table": _make_moves_table(moves[:PAGE_ROWS], request.user.time_zone),
        "pages": _make_pages(scope, moves),
        "form": form,
        "can_pay": request.membership.is_at_least("admin"),
    }
    return render(request, "billing/buyer_billing.html", context, status=status)


def _make_moves_table(moves: tuple[BalanceMove, ...], zone: str) -> DataTable:
    return DataTable(
        caption=_("Top-ups, holds and what came back"),
        columns=(
            Column(label=_("What")),
            Column(label=_("When")),
            Column(label=_("Amount"), is_number=True),
        ),
        rows=tuple(
            Row(
                cells=(
                    _make_move_cell(move),
                    Cell(text=local_datetime(move.effective_at, zone)),
                    Cell(text=money_signed(move.amount_micros, move.currency), is_strong=True),
                )
            )
            for move in moves
        ),
    )


def _make_move_cell(move: BalanceMove) -> Cell:
    if move.booking_id is None:
        return Cell(text=name_move(move.code))
    url = reverse("billing:buyer_booking", args=[encode("bkg", move.booking_id)])
    return Cell(text=name_move(move.code), url=url, note=encode("bkg", move.booking_id))


def _read_position(request: BuyerRequest, scope: str) -> int | None:
    try:
        (value,) = decode_cursor(scope=scope, text=request.GET.get("cursor", ""), size=1)
    except Problem:
        return None
    return int(value)


def _make_pages(scope: str, moves: tuple[BalanceMove, ...]) -> Pages:
    if len(moves) <= PAGE_ROWS:
        return Pages()
    cursor = encode_cursor(scope=scope, values=[moves[PAGE_ROWS - 1].entry_id])
    return Pages(next_url=f"?{urlencode({'cursor': cursor})}")
