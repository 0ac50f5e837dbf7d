"""
What a scheduler was told around a moment, what ran, and whether the two fit the checks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from django.utils.translation import gettext as _

from billing.queries.readings import Line
from consent.queries.moments import (
    Answer,
    Permit,
    Source,
    choose_answer,
    is_asked_just_now,
)
from consent.queries.phrases import phrase_reason
from consent.queries.words import CATEGORIES
from consent.rules import ReasonCode, reasons_from_mask
from consent.rules.leases import has_budget
from portal.moments.checks import write_clock
from portal.moments.judged import Judged, Verdict
from web.charts import Tone
from web.components import TimelineEntry
from web.templatetags.parado import full_datetime, local_datetime, local_time


JOB_SHOWN = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    One sentence on what was told and what ran; tone "stop": they do not fit.
    """

    text: str
    tone: Tone
    is_breach: bool = False


def compare(judged: Judged, *, zone: str) -> Comparison:
    """
    Return whether what the scheduler was told and what ran differ from each other.
    """
    answer = _find_answer(judged)
    comparison = _compare(judged, answer, zone=zone)
    if answer is None or not answer.is_asked_later or judged.moment.is_now:
        return comparison
    text = _("It asked only afterwards, on %(time)s.") % {
        "time": local_datetime(answer.asked_at, zone)
    }
    return replace(comparison, text=f"{comparison.text} {text}")


def _compare(judged: Judged, answer: Answer | None, *, zone: str) -> Comparison:
    line = judged.line
    if line is not None and line.refusals:
        reasons = _join(reasons_from_mask(line.refusals))
        texts = [
            _("A job ran against your rules: %(reasons)s. This is a breach.")
            % {"reasons": reasons},
            _describe_interval(judged, line, zone),
            _tell(answer, zone),
        ]
        return Comparison(text=" ".join(filter(None, texts)), tone="stop", is_breach=True)
    if line is not None:
        return _compare_work(judged, answer, zone)
    if judged.moment.is_now:
        return _compare_present(judged, answer, zone)
    if answer is None:
        return Comparison(text=_("The scheduler asked nothing, and nothing ran."), tone="idle")
    if answer.permit:
        text = _("The scheduler was told yes at %(time)s, and no work was metered at this moment.")
        return Comparison(text=text % {"time": write_clock(answer.decided_for, zone)}, tone="idle")
    return Comparison(
        text=_("The scheduler was told no and did not run: %(reasons)s.")
        % {"reasons": _join(answer.reasons)},
        tone="brand",
    )


def _describe_interval(judged: Judged, line: Line, zone: str) -> str:
    """
    Return that a whole interval was checked, where some of its moments were within the rules.
    """
    if set(reasons_from_mask(line.refusals)) <= set(judged.decision.codes):
        return ""
    return _("The meter's interval is checked as a whole, from %(first)s to %(last)s.") % {
        "first": local_time(line.starts_at, zone),
        "last": local_time(line.ends_at, zone),
    }


def _find_answer(judged: Judged) -> Answer | None:
    """
    Return the answer to the job that ran, else the last one to any.
    """
    moment, line = judged.moment, judged.line
    last = moment.last_answer
    if last is None or line is None:
        return last
    of_job = (each for each in moment.answers if each.job_id == line.job_id)
    return choose_answer([each for each in of_job if each.decided_for <= moment.at]) or last


def _compare_work(judged: Judged, answer: Answer | None, zone: str) -> Comparison:
    if judged.reasons:
        # Levels to recover to, and words of the car, bind who asks before a job runs.
        text = _(
            "A job ran while the checks said no: %(reasons)s. Metered work is not checked for "
            "that, so it is no breach."
        ) % {"reasons": _join(tuple(each.code for each in judged.reasons if each.code))}
        return Comparison(text=f"{text} {_tell(answer, zone)}", tone="cost")
    if answer is None:
        text = _("A job ran within your rules. No question about it is on record just before.")
        return Comparison(text=text, tone="earn")
    if answer.permit:
        text = _("The scheduler was told yes at %(time)s, and a job ran within your rules.")
        return Comparison(text=text % {"time": write_clock(answer.decided_for, zone)}, tone="earn")
    text = _(
        "The scheduler was told no at %(time)s (%(reasons)s), and a job ran all the same. By its "
        "meter it was within your rules, so nothing was owed for it."
    )
    return Comparison(
        text=text
        % {"time": write_clock(answer.decided_for, zone), "reasons": _join(answer.reasons)},
        tone="cost",
    )


def _compare_present(judged: Judged, answer: Answer | None, zone: str) -> Comparison:
    if judged.moment.permits:
        return Comparison(text=_("A job holds a permit at this moment."), tone="earn")
    if answer is None:
        return Comparison(text=_("No scheduler asked in the last quarter-hour."), tone="idle")
    clock = write_clock(answer.decided_for, zone)
    if answer.permit:
        text = _("The scheduler was last told yes, at %(time)s.") % {"time": clock}
        return Comparison(text=text, tone="brand")
    text = _("The scheduler was last told no, at %(time)s: %(reasons)s.")
    reasons = _join(answer.reasons)
    return Comparison(text=text % {"time": clock, "reasons": reasons}, tone="brand")


