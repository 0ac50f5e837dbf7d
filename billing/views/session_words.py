"""
What a session and its lines say in words: why it ended, where its money is, what was checked.
"""

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from billing.models import LineKind, Outcome
from billing.queries.readings import Line
from billing.queries.sessions import MoneyState, Session
from consent.queries import Question, Telemetry, evaluate
from consent.queries.phrases import phrase_reason
from consent.rules import ReasonCode, WorkloadCategory, reasons_from_mask
from web.charts import Tone
from web.components import Tag
from web.templatetags.parado import short_date


MONEY_TONES: dict[MoneyState, Tone] = {
    MoneyState.PENDING: "cost",
    MoneyState.AVAILABLE: "brand",
    MoneyState.PAID: "earn",
}


def make_money_tag(session: Session) -> Tag:
    """
    Return where a session's money is.
    """
    labels = {
        MoneyState.PENDING: _("Clearing"),
        MoneyState.AVAILABLE: _("Available"),
        MoneyState.PAID: _("Paid"),
    }
    return Tag(label=labels[session.money_state], tone=MONEY_TONES[session.money_state])


def write_money_note(session: Session, zone: str) -> str:
    if session.money_state is MoneyState.PENDING:
        if session.due_at is None:
            return ""
        return _("clears %(day)s") % {"day": short_date(session.due_at, zone)}
    if session.money_state is MoneyState.AVAILABLE:
        return _("in next payout")
    return _("payout %(day)s") % {"day": short_date(session.paid_at, zone)}


def describe_end(*, sessions: tuple[Session, ...]) -> tuple[str, ...]:
    """
    Return why each session ended: what the deciding function says of the moment after its
    last reading. Two SQL queries, however many sessions.
    """
    categories = {category.bit: category for category in WorkloadCategory}
    questions = [
        Question(
            vehicle_id=session.vehicle_id,
            category=categories.get(session.category_bit, WorkloadCategory.OTHER),
            telemetry=Telemetry(
                observed_at=session.ends_at,
                state_of_charge_permille=session.last_charge_permille,
                plugged_in=session.plugged_in,
                is_home=session.is_home,
                is_moving=False,
                battery_temp_decic=session.last_temp_decic,
            ),
            at=session.ends_at,
        )
        for session in sessions
    ]
    if not questions:
        return ()
    decisions = evaluate(questions=questions, now=sessions[0].ends_at)
    return tuple(
        _write_end(decision.codes[0])
        if decision is not None and decision.codes
        else _("No more work, or unplugged")
        for decision in decisions
    )


def _write_end(code: ReasonCode) -> str:
    if code is ReasonCode.OUTSIDE_HOURS:
        return _("End of your hours")
    return capfirst(phrase_reason(code))


def make_line_tag(line: Line) -> Tag:
    """
    Return what the check of one line came to, every refusal named.
    """
    if line.kind == LineKind.REVERSAL:
        return Tag(label=_("Taken back: corrected"), tone="idle")
    if line.outcome == Outcome.SUPERSEDED or line.is_superseded:
        return Tag(label=_("Corrected by a later reading"), tone="idle")
    if line.outcome == Outcome.OUTSIDE_CONSENT:
        reasons = ", ".join(phrase_reason(code) for code in reasons_from_mask(line.refusals))
        return Tag(label=_("Outside your rules: %(reasons)s") % {"reasons": reasons}, tone="stop")
    return Tag(label=_("Inside your rules"), tone="earn")
