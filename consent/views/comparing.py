"""
Two sets of rules beside each other, rule by rule, in words and in which way each was moved.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from consent.forms import RulesForm
from consent.queries.words import Text, describe_rules
from consent.rules import RulesDraft
from consent.rules.parts import PARTS, get_part
from consent.rules.profiles import Origin
from consent.rules.strictness import Move, judge_moves


MOVE_LABELS: dict[Move, Text] = {
    Move.STRICTER: _("stricter"),
    Move.LOOSER: _("looser"),
    Move.BOTH: _("looser and stricter"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRule:
    """
    One rule as it is and as it would be; `now` is "" where nothing is in force.
    """

    part: str
    label: Text
    now: str
    then: str
    move: Move
    is_changed: bool

    @property
    def move_label(self) -> Text:
        return MOVE_LABELS.get(self.move, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedRule:
    """
    One rule that two drafts have differently. `base` is what both began from, "" when unknown.

    `chosen` is "mine", "theirs", or "" where both were changed and somebody has to say.
    """

    part: str
    label: Text
    base: str
    theirs: str
    mine: str
    chosen: str


ORIGIN_LABELS: dict[Origin, Text] = {
    Origin.DEFAULTS: _("from your defaults"),
    Origin.CAR: _("this car"),
    Origin.STRICTER: _("the stricter of both"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Foot:
    """
    Where a rule of a car that follows defaults comes from.

    `in_force` says the rule in words where it is not the one that the form shows.
    """

    origin: Origin
    in_force: str
    is_given_up: bool

    @property
    def label(self) -> Text:
        return ORIGIN_LABELS[self.origin]


def make_feet(form: RulesForm) -> dict[str, Foot]:
    """
    Return the foot of each rule, by PARTS; none for a car that follows no defaults.
    """
    editing = form.editing
    if editing.origins is None:
        return {}
    words = _describe(editing.effective or editing.shown, editing.buyers)
    given_up = form["given_up"].value() or ()
    return {
        part: Foot(
            origin=origin,
            in_force=words[part][1] if origin is Origin.STRICTER else "",
            is_given_up=part in given_up,
        )
        for part, origin in editing.origins.items()
    }


def compare(
    before: RulesDraft | None, after: RulesDraft, *, buyers: Mapping[int, str]
) -> tuple[ComparedRule, ...]:
    """
    Return every rule of a draft beside the one in force, None when nothing is.
    """
    moves = judge_moves(before=before, after=after)
    old = _describe(before, buyers) if before is not None else {}
    new = _describe(after, buyers)
    return tuple(
        ComparedRule(
            part=part,
            label=label,
            now=old[part][1] if part in old else "",
            then=text,
            move=moves[part],
            is_changed=before is None or get_part(before, part) != get_part(after, part),
        )
        for part, (label, text) in new.items()
    )


def merge(
    *,
    base: RulesDraft | None,
    theirs: RulesDraft,
    mine: RulesDraft,
    chosen: Mapping[str, str],
    buyers: Mapping[int, str],
) -> tuple[MergedRule, ...]:
    """
    Return the rules in which two drafts differ, with who changed each since the base.
    """
    drafts = (base, theirs, mine)
    words = [_describe(each, buyers) if each is not None else {} for each in drafts]
    return tuple(
        MergedRule(
            part=part,
            label=words[2][part][0],
            base=words[0].get(part, ("", ""))[1],
            theirs=words[1][part][1],
            mine=words[2][part][1],
            chosen=chosen.get(part) or _suggest(part, base, theirs, mine),
        )
        for part in PARTS
        if get_part(theirs, part) != get_part(mine, part)
    )


def _suggest(part: str, base: RulesDraft | None, theirs: RulesDraft, mine: RulesDraft) -> str:
    if base is None:
        return ""
    if get_part(base, part) == get_part(theirs, part):
        return "mine"
    return "theirs" if get_part(base, part) == get_part(mine, part) else ""


def _describe(draft: RulesDraft, buyers: Mapping[int, str]) -> dict[str, tuple[Text, str]]:
    """
    Return (label, text) of each rule, by PARTS.
    """
    words = describe_rules(draft, buyer_names=buyers)
    return {each.field: (each.label, each.text) for each in words}
