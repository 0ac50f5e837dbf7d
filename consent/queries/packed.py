"""
What few rows have, packed by PostgreSQL into one text each, and unpacked here.
"""

import json
from base64 import b64decode
from functools import lru_cache
from typing import Any

from consent.models.fields import read_spans
from consent.rules import BuyersMode, Gate, mask_from_bits


# The rules of a version `c` from `Rules.closed` on, in their order; NULL when none is set.
FURTHER = """
    CASE WHEN NOT (
        isempty(c.closed) AND isempty(c.opened) AND c.ready_floors_permille IS NULL
        AND c.temp_high_resume_c IS NULL AND c.temp_low_resume_c IS NULL AND c.temp_hold_min = 0
        AND c.wear_wh_per_month_max IS NULL AND c.wear_micros_per_month_max IS NULL
        AND c.reward_micros_per_h_min IS NULL AND c.buyers_mode = 'all'
        AND c.mobile_data_mb_per_month_max IS NULL AND c.quiet_power_limit_w IS NULL
        AND c.grace = '[]'
    ) THEN json_build_array(
        c.closed::text, c.opened::text, c.ready_floors_permille, c.temp_high_resume_c,
        c.temp_low_resume_c, c.temp_hold_min * 60, c.wear_wh_per_month_max,
        c.wear_micros_per_month_max, c.wear_micros_per_kwh, c.compute_micros_per_h,
        c.reward_micros_per_h_min, c.buyers_mode, c.buyer_ids,
        c.mobile_data_mb_per_month_max::bigint * 1000000, c.quiet_mask::text,
        c.quiet_power_limit_w, c.grace)::text
    END"""
# A week of a version `c`, a fifth as long as its 672 digits.
WEEK_MASK = "encode(bit_send(c.week_mask), 'base64')"
_CLOSED, _OPENED, _FLOORS, _BUYERS_MODE, _BUYERS, _QUIET, _GRACE = 0, 1, 2, 11, 12, 14, 16


_NOTHING = ((), (), None, None, None, 0, None, None)
_NOTHING_BESIDE_PRICES = (None, BuyersMode.ALL, frozenset[int](), None, 0, None, ())


# A version's text never changes, and versions of cars and owners alike have the same.
@lru_cache(maxsize=4096)
def read_further(
    text: str | None, wear_micros_per_kwh: int, compute_micros_per_h: int
) -> tuple[Any, ...]:
    """
    Return the fields of Rules from `closed` on; `text` None: only the two prices are known.
    """
    if text is None:
        return (*_NOTHING, wear_micros_per_kwh, compute_micros_per_h, *_NOTHING_BESIDE_PRICES)
    values: list[Any] = json.loads(text)
    floors, quiet = values[_FLOORS], values[_QUIET]
    values[_CLOSED] = read_spans(values[_CLOSED])
    values[_OPENED] = read_spans(values[_OPENED])
    values[_FLOORS] = None if floors is None else tuple(floors)
    values[_BUYERS_MODE] = BuyersMode(values[_BUYERS_MODE])
    values[_BUYERS] = frozenset(values[_BUYERS])
    values[_QUIET] = 0 if quiet is None else mask_from_bits(quiet)
    values[_GRACE] = tuple((Gate(each["gate"]), each["minutes"]) for each in values[_GRACE])
    return tuple(values)


# Most owners keep one of few weeks.
@lru_cache(maxsize=4096)
def read_week_mask(text: str) -> int:
    """
    Return the mask of a week from WEEK_MASK: how many bits, and the bits from Monday on.
    """
    sent = b64decode(text)
    length, bits = int.from_bytes(sent[:4]), int.from_bytes(sent[4:])
    return mask_from_bits(f"{bits:0{length}b}")
