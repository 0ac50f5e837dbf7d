"""
Telemetry as it is written in JSON, alone or inside a question.
"""

from typing import Annotated

import msgspec

from consent.queries import Telemetry
from web.strict_json import Instant, Strict


Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Celsius = Annotated[float, msgspec.Meta(ge=-80, le=150)]
Watts = Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)]


class TelemetryBody(Strict, kw_only=True):
    """
    What a car says of itself; a field left out or null is unknown.
    """

    observed_at: Instant
    state_of_charge_pct: Percent | None = None
    plugged_in: bool | None = None
    battery_temp_c: Celsius | None = None
    is_home: bool | None = None
    is_moving: bool | None = None
    charge_power_w: Watts | None = None

    def to_telemetry(self) -> Telemetry:
        """
        Return the sample in the units of the rules; finer readings round to a tenth.
        """
        return Telemetry(
            observed_at=self.observed_at,
            state_of_charge_permille=_to_tenths(self.state_of_charge_pct),
            plugged_in=self.plugged_in,
            is_home=self.is_home,
            is_moving=self.is_moving,
            battery_temp_decic=_to_tenths(self.battery_temp_c),
            charge_power_w=self.charge_power_w,
        )


class Sample(TelemetryBody, kw_only=True):
    vehicle_id: str


def _to_tenths(reading: float | None) -> int | None:
    return None if reading is None else round(reading * 10)
