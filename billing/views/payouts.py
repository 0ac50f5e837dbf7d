"""
An owner's payouts: what is next, what was paid and with what, and where it goes.
"""

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import PersonRequest, owner_required
from billing.forms.payouts import SetUpForm
from billing.gateways.provider import ProviderRefused, ProviderUnknown
from billing.models import BlockReason, Component, Payout, PayoutAccount
from billing.operations.payout_accounts import refresh_account, start_onboarding
from billing.queries import owner_payouts as queries
from billing.queries.owner_payouts import NextPayout, PayoutItem, PayoutItems, Setup
from billing.views.finance_words import PAYOUT_TONES
from web.charts import Tone
from web.components import Cell, Column, DataTable, Fact, Pages, Row, Tag, TaskRow, TimelineEntry
from web.limits import PAGE_ROWS
from web.public_ids import decode
from web.templatetags.parado import local_date, local_datetime, money, money_exact


DEFAULT_COUNTRY = "NO"
CURRENCY = "EUR"
# What an owner reads in place of finance's word.
WAITING: dict[str, str | Promise] = {
    BlockReason.NONE: gettext_lazy("It goes out with the next payout run."),
    BlockReason.HELD: gettext_lazy("Finance holds it back for now; write to us if you wonder why."),
    BlockReason.BELOW_MINIMUM: gettext_lazy("It waits until the minimum is reached."),
    BlockReason.NO_PAYOUT_ACCOUNT: gettext_lazy("It waits until you say where it shall go."),
    BlockReason.ACCOUNT_NOT_READY: gettext_lazy("It waits until your payout account is ready."),
}
STATES: dict[str, str | Promise] = {
    Payout.State.CREATED: gettext_lazy("Approved"),
    Payout.State.SUBMITTING: gettext_lazy("Being sent"),
    Payout.State.UNKNOWN: gettext_lazy("Being sent"),
    Payout.State.IN_TRANSIT: gettext_lazy("On its way"),
    Payout.State.PAID: gettext_lazy("Paid"),
    Payout.State.FAILED: gettext_lazy("Came back to your balance"),
}


@require_safe
@owner_required
def show_payouts(request: PersonRequest) -> HttpResponse:
    return _render(request, SetUpForm(initial={"country": DEFAULT_COUNTRY}))


def _render(request: PersonRequest, form: SetUpForm, *, status: int = 200) -> HttpResponse:
    owner_id, zone = request.user.pk, request.user.time_zone
    page = queries.list_payouts(
        owner_id=owner_id, cursor=request.GET.get("cursor"), limit=PAGE_ROWS
    )
    setup = queries.get_setup(owner_id=owner_id)
    upcoming = queries.list_next_payouts(owner_id=owner_id)
    context = {
        "upcoming": [(each, make_facts(each), WAITING[each.block_reason]) for each in upcoming],
        "setup": setup,
        "task": make_task(setup, zone=zone),
        "form": form,
        "table": make_table(page, zone=zone),
        "pages": Pages(next_url=f"?cursor={page.next_cursor}" if page.next_cursor else ""),
    }
    return render(request, "billing/payouts.html", context, status=status)


def make_facts(upcoming: NextPayout) -> tuple[Fact, ...]:
    currency = upcoming.currency
    facts = [
        Fact(label=_("In the hold window"), value=money(upcoming.pending_micros, currency)),
    ]
    if upcoming.receivable_micros > 0:
        facts.append(
            Fact(
                label=_("Corrections to take off"),
                value=money(-upcoming.receivable_micros, currency),
                note=_("only from reward and jobs"),
            )
        )
    if upcoming.minimum_micros is not None:
        facts.append(
            Fact(label=_("Smallest payout"), value=money(upcoming.minimum_micros, currency))
        )
    return tuple(facts)


def make_task(setup: Setup, *, zone: str) -> TaskRow:
    """
    Say what there is to do about the payout account.
    """
    if setup.is_ready:
        return TaskRow(label=_("Your payout account is ready"), is_done=True)
    note = _("The payment provider asks for your name and your bank account.")
    if setup.status == PayoutAccount.Status.PENDING:
        note = _("The payment provider is checking what you sent.")
    if setup.requirements_due_at is not None:
        note = _("The payment provider needs something from you by %(date)s.") % {
            "date": local_date(setup.requirements_due_at, zone)
        }
    label = _("Say where you are paid") if not setup.country else _("Finish your payout account")
    return TaskRow(label=label, note=note)


