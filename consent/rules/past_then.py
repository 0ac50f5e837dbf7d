"""
What the rules of then made of a car's past: by its readings, and by what was metered before.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from consent.rules.codes import ReasonCode
from consent.rules.history import Circumstances, History, list_slots
from consent.rules.past_budgets import Terms, list_spent_then
from consent.rules.past_refusals import judge_readings, list_within
from consent.rules.spans import FOREVER
from consent.rules.terms import Rules


class Version(NamedTuple):
    """
    Rules that were in force in [starts_at, ends_at); `ends_at` None: they still are.
    """

    version_id: int
    rules: Rules
    starts_at: datetime
    ends_at: datetime | None


def judge_then(*, history: History, versions: Sequence[Version]) -> History:
    """
    Return a history with what these versions, oldest first, made of its quarters.

    Latches are left out: settlement, which judged what ran, knows none.
    """
    terms = [Terms(each.rules, *_find_places(history, each)) for each in versions]
    spent = list_spent_then(terms=terms, history=history)
    # Places of circumstances by what they were without a version, and by what one made of them.
    places: dict[tuple[int, int | None, int], int] = {
        (place, None, ReasonCode.NO_CONSENT.bit): place
        for place in range(len(history.circumstances))
    }
    shared = list(history.shared)
    for version, (rules, first, last) in zip(versions, terms, strict=True):
        part = history.select(itemgetter(slice(first, last)))
        for place, mask in enumerate(_judge(rules, part, spent[first:last]), start=first):
            key = shared[place], version.version_id, mask
            shared[place] = places.setdefault(key, len(places))
    rules_by_id = {each.version_id: each.rules for each in versions}
    return replace(
        history,
        shared=shared,
        circumstances=[_describe(history, rules_by_id, *key) for key in places],
    )


def _find_places(history: History, version: Version) -> tuple[int, int]:
    spans = ((version.starts_at, version.ends_at or FOREVER),)
    [places] = list_within(spans, history.n)
    return places


def _judge(rules: Rules, history: History, spent: Sequence[int]) -> list[int]:
    """
    Return what refuses each quarter of one version. Without a consent in force nothing else is
    looked at.
    """
    if rules.is_withdrawn:
        return [ReasonCode.CONSENT_WITHDRAWN.bit] * len(history.n)
    slots = list_slots(history.list_local(rules.zone))
    masks = judge_readings(rules=rules, history=history, slots=slots)
    masks = [mask | budgets for mask, budgets in zip(masks, spent, strict=True)]
    if rules.expires_at is not None:
        [(first, last)] = list_within(((rules.expires_at, FOREVER),), history.n)
        masks[first:last] = [ReasonCode.CONSENT_EXPIRED.bit] * (last - first)
    return masks


def _describe(
    history: History, rules_by_id: dict[int, Rules], shared: int, version_id: int | None, mask: int
) -> Circumstances:
    found = history.circumstances[shared]
    if version_id is None:
        return found
    return found._replace(
        version_id=version_id,
        then_refusals=mask,
        then_categories=rules_by_id[version_id].categories_mask,
    )
