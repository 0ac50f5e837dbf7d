"""
The summary that `manage.py up` prints when the main job is done.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from billing.queries import overview
from billing.queries.overview import PayoutGroup
from portal.demo.money import CURRENCY


MICROS = 1_000_000
WIDTH = 30
SENT_STATES = {"in_transit", "paid"}
NAMES = {
    "accepted": "accepted",
    "outside_consent": "outside the owner's consent",
    "outside_booking": "outside a booking",
    "over_booking": "over the booking",
    "superseded": "corrected by a later record",
}


@dataclass(frozen=True, slots=True)
class TieOut:
    """
    Whether usage = ledger = Stripe, the difference in micros, and what is broken.
    """

    difference_micros: int
    broken: tuple[str, ...]
    is_stripe_compared: bool

    @property
    def is_clean(self) -> bool:
        return not self.difference_micros and not self.broken


def read_tie_out(lines: list[dict[str, Any]]) -> TieOut:
    """
    Return what the check of the books found.

    Where the books hold nothing at Stripe there is nothing to compare, and an answer that did
    not come is no break.
    """
    unanswered = [line for line in lines if line["name"] == "ledger_is_provider" and line["note"]]
    counted = [line for line in lines if line not in unanswered or line["expected_micros"]]
    # Without an answer there is no figure to compare with, and so no difference in one.
    compared = [line for line in lines if line not in unanswered]
    return TieOut(
        difference_micros=sum(abs(line["difference_micros"]) for line in compared),
        broken=tuple(line["title"] for line in counted if not line["is_ok"]),
        is_stripe_compared=not unanswered,
    )


def show_money(micros: int) -> str:
    sign, whole = "-" if micros < 0 else "", abs(micros)
    return f"{sign}€ {whole // MICROS:,}.{whole % MICROS:06d}"


def show_row(name: str, *parts: str) -> str:
    return f"  {name:<{WIDTH}}" + "".join(f"{part:>18}" for part in parts)


def describe(*, replay: Path, tie_out: TieOut) -> Iterator[str]:
    """
    Yield the lines of the summary.
    """
    yield ""
    yield "MAIN JOB"
    if replay.exists():
        yield from describe_replay(json.loads(replay.read_text(encoding="utf-8")))
    yield from describe_usage()
    yield from describe_earned()
    yield from describe_payouts()
    yield from describe_tie_out(tie_out)


def describe_replay(replay: dict[str, Any]) -> Iterator[str]:
    sessions = replay["sessions"]
    yield f"Sessions replayed, {replay['replay']['from']} to {replay['replay']['until']}"
    yield show_row("read", f"{sessions['read']:,}")
    yield show_row("used", f"{sessions['used']:,}")
    for reason, count in sessions["left_out"].items():
        yield show_row(f"left out: {reason.replace('_', ' ')}", f"{count:,}")
    asked = replay["decisions"]
    yield "Decisions"
    yield show_row("asked", f"{asked['asked']:,}")
    yield show_row("permitted", f"{asked['permitted']:,}")


def describe_usage() -> Iterator[str]:
    usage = overview.get_usage()
    yield "Usage records"
    yield show_row("sent", f"{usage.event_count:,}")
    yield show_row("accepted", f"{usage.accepted_count:,}")
    yield show_row("duplicate", f"{usage.duplicate_count:,}")
    yield show_row("quarantined on arrival", f"{usage.quarantined_count:,}")
    yield "Outcomes"
    for row in overview.list_outcomes():
        kind, _, code = row.outcome.partition(":")
        name = f"quarantined: {code.replace('_', ' ')}" if code else NAMES[kind]
        energy = f"{row.energy_wh / 1000:,.3f} kWh" if row.energy_wh else ""
        yield show_row(name, f"{row.record_count:,}", energy)


def describe_earned() -> Iterator[str]:
    earned = overview.get_earned(currency=CURRENCY)
    parts = {
        "electricity": earned.electricity_micros,
        "wear": earned.wear_micros,
        "reward": earned.reward_micros,
        "jobs": earned.job_micros,
        "compensation": earned.compensation_micros,
    }
    yield f"Earned by owners for {earned.energy_wh / 1000:,.3f} kWh"
    for name, micros in parts.items():
        yield show_row(name, show_money(micros))
    yield show_row("all of it", show_money(sum(parts.values())))
    yield "Buyers and platform"
    yield show_row("charged to buyers", show_money(earned.charged_micros))
    yield show_row("fee", show_money(earned.fee_micros))


def describe_payouts() -> Iterator[str]:
    groups = overview.list_payout_groups()
    sent = [group for group in groups if group.state in SENT_STATES]
    below = [group for group in groups if group.block_reason == "below_minimum"]
    held = [group for group in groups if group.block_reason not in {"", "below_minimum"}]
    failed = [group for group in groups if group.state == "failed"]
    yield "Payouts"
    yield show_row("sent", *count(sent, carried=False))
    for group in held:
        reason = group.block_reason.replace("_", " ")
        yield show_row(f"held: {reason}", *count([group], carried=True))
    yield show_row("below the minimum", *count(below, carried=True))
    if failed:
        yield show_row("failed, back to the balance", *count(failed, carried=False))


def count(groups: list[PayoutGroup], *, carried: bool) -> tuple[str, str]:
    micros = sum(group.carried_micros if carried else group.amount_micros for group in groups)
    return f"{sum(group.payout_count for group in groups):,}", show_money(micros)


def describe_tie_out(tie_out: TieOut) -> Iterator[str]:
    compared = "usage = ledger = Stripe" if tie_out.is_stripe_compared else "usage = ledger"
    yield "Tie-out"
    yield show_row(compared, f"difference {show_money(tie_out.difference_micros)}")
    if not tie_out.is_stripe_compared:
        yield show_row("Stripe", "no answer")
    for title in tie_out.broken:
        yield f"  BROKEN: {title}"
    yield f"  {'The books tie out.' if tie_out.is_clean else 'THE BOOKS DO NOT TIE OUT.'}"
    yield ""
