"""
What was known, asked and answered: the evidence from which any past moment is explained.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from consent.models.vehicles import Vehicle


class StateSample(models.Model):
    """
    One thing that a car said, and how its state stood after it. Append-only; a sample that
    repeats the one before within the same quarter-hour is not kept.

    A late sample is kept in its place by the car's clock, and changed no state. A faulty one
    is kept with its `fault`.
    """

    pk = models.CompositePrimaryKey("vehicle_id", "observed_at")
    # No constraint on rows that come by the thousand: they are written for vehicles read in the
    # same transaction, and a vehicle is retired, never deleted.
    vehicle = models.ForeignKey(
        Vehicle,
        on_delete=models.PROTECT,
        related_name="samples",
        db_constraint=False,
        db_index=False,
    )
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField()
    state_of_charge_permille = models.SmallIntegerField(null=True)
    plugged_in = models.BooleanField(null=True)
    is_home = models.BooleanField(null=True)
    is_moving = models.BooleanField(null=True)
    battery_temp_decic = models.SmallIntegerField(null=True)
    charge_power_w = models.IntegerField(null=True)
    is_late = models.BooleanField(default=False)
    fault = models.CharField(max_length=32, blank=True, default="")
    faulty_samples = models.PositiveSmallIntegerField(default=0)
    is_recovering = models.BooleanField(default=False)
    is_cooling = models.BooleanField(default=False)
    hot_at = models.DateTimeField(null=True)
    is_warming = models.BooleanField(default=False)
    cold_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.observed_at:%Y-%m-%dT%H:%MZ}"


class Lease(models.Model):
    """
    A permit that runs: one job on one car, for at most a minute unless renewed.

    `reserved_*` was granted and not metered yet; it counts against the budgets of the car's
    other jobs. `refused_since`: a rule with grace stands in its way since then. The table is
    not logged: a crash forgets leases, and every rule then stops at once.
    """

    pk = models.CompositePrimaryKey("vehicle_id", "job_id")
    vehicle = models.ForeignKey(
        Vehicle,
        on_delete=models.PROTECT,
        related_name="leases",
        db_constraint=False,
        db_index=False,
    )
    job_id = models.CharField(max_length=120)
    booking_id = models.BigIntegerField(null=True)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    refused_since = models.DateTimeField(null=True)
    reserved_energy_wh = models.BigIntegerField(default=0)
    reserved_compute_s = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.job_id}"


class GraceGrant(models.Model):
    """
    A job was let go on though rules refused new ones: work in [starts_at, ends_at) is within
    the consent as far as `reasons_mask` (bits of `ReasonCode`) goes.
    """

    pk = models.CompositePrimaryKey("vehicle_id", "job_id", "starts_at")
    vehicle = models.ForeignKey(
        Vehicle, on_delete=models.PROTECT, related_name="grace_grants", db_index=False
    )
    job_id = models.CharField(max_length=120)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reasons_mask = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="consent_grace_has_a_length"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.job_id}"


class DecisionRecord(models.Model):
    """
    One answer that a scheduler got, with what it was made from. Simulations leave none.

    `reasons_mask` and `graced_mask` are bits of `ReasonCode`; `use` are the figures of
    `consent.rules.Use` in their order. `telemetry` is the sample that came with the question,
    if any: its fields in their order, the moment in seconds from 1970.
    """

    id = models.BigAutoField(primary_key=True)
    vehicle = models.ForeignKey(
        Vehicle,
        on_delete=models.PROTECT,
        related_name="decisions",
        db_constraint=False,
        db_index=False,
    )
    asked_at = models.DateTimeField()
    # The moment asked about: differs from `asked_at` when a past moment was judged.
    decided_for = models.DateTimeField()
    job_id = models.CharField(max_length=120)
    booking_id = models.BigIntegerField(null=True)
    category_bit = models.PositiveSmallIntegerField(default=0)
    number = models.PositiveIntegerField(null=True)
    permit = models.BooleanField()
    reasons_mask = models.BigIntegerField()
    graced_mask = models.BigIntegerField(default=0)
    valid_until = models.DateTimeField(null=True)
    use = models.JSONField(null=True)
    telemetry = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["vehicle", "decided_for"], name="consent_decision_when")]

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.decided_for:%Y-%m-%dT%H:%M:%SZ}"


class WorkTerms(models.Model):
    """
    What the app that sells tells about a booking, so that consent can judge its work: who
    buys, and what the owner gets per kWh after electricity and wear.
    """

    booking_id = models.BigIntegerField(primary_key=True)
    buyer = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="+")
    reward_micros_per_kwh = models.BigIntegerField()
    told_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.booking_id)
