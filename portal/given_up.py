"""
What was tried too often and given up: mail, and news of the payment provider. To try it again.
"""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.operations import replay_mails
from accounts.permissions import PersonRequest, operator_required
from accounts.queries import DeadLetter, list_dead_letters
from billing.operations.provider_events import replay_events
from billing.queries.provider_events import DeadEvent, list_dead_events
from web.components import Cell, Column, DataTable, Row
from web.limits import PAGE_ROWS
from web.public_ids import decode, encode
from web.templatetags.parado import local_datetime, number


@require_safe
@operator_required
def show_given_up(request: PersonRequest) -> HttpResponse:
    zone = request.user.time_zone
    letters, events = list_dead_letters(limit=PAGE_ROWS), list_dead_events(limit=PAGE_ROWS)
    context = {
        "mail_table": make_mail_table(letters, zone=zone),
        "news_table": make_news_table(events, zone=zone),
        "nav_current": "home",
    }
    return render(request, "portal/given_up.html", context)


@require_POST
@operator_required
def replay_mail(request: PersonRequest) -> HttpResponse:
    count = replay_mails(
        outbox_ids=read_chosen(request, "msg"), actor_id=request.user.pk, now=timezone.now()
    )
    return answer(request, count)


@require_POST
@operator_required
def replay_news(request: PersonRequest) -> HttpResponse:
    count = replay_events(
        event_ids=read_chosen(request, "evt"), actor_id=request.user.pk, now=timezone.now()
    )
    return answer(request, count)


def read_chosen(request: PersonRequest, prefix: str) -> list[int]:
    ids = [decode(prefix, text) for text in request.POST.getlist("chosen")]
    return [number for number in ids if number is not None]


def answer(request: PersonRequest, count: int) -> HttpResponse:
    if count:
        text = ngettext(
            "%(n)s is tried again within seconds.", "%(n)s are tried again within seconds.", count
        )
        messages.success(request, text % {"n": number(count)})
    else:
        messages.warning(request, _("Nothing was chosen that is still given up."))
    return redirect("portal:given_up")


def make_mail_table(letters: tuple[DeadLetter, ...], *, zone: str) -> DataTable:
    return DataTable(
        caption=_("Mail that was given up, the oldest first"),
        columns=(
            Column(label=_("Message")),
            Column(label=_("Last error")),
            Column(label=_("Tries"), is_number=True, is_optional=True),
            Column(label=_("Written"), is_optional=True, is_whole=True),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=letter.subject, note=letter.to),
                    Cell(text=letter.error),
                    Cell(text=number(letter.attempts)),
                    Cell(text=local_datetime(letter.created_at, zone)),
                ),
                select=encode("msg", letter.outbox_id),
            )
            for letter in letters
        ),
        is_dense=True,
        select_name="chosen",
        key="mail",
    )


def make_news_table(events: tuple[DeadEvent, ...], *, zone: str) -> DataTable:
    return DataTable(
        caption=_("News of the provider that were given up, the oldest first"),
        columns=(
            Column(label=_("Event")),
            Column(label=_("Last error")),
            Column(label=_("Tries"), is_number=True, is_optional=True),
            Column(label=_("Received"), is_optional=True, is_whole=True),
        ),
        rows=tuple(
            Row(
                cells=(
                    Cell(text=event.event_type, note=event.object_id or event.event_id),
                    Cell(text=event.error),
                    Cell(text=number(event.attempts)),
                    Cell(text=local_datetime(event.received_at, zone)),
                ),
                select=encode("evt", event.id),
            )
            for event in events
        ),
        is_dense=True,
        select_name="chosen",
        key="news",
    )
