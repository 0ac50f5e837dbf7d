"""
The operators' page: every part that works by itself, how far behind it is, and what happens next.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from accounts import queries as accounts
from accounts.permissions import PersonRequest, operator_required
from billing.queries.health import BillingHealth, Waiting, get_billing_health
from billing.queries.metering import Metering, MeteringState, get_metering
from billing.queries.reports import LastCheck, get_last_check
from web.components import Cell, Column, DataTable, Gate, Row, Sign, Tag
from web.heartbeats import Pulse, QueueBeat, list_beats
from web.limits import (
    HEARTBEAT_LATE_S,
    HEARTBEAT_STUCK_S,
    LEDGER_CHECK_AGE_H_MAX,
    METERING_SILENT_S,
    OUTBOX_ATTEMPTS_MAX,
    QUARANTINE_AGE_H_MAX,
    TRANSIT_AGE_H_MAX,
    USAGE_WAIT_S_MAX,
)
from web.templatetags.parado import duration, number, since


QUEUES: dict[str, str | Promise] = {
    "money": gettext_lazy("Worker for money"),
    "notify": gettext_lazy("Worker for mail"),
    "bulk": gettext_lazy("Worker for capacity"),
}
PULSES: dict[Pulse, str | Promise] = {
    Pulse.ALIVE: gettext_lazy("Looks for due work every two seconds."),
    Pulse.WORKING: gettext_lazy("Is at a long piece of work; the next beat comes when it ends."),
    Pulse.LATE: gettext_lazy(
        "Nothing of this queue is being done. Start the worker; what is due waits in the database "
        "and is taken up by itself."
    ),
    Pulse.STUCK: gettext_lazy(
        "A sweep began and never ended, or each one fails. The worker's log says why."
    ),
    Pulse.NEVER: gettext_lazy("No worker has come yet. Start one; nothing is lost meanwhile."),
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """
    One thing that has a limit: its figure, the limit, and what happens next.
    """

    key: str
    label: str | Promise
    value: str
    limit: str
    text: str | Promise
    is_ok: bool
    url: str = ""


@require_safe
@operator_required
def show_operations(request: PersonRequest) -> HttpResponse:
    checks = list_checks(now=timezone.now())
    context = {"sign": make_sign(checks), "table": make_table(checks)}
    return render(request, "portal/operations.html", context)


@require_safe
@operator_required
def show_part(request: PersonRequest) -> HttpResponse:
    """
    Answer with the live part alone, for the page that polls it.
    """
    checks = list_checks(now=timezone.now())
    context = {"sign": make_sign(checks), "table": make_table(checks)}
    return render(request, "portal/_operations.html", context)


def list_checks(*, now: datetime) -> tuple[Check, ...]:
    health, metering = get_billing_health(), get_metering(now=now)
    return (
        *(_check_queue(beat, now) for beat in list_beats(now=now)),
        _check_usage(health, now),
        *_check_metering(metering, now),
        _check_quarantine(health.quarantine, now),
        _check_unknown(health.unknown, now),
        _check_transit(health.in_transit, now),
        _check_books(get_last_check(), now),
        _check_mail(accounts.count_dead_letters()),
        _check_news(health.dead_events, now),
    )


def make_sign(checks: tuple[Check, ...]) -> Sign:
    count = sum(not check.is_ok for check in checks)
    title = (
        ngettext("%(count)s thing needs you", "%(count)s things need you", count) % {"count": count}
        if count
        else _("Everything is within its limits")
    )
    return Sign(
        key="operations",
        title=title,
        gates=tuple(
            Gate(
                state="ok" if check.is_ok else "no",
                label=check.label,
                value=check.value,
                url=f"#check-{check.key}",
            )
            for check in checks
        ),
        gates_title=_("Each against its limit"),
    )


def make_table(checks: tuple[Check, ...]) -> DataTable:
    return DataTable(
        caption=_("What is watched, with its figure, its limit and what happens next"),
        columns=(
            Column(label=_("What")),
            Column(label=_("Now"), is_number=True),
            Column(label=_("Limit"), is_number=True, is_optional=True),
        ),
        rows=tuple(
            Row(
                key=f"check-{check.key}",
                cells=(
                    Cell(text=check.label, note=check.text, url=check.url),
                    Cell(text=check.value)
                    if check.is_ok
                    else Cell(tag=Tag(label=check.value, tone="stop")),
                    Cell(text=check.limit),
                ),
            )
            for check in checks
        ),
    )


# ------------------------------------------------------------------ one function for each check
def _check_queue(beat: QueueBeat, now: datetime) -> Check:
    is_busy = beat.pulse in {Pulse.WORKING, Pulse.STUCK} and beat.busy_since is not None
    value = (
        _("busy for %(time)s") % {"time": duration(now - (beat.busy_since or now))}
        if is_busy
        else since(beat.beat_at or (beat.busy_since if beat.is_well else None), now)
    )
    return Check(
        key=beat.queue,
        label=QUEUES[beat.queue],
        value=value,
        limit=duration(HEARTBEAT_STUCK_S if is_busy else HEARTBEAT_LATE_S),
        text=PULSES[beat.pulse],
        is_ok=beat.is_well,
    )


def _check_usage(health: BillingHealth, now: datetime) -> Check:
    is_in_time = _is_within(health.usage, timedelta(seconds=USAGE_WAIT_S_MAX), now)
    if health.refused_count:
        what_next = _(
            "The books refuse some of them: the log of the worker for money names each part and "
            "the reason. They are tried again every hour."
        )
    elif is_in_time:
        what_next = _("The next sweep settles them.")
    else:
        what_next = _("Settlement does not keep up: look at the worker for money, or add one.")
    return Check(
        key="usage",
        label=_("Usage waiting for settlement"),
        value=_with_age(health.usage, now),
        limit=duration(USAGE_WAIT_S_MAX),
        text=ngettext("%(n)s record.", "%(n)s records.", health.record_count)
        % {"n": number(health.record_count)}
        + f" {what_next}",
        is_ok=is_in_time and not health.refused_count,
    )


def _check_metering(metering: Metering, now: datetime) -> Iterator[Check]:
    url = reverse("billing:operations_metering")
    texts = {
        MeteringState.HEARD: _("Usage comes in."),
        MeteringState.NO_USE: _("Nothing is booked now, so nothing has to come."),
        MeteringState.NEVER: _("No usage was ever reported, and nothing is booked now."),
        MeteringState.SILENT: _(
            "Bookings run and no usage comes: metering is down. Call the scheduler's operator; "
            "late records are accepted for 90 days."
        ),
    }
    yield Check(
        key="metering",
        label=_("Metering"),
        value=since(metering.last_batch_at, now),
        limit=duration(METERING_SILENT_S),
        text=texts[metering.state],
        is_ok=metering.state != MeteringState.SILENT,
        url=url,
    )
    yield Check(
        key="gaps",
        label=_("Records that never came"),
        value=number(metering.missing_count),
        limit=number(0),
        text=ngettext(
            "%(n)s vehicle has a hole in its sequence. The scheduler sends them again when asked.",
            "%(n)s vehicles have holes in their sequences. The scheduler sends them again when "
            "asked.",
            metering.gap_count,
        )
        % {"n": number(metering.gap_count)}
        if metering.gap_count
        else _("Every sequence is whole."),
        is_ok=metering.gap_count == 0,
        url=url,
    )


def _check_quarantine(waiting: Waiting, now: datetime) -> Check:
    return Check(
        key="quarantine",
        label=_("Quarantine"),
        value=_with_age(waiting, now),
        limit=duration(QUARANTINE_AGE_H_MAX * 3600),
        text=_("Finance decides each one; nobody is paid for it until then.")
        if waiting.count
        else _("Nothing was set aside."),
        is_ok=_is_within(waiting, timedelta(hours=QUARANTINE_AGE_H_MAX), now),
    )


def _check_unknown(waiting: Waiting, now: datetime) -> Check:
    return Check(
        key="unknown",
        label=_("Payouts without an answer"),
        value=_with_age(waiting, now),
        limit=number(0),
        text=_("They are looked up at the provider by themselves; nothing is sent twice.")
        if waiting.count
        else _("The provider answered every one."),
        is_ok=waiting.count == 0,
    )


def _check_transit(waiting: Waiting, now: datetime) -> Check:
    is_ok = _is_within(waiting, timedelta(hours=TRANSIT_AGE_H_MAX), now)
    return Check(
        key="transit",
        label=_("Payouts on their way"),
        value=_with_age(waiting, now),
        limit=duration(TRANSIT_AGE_H_MAX * 3600),
        text=_("The provider's news settles them.")
        if is_ok
        else _("No news for too long: see whether webhooks arrive, then ask the provider."),
        is_ok=is_ok,
    )


def _check_books(check: LastCheck | None, now: datetime) -> Check:
    limit = timedelta(hours=LEDGER_CHECK_AGE_H_MAX)
    if check is None:
        text = _("Never checked. The worker for money does so every hour.")
    elif not check.is_clean:
        text = _("A rule did not hold. Finance sees which under Ledger.")
    elif now - check.finished_at > limit:
        text = _("Every rule held, but that is too long ago: run manage.py check_ledger.")
    else:
        text = _("Every rule held. The next check comes within an hour.")
    return Check(
        key="books",
        label=_("Last check of the books"),
        value=since(check.finished_at if check else None, now),
        limit=duration(limit),
        text=text,
        is_ok=check is not None and check.is_clean and now - check.finished_at <= limit,
    )


def _check_mail(dead_count: int) -> Check:
    return Check(
        key="mail",
        label=_("Messages given up"),
        value=number(dead_count),
        limit=number(0),
        text=_("Not sent after %(tries)s tries. Check the mail server, then try them again.")
        % {"tries": OUTBOX_ATTEMPTS_MAX}
        if dead_count
        else _("Every message went out, or is still being tried."),
        is_ok=dead_count == 0,
        url=reverse("portal:given_up"),
    )


def _check_news(waiting: Waiting, now: datetime) -> Check:
    return Check(
        key="news",
        label=_("News of the provider given up"),
        value=_with_age(waiting, now),
        limit=number(0),
        text=_("What they are about could not be read at the provider. Try them again.")
        if waiting.count
        else _("Everything the provider told was applied, or is still being tried."),
        is_ok=waiting.count == 0,
        url=reverse("portal:given_up"),
    )


def _with_age(waiting: Waiting, now: datetime) -> str:
    if waiting.oldest_at is None:
        return number(waiting.count)
    age = duration(max(now - waiting.oldest_at, timedelta()))
    return _("%(count)s, oldest %(age)s") % {"count": number(waiting.count), "age": age}


def _is_within(waiting: Waiting, limit: timedelta, now: datetime) -> bool:
    return waiting.oldest_at is None or now - waiting.oldest_at <= limit
