"""
Which way a rule was moved: stricter takes effect at once, looser asks who is there.

A rule is stricter when it allows nothing that it refused before, and refuses more. What does
both, as hours that moved, counts as looser: it allows something new.
"""

from collections.abc import Callable
from enum import StrEnum

from consent.rules.codes import BuyersMode, Gate
from consent.rules.drafts import RulesDraft
from consent.rules.parts import PARTS, get_part, take_parts


MINUTES_WITHOUT_END = 1_000_000
# What nobody set stands beyond every limit that anybody could.
BEYOND_COLD = -1_000


class Move(StrEnum):
    """
    What became of a rule.
    """

    SAME = "same"
    STRICTER = "stricter"
    LOOSER = "looser"
    BOTH = "both"

    @property
    def is_looser(self) -> bool:
        return self in {Move.LOOSER, Move.BOTH}


def judge_moves(*, before: RulesDraft | None, after: RulesDraft) -> dict[str, Move]:
    """
    Return what became of each rule, by PARTS; `before` None: nothing was in force.
    """
    if before is None:
        return dict.fromkeys(PARTS, Move.LOOSER)
    return {part: _judge(part, before, after) for part in PARTS}


def is_looser(*, before: RulesDraft | None, after: RulesDraft) -> bool:
    """
    Return whether a change allows anything that was refused.
    """
    return any(move.is_looser for move in judge_moves(before=before, after=after).values())


def take_stricter(*, before: RulesDraft, after: RulesDraft) -> RulesDraft:
    """
    Return what is in force with only those rules of a draft that are stricter.
    """
    moves = judge_moves(before=before, after=after)
    stricter = frozenset(part for part, move in moves.items() if move is Move.STRICTER)
    return take_parts(base=before, other=after, parts=stricter)


def _judge(part: str, before: RulesDraft, after: RulesDraft) -> Move:
    if get_part(before, part) == get_part(after, part):
        return Move.SAME
    allows, refuses = _JUDGES[part](before, after)
    if allows and refuses:
        return Move.BOTH
    if allows:
        return Move.LOOSER
    # Written otherwise and meaning the same, as two windows that became one.
    return Move.STRICTER if refuses else Move.SAME


# What a judge answers: does the new rule allow what the old one refused, and the other way round?
Answer = tuple[bool, bool]
Judge = Callable[[RulesDraft, RulesDraft], Answer]


def _compare(pairs: list[tuple[int, int]]) -> Answer:
    """
    Compare figures of which the higher allows more, as (before, after).
    """
    return any(new > old for old, new in pairs), any(new < old for old, new in pairs)


def _negate(answer: Answer) -> Answer:
    return answer[1], answer[0]


def _caps(*names: str) -> Judge:
    """
    Judge limits from above; None allows everything.
    """

    def judge(before: RulesDraft, after: RulesDraft) -> Answer:
        return _compare([(_cap(before, name), _cap(after, name)) for name in names])

    return judge


def _cap(draft: RulesDraft, name: str) -> int:
    limit: int | None = getattr(draft, name)
    return 1 << 62 if limit is None else limit


def _judge_hours(before: RulesDraft, after: RulesDraft) -> Answer:
    return (
        bool(after.week_mask & ~before.week_mask),
        bool(before.week_mask & ~after.week_mask),
    )


def _judge_clock(before: RulesDraft, after: RulesDraft) -> Answer:  # noqa: ARG001 - a judge
    # Every hour moves: some open that were closed, some close that were open.
    return True, True


def _judge_dates(before: RulesDraft, after: RulesDraft) -> Answer:
    old = {each for each in before.exceptions if not each.is_open}
    new = {each for each in after.exceptions if not each.is_open}
    old_open = {each for each in before.exceptions if each.is_open}
    new_open = {each for each in after.exceptions if each.is_open}
    country, other = before.holiday_country, after.holiday_country
    # A part of a country has other holidays than the whole: days are won and lost.
    allows = bool(country) and country != other
    refuses = bool(other) and country != other
    return (
        bool(old - new or new_open - old_open) or allows,
        bool(new - old or old_open - new_open) or refuses,
    )


def _judge_battery(before: RulesDraft, after: RulesDraft) -> Answer:
    return _negate(
        _compare(
            [
                (before.battery_stop_pct, after.battery_stop_pct),
                (before.battery_resume_pct, after.battery_resume_pct),
            ]
        )
    )


