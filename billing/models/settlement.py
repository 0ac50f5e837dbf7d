"""
What settlement makes of usage: rated lines, and the totals that they must add up to.
"""

from django.db import models
from django.db.models import F, Q


class Outcome(models.IntegerChoices):
    """
    What became of a settled record. Implausible records get no line: see QuarantinedRecord.
    """

    ACCEPTED = 0
    OUTSIDE_CONSENT = 1
    OUTSIDE_BOOKING = 2
    OVER_BOOKING = 3
    SUPERSEDED = 4


class LineKind(models.IntegerChoices):
    USAGE = 0
    REVERSAL = 1


class Settlement(models.Model):
    """
    One transaction that turned parts of one lane into lines and transfers.
    """

    lane = models.PositiveSmallIntegerField()
    booked_at = models.DateTimeField()
    record_count = models.PositiveIntegerField(default=0)
    accepted_count = models.PositiveIntegerField(default=0)
    outside_consent_count = models.PositiveIntegerField(default=0)
    outside_booking_count = models.PositiveIntegerField(default=0)
    over_booking_count = models.PositiveIntegerField(default=0)
    superseded_count = models.PositiveIntegerField(default=0)
    quarantined_count = models.PositiveIntegerField(default=0)
    reversal_count = models.PositiveIntegerField(default=0)
    energy_wh = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    record_count=F("accepted_count")
                    + F("outside_consent_count")
                    + F("outside_booking_count")
                    + F("over_booking_count")
                    + F("superseded_count")
                    + F("quarantined_count")
                ),
                name="billing_settlement_every_record_once",
            ),
        ]

    def __str__(self) -> str:
        return f"settlement {self.pk}"


class SettlementTotal(models.Model):
    """
    Sums of the rated lines of one settlement in one currency, in micros.
    """

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="totals")
    currency = models.CharField(max_length=3)
    electricity_micros = models.BigIntegerField()
    wear_micros = models.BigIntegerField()
    reward_micros = models.BigIntegerField()
    job_micros = models.BigIntegerField()
    compensation_micros = models.BigIntegerField()
    charge_micros = models.BigIntegerField()
    job_charge_micros = models.BigIntegerField()
    fee_micros = models.BigIntegerField()
    unbilled_micros = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "currency"], name="billing_settlementtotal_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    charge_micros=F("electricity_micros")
                    + F("wear_micros")
                    + F("reward_micros")
                    + F("job_micros")
                    + F("fee_micros")
                    - F("job_charge_micros")
                    - F("unbilled_micros")
                ),
                name="billing_settlementtotal_ties_out",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id} {self.currency}"


class SettlementDay(models.Model):
    """
    The earnings of one day in one settlement: what leaves the hold window together.
    """

    settlement = models.ForeignKey(
        Settlement, on_delete=models.PROTECT, related_name="days", db_index=False
    )
    on_date = models.DateField()
    lane = models.PositiveSmallIntegerField()
    release_due_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "on_date"], name="billing_settlementday_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "release_due_at"],
                condition=Q(released_at__isnull=True),
                name="billing_settlementday_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id} {self.on_date}"


class RatedLine(models.Model):
    """
    One priced record, or the reversal of one with all its amounts negative.

    Partitioned by day (UTC). `charge` and `job_charge` are the buyer's, `fee` is what the
    platform keeps of them (negative when a dear tariff ate the price). Not billed: no buyer
    pays, the platform carries the owner's part. `refusals` is a mask of consent's reasons.
    """

    pk = models.CompositePrimaryKey("on_date", "record_id", "kind")
    record_id = models.BigIntegerField()
    settlement_id = models.BigIntegerField()
    owner_id = models.BigIntegerField()
    vehicle_id = models.BigIntegerField()
    booking_id = models.BigIntegerField()
    organization_id = models.BigIntegerField()
    consent_version_id = models.BigIntegerField(null=True)
    rate_card_id = models.BigIntegerField()
    tariff_id = models.BigIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    electricity_micros = models.BigIntegerField()
    wear_micros = models.BigIntegerField()
    reward_micros = models.BigIntegerField()
    job_micros = models.BigIntegerField()
    compensation_micros = models.BigIntegerField()
    charge_micros = models.BigIntegerField()
    job_charge_micros = models.BigIntegerField()
    fee_micros = models.BigIntegerField()
    on_date = models.DateField()
    energy_wh = models.IntegerField()
    duration_s = models.IntegerField()
    refusals = models.IntegerField()
    kind = models.SmallIntegerField(choices=LineKind.choices)
    outcome = models.SmallIntegerField(choices=Outcome.choices)
    is_billed = models.BooleanField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_billed=True) | Q(charge_micros=0, job_charge_micros=0, fee_micros=0),
                name="billing_ratedline_unbilled_is_free",
            ),
            models.CheckConstraint(
                condition=Q(is_billed=False)
                | Q(
                    fee_micros=F("charge_micros")
                    + F("job_charge_micros")
                    - F("electricity_micros")
                    - F("wear_micros")
                    - F("reward_micros")
                    - F("job_micros")
                ),
                name="billing_ratedline_fee_is_residual",
            ),
        ]
        indexes = [
            models.Index(fields=["vehicle_id", "starts_at"], name="billing_ratedline_vehicle"),
            models.Index(fields=["booking_id", "starts_at"], name="billing_ratedline_booking"),
        ]

    def __str__(self) -> str:
        return f"line of record {self.record_id}"


class Supersession(models.Model):
    """
    Which record took the place of which. A record is superseded once.
    """

    old_record_id = models.BigIntegerField(primary_key=True)
    new_record_id = models.BigIntegerField(unique=True)

    def __str__(self) -> str:
        return f"{self.new_record_id} instead of {self.old_record_id}"


class BookingDelivery(models.Model):
    """
    What was billed to a booking so far. The checks are the second line behind the sums.
    """

    booking_id = models.BigIntegerField(primary_key=True)
    booked_wh = models.BigIntegerField()
    jobs_max = models.BigIntegerField()
    billed_wh = models.BigIntegerField(default=0)
    billed_jobs = models.BigIntegerField(default=0)
    charged_micros = models.BigIntegerField(default=0)
    # Once the rest of the hold went back, nothing more can be charged.
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "booking deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(billed_wh__range=(0, F("booked_wh"))),
                name="billing_bookingdelivery_energy_within",
            ),
            models.CheckConstraint(
                condition=Q(billed_jobs__range=(0, F("jobs_max"))),
                name="billing_bookingdelivery_jobs_within",
            ),
        ]

    def __str__(self) -> str:
        return f"delivery of booking {self.booking_id}"
