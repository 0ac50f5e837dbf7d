"""
From requests to seconds to watt-hours, and the battery beside it.

The accelerator is a model with named assumptions, not a measurement; they are
set out in ``--help``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.scheduler.trace import Work


PREFILL_TOKENS_PER_S = 4_000
DECODE_TOKENS_PER_S = 30
BUSY_SHARE, IDLE_SHARE = 0.95, 0.12


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """A car's inference hardware; the rates are those of one at 1,000 W, scaled."""

    rated_power_w: int
    busy_power_w: float
    idle_power_w: float
    prefill_tokens_per_s: float
    decode_tokens_per_s: float


@dataclass(frozen=True, kw_only=True)
class Metered:
    """What one interval took: whole watt-hours at the wall, requests served."""

    energy_wh: int
    requests: int
    busy_s: float


def make_accelerator(*, rated_power_w: int, power_limit_w: int | None = None) -> Accelerator:
    """
    Return the accelerator as it runs under an owner's power limit.

    Speed falls in step with the power left above idling.
    """
    busy_w, idle_w = rated_power_w * BUSY_SHARE, rated_power_w * IDLE_SHARE
    limited_w = busy_w if power_limit_w is None else min(busy_w, power_limit_w)
    share = max(0.0, (limited_w - idle_w) / (busy_w - idle_w)) * rated_power_w / 1_000
    return Accelerator(
        rated_power_w=rated_power_w,
        busy_power_w=limited_w,
        idle_power_w=min(idle_w, limited_w),
        prefill_tokens_per_s=PREFILL_TOKENS_PER_S * share,
        decode_tokens_per_s=DECODE_TOKENS_PER_S * share,
    )


def meter(*, accelerator: Accelerator, work: Work, duration_s: int) -> Metered:
    """
    Return the energy of ``duration_s`` seconds in which ``work`` arrived.

    Requests are served one at a time; what does not fit is left to other cars.
    Whole watt-hours, rounded down: never above rated power times time.
    """
    wanted_s = _count_seconds(accelerator, work)
    busy_s = min(float(duration_s), wanted_s)
    served = work.requests if wanted_s <= duration_s else int(work.requests * busy_s / wanted_s)
    idle_s = duration_s - busy_s
    energy_ws = busy_s * accelerator.busy_power_w + idle_s * accelerator.idle_power_w
    return Metered(energy_wh=math.floor(energy_ws / 3_600), requests=served, busy_s=busy_s)


def _count_seconds(accelerator: Accelerator, work: Work) -> float:
    if not work.requests:
        return 0.0
    if accelerator.decode_tokens_per_s <= 0:
        return math.inf
    return (
        work.prompt_tokens / accelerator.prefill_tokens_per_s
        + work.generated_tokens / accelerator.decode_tokens_per_s
    )


CHARGER_POWER_W = 3_600
FULL_PCT, TARGET_PCT, EMPTY_PCT = 100.0, 90.0, 8.0


@dataclass(frozen=True, kw_only=True)
class Charging:
    """
    A battery through one session: the published energy goes in, evenly, from the
    plug-in on, as fast as a 16 A socket gives it or faster where the row says so.
    """

    battery_wh: int
    energy_wh: int
    starts_at_s: int
    ends_at_s: int

    @property
    def arrival_pct(self) -> float:
        """The level that ends at 90 %, or as near as an empty battery allows."""
        return max(EMPTY_PCT, TARGET_PCT - 100.0 * self.energy_wh / self.battery_wh)

    @property
    def power_w(self) -> float:
        length_h = max(1, self.ends_at_s - self.starts_at_s) / 3_600
        return max(float(CHARGER_POWER_W), self.energy_wh / length_h)

    def get_state_of_charge_pct(self, at_s: int) -> float:
        """Never falls during a session: compute is fed from the wall."""
        hours = max(0, at_s - self.starts_at_s) / 3_600
        charged_wh = min(float(self.energy_wh), hours * self.power_w)
        return round(min(FULL_PCT, self.arrival_pct + 100.0 * charged_wh / self.battery_wh), 1)


YEAR_S = 365.25 * 86_400
COLDEST_AT_S = 25 * 86_400
OUTSIDE_MEAN_C, OUTSIDE_SWING_C, GARAGE_C, WARM_UP_C = 6.0, 9.0, 6.0, 14.0
WARM_UP_S = 1_800


def get_battery_temp_c(*, at_s: int, busy_for_s: int) -> float:
    """
    Return the battery's temperature: Trondheim's season, a garage, and the warmth
    of ``busy_for_s`` seconds of work, which levels off.
    """
    season = -math.cos(2 * math.pi * (at_s - COLDEST_AT_S) / YEAR_S)
    warmth = WARM_UP_C * (1 - math.exp(-busy_for_s / WARM_UP_S))
    return round(OUTSIDE_MEAN_C + GARAGE_C + OUTSIDE_SWING_C * season + warmth, 1)
