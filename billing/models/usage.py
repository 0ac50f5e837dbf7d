"""
Metered usage as it was reported: batches, their parts, the records, and what was refused.

The tables that take a row per record carry plain numbers instead of foreign keys, because
a check per row costs more than the insert; ids are resolved once per batch, at the door.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import LessThan
from django.utils.translation import gettext_lazy as _


class UsageSource(models.Model):
    """
    A scheduler as it names itself in its events, for example urn:scheduler:eu-1.
    """

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="billing_usagesource_name")]

    def __str__(self) -> str:
        return self.name


class UsageBatch(models.Model):
    """
    One POST. The ids of its records are those from id x 10,000 on.
    """

    source = models.ForeignKey(UsageSource, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    event_count = models.PositiveIntegerField()
    accepted_count = models.PositiveIntegerField()
    duplicate_count = models.PositiveIntegerField()
    quarantined_count = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "usage batches"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    event_count=F("accepted_count") + F("duplicate_count") + F("quarantined_count")
                ),
                name="billing_usagebatch_nothing_dropped",
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk}"


class UsagePart(models.Model):
    """
    Records [first_record_id, last_record_id] of one lane: what a settlement claims.

    A lane is owner id modulo the number of lanes, so that two workers never meet on one
    owner's rows. `is_requeued`: one record that comes back from quarantine; the two after it:
    and a person vouched for its energy, or for its time beside another record's. `retry_at`: the
    books refused it, and it is not tried again before.
    """

    batch = models.ForeignKey(
        UsageBatch, on_delete=models.PROTECT, related_name="parts", db_index=False
    )
    lane = models.PositiveSmallIntegerField()
    first_record_id = models.BigIntegerField()
    last_record_id = models.BigIntegerField()
    first_date = models.DateField()
    last_date = models.DateField()
    record_count = models.PositiveIntegerField()
    is_requeued = models.BooleanField(default=False)
    is_energy_cleared = models.BooleanField(default=False)
    is_overlap_cleared = models.BooleanField(default=False)
    retry_at = models.DateTimeField(null=True)
    settlement = models.ForeignKey(
        "billing.Settlement", null=True, on_delete=models.PROTECT, related_name="parts"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(last_record_id__gte=F("first_record_id"))
                & Q(last_date__gte=F("first_date")),
                name="billing_usagepart_range",
            ),
        ]
        indexes = [
            models.Index(fields=["batch"], name="billing_usagepart_batch"),
            models.Index(
                fields=["lane", "id"],
                condition=Q(settlement__isnull=True),
                name="billing_usagepart_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"part {self.pk} of batch {self.batch_id}"


class UsageRecord(models.Model):
    """
    One metered interval of one job on one vehicle, inside one settlement period.

    Partitioned by day of starts_at (UTC). Units: Wh at the wall, permille of the battery,
    tenths of a degree Celsius, bytes over the car's modem. None: the scheduler did not say.
    """

    pk = models.CompositePrimaryKey("on_date", "id")
    id = models.BigIntegerField()
    owner_id = models.BigIntegerField()
    vehicle_id = models.BigIntegerField()
    booking_id = models.BigIntegerField()
    sequence = models.BigIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    supersedes_record_id = models.BigIntegerField(null=True)
    supersedes_on_date = models.DateField(null=True)
    on_date = models.DateField()
    energy_wh = models.IntegerField()
    category_bit = models.IntegerField()
    consent_number = models.IntegerField(null=True)
    source_id = models.SmallIntegerField()
    state_of_charge_min_permille = models.SmallIntegerField(null=True)
    battery_temp_min_decic = models.SmallIntegerField(null=True)
    battery_temp_max_decic = models.SmallIntegerField(null=True)
    plugged_in = models.BooleanField(null=True)
    is_home = models.BooleanField(null=True)
    mobile_data_bytes = models.BigIntegerField(null=True)
    job_completed = models.BooleanField()
    event_id = models.TextField()
    job_id = models.TextField()

    def __str__(self) -> str:
        return self.event_id


class UsageKey(models.Model):
    """
    Which record an event id became, and a digest of what it said.

    Not partitioned: the same id must be found whatever day the event claims.
    """

    pk = models.CompositePrimaryKey("source_id", "event_id")
    digest = models.BigIntegerField()
    record_id = models.BigIntegerField()
    on_date = models.DateField()
    source_id = models.SmallIntegerField()
    event_id = models.TextField()

    def __str__(self) -> str:
        return self.event_id


class QuarantineCode(models.TextChoices):
    """
    Why a record was set aside. The first eleven are those of the API; the rest are found
    when it is settled.
    """

    CONFLICT = "conflict", _("Same id, other content")
    UNKNOWN_VEHICLE = "unknown_vehicle", _("Unknown vehicle")
    UNKNOWN_BOOKING = "unknown_booking", _("Unknown booking")
    INTERVAL_EMPTY = "interval_empty", _("Interval is empty")
    INTERVAL_CROSSES = (
        "interval_crosses_settlement_period",
        _("Interval crosses a settlement period"),
    )
    INTERVAL_IN_FUTURE = "interval_in_future", _("Interval lies in the future")
    TOO_OLD = "too_old", _("Too old")
    ENERGY_OUT_OF_RANGE = "energy_out_of_range", _("Energy out of range")
    MALFORMED = "malformed", _("Malformed")
    UNLABELLED_WORKLOAD = "unlabelled_workload", _("Workload without a label")
    ENERGY_IMPLAUSIBLE = "energy_implausible", _("More energy than the vehicle can draw")
    OVERLAP = "overlap", _("Overlaps another record of the vehicle")
    UNKNOWN_PRICE = "unknown_price", _("No price for this hour")
    SUPERSEDES_UNFIT = "supersedes_unfit", _("Corrects a record that it cannot correct")


# A person can vouch for what a meter said, not for a price or a vehicle that is not there.
ACCEPTABLE_CODES = frozenset({QuarantineCode.ENERGY_IMPLAUSIBLE, QuarantineCode.OVERLAP})


class QuarantinedRecord(models.Model):
    """
    Something that was reported and not accepted, with its text, until a person decides.

    It was refused at the door (`body` is its text) or when settled (`record_id` names it).
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        DISMISSED = "dismissed", _("Dismissed")
        REPLAYED = "replayed", _("Replayed")
        ACCEPTED = "accepted", _("Accepted")
        SUPERSEDED = "superseded", _("Corrected by the scheduler")

    source = models.ForeignKey(
        UsageSource, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    batch = models.ForeignKey(UsageBatch, on_delete=models.PROTECT, related_name="quarantined")
    position = models.PositiveIntegerField(help_text="index in the batch")
    event_id = models.TextField(default="", blank=True)
    digest = models.BigIntegerField()
    code = models.CharField(max_length=40, choices=QuarantineCode.choices)
    pointer = models.TextField(default="", blank=True)
    detail = models.TextField()
    body = models.TextField(default="", blank=True)
    vehicle_id = models.BigIntegerField(null=True)
    record_id = models.BigIntegerField(null=True)
    on_date = models.DateField(null=True)
    received_at = models.DateTimeField()
    seen_count = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True)
    resolution = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "event_id", "digest"],
                condition=Q(record_id__isnull=True),
                name="billing_quarantinedrecord_once",
            ),
            models.UniqueConstraint(
                fields=["record_id"],
                condition=Q(record_id__isnull=False),
                name="billing_quarantinedrecord_record",
            ),
            models.CheckConstraint(
                condition=Q(state="open", resolved_at__isnull=True)
                | (~Q(state="open") & Q(resolved_at__isnull=False)),
                name="billing_quarantinedrecord_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["dismissed", "accepted"])
                | (Q(resolved_by__isnull=False) & ~Q(resolution="")),
                name="billing_quarantinedrecord_person_and_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="billing_quarantinedrecord_list"),
            # What of one car was set aside on a day: its owner asks.
            models.Index(
                fields=["vehicle_id", "on_date"],
                condition=Q(record_id__isnull=False),
                name="billing_quarantinedrecord_car",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.event_id}"


class CompletedJob(models.Model):
    """
    A job whose completion was paid, so that it is paid once.
    """

    pk = models.CompositePrimaryKey("source_id", "job_id")
    record_id = models.BigIntegerField()
    source_id = models.SmallIntegerField()
    job_id = models.TextField()

    def __str__(self) -> str:
        return self.job_id


class VehicleMeter(models.Model):
    """
    How far a vehicle's meter has been heard: a hole in its sequence is a lost record.
    """

    vehicle_id = models.BigIntegerField(primary_key=True)
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    record_count = models.BigIntegerField()
    latest_ends_at = models.DateTimeField()
    # A column, since an index whose condition names the figures would be written to each time
    # that one of them moves.
    has_hole = models.GeneratedField(
        expression=LessThan(F("record_count"), F("last_sequence") - F("first_sequence") + 1),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["vehicle_id"],
                condition=Q(has_hole=True),
                name="billing_vehiclemeter_holes",
            ),
        ]

    def __str__(self) -> str:
        return f"meter of vehicle {self.vehicle_id}"
