"""
What a car said of itself, quarter-hour by quarter-hour.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from web.rows import fetch_rows


# What a car said last holds while it is plugged in, until it says something else, and for so
# many quarters at most.
HELD: Final = 48


class Said(NamedTuple):
    """
    What a car said in a quarter: the least charge and the most heat; or what it had said last.
    """

    charge: int | None
    coldest: int | None
    hottest: int | None
    plugged_in: bool | None
    is_home: bool | None
    is_moving: bool
    is_latched: bool


_SAID = """
SELECT n, min(charge), min(temp), max(temp), bool_and(plugged_in), bool_and(is_home),
    bool_or(is_moving), max(packed)
FROM (
    SELECT floor(date_part('epoch', observed_at) / 900)::integer AS n,
        state_of_charge_permille::integer AS charge, battery_temp_decic::integer AS temp,
        plugged_in, is_home, is_moving,
        -- The last sample of a quarter as one number: the rest of the epoch, then what it said.
        ((date_part('epoch', observed_at) * 1000)::bigint %% 900000 << 38)
            | (coalesce(state_of_charge_permille + 1, 0)::bigint << 24)
            | (coalesce(battery_temp_decic + 4096, 0)::bigint << 8)
            | (CASE plugged_in WHEN true THEN 1 WHEN false THEN 2 ELSE 0 END
                | CASE is_home WHEN true THEN 4 WHEN false THEN 8 ELSE 0 END
                | CASE WHEN is_moving THEN 16 ELSE 0 END
                | CASE WHEN is_recovering OR is_cooling OR is_warming THEN 32 ELSE 0 END)
            AS packed
    FROM consent_statesample
    WHERE vehicle_id = %(vehicle_id)s AND fault = ''
      AND observed_at >= to_timestamp((%(first_n)s - %(held)s) * 900::bigint)
      AND observed_at < to_timestamp(%(last_n)s * 900::bigint)
) said
GROUP BY n
ORDER BY n
"""


def load_said(*, vehicle_id: int, first_n: int, last_n: int) -> dict[int, Said]:
    """
    Return what a car said or had said last, by quarter of [first_n, last_n).
    """
    values = {"vehicle_id": vehicle_id, "first_n": first_n, "last_n": last_n, "held": HELD}
    rows = fetch_rows(_SAID, values)
    return dict(_hold(rows, first_n, last_n))


def _hold(rows: list[tuple[Any, ...]], first_n: int, last_n: int) -> Iterator[tuple[int, Said]]:
    ends = [*(row[0] for row in rows), last_n][1:]
    for row, next_n in zip(rows, ends, strict=True):
        n, charge, coldest, hottest, plugged_in, is_home, is_moving, packed = row
        if n >= first_n:
            is_latched = bool(packed & 32)
            yield (
                n,
                Said(charge, coldest, hottest, plugged_in, is_home, bool(is_moving), is_latched),
            )
        if packed & 3 == 1 and n + 1 < next_n:
            last = _unpack(packed)
            for held in range(max(n + 1, first_n), min(next_n, n + HELD + 1)):
                yield held, last


def _unpack(packed: int) -> Said:
    charge, temp = packed >> 24 & 16383, packed >> 8 & 65535
    decic = temp - 4096 if temp else None
    return Said(
        charge=charge - 1 if charge else None,
        coldest=decic,
        hottest=decic,
        plugged_in=True,
        is_home={4: True, 8: False}.get(packed & 12),
        is_moving=bool(packed & 16),
        is_latched=bool(packed & 32),
    )
