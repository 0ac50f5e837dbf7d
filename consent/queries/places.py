"""
Where a car may work and with which computer: what the marketplace publishes as a view.
"""

from dataclasses import dataclass

from web.rows import fetch_rows


@dataclass(frozen=True, slots=True)
class Place:
    """
    One region with one kind of computer.
    """

    region_code: str
    region_name: str
    time_zone: str
    hardware_class_code: str
    hardware_class_name: str
    power_w: int


_PLACES = """
SELECT DISTINCT region_code, region_name, time_zone, hardware_class_code, hardware_class_name,
       hardware_power_w
FROM marketplace_pool_v
ORDER BY region_name, hardware_class_name
"""


def list_places() -> tuple[Place, ...]:
    return tuple(Place(*row) for row in fetch_rows(_PLACES))


def name_places(places: tuple[Place, ...]) -> dict[str, str]:
    """
    Return the names of regions and of computers, by code.
    """
    names = {place.region_code: place.region_name for place in places}
    return names | {place.hardware_class_code: place.hardware_class_name for place in places}
