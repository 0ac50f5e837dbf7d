from datetime import datetime

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models.fields import SpansField, WeekMaskField, never_emptied, one_vehicle
from consent.models.vehicles import Vehicle
from consent.rules import BuyersMode
from web.feeds import FeedRow


class ConsentVersion(models.Model):
    """
    What an owner agreed to from one moment to the next. Rows are evidence: superseded by
    closing `in_force` once, never edited otherwise, each chained to the one before.

    A withdrawal is a version too; its rules are those that ended with it.
    """

    class State(models.TextChoices):
        GIVEN = "given", _("Given")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    id = models.BigAutoField(primary_key=True)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="versions")
    owner = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices)
    in_force = DateTimeRangeField()

    time_zone = models.CharField(max_length=64)
    windows = models.JSONField()
    week_mask = WeekMaskField()
    battery_stop_pct = models.PositiveSmallIntegerField()
    battery_resume_pct = models.PositiveSmallIntegerField()
    plugged_in_only = models.BooleanField()
    home_only = models.BooleanField()
    temp_high_c = models.SmallIntegerField(null=True, blank=True)
    temp_low_c = models.SmallIntegerField(null=True, blank=True)
    energy_wh_per_day_max = models.PositiveIntegerField(null=True, blank=True)
    energy_wh_per_month_max = models.PositiveIntegerField(null=True, blank=True)
    compute_s_per_day_max = models.PositiveIntegerField(null=True, blank=True)
    compute_s_per_month_max = models.PositiveIntegerField(null=True, blank=True)
    power_limit_w = models.PositiveIntegerField(null=True, blank=True)
    categories_mask = models.PositiveSmallIntegerField()

    # As the owner set them: lists as `consent.queries.evidence` writes them.
    exceptions = models.JSONField(default=list)
    holiday_country = models.CharField(max_length=32, null=True, blank=True)
    ready_by = models.JSONField(default=list)
    temp_high_resume_c = models.SmallIntegerField(null=True, blank=True)
    temp_low_resume_c = models.SmallIntegerField(null=True, blank=True)
    temp_hold_min = models.PositiveSmallIntegerField(default=0)
    wear_cycles_milli_per_month_max = models.PositiveIntegerField(null=True, blank=True)
    wear_distance_km_per_month_max = models.PositiveIntegerField(null=True, blank=True)
    wear_micros_per_month_max = models.PositiveBigIntegerField(null=True, blank=True)
    reward_micros_per_h_min = models.PositiveIntegerField(null=True, blank=True)
    buyers_mode = models.CharField(max_length=6, default=BuyersMode.ALL)
    buyer_ids = ArrayField(models.BigIntegerField(), default=list)
    mobile_data_mb_per_month_max = models.PositiveIntegerField(null=True, blank=True)
    quiet_windows = models.JSONField(default=list)
    quiet_power_limit_w = models.PositiveIntegerField(null=True, blank=True)
    grace = models.JSONField(default=list)
    kept = models.JSONField(default=dict)

    # What follows from the rules, the car and the calendar of the day on which they were
    # agreed, kept so that every later judgement, in Python and in SQL, reads the same.
    expires_at = models.DateTimeField()
    closed = SpansField(default=tuple)
    opened = SpansField(default=tuple)
    ready_floors_permille = ArrayField(models.SmallIntegerField(), null=True, blank=True)
    # The stubs want a second class for a field that may be null.
    quiet_mask = WeekMaskField(null=True, blank=True)  # type: ignore[misc]
    battery_wh = models.PositiveIntegerField()
    charge_power_w = models.PositiveIntegerField()
    wear_wh_per_month_max = models.PositiveBigIntegerField(null=True, blank=True)
    wear_micros_per_kwh = models.PositiveIntegerField(default=0)
    compute_micros_per_h = models.PositiveIntegerField(default=0)

    # Where the rules came from: the owner's defaults for all cars at that number, but for the
    # fields that this car has of its own. None: it follows no defaults.
    profile_number = models.PositiveIntegerField(null=True, blank=True)
    own_fields = models.JSONField(default=list)

    # The version that its owner agreed to, when this one only goes on with it: the same rules
    # until the same day, for a car of other figures. None: this one was agreed to itself.
    carries_on_number = models.PositiveIntegerField(null=True, blank=True)

    actor = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    notice_version = models.CharField(max_length=20)
    notice_language = models.CharField(max_length=8)
    previous_digest = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["vehicle", "number"], name="consent_version_number_once"
            ),
            models.UniqueConstraint(
                fields=["vehicle"],
                condition=Q(in_force__upper_inf=True),
                name="consent_version_one_current",
            ),
            ExclusionConstraint(
                name="consent_version_one_at_a_time",
                expressions=[one_vehicle(), ("in_force", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(in_force__isempty=False) & Q(in_force__lower_inf=False),
                name="consent_version_has_a_start",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["given", "withdrawn"]), name="consent_version_state_known"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="consent_version_from_one"),
            models.CheckConstraint(
                condition=Q(battery_stop_pct__range=(20, 95)),
                name="consent_version_stop_20_to_95",
            ),
            models.CheckConstraint(
                condition=Q(battery_resume_pct__gte=F("battery_stop_pct"))
                & Q(battery_resume_pct__lte=100),
                name="consent_version_resume_from_stop",
            ),
            models.CheckConstraint(
                condition=Q(categories_mask__range=(1, 63)),
                name="consent_version_some_work_allowed",
            ),
            models.CheckConstraint(
                condition=Q(buyers_mode__in=["all", "only", "except"]),
                name="consent_version_buyers_mode_known",
            ),
            models.CheckConstraint(
                condition=Q(carries_on_number__isnull=True)
                | Q(carries_on_number__gte=1, carries_on_number__lt=F("number"), state="given"),
                name="consent_version_carries_on_earlier",
            ),
            models.CheckConstraint(
                condition=Q(ready_floors_permille__isnull=True) | Q(ready_floors_permille__len=672),
                name="consent_version_ready_floor_per_quarter",
            ),
        ]
        indexes = [
            # Whose consent ends next: for reminders.
            models.Index(
                fields=["expires_at"],
                condition=Q(in_force__upper_inf=True, state="given"),
                name="consent_version_expiry",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="consent_version_append_only",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF TG_OP = 'UPDATE'
                       AND upper_inf(OLD.in_force) AND NOT upper_inf(NEW.in_force)
                       AND lower(NEW.in_force) = lower(OLD.in_force)
                       AND to_jsonb(NEW) - 'in_force' = to_jsonb(OLD) - 'in_force'
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'a consent version is ended once and never changed otherwise'
                        USING ERRCODE = 'restrict_violation';
                """,
            ),
            never_emptied("consent_version_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.vehicle_id} v{self.number}"

    @property
    def starts_at(self) -> datetime:
        lower: datetime | None = self.in_force.lower
        assert lower is not None, "a constraint"
        return lower

    @property
    def ends_at(self) -> datetime | None:
        return self.in_force.upper


class ConsentEvent(FeedRow):
    """
    A change of what a vehicle may do, in the order in which it became visible: the feed.
    """

    class Kind(models.TextChoices):
        GIVEN = "given", _("Consent given")
        CHANGED = "changed", _("Rules changed")
        WITHDRAWN = "withdrawn", _("Consent withdrawn")
        PAUSED = "paused", _("Paused")
        RESUMED = "resumed", _("Resumed")

    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    effective_at = models.DateTimeField()
    # What is true afterwards, so that one row is enough to know a vehicle by. Version 0 and
    # an empty state: consent was never given. A pause without a named end has no end here.
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=ConsentVersion.State.choices, blank=True)
    is_paused = models.BooleanField()
    pause_ends_at = models.DateTimeField(null=True, blank=True)

    class Meta(FeedRow.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["given", "changed", "withdrawn", "paused", "resumed"]),
                name="consent_event_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["given", "withdrawn"], number__gte=1)
                | Q(state="", number=0),
                name="consent_event_state_known",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="consent_event_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            never_emptied("consent_event_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.kind}"
