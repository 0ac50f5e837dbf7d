"""
Finance's quarantine: what was reported and not accepted, and what a person decides about it.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import PersonRequest, finance_required
from billing.forms.quarantine import DecideForm, DecideManyForm
from billing.models import QuarantineCode, QuarantinedRecord
from billing.operations import quarantine as operations
from billing.operations.quarantine import (
    AlreadyResolved,
    NotAcceptable,
    NotInQuarantine,
    ReasonMissing,
    StillRefused,
)
from billing.queries.quarantine import (
    MeterReading,
    QuarantineDetail,
    QuarantinePage,
    QuarantineRow,
    get_quarantined,
    list_quarantine,
)
from web.charts import Tone
from web.components import Cell, Column, DataTable, Fact, Pages, Row, Tag, View
from web.public_ids import decode, encode
from web.templatetags.parado import full_datetime, local_datetime, number


State = QuarantinedRecord.State
TONES: dict[str, Tone] = {State.OPEN: "cost", State.ACCEPTED: "earn", State.REPLAYED: "brand"}
ACTS: dict[str, Callable[..., None]] = {
    "replay": operations.replay,
    "accept": operations.accept,
    "dismiss": operations.dismiss,
}
NEED_REASON = frozenset({"accept", "dismiss"})


@require_safe
@finance_required
def show_quarantine(request: PersonRequest) -> HttpResponse:
    return _render_list(request, DecideManyForm())


@require_POST
@finance_required
def decide_many(request: PersonRequest) -> HttpResponse:
    """
    Do the same to every chosen record, each by itself: one that does not go stops no other.
    """
    form, name = DecideManyForm(request.POST), request.POST.get("act", "")
    if name not in ACTS:
        form.add_error(None, _("Choose what to do with the records."))
    elif form.is_valid() and name in NEED_REASON and not form.cleaned_data["reason"]:
        form.add_error("reason", _explain(ReasonMissing()))
    if not form.is_valid():
        return _render_list(request, form, status=422)
    left = _act_on_each(ACTS[name], form, actor_id=request.user.pk)
    done_count = len(form.cleaned_data["record"]) - sum(left.values())
    if done_count:
        messages.success(request, _count_decided(done_count, _say_done(name)))
    for explanation, count in left.items():
        messages.warning(request, _count_left(count, explanation))
    return redirect(f"{reverse('billing:quarantine')}?{request.GET.urlencode()}")


def _act_on_each(act: Callable[..., None], form: DecideManyForm, *, actor_id: int) -> Counter[str]:
    """
    Return how many records are as they were, by what was said about them.
    """
    left: Counter[str] = Counter()
    for quarantined_id in form.cleaned_data["record"]:
        try:
            act(
                quarantined_id=quarantined_id,
                actor_id=actor_id,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
        except (NotInQuarantine, AlreadyResolved):
            left[_explain(AlreadyResolved())] += 1
        except (NotAcceptable, StillRefused) as error:
            left[_explain(error)] += 1
    return left


def _count_decided(count: int, said: str) -> str:
    text = ngettext("%(n)s record. %(said)s", "%(n)s records. %(said)s", count)
    return text % {"n": number(count), "said": said}


def _count_left(count: int, said: str) -> str:
    text = ngettext(
        "%(n)s record is as it was. %(said)s", "%(n)s records are as they were. %(said)s", count
    )
    return text % {"n": number(count), "said": said}


def _render_list(
    request: PersonRequest, form: DecideManyForm, *, status: int = 200
) -> HttpResponse:
    state = request.GET.get("state", State.OPEN)
    code, search = request.GET.get("code", ""), request.GET.get("q", "").strip()
    if state not in State.values or (code and code not in QuarantineCode.values):
        raise Http404
    page = list_quarantine(state=state, code=code, search=search, cursor=request.GET.get("cursor"))
    chosen = frozenset(request.POST.getlist("record"))
    context = {
        "table": _make_table(page, request.user.time_zone, chosen=chosen),
        "form": form,
        "can_accept": any(row.can_accept for row in page.rows),
        "query": request.GET.urlencode(),
        "views": _make_views(page, state),
        "codes": _make_code_views(page, state, code),
        "pages": _make_pages(page, state=state, code=code, q=search),
        "state": state,
        "search": search,
        "is_open_view": state == State.OPEN,
    }
    return render(request, "billing/quarantine.html", context, status=status)


@require_safe
@finance_required
def show_quarantined(request: PersonRequest, quarantined_id: str) -> HttpResponse:
    return _render_one(request, _find(quarantined_id), DecideForm())


@require_POST
@finance_required
def decide_quarantined(request: PersonRequest, quarantined_id: str) -> HttpResponse:
    """
    Replay, accept or dismiss; what does not go is said above the form.
    """
    detail = _find(quarantined_id)
    form, act = DecideForm(request.POST), ACTS.get(request.POST.get("act", ""))
    if act is None:
        form.add_error(None, _("Choose what to do with the record."))
    if not form.is_valid() or act is None:
        return _render_one(request, detail, form, status=422)
    try:
        act(
            quarantined_id=detail.row.id,
            actor_id=request.user.pk,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
    except NotInQuarantine as error:
        raise Http404 from error
    except (AlreadyResolved, NotAcceptable, ReasonMissing, StillRefused) as error:
        form.add_error("reason" if isinstance(error, ReasonMissing) else None, _explain(error))
        return _render_one(request, _find(quarantined_id), form, status=422)
    messages.success(request, _say_done(request.POST["act"]))
    return redirect("billing:quarantine")


def _explain(error: Exception) -> str:
    if isinstance(error, ReasonMissing):
        return _("Give a reason: it is kept with your name.")
    if isinstance(error, AlreadyResolved):
        return _("This record was decided meanwhile. Nothing was changed.")
    if isinstance(error, StillRefused):
        return _("It was refused again: %(detail)s Mend the cause first; nothing was changed.") % {
            "detail": error.detail
        }
    return _("Only an implausible reading can be accepted as it is.")


def _say_done(act: str) -> str:
    return {
        "replay": _("Taken in again. It is settled within seconds, or comes back here."),
        "accept": _("Accepted. It is settled as it was reported."),
        "dismiss": _("Dismissed. Nobody is paid or charged for it."),
    }[act]


def _find(quarantined_id: str) -> QuarantineDetail:
    wanted = decode("qua", quarantined_id)
    detail = None if wanted is None else get_quarantined(quarantined_id=wanted)
    if detail is None:
        raise Http404
    return detail


def _render_one(
    request: PersonRequest, detail: QuarantineDetail, form: DecideForm, *, status: int = 200
) -> HttpResponse:
    zone = request.user.time_zone
    context = {
        "row": detail.row,
        "public_id": encode("qua", detail.row.id),
        "tag": _make_tag(detail.row),
        "facts": _make_facts(detail.row, zone),
        "reading_facts": _make_reading_facts(detail.reading, zone),
        "body": _indent(detail.body),
        "form": form,
        "is_open": detail.row.state == State.OPEN,
    }
    return render(request, "billing/quarantined.html", context, status=status)


def _indent(body: str) -> str:
    """
    Return JSON on several lines, anything else as it came.
    """
    try:
        value: Any = json.loads(body)
    except ValueError:
        return body
    return json.dumps(value, indent=2, ensure_ascii=False)


def _make_tag(row: QuarantineRow) -> Tag:
    return Tag(label=row.state_label, tone=TONES.get(row.state, "idle"))


def _make_table(page: QuarantinePage, zone: str, *, chosen: Collection[str]) -> DataTable:
    is_open = any(row.state == State.OPEN for row in page.rows)
    return DataTable(
        caption=_("Records in quarantine"),
        columns=(
            Column(label=_("Record")),
            Column(label=_("Why it is here")),
            Column(label=_("Received"), is_optional=True, is_whole=True),
            Column(label=_("Seen"), is_number=True, is_optional=True),
            Column(label=_("State"), is_optional=True),
        ),
        rows=tuple(_make_row(row, zone, chosen=chosen) for row in page.rows),
        is_dense=True,
        select_name="record" if is_open else "",
    )


def _make_row(row: QuarantineRow, zone: str, *, chosen: Collection[str]) -> Row:
    public_id = encode("qua", row.id)
    return Row(
        select=public_id if row.state == State.OPEN else "",
        is_selected=public_id in chosen,
        cells=(
            Cell(
                text=row.event_id or _("without id"),
                note=row.vehicle_id,
                url=reverse("billing:quarantined", args=[public_id]),
            ),
            Cell(text=row.code_label, note=row.detail),
            Cell(text=local_datetime(row.received_at, zone)),
            Cell(text=number(row.seen_count)),
            Cell(tag=_make_tag(row), note=row.resolved_by),
        ),
    )


def _make_views(page: QuarantinePage, state: str) -> tuple[View, ...]:
    return tuple(
        View(
            label=State(each).label,
            url=_address(state=each),
            count=page.counts_by_state.get(each, 0),
            is_current=each == state,
        )
        for each in State.values
    )


def _make_code_views(page: QuarantinePage, state: str, code: str) -> tuple[View, ...]:
    if state != State.OPEN:
        return ()
    return (
        View(label=_("Every reason"), url=_address(state=state), is_current=not code),
        *(
            View(
                label=QuarantineCode(each).label,
                url=_address(state=state, code=each),
                count=count,
                is_current=each == code,
            )
            for each, count in page.open_by_code.items()
        ),
    )


def _make_pages(page: QuarantinePage, **filters: str) -> Pages:
    if page.next_cursor is None:
        return Pages()
    return Pages(next_url=_address(**filters, cursor=page.next_cursor))


def _address(**filters: str) -> str:
    query = urlencode({name: value for name, value in filters.items() if value})
    return f"{reverse('billing:quarantine')}?{query}"


def _make_facts(row: QuarantineRow, zone: str) -> tuple[Fact, ...]:
    facts = [
        Fact(label=_("Reason"), value=row.code_label, note=row.detail),
        Fact(label=_("Event"), value=row.event_id or _("without id"), note=row.source),
        Fact(label=_("Batch"), value=row.batch_id),
        Fact(label=_("Vehicle"), value=row.vehicle_id or _("not known")),
        Fact(label=_("Received"), value=full_datetime(row.received_at, zone)),
        Fact(label=_("Seen"), value=number(row.seen_count)),
    ]
    if row.pointer:
        facts.insert(1, Fact(label=_("Where in the event"), value=row.pointer))
    if row.resolved_at:
        facts.append(
            Fact(
                label=_("Decided"),
                value=full_datetime(row.resolved_at, zone),
                note=" · ".join(part for part in (row.resolved_by, row.resolution) if part),
            )
        )
    return tuple(facts)


def _make_reading_facts(reading: MeterReading | None, zone: str) -> tuple[Fact, ...]:
    if reading is None:
        return ()
    return (
        Fact(label=_("From"), value=full_datetime(reading.starts_at, zone)),
        Fact(label=_("To"), value=full_datetime(reading.ends_at, zone)),
        Fact(label=_("Energy"), value=_("%(wh)s Wh") % {"wh": number(reading.energy_wh)}),
        Fact(label=_("Job"), value=reading.job_id),
        Fact(label=_("Booking"), value=reading.booking_id),
        Fact(label=_("Sequence of the meter"), value=number(reading.sequence)),
    )
