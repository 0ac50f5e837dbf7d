"""
Ready by a certain hour: how full the car must still be, for each quarter of the week.

The time that charging takes is kept free before the hour named. Work in a quarter is allowed
only if, plugged in from its end on, the car would still be ready, with `MARGIN_MINUTES` to
spare. The margin also outlasts the hour that a spring night loses.
"""

from functools import lru_cache
from struct import Struct

from consent.rules.drafts import ReadyBy
from consent.rules.week import QUARTER_MINUTES, QUARTERS_PER_DAY, QUARTERS_PER_WEEK


MARGIN_MINUTES = 60
# Of what a home charger draws, about this much reaches the battery.
CHARGE_EFFICIENCY_PCT = 88

# One whole number holds all floors of a week, each in 16 bits of its own, so that a charge is
# compared with all of them in one addition: a field keeps its highest bit where it suffices.
_WRITE_FLOORS = Struct(f"<{QUARTERS_PER_WEEK}H").pack
_FIELD_BYTES = 2
_EVERY_FIELD = sum(1 << 16 * quarter for quarter in range(QUARTERS_PER_WEEK))
_DIGITS = bytes([ord("0")] * 128 + [ord("1")] * 128)


def find_charge_floors(
    *, ready_by: tuple[ReadyBy, ...], battery_wh: int, charge_power_w: int
) -> tuple[int, ...] | None:
    """
    Return the least charge in permille for each of the 672 quarters; None: no rule asks any.
    """
    if not ready_by:
        return None
    floors = [0] * QUARTERS_PER_WEEK
    for rule in ready_by:
        for day in rule.days:
            deadline = day * QUARTERS_PER_DAY + rule.minute // QUARTER_MINUTES
            for before in range(1, QUARTERS_PER_WEEK):
                free_minutes = max((before - 1) * QUARTER_MINUTES - MARGIN_MINUTES, 0)
                gain = find_gain_permille(
                    minutes=free_minutes, battery_wh=battery_wh, charge_power_w=charge_power_w
                )
                floor = rule.level_pct * 10 - gain
                if floor <= 0:
                    break
                quarter = (deadline - before) % QUARTERS_PER_WEEK
                floors[quarter] = max(floors[quarter], floor)
    return tuple(floors)


def find_gain_permille(*, minutes: int, battery_wh: int, charge_power_w: int) -> int:
    """
    Return how much charging for that long adds, in whole permille, rounded down.
    """
    return charge_power_w * CHARGE_EFFICIENCY_PCT * minutes * 10 // (60 * battery_wh)


def find_charge_minutes(*, permille: int, battery_wh: int, charge_power_w: int) -> int:
    """
    Return how long charging takes to add that much, in minutes, rounded up.
    """
    return -(-permille * battery_wh * 6 // (charge_power_w * CHARGE_EFFICIENCY_PCT))


def pack_floors(floors_permille: tuple[int, ...]) -> int:
    """
    Return the floors of the 672 quarters as `find_ready_mask` takes them.
    """
    floors = int.from_bytes(_WRITE_FLOORS(*floors_permille), "little")
    return (_EVERY_FIELD << 15) - floors


@lru_cache(maxsize=1024)
def find_ready_mask(*, packed_floors: int, charge_permille: int) -> int:
    """
    Return the quarters of the week in which that charge suffices, as a week mask.

    In 3 µs: to look at 672 quarters one by one takes as long as half of a decision. Remembered
    all the same, because a car is asked about again before its charge changes.
    """
    compared = packed_floors + charge_permille * _EVERY_FIELD
    fields = compared.to_bytes(QUARTERS_PER_WEEK * _FIELD_BYTES, "big")
    return int(fields[::_FIELD_BYTES].translate(_DIGITS), 2)
