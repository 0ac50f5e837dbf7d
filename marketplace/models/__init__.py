from marketplace.models.bookings import Booking, BookingEvent, BookingHour
from marketplace.models.capacity import CapacityBucket
from marketplace.models.pools import HardwareClass, Pool, RateCard, Region


__all__ = [
    "Booking",
    "BookingEvent",
    "BookingHour",
    "CapacityBucket",
    "HardwareClass",
    "Pool",
    "RateCard",
    "Region",
]