def _judge_ready(before: RulesDraft, after: RulesDraft) -> Answer:
    old, new = _levels(before), _levels(after)
    return _negate(_compare([(old.get(at, 0), new.get(at, 0)) for at in old.keys() | new.keys()]))


def _levels(draft: RulesDraft) -> dict[tuple[int, int], int]:
    return {(day, rule.minute): rule.level_pct for rule in draft.ready_by for day in rule.days}


def _judge_temperature(before: RulesDraft, after: RulesDraft) -> Answer:
    old_hold, new_hold = before.temp_hold_min, after.temp_hold_min
    pairs = [
        *zip(_warmest(before), _warmest(after), strict=True),
        *zip(_coldest(before), _coldest(after), strict=True),
        (-old_hold, -new_hold),
    ]
    return _compare(pairs)


def _warmest(draft: RulesDraft) -> tuple[int, int]:
    return _cap(draft, "temp_high_c"), _cap(draft, "heat_resume_c")


def _coldest(draft: RulesDraft) -> tuple[int, int]:
    limits = draft.temp_low_c, draft.cold_resume_c
    limit, resume = (BEYOND_COLD if each is None else each for each in limits)
    return -limit, -resume


def _judge_quiet(before: RulesDraft, after: RulesDraft) -> Answer:
    old_w, new_w = _cap(before, "quiet_power_limit_w"), _cap(after, "quiet_power_limit_w")
    old = before.quiet_mask if before.quiet_power_limit_w is not None else 0
    new = after.quiet_mask if after.quiet_power_limit_w is not None else 0
    return (
        bool(old & ~new or (old and new_w > old_w)),
        bool(new & ~old or (new and new_w < old_w)),
    )


def _judge_reward(before: RulesDraft, after: RulesDraft) -> Answer:
    return _negate(
        _compare([(before.reward_micros_per_h_min or 0, after.reward_micros_per_h_min or 0)])
    )


def _judge_buyers(before: RulesDraft, after: RulesDraft) -> Answer:
    named = frozenset({*before.buyer_ids, *after.buyer_ids})
    old, new = _allowed_buyers(before, named), _allowed_buyers(after, named)
    return bool(new - old), bool(old - new)


def _allowed_buyers(draft: RulesDraft, named: frozenset[int]) -> frozenset[int]:
    """
    Return which of the named buyers may come; 0 stands for all that nobody named.
    """
    everybody, chosen = named | {0}, frozenset(draft.buyer_ids)
    if draft.buyers_mode is BuyersMode.ONLY:
        return chosen
    return everybody - chosen if draft.buyers_mode is BuyersMode.EXCEPT else everybody


def _judge_categories(before: RulesDraft, after: RulesDraft) -> Answer:
    old, new = set(before.categories), set(after.categories)
    return bool(new - old), bool(old - new)


def _judge_grace(before: RulesDraft, after: RulesDraft) -> Answer:
    old, new = _graces(before), _graces(after)
    return _compare([(old.get(gate, 0), new.get(gate, 0)) for gate in old.keys() | new.keys()])


def _graces(draft: RulesDraft) -> dict[Gate, int]:
    return {
        each.gate: MINUTES_WITHOUT_END if each.minutes is None else each.minutes
        for each in draft.grace
    }


def _switches(name: str) -> Judge:
    """
    Judge a yes or no of which yes is the stricter.
    """

    def judge(before: RulesDraft, after: RulesDraft) -> Answer:
        return _negate(_compare([(getattr(before, name), getattr(after, name))]))

    return judge


_JUDGES: dict[str, Judge] = {
    "hours": _judge_hours,
    "time_zone": _judge_clock,
    "dates": _judge_dates,
    "battery": _judge_battery,
    "ready_by": _judge_ready,
    "plug": _switches("plugged_in_only"),
    "wear": _caps(*PARTS["wear"]),
    "temperature": _judge_temperature,
    "energy": _caps(*PARTS["energy"]),
    "compute": _caps(*PARTS["compute"]),
    "data": _caps(*PARTS["data"]),
    "power": _caps(*PARTS["power"]),
    "quiet": _judge_quiet,
    "reward": _judge_reward,
    "buyers": _judge_buyers,
    "categories": _judge_categories,
    "home": _switches("home_only"),
    "grace": _judge_grace,
}
