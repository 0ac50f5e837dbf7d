from django.db import models
from django.db.models import F, Q, Value

from marketplace.models.expressions import (
    CURRENCY_PATTERN,
    epoch_seconds,
    is_multiple,
    is_on_the_hour,
)
from marketplace.models.pools import Pool, RateCard
from web.feeds import FeedRow


HOURS = (epoch_seconds(F("ends_at")) - epoch_seconds(F("starts_at"))) / Value(3600)


class Booking(models.Model):
    """
    The contract: so many watts of a pool for whole hours, at a price fixed when it was made.

    held_micros is the most that it can cost. It lies on the organisation's held account
    until settlement has charged what was delivered and the rest was released.
    """

    class State(models.TextChoices):
        HELD = "held"
        RELEASED = "released"

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+"
    )
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="bookings")
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State.choices, default=State.HELD)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    power_w = models.BigIntegerField()
    energy_wh = models.BigIntegerField()
    workload_category = models.CharField(max_length=32)
    category_bit = models.IntegerField()
    price_micros_per_kwh = models.BigIntegerField()
    price_micros_per_job = models.BigIntegerField()
    jobs_max = models.IntegerField()
    held_micros = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # Empty when an API key booked: the key belongs to the organisation, not to a person.
    placed_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    # The request that made it; the same request again finds it instead of booking twice.
    request_key = models.CharField(max_length=320, null=True, blank=True)
    created_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "request_key"], name="marketplace_booking_once_per_request"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["held", "released"]), name="marketplace_booking_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="released", released_at__isnull=False)
                | Q(state="held", released_at__isnull=True),
                name="marketplace_booking_released_has_time",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="marketplace_booking_half_open"
            ),
            models.CheckConstraint(
                condition=is_on_the_hour(F("starts_at")) & is_on_the_hour(F("ends_at")),
                name="marketplace_booking_whole_hours",
            ),
            models.CheckConstraint(
                condition=Q(power_w__gt=0) & Q(energy_wh=F("power_w") * HOURS),
                name="marketplace_booking_energy_is_power_by_hours",
            ),
            models.CheckConstraint(
                condition=Q(price_micros_per_kwh__gt=0)
                & Q(price_micros_per_job__gte=0)
                & Q(jobs_max__gte=0)
                & is_multiple(F("price_micros_per_kwh"), of=1000),
                name="marketplace_booking_price_form",
            ),
            models.CheckConstraint(
                condition=Q(
                    held_micros=F("energy_wh") * (F("price_micros_per_kwh") / Value(1000))
                    + F("price_micros_per_job") * F("jobs_max")
                ),
                name="marketplace_booking_hold_is_the_most_it_costs",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=CURRENCY_PATTERN),
                name="marketplace_booking_currency_form",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="marketplace_booking_list"),
            models.Index(
                fields=["organization", "-starts_at", "-id"], name="marketplace_booking_windows"
            ),
            models.Index(
                fields=["ends_at"], condition=Q(state="held"), name="marketplace_booking_to_release"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.starts_at:%Y-%m-%dT%HZ} {self.power_w} W"


class BookingHour(models.Model):
    """
    One hour of a booking. The sum per bucket is what that bucket has reserved.
    """

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="hours")
    starts_at = models.DateTimeField()
    power_w = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["booking", "starts_at"], name="marketplace_booking_hour_unique"
            ),
            models.CheckConstraint(
                condition=Q(power_w__gt=0), name="marketplace_booking_hour_power_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.starts_at:%Y-%m-%dT%HZ}"


class BookingEvent(FeedRow):
    """
    What happened to a booking, in the order in which it became visible: the feed's rows.
    """

    class Kind(models.TextChoices):
        PLACED = "placed"
        RELEASED = "released"

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    occurred_at = models.DateTimeField()

    class Meta(FeedRow.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["placed", "released"]), name="marketplace_event_kind_known"
            ),
            models.UniqueConstraint(fields=["booking", "kind"], name="marketplace_event_once"),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.kind}"
