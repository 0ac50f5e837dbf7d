"""
The end of the main job: wait for the sweep, then Fiona prepares and Felix approves.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from billing.operations import payout_runs
from billing.operations.bookings import release_finished_bookings
from billing.operations.provider_events import APPLY_LEASE
from billing.queries import overview
from billing.queries.overview import Backlog, LatestRun
from portal.demo import people
from portal.demo.money import CURRENCY
from portal.demo.world import Progress


LOOK_EVERY_S = 0.25
TELL_EVERY_S = 5.0
# Longer than any lease: what a killed worker held comes back within this time.
STUCK_AFTER_S = 240.0
TRIES = 5
# A living worker applies a webhook faster than this.
APPLIED_WITHIN = timedelta(seconds=20)


class Stuck(Exception):
    """
    What should be settled or paid does not move; the message says what is left.
    """


def finish(*, progress: Progress) -> None:
    """
    Bring the main job to its end, from wherever an earlier run left it.

    :raises Stuck: the worker does nothing.
    """
    wait(lambda backlog: backlog.is_settled, progress=progress)
    while release_finished_bookings(now=timezone.now(), grace=timedelta()):
        pass
    run = overview.find_latest_run()
    if run is None or run.state in {"calculated", "submitted"}:
        pay(run, progress=progress)
    wait(lambda backlog: not backlog.open_payouts, progress=progress)


def wait(is_done: Callable[[Backlog], bool], *, progress: Progress) -> None:
    """
    Return once it is done; tell from time to time what is left.

    :raises Stuck: nothing changed for STUCK_AFTER_S.
    """
    before, told = None, None
    moved_at = told_at = time.monotonic()
    while True:
        now = timezone.now()
        backlog = overview.get_backlog(now=now, dead_before=now + APPLY_LEASE - APPLIED_WITHIN)
        if is_done(backlog):
            return
        if backlog != before:
            before, moved_at = backlog, time.monotonic()
        if time.monotonic() - moved_at > STUCK_AFTER_S:
            raise Stuck(repr(backlog))
        if time.monotonic() - told_at > TELL_EVERY_S and backlog != told:
            told, told_at = backlog, time.monotonic()
            progress(describe(backlog))
        time.sleep(LOOK_EVERY_S)


def describe(backlog: Backlog) -> str:
    return (
        f"left: {backlog.unsettled_parts} parts to settle, {backlog.unreleased_days} days to "
        f"release, {backlog.waiting_events} webhooks to apply, {backlog.open_payouts} payouts open"
    )


def pay(run: LatestRun | None, *, progress: Progress) -> None:
    """
    Let Fiona prepare a run and Felix approve it; an unfinished one is taken up again.

    Accounts may change between the two, and then Felix must not approve: the run is worked
    out anew, as Fiona would.
    """
    fiona = people.get_person(people.FIONA)
    felix = people.get_person(people.FELIX)
    for _ in range(TRIES):
        if run is None:
            payout_runs.calculate_run(actor_id=fiona, currency=CURRENCY, now=timezone.now())
            run = overview.find_latest_run()
        assert run is not None, "it was calculated above"
        try:
            if run.state == "calculated":
                payout_runs.submit_run(run_id=run.id, actor_id=fiona, now=timezone.now())
            payout_runs.approve_run(
                run_id=run.id, actor_id=felix, checksum=run.checksum, now=timezone.now()
            )
        except payout_runs.NothingToPay:
            progress(f"payout run {run.number}: nobody can be paid yet")
            return
        except payout_runs.RunChanged:
            payout_runs.cancel_run(run_id=run.id, actor_id=fiona, now=timezone.now())
            run = None
        else:
            progress(f"payout run {run.number}: prepared by Fiona, approved by Felix")
            return