def make_state_tag(item: PayoutItem) -> Tag:
    tone = "brand" if item.state == Payout.State.UNKNOWN else PAYOUT_TONES.get(item.state, "brand")
    return Tag(label=STATES[item.state], tone=tone)


def make_table(page: PayoutItems, *, zone: str) -> DataTable:
    return DataTable(
        caption=_("Payouts"),
        columns=(
            Column(label=_("Approved")),
            Column(label=_("Sent"), is_optional=True),
            Column(label=_("Amount"), is_number=True),
            Column(label=_("State")),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(
                        text=local_date(item.approved_at, zone),
                        url=reverse("billing:payout", args=[item.public_id]),
                    ),
                    Cell(text=local_datetime(item.sent_at, zone)),
                    Cell(text=money(item.amount_micros, item.currency), is_strong=True),
                    Cell(tag=make_state_tag(item)),
                )
            )
            for item in page.items
        ),
    )


@require_safe
@owner_required
def show_payout(request: PersonRequest, payout_id: str) -> HttpResponse:
    """
    Show one payout; somebody else's is as absent as none.
    """
    number = decode("pay", payout_id)
    item = (
        None if number is None else queries.get_payout(owner_id=request.user.pk, payout_id=number)
    )
    if item is None:
        raise Http404
    context = {
        "item": item,
        "tag": make_state_tag(item),
        "facts": make_parts(item),
        "entries": make_history(item, zone=request.user.time_zone),
        "zone": request.user.time_zone,
    }
    return render(request, "billing/payout.html", context)


def make_parts(item: PayoutItem) -> tuple[Fact, ...]:
    facts = [
        Fact(label=Component(name).label, value=money_exact(micros, item.currency))
        for name, micros in item.parts
    ]
    facts.append(
        Fact(label=_("Paid"), value=money(item.amount_micros, item.currency), is_total=True)
    )
    if item.offset_micros:
        facts.append(
            Fact(
                label=_("Taken off for corrections"),
                value=money_exact(item.offset_micros, item.currency),
                note=_("from reward and jobs, before the sum above"),
            )
        )
    return tuple(facts)


def make_history(item: PayoutItem, *, zone: str) -> tuple[TimelineEntry, ...]:
    is_failed = item.state == Payout.State.FAILED
    last = _("Came back to your balance") if is_failed else _("Arrived at your account")
    happened: list[tuple[datetime | None, str, Tone]] = [
        (item.finished_at, last, "stop" if is_failed else "earn"),
        (item.sent_at, _("Sent"), "earn"),
        (item.approved_at, _("Approved by two people"), "earn"),
    ]
    return tuple(
        TimelineEntry(label=label, note=local_datetime(at, zone), tone=tone)
        for at, label, tone in happened
        if at is not None
    )


# ------------------------------------------------------------------ where it goes
@require_POST
@owner_required
def set_up(request: PersonRequest) -> HttpResponse:
    """
    Send the owner to the provider's pages. The address is used once and never stored.
    """
    setup = queries.get_setup(owner_id=request.user.pk)
    form = SetUpForm(request.POST if not setup.country else {"country": setup.country})
    if not form.is_valid():
        return _render(request, form, status=422)
    back = f"{settings.BASE_URL}{reverse('billing:payouts_return')}"
    try:
        address = start_onboarding(
            owner_id=request.user.pk,
            email=request.user.email,
            country=form.cleaned_data["country"],
            currency=CURRENCY,
            return_url=back,
            refresh_url=back,
            now=timezone.now(),
        )
    except (ProviderRefused, ProviderUnknown):
        messages.error(
            request, _("The payment provider does not answer. Nothing is lost; try again.")
        )
        return redirect("billing:payouts")
    return redirect(address)


@require_safe
@owner_required
def return_from_set_up(request: PersonRequest) -> HttpResponse:
    """
    Read the account again when the owner comes back; they may have stopped halfway.
    """
    account_id = queries.get_provider_account_id(owner_id=request.user.pk)
    try:
        if account_id:
            refresh_account(provider_account_id=account_id, now=timezone.now())
    except (ProviderRefused, ProviderUnknown):
        messages.info(request, _("The payment provider has not told us yet. Look again soon."))
    if queries.get_setup(owner_id=request.user.pk).is_ready:
        messages.success(request, _("Your payout account is ready."))
    return redirect("billing:payouts")
