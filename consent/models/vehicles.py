import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models.fields import never_emptied, one_vehicle
from consent.rules import CarFacts


# A common single-phase home charger: 16 A at 230 V.
CHARGE_POWER_W = 3_680
CHARGE_LIMIT_PCT = 100


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
    # What the owner's charger gives, in watts: how long filling up takes.
    charge_power_w = models.PositiveIntegerField(default=CHARGE_POWER_W, db_default=CHARGE_POWER_W)
    # How far the owner lets it charge: the battery never holds more.
    charge_limit_pct = models.PositiveSmallIntegerField(
        default=CHARGE_LIMIT_PCT, db_default=CHARGE_LIMIT_PCT
    )
    time_zone = models.CharField(_("time zone"), max_length=64)
    # Counts the changes of all this: who saves names the one that they saw.
    revision = models.PositiveIntegerField(default=1, db_default=1)
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
            models.CheckConstraint(
                condition=Q(charge_power_w__range=(1_000, 400_000)),
                name="consent_vehicle_charge_power_1_to_400_kw",
            ),
            models.CheckConstraint(
                condition=Q(charge_limit_pct__range=(50, 100)),
                name="consent_vehicle_charge_limit_50_to_100",
            ),
        ]
        triggers = [
            # A new owner gets a row of their own: all that hangs on this one stays with who had it.
            pgtrigger.Trigger(
                name="consent_vehicle_keeps_its_owner",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__owner__df=pgtrigger.F("new__owner")),
                func="""
                    RAISE EXCEPTION 'a vehicle never changes its owner'
                        USING ERRCODE = 'restrict_violation';
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.plate

    @property
    def facts(self) -> CarFacts:
        """
        Return what rules are judged against.
        """
        return CarFacts(
            rated_power_w=self.rated_power_w,
            battery_wh=self.battery_wh,
            charge_power_w=self.charge_power_w,
            charge_limit_pct=self.charge_limit_pct,
        )


class FormerPlace(models.Model):
    """
    Where a car was parked before its owner named another region: what was metered by then keeps
    the electricity price of its place, however late it is settled.
    """

    id = models.BigAutoField(primary_key=True)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="former_places")
    region_code = models.CharField(max_length=40)
    during = DateTimeRangeField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="consent_formerplace_one_at_a_time",
                expressions=[one_vehicle(), ("during", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(during__isempty=False) & Q(during__upper_inf=False),
                name="consent_formerplace_has_an_end",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="consent_formerplace_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
            never_emptied("consent_formerplace_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.region_code}"


class VehicleState(models.Model):
    """
    What the car said last, by its own clock; only `record_telemetry` writes it.

    `is_recovering` is the battery's latch between the stop and the resume level; `is_cooling`
    and `is_warming` are those of the temperature. `received_at` is when this sample came,
    `heard_at` when any did. `faulty_samples` came since, and could not be true.
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
    heard_at = models.DateTimeField(db_default=Now())
    faulty_samples = models.PositiveSmallIntegerField(db_default=0)
    fault = models.CharField(max_length=32, blank=True, db_default="")
    is_cooling = models.BooleanField(db_default=False)
    hot_at = models.DateTimeField(null=True)
    is_warming = models.BooleanField(db_default=False)
    cold_at = models.DateTimeField(null=True)

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
    # Settlement adds a row per car and day, of cars that it has just read: to look each of
    # them up again costs more than the row, and the primary key begins with the car.
    vehicle = models.ForeignKey(
        Vehicle,
        on_delete=models.PROTECT,
        related_name="day_uses",
        db_constraint=False,
        db_index=False,
    )
    on_date = models.DateField()
    energy_wh = models.BigIntegerField(default=0)
    compute_s = models.BigIntegerField(default=0)
    # Energy weighted by the battery's warmth: what wear budgets count.
    wear_wh = models.BigIntegerField(db_default=0)
    mobile_data_bytes = models.BigIntegerField(db_default=0)

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.on_date}"
