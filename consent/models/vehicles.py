from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Vehicle(models.Model):
    """
    One car of one owner. `region_code` and `hardware_class_code` are the marketplace's words.
    """

    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="vehicles")
    name = models.CharField(_("name"), max_length=60)
    plate = models.CharField(_("number plate"), max_length=12)
    region_code = models.CharField(_("region"), max_length=40)
    hardware_class_code = models.CharField(_("computer in the car"), max_length=40)
    rated_power_w = models.PositiveIntegerField()
    battery_wh = models.PositiveIntegerField()
    time_zone = models.CharField(_("time zone"), max_length=64)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "plate"],
                condition=Q(retired_at__isnull=True),
                name="consent_vehicle_plate_once_per_owner",
            ),
            models.CheckConstraint(
                condition=Q(rated_power_w__range=(1, 20_000)),
                name="consent_vehicle_power_1_to_20000_w",
            ),
            models.CheckConstraint(
                condition=Q(battery_wh__range=(5_000, 400_000)),
                name="consent_vehicle_battery_5_to_400_kwh",
            ),
        ]

    def __str__(self) -> str:
        return self.plate


class VehicleState(models.Model):
    """
    What the car said last, by its own clock; only `record_telemetry` writes it.

    `is_recovering` is the battery's latch between the stop and the resume level.
    """

    vehicle = models.OneToOneField(
        Vehicle, on_delete=models.PROTECT, primary_key=True, related_name="state"
    )
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    state_of_charge_permille = models.SmallIntegerField(null=True)
    plugged_in = models.BooleanField(null=True)
    is_home = models.BooleanField(null=True)
    is_moving = models.BooleanField(null=True)
    battery_temp_decic = models.SmallIntegerField(null=True)
    charge_power_w = models.IntegerField(null=True)
    is_recovering = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state_of_charge_permille__range=(0, 1000)),
                name="consent_state_charge_0_to_1000",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.observed_at:%Y-%m-%dT%H:%MZ}"


class DayUse(models.Model):
    """
    What a car did on one day of its owner's calendar, counted against the budgets.

    Sums never fall below zero, but no constraint may say so: the negative figures of a
    correction pass through INSERT before its conflict turns them into a subtraction.
    """

    pk = models.CompositePrimaryKey("vehicle_id", "on_date")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="day_uses")
    on_date = models.DateField()
    energy_wh = models.BigIntegerField(default=0)
    compute_s = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.on_date}"
