"""
What waits for somebody in finance, one line each, with where it is decided.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.permissions import PersonRequest
from billing.queries.health import BillingHealth
from billing.queries.metering import Metering, MeteringState
from billing.queries.payouts import Queue, RunCard
from billing.queries.reports import LastCheck
from web.components import TaskRow
from web.limits import METERING_SILENT_S
from web.templatetags.parado import duration, local_datetime, money, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """
    Everything that can wait for finance: runs, the last check, the meters, what is set aside.
    """

    queue: Queue
    check: LastCheck | None
    metering: Metering
    health: BillingHealth


def make_tasks(
    waiting: Waiting, *, request: PersonRequest, can_prepare: bool
) -> tuple[TaskRow, ...]:
    """
    Return what waits for somebody; what this person may do themselves has a button.
    """
    return (
        *_list_runs(waiting.queue, request=request, can_prepare=can_prepare),
        *_check_books(waiting.check),
        *_list_set_aside(waiting.health, zone=request.user.time_zone),
        *_check_metering(waiting.metering),
    )


def url_of(run: RunCard) -> str:
    return reverse("billing:payout_run", args=[run.public_id])


def _list_runs(queue: Queue, *, request: PersonRequest, can_prepare: bool) -> Iterator[TaskRow]:
    for run in queue.submitted:
        yield _ask_for_approval(run, request=request, can_prepare=can_prepare)
    for run in queue.drafts:
        yield TaskRow(
            label=_("Payout run %(number)s is not submitted yet") % {"number": run.number},
            note=_describe(run),
            url=url_of(run),
            action=_("Open"),
        )
    if queue.unknown_count:
        yield TaskRow(
            label=ngettext(
                "%(n)s payout has no answer from the provider",
                "%(n)s payouts have no answer from the provider",
                queue.unknown_count,
            )
            % {"n": number(queue.unknown_count)},
            note=_("They are looked up by themselves; nothing is sent twice."),
        )
    if queue.held_count:
        yield TaskRow(
            label=ngettext(
                "%(n)s owner is held back", "%(n)s owners are held back", queue.held_count
            )
            % {"n": number(queue.held_count)},
            note=_("No run pays them until somebody lifts the hold."),
            url=reverse("billing:payout_holds"),
            action=_("Open"),
        )


def _ask_for_approval(run: RunCard, *, request: PersonRequest, can_prepare: bool) -> TaskRow:
    is_mine = request.user.pk in {run.calculated_by_id, run.submitted_by_id}
    return TaskRow(
        label=_("Payout run %(number)s waits for a second person") % {"number": run.number},
        note=_describe(run),
        url=url_of(run),
        action=_("Open") if is_mine or can_prepare else _("Look and approve"),
    )


def _describe(run: RunCard) -> str:
    text = ngettext(
        "%(amount)s to %(count)s owner, prepared by %(name)s",
        "%(amount)s to %(count)s owners, prepared by %(name)s",
        run.payout_count,
    )
    return text % {
        "amount": money(run.amount_micros, run.currency),
        "count": number(run.payout_count),
        "name": run.calculated_by,
    }


def _check_books(check: LastCheck | None) -> Iterator[TaskRow]:
    if check is not None and not check.is_clean:
        yield TaskRow(
            label=_("The books do not tie out"),
            note=_("The last check found a difference."),
            url=reverse("billing:ledger"),
            action=_("See the check"),
        )


def _list_set_aside(health: BillingHealth, *, zone: str) -> Iterator[TaskRow]:
    set_aside, given_up = health.quarantine, health.dead_events
    if health.refused_count:
        yield TaskRow(
            label=ngettext(
                "%(n)s usage record cannot be settled",
                "%(n)s usage records cannot be settled",
                health.refused_count,
            )
            % {"n": number(health.refused_count)},
            note=_(
                "The books refuse this usage as it is: nobody is paid or charged for it. It is "
                "tried again every hour; operators find the cause in the log of the worker."
            ),
        )
    if set_aside.count:
        yield TaskRow(
            label=ngettext(
                "%(n)s record waits in quarantine",
                "%(n)s records wait in quarantine",
                set_aside.count,
            )
            % {"n": number(set_aside.count)},
            note=_("Nobody is paid or charged before a person decides; since %(time)s.")
            % {"time": local_datetime(set_aside.oldest_at, zone)},
            url=reverse("billing:quarantine"),
            action=_("Look and decide"),
        )
    if given_up.count:
        yield TaskRow(
            label=ngettext(
                "%(n)s message of the provider was given up",
                "%(n)s messages of the provider were given up",
                given_up.count,
            )
            % {"n": number(given_up.count)},
            note=_("What it told is not in the books. Operators can have it tried again."),
        )


def _check_metering(metering: Metering) -> Iterator[TaskRow]:
    url = reverse("billing:metering")
    if metering.state == MeteringState.SILENT:
        yield TaskRow(
            label=_("Metering is down"),
            note=ngettext(
                "%(n)s booking runs, and no usage came for more than %(time)s.",
                "%(n)s bookings run, and no usage came for more than %(time)s.",
                metering.running_bookings,
            )
            % {"n": number(metering.running_bookings), "time": duration(METERING_SILENT_S)},
            url=url,
            action=_("Look"),
        )
    if metering.missing_count:
        yield TaskRow(
            label=ngettext(
                "%(n)s usage record never came",
                "%(n)s usage records never came",
                metering.missing_count,
            )
            % {"n": number(metering.missing_count)},
            note=ngettext(
                "%(n)s vehicle has a hole in its sequence. Nobody was paid or charged for it.",
                "%(n)s vehicles have holes in their sequences. Nobody was paid or charged for "
                "them.",
                metering.gap_count,
            )
            % {"n": number(metering.gap_count)},
            url=url,
            action=_("Look"),
        )
