"""
What work costs the car besides electricity: the model, its figures and their sources are in
`docs/wear.md`.

Every kWh of compute is counted as if it had passed through the battery once. Warmth ages
cells faster: energy used above 25 °C weighs double for every 10 °C more.
"""

from consent.rules.drafts import RulesDraft


# What a kWh of capacity costs anew in the dearer of the usual chemistries, and how many full
# cycles it lasts under a load as gentle as a computer's.
BATTERY_MICROS_PER_KWH = 128_000_000
CYCLE_LIFE = 2_000
# A computer of EUR 1,000 that is built for 50,000 hours.
COMPUTE_MICROS_PER_H = 20_000
# What a kilometre takes from the battery, between the certified figure and that of the road.
WH_PER_KM = 180
# Cells live longest at about this temperature; those above it age twice as fast every 10 °C.
MILD_C = 25
HOTTEST_C = 60
# A battery that does not say how warm it is counts as one of 35 °C.
UNKNOWN_DECIC = 350


def find_wear_wh(*, energy_wh: int, battery_temp_max_decic: int | None) -> int:
    """
    Return energy weighted by the battery's warmth, whole Wh, rounded half up.
    """
    weight = find_weight_permille(battery_temp_max_decic=battery_temp_max_decic)
    return (energy_wh * weight + 500) // 1000


def find_weight_permille(*, battery_temp_max_decic: int | None) -> int:
    """
    Return 1000 up to 25 °C, doubled for every 10 °C above it, by whole degrees rounded up.
    """
    decic = UNKNOWN_DECIC if battery_temp_max_decic is None else battery_temp_max_decic
    degrees = min(max(-(-decic // 10) - MILD_C, 0), HOTTEST_C - MILD_C)
    return int(1000 * 2 ** (degrees / 10) + 0.5)


def find_wear_micros_per_kwh() -> int:
    """
    Return what one kWh through the battery takes off its worth.
    """
    return BATTERY_MICROS_PER_KWH // CYCLE_LIFE


def find_wear_wh_max(*, draft: RulesDraft, battery_wh: int) -> int | None:
    """
    Return the stricter of the limits in cycles and in kilometres as weighted Wh per month.
    """
    limits = []
    if draft.wear_cycles_milli_per_month_max is not None:
        limits.append(draft.wear_cycles_milli_per_month_max * battery_wh // 1000)
    if draft.wear_distance_km_per_month_max is not None:
        limits.append(draft.wear_distance_km_per_month_max * WH_PER_KM)
    return min(limits, default=None)


def find_wear_micros(
    *, wear_wh: int, compute_s: int, wear_micros_per_kwh: int, compute_micros_per_h: int
) -> int:
    """
    Return the wear of a stretch of use in micros: the battery's and the computer's, each
    rounded down.
    """
    return wear_wh * wear_micros_per_kwh // 1000 + compute_s * compute_micros_per_h // 3600
