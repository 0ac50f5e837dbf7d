"""
The sweep: every kind of due work of this app, in the order in which it feeds the next.

Each step claims rows itself and returns how many it took, so several workers may sweep at
once and a lost or doubled message changes nothing.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from billing.operations.bookings import release_finished_bookings
from billing.operations.erasure import complete_erasures
from billing.operations.ledger_checks import check_ledger_hourly
from billing.operations.ledger_seals import seal_ledger
from billing.operations.outlooks import refresh_due_outlook
from billing.operations.payout_returns import confirm_transfers
from billing.operations.payout_runs import settle_runs
from billing.operations.payouts import execute_payouts, look_up_unknown
from billing.operations.provider_events import apply_events
from billing.operations.releases import release_due
from billing.operations.settle import settle_pending
from billing.operations.top_ups import refresh_top_ups


logger = logging.getLogger(__name__)

# One step may work this long before the others have their turn.
STEP_BUDGET_S = 20.0

Step = Callable[..., int]
STEPS: tuple[Step, ...] = (
    apply_events,
    refresh_top_ups,
    settle_pending,
    release_due,
    release_finished_bookings,
    execute_payouts,
    look_up_unknown,
    confirm_transfers,
    settle_runs,
    complete_erasures,
    seal_ledger,
    check_ledger_hourly,
    refresh_due_outlook,
)


def sweep() -> None:
    """
    Do what is due. A step that fails is logged and does not keep the others from theirs.
    """
    for step in STEPS:
        try:
            run_step(step, budget_s=STEP_BUDGET_S)
        except Exception:
            logger.exception("step %s of the billing sweep failed", step.__name__)


def run_step(step: Step, *, budget_s: float, now: datetime | None = None) -> int:
    """
    Repeat a step until it finds nothing or its time is up; return how much it did.
    """
    until_s, done = time.monotonic() + budget_s, 0
    while took := step(now=now or timezone.now()):
        done += took
        if time.monotonic() >= until_s:
            break
    return done
