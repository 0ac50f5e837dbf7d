"""
Telemetry as it is written in JSON, alone or inside a question.
"""

from datetime import UTC, datetime

import msgspec

from consent.queries import Telemetry
from web.strict_json import Instant, Strict


# What the columns of evidence hold. A reading beyond them is as impossible as one at their
# edge, and is kept as that.
SMALL_MAX = 2**15 - 1
WHOLE_MAX = 2**31 - 1


class TelemetryBody(Strict, kw_only=True):
    """
    What a car says of itself; a field left out or null is unknown.

    Any number is read here: whether it can be true is for the rules to say.
    """

    observed_at: Instant
    state_of_charge_pct: float | None = None
    plugged_in: bool | None = None
    battery_temp_c: float | None = None
    is_home: bool | None = None
    is_moving: bool | None = None
    charge_power_w: int | None = None

    def to_telemetry(self) -> Telemetry:
        """
        Return the sample in the units of the rules; finer readings round to a tenth.

        :raises msgspec.ValidationError: no calendar holds the time in UTC.
        """
        return Telemetry(
            observed_at=to_utc(self.observed_at),
            state_of_charge_permille=_to_tenths(self.state_of_charge_pct),
            plugged_in=self.plugged_in,
            is_home=self.is_home,
            is_moving=self.is_moving,
            battery_temp_decic=_to_tenths(self.battery_temp_c),
            charge_power_w=_bound(self.charge_power_w),
        )


class Sample(TelemetryBody, kw_only=True):
    vehicle_id: str


def to_utc(instant: datetime) -> datetime:
    """
    Return the same instant in UTC: PostgreSQL refuses offsets of 16 hours and more.

    :raises msgspec.ValidationError: no calendar holds it.
    """
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise msgspec.ValidationError("Out of range: no calendar holds this time") from error


def _to_tenths(reading: float | None) -> int | None:
    return None if reading is None else round(max(-SMALL_MAX, min(reading * 10, SMALL_MAX)))


def _bound(reading: int | None) -> int | None:
    return None if reading is None else max(-WHOLE_MAX, min(reading, WHOLE_MAX))
