"""
Every check of a moment in words: what was found, what the owner's limit was, where it is from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from consent.queries.moments import Source
from consent.queries.phrases import phrase_reason
from consent.queries.words import CATEGORIES, GATE_LABELS, REASON_FIELDS
from consent.rules import Finding, Gate, Hours, ReasonCode
from portal.moments.judged import GATES_OF_CAR, Judged, WorkSource
from portal.sign_text import FIGURES
from web.templatetags.parado import (
    NOTHING,
    duration,
    in_zone,
    local_datetime,
    local_time,
    since,
)


State = Literal["ok", "no", "unknown", "unset"]
Text = str | Promise

# The figures of a refusal in the middle of a sentence; the others are phrases.
FIGURED: dict[ReasonCode, Text] = {
    ReasonCode.BATTERY_LOW: gettext_lazy("battery %(value)s, floor %(limit)s"),
    ReasonCode.BATTERY_RECOVERING: gettext_lazy("battery %(value)s, filling up to %(limit)s"),
    ReasonCode.READY_BY: gettext_lazy("battery %(value)s, %(limit)s needed to be ready in time"),
    ReasonCode.TOO_HOT: gettext_lazy("battery at %(value)s, at most %(limit)s allowed"),
    ReasonCode.TOO_COLD: gettext_lazy("battery at %(value)s, at least %(limit)s asked for"),
    ReasonCode.COOLING_DOWN: gettext_lazy("battery at %(value)s, cooling down to %(limit)s"),
    ReasonCode.WARMING_UP: gettext_lazy("battery at %(value)s, warming up to %(limit)s"),
    ReasonCode.DAY_ENERGY_SPENT: gettext_lazy("%(value)s used of %(limit)s for the day"),
    ReasonCode.MONTH_ENERGY_SPENT: gettext_lazy("%(value)s used of %(limit)s for the month"),
    ReasonCode.DAY_COMPUTE_SPENT: gettext_lazy("%(value)s worked of %(limit)s for the day"),
    ReasonCode.MONTH_COMPUTE_SPENT: gettext_lazy("%(value)s worked of %(limit)s for the month"),
    ReasonCode.MONTH_DATA_SPENT: gettext_lazy("%(value)s moved of %(limit)s for the month"),
    ReasonCode.POWER_EXCEEDED: gettext_lazy("%(value)s drawn, %(limit)s allowed"),
    ReasonCode.QUIET_EXCEEDED: gettext_lazy("%(value)s drawn, %(limit)s allowed in quiet hours"),
    ReasonCode.REWARD_TOO_LOW: gettext_lazy("%(value)s an hour paid, %(limit)s asked for"),
}
AT_MOST, AT_LEAST = gettext_lazy("at most %(limit)s"), gettext_lazy("at least %(limit)s")
LIMITS: dict[Gate, Text] = {
    Gate.TELEMETRY: AT_MOST,
    Gate.BATTERY: AT_LEAST,
    Gate.READY: AT_LEAST,
    Gate.HEAT: AT_MOST,
    Gate.COLD: AT_LEAST,
    Gate.REWARD: AT_LEAST,
}
# What a rule asks for that has no figure.
ASKED: dict[Gate, Text] = {
    Gate.DRIVING: gettext_lazy("only parked"),
    Gate.PLUG: gettext_lazy("only plugged in"),
    Gate.HOME: gettext_lazy("only at home"),
}
YES_NO: dict[Gate, tuple[Text, Text]] = {
    Gate.DRIVING: (gettext_lazy("moving"), gettext_lazy("parked")),
    Gate.PLUG: (gettext_lazy("yes"), gettext_lazy("no")),
    Gate.HOME: (gettext_lazy("yes"), gettext_lazy("no")),
}
GATES_OF_TIME = frozenset({Gate.DAY_COMPUTE, Gate.MONTH_COMPUTE})
GATES_OF_WORK = frozenset({Gate.WORKLOAD, Gate.BUYER, Gate.REWARD})
STATE_WORDS: dict[State, Text] = {
    "ok": gettext_lazy("Met"),
    "no": gettext_lazy("Not met"),
    "unknown": gettext_lazy("Not known"),
    "unset": gettext_lazy("Nothing to check"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """
    One check: what was found, its limit, and a line on where that is from or until when.
    """

    state: State
    label: Text
    found: str
    limit: str
    note: str
    url: str

    @property
    def word(self) -> Text:
        return STATE_WORDS[self.state]


def list_checks(judged: Judged, *, zone: str, rules_url: str) -> tuple[CheckView, ...]:
    """
    Return every check in the order in which it is made; refusals lead to their rule.
    """
    writers = (CheckWriter(judged, finding, zone) for finding in judged.decision.findings)
    return tuple(
        CheckView(
            state=find_state(judged, writer.finding),
            label=GATE_LABELS[writer.finding.gate],
            found=_FOUND.get(writer.finding.gate, CheckWriter.write_found)(writer),
            limit=_LIMITS.get(writer.finding.gate, CheckWriter.write_limit)(writer),
            note=writer.write_note(),
            url=_link(writer.finding, rules_url),
        )
        for writer in writers
    )


def describe_readings(judged: Judged, *, zone: str) -> str:
    """
    Return where the readings are from and how old they were; "" where there are none.
    """
    heard, line, at = judged.heard, judged.line, judged.moment.at
    if heard.source is Source.METER and line is not None:
        return _("The readings are those of the meter, for %(first)s to %(last)s.") % {
            "first": local_time(line.starts_at, zone),
            "last": local_time(line.ends_at, zone),
        }
    observed_at = heard.state.observed_at
    if observed_at is None:
        return ""
    words = {"time": write_clock(observed_at, zone), "age": duration_before(observed_at, at)}
    if heard.source is Source.QUESTION:
        text = _(
            "The readings are those of %(time)s, %(age)s before, as they came with a question."
        )
        return text % words
    return _("The readings are those of %(time)s, %(age)s before, as the car said.") % words


def duration_before(observed_at: datetime, at: datetime) -> str:
    return duration(max(0.0, (at - observed_at).total_seconds()))


def write_clock(at: datetime, zone: str) -> str:
    """
    Return a clock's time to the second.
    """
    return f"{local_time(at, zone)}:{at:%S}"


def find_state(judged: Judged, finding: Finding) -> State:
    if finding.gate in judged.unknown:
        return "unknown"
    if finding.code is not None:
        return "no"
    if finding.gate in {Gate.CONSENT, Gate.PAUSE, Gate.HOURS, Gate.DRIVING}:
        return "ok"
    if finding.gate in GATES_OF_WORK and judged.work is WorkSource.WANTED:
        return "unset"
    return "unset" if finding.limit is None else "ok"


def phrase_refusal(finding: Finding) -> str:
    """
    Return one refusal with its figures, as it stands in a sentence.
    """
    assert finding.code is not None, "a refusal"
    figures = write_figure(finding.gate, finding.value), write_figure(finding.gate, finding.limit)
    if finding.code in FIGURED and all(figures):
        return str(FIGURED[finding.code]) % {"value": figures[0], "limit": figures[1]}
    return phrase_reason(finding.code)


def write_figure(gate: Gate, figure: object) -> str:
    """
    Return a number in the unit of its rule; "" for what is none.
    """
    if isinstance(figure, bool) or not isinstance(figure, int) or gate not in FIGURES:
        return ""
    if gate in GATES_OF_TIME and not figure:
        return pgettext("working time", "none")
    return FIGURES[gate](figure)


@dataclass(frozen=True, slots=True)
class CheckWriter:
    """
    The words of one check; times are on the clock of `zone`.
    """

    judged: Judged
    finding: Finding
    zone: str

    # -------------------------------------------------------------- what was found
    def write_found(self) -> str:
        gate, value = self.finding.gate, self.finding.value
        if gate in self.judged.unknown:
            return _("not known")
        if gate in YES_NO and isinstance(value, bool):
            return str(YES_NO[gate][0 if value else 1])
        if self.finding.limit is None and gate not in GATES_OF_CAR:
            # Nothing is counted against a rule that does not exist.
            return NOTHING
        nothing = NOTHING if self.finding.limit is None else _("not said")
        return write_figure(gate, value) or nothing

    def find_consent(self) -> str:
        number = self.judged.decision.consent_version
        if number is None:
            return _("nothing agreed")
        if self.finding.code is not None:
            return phrase_reason(self.finding.code)
        return _("version %(number)s") % {"number": number}

    def find_pause(self) -> str:
        if self.finding.code is None:
            return _("not paused")
        return _("paused since %(time)s") % {"time": self.write_time(self.finding.value)}

    def find_heard(self) -> str:
        if self.judged.heard.source is Source.METER:
            return _("metered then")
        if isinstance(self.finding.value, datetime):
            return since(self.finding.value, self.judged.moment.at)
        return _("not known") if self.finding.gate in self.judged.unknown else _("nothing yet")

    def find_hours(self) -> str:
        if self.finding.code is ReasonCode.CLOSED_DATE:
            return _("a date you closed")
        return _("inside") if self.finding.code is None else _("outside")

    def find_power(self) -> str:
        return write_figure(Gate.POWER, self.finding.value) or NOTHING

    def find_kind(self) -> str:
        if self.judged.work is WorkSource.WANTED:
            return _("no work asked about")
        names = {category.value: str(name) for category, name in CATEGORIES.items()}
        return names.get(str(self.finding.value), _("not said"))

    def find_buyer(self) -> str:
        if self.finding.limit is None or self.judged.work is WorkSource.WANTED:
            return NOTHING
        return _("one you allow") if self.finding.code is None else phrase_reason(self.finding.code)

    def find_reward(self) -> str:
        if self.finding.limit is None or self.judged.work is WorkSource.WANTED:
            return NOTHING
        return write_figure(Gate.REWARD, self.finding.value) or _("not said")

    # -------------------------------------------------------------- what was allowed
    def write_limit(self) -> str:
        gate, limit = self.finding.gate, self.finding.limit
        text = write_figure(gate, limit)
        if not text or (gate is Gate.READY and not limit):
            return _("no rule")
        return str(LIMITS.get(gate, AT_MOST)) % {"limit": text}

    def limit_asked(self) -> str:
        gate = self.finding.gate
        if self.finding.limit is None and gate is not Gate.DRIVING:
            return _("no rule")
        return str(ASKED[gate])

    def limit_consent(self) -> str:
        if not isinstance(self.finding.limit, datetime):
            return NOTHING
        return _("until %(time)s") % {"time": self.write_time(self.finding.limit)}

    def limit_pause(self) -> str:
        if self.finding.code is None:
            return NOTHING
        if self.finding.opens_at is None:
            return _("until you resume")
        return _("until %(time)s") % {"time": self.write_time(self.finding.opens_at)}

    def limit_hours(self) -> str:
        if self.finding.code is not None:
            if self.finding.opens_at is None:
                return _("no hours follow")
            return _("from %(time)s") % {"time": self.write_time(self.finding.opens_at)}
        rules = self.judged.moment.standing.rules
        assert rules is not None, "hours are checked by rules"
        closes_at = Hours.of(rules).find_closing(after=self.judged.moment.at)
        if closes_at is None:
            return _("always open")
        return _("until %(time)s") % {"time": self.write_time(closes_at)}

    def limit_kinds(self) -> str:
        chosen = set(str(self.finding.limit or "").split(","))
        if len(chosen) == len(CATEGORIES):
            return _("any kind")
        names = [str(name) for category, name in CATEGORIES.items() if category.value in chosen]
        return ", ".join(names) or _("no kind of work")

    def limit_buyers(self) -> str:
        words = {"only": _("only those you named"), "except": _("all but those you named")}
        return words.get(str(self.finding.limit), _("no rule"))

    def write_note(self) -> str:
        finding = self.finding
        if finding.gate in GATES_OF_CAR or finding.gate in {Gate.PAUSE, Gate.HOURS}:
            return self.note_hold() if finding.gate in {Gate.HEAT, Gate.COLD} else ""
        if finding.code is not None and finding.opens_at is not None:
            return _("again from %(time)s") % {"time": self.write_time(finding.opens_at)}
        if finding.gate is Gate.POWER and self.judged.line is None and finding.limit is not None:
            return _("told with each permit, checked when work is metered")
        return ""

    def note_hold(self) -> str:
        if self.finding.opens_at is None:
            return ""
        return _("waits until %(time)s") % {"time": self.write_time(self.finding.opens_at)}

    def write_time(self, at: object) -> str:
        """
        Return a clock's time, with its day unless it is that of the moment.
        """
        if not isinstance(at, datetime):
            return NOTHING
        moment = in_zone(self.judged.moment.at, self.zone)
        if in_zone(at, self.zone).date() == moment.date():
            return local_time(at, self.zone)
        return local_datetime(at, self.zone)


_FOUND: dict[Gate, Callable[[CheckWriter], str]] = {
    Gate.CONSENT: CheckWriter.find_consent,
    Gate.PAUSE: CheckWriter.find_pause,
    Gate.TELEMETRY: CheckWriter.find_heard,
    Gate.HOURS: CheckWriter.find_hours,
    Gate.POWER: CheckWriter.find_power,
    Gate.WORKLOAD: CheckWriter.find_kind,
    Gate.BUYER: CheckWriter.find_buyer,
    Gate.REWARD: CheckWriter.find_reward,
}
_LIMITS: dict[Gate, Callable[[CheckWriter], str]] = {
    Gate.CONSENT: CheckWriter.limit_consent,
    Gate.PAUSE: CheckWriter.limit_pause,
    Gate.DRIVING: CheckWriter.limit_asked,
    Gate.PLUG: CheckWriter.limit_asked,
    Gate.HOME: CheckWriter.limit_asked,
    Gate.HOURS: CheckWriter.limit_hours,
    Gate.WORKLOAD: CheckWriter.limit_kinds,
    Gate.BUYER: CheckWriter.limit_buyers,
}


def _link(finding: Finding, rules_url: str) -> str:
    if finding.code is None or not rules_url:
        return ""
    return f"{rules_url}#{REASON_FIELDS[finding.code]}"
