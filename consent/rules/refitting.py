"""
The same rules for a car of other figures: what follows from the battery and the charger is
worked out anew, and whether that allows what was refused.
"""

from dataclasses import replace

from consent.rules.drafts import RulesDraft
from consent.rules.frozen import FrozenRules
from consent.rules.readiness import find_charge_floors
from consent.rules.strictness import Move
from consent.rules.wear import find_wear_wh_max


def refit(
    *, frozen: FrozenRules, draft: RulesDraft, battery_wh: int, charge_power_w: int
) -> FrozenRules:
    """
    Return what agreed rules mean for a car of this battery and charger, the rest as it was.
    """
    return replace(
        frozen,
        ready_floors_permille=find_charge_floors(
            ready_by=draft.ready_by, battery_wh=battery_wh, charge_power_w=charge_power_w
        ),
        wear_wh_per_month_max=find_wear_wh_max(draft=draft, battery_wh=battery_wh),
    )


def judge_refit(*, before: FrozenRules, after: FrozenRules) -> dict[str, Move]:
    """
    Return what became of each rule that follows the car, by PARTS, of the same draft.
    """
    floors = zip(before.ready_floors_permille or (), after.ready_floors_permille or (), strict=True)
    pairs = [(new, old) for old, new in floors]
    wear = (before.wear_wh_per_month_max or 0, after.wear_wh_per_month_max or 0)
    return {"ready_by": _judge(pairs), "wear": _judge([wear])}


def _judge(pairs: list[tuple[int, int]]) -> Move:
    """
    Judge pairs of figures of which the second allows more when it is the higher.
    """
    allows = any(second > first for first, second in pairs)
    refuses = any(second < first for first, second in pairs)
    if allows and refuses:
        return Move.BOTH
    if allows:
        return Move.LOOSER
    return Move.STRICTER if refuses else Move.SAME