def _tell(answer: Answer | None, zone: str) -> str:
    if answer is None:
        return _("No question about it is on record just before.")
    clock = write_clock(answer.decided_for, zone)
    if answer.permit:
        return _("The scheduler had been told yes at %(time)s.") % {"time": clock}
    return _("The scheduler had been told no at %(time)s: %(reasons)s.") % {
        "time": clock,
        "reasons": _join(answer.reasons),
    }


def find_difference(judged: Judged) -> str:
    """
    Return how the answer given at this very moment differs from the checks; "": it does not.
    """
    answer = judged.moment.last_answer
    if answer is None or not is_asked_just_now(answer, judged.moment.at):
        return ""
    told, found = set(answer.reasons), set(judged.decision.codes)
    if judged.verdict is Verdict.UNKNOWN or told == found:
        return ""
    more, less = tuple(told - found), tuple(found - told)
    parts = []
    if more:
        parts.append(_("it was also told: %(reasons)s") % {"reasons": _join(more)})
    if less:
        parts.append(_("it was not told: %(reasons)s") % {"reasons": _join(less)})
    return _("That answer differs from the checks: %(parts)s.") % {"parts": "; ".join(parts)}


def _join(reasons: Sequence[ReasonCode]) -> str:
    return ", ".join(phrase_reason(code) for code in reasons)


# ------------------------------------------------------------------ the lists
def list_answers(judged: Judged, *, zone: str) -> tuple[TimelineEntry, ...]:
    """
    Return what was asked around the moment and what ran on a permit, newest first.
    """
    groups = groupby(judged.moment.answers, key=_find_sameness)
    return (
        *(_describe_permit(permit, zone) for permit in judged.moment.permits),
        *(_describe_answers(tuple(group), zone) for _key, group in groups),
    )


def _find_sameness(answer: Answer) -> tuple[object, ...]:
    """
    Return what a renewal says again, so that it need not be read again.
    """
    return (
        answer.job_id,
        answer.category,
        answer.permit,
        answer.reasons,
        answer.graced,
        answer.number,
        answer.is_asked_later,
    )


def _describe_answers(answers: Sequence[Answer], zone: str) -> TimelineEntry:
    """
    Return answers that say the same as one entry; they are newest first.
    """
    answer, first = answers[0], answers[-1]
    parts = [_shorten(answer.job_id)]
    if answer.category is not None:
        parts.append(str(CATEGORIES[answer.category]))
    if answer.reasons:
        parts.append(_join(answer.reasons))
    if answer.graced:
        parts.append(_("let go on in spite of: %(reasons)s") % {"reasons": _join(answer.graced)})
    if answer.number is not None:
        parts.append(_("by version %(number)s") % {"number": answer.number})
    if answer.is_asked_later:
        parts.append(_("asked later, %(time)s") % {"time": local_datetime(answer.asked_at, zone)})
    clock = write_clock(answer.decided_for, zone)
    if first is not answer:
        clock = f"{write_clock(first.decided_for, zone)} \N{EN DASH} {clock}"
    word = _("yes") if answer.permit else _("no")
    return TimelineEntry(
        label=f"{clock} {word}",
        note=", ".join(part for part in parts if part),
        tone="earn" if answer.permit else "stop",
    )


def _describe_permit(permit: Permit, zone: str) -> TimelineEntry:
    text = _("%(job)s, from %(from)s to %(to)s") % {
        "job": _shorten(permit.job_id),
        "from": local_time(permit.starts_at, zone),
        "to": local_time(permit.ends_at, zone),
    }
    if permit.graced:
        label = _("Let go on in spite of: %(reasons)s") % {"reasons": _join(permit.graced)}
        return TimelineEntry(label=label, note=text, tone="cost")
    return TimelineEntry(label=_("Held a permit"), note=text, tone="earn")


def _shorten(job_id: str) -> str:
    if not job_id:
        return ""
    name = job_id if len(job_id) <= JOB_SHOWN else f"{job_id[: JOB_SHOWN - 1]}…"
    return _("job %(name)s") % {"name": name}


# ------------------------------------------------------------------ what is not known
def list_gaps(judged: Judged, *, zone: str) -> Iterator[str]:
    """
    Yield what the evidence of the moment leaves open, and why.
    """
    moment, heard = judged.moment, judged.heard
    if judged.unknown and heard.source is Source.NOTHING:
        yield _describe_silence(judged, zone)
    elif judged.unknown:
        yield _(
            "The car last said something new at %(time)s. Had it said the same again within that "
            "quarter-hour, we would not have kept it, so nobody knows if it was still heard."
        ) % {"time": local_time(heard.state.observed_at, zone)}
    if heard.told_at is not None:
        yield _("What the car said of this moment reached us only at %(time)s.") % {
            "time": full_datetime(heard.told_at, zone)
        }
    rules = moment.standing.rules
    is_exact = moment.is_now or is_asked_just_now(moment.last_answer, moment.at)
    had_permit = any(each.permit and each.decided_for <= moment.at for each in moment.answers)
    if rules is not None and has_budget(rules) and had_permit and not is_exact:
        yield _(
            "What running jobs had reserved is known only where a question was asked within the "
            "minute before. The use shown is what was metered by then."
        )


def _describe_silence(judged: Judged, zone: str) -> str:
    first = judged.moment.first_heard_at
    if first is None:
        return _("Nothing that the car said is kept, so what only it can tell is not known.")
    return _(
        "What this car says is kept since %(time)s. What only it can tell is not known of before."
    ) % {"time": full_datetime(first, zone)}
