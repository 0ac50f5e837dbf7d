from datetime import datetime

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models.fields import never_emptied, one_vehicle
from consent.models.vehicles import Vehicle


class Pause(models.Model):
    """
    A break that the owner asked for. Its range is cut short once, by resuming.
    """

    class Kind(models.TextChoices):
        HOUR = "hour", _("For an hour")
        TONIGHT = "tonight", _("Tonight")
        UNTIL_RESUMED = "until_resumed", _("Until I resume")
        # A night left out ahead of time; it may lie in the future, and beside a pause.
        SKIP = "skip", _("Skip this night")

    id = models.BigAutoField(primary_key=True)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="pauses")
    during = DateTimeRangeField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    actor = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    lets_jobs_finish = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    resumed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="consent_pause_one_at_a_time",
                expressions=[one_vehicle(), ("during", RangeOperators.OVERLAPS)],
                condition=~Q(kind="skip"),
            ),
            ExclusionConstraint(
                name="consent_skip_one_at_a_time",
                expressions=[one_vehicle(), ("during", RangeOperators.OVERLAPS)],
                condition=Q(kind="skip"),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["hour", "tonight", "until_resumed", "skip"]),
                name="consent_pause_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(during__lower_inf=False), name="consent_pause_has_a_start"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="consent_pause_resumed_once",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF TG_OP = 'UPDATE'
                       AND OLD.resumed_at IS NULL AND NEW.resumed_at IS NOT NULL
                       AND (isempty(NEW.during) OR (lower(NEW.during) = lower(OLD.during)
                            AND upper(NEW.during) <= coalesce(upper(OLD.during), 'infinity')))
                       AND to_jsonb(NEW) - '{during,resumed_at}'::text[]
                         = to_jsonb(OLD) - '{during,resumed_at}'::text[]
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'a pause is cut short once and never changed otherwise'
                        USING ERRCODE = 'restrict_violation';
                """,
            ),
            never_emptied("consent_pause_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.vehicle_id} {self.kind}"

    @property
    def starts_at(self) -> datetime:
        lower: datetime | None = self.during.lower
        assert lower is not None, "an empty pause has no times"
        return lower

    @property
    def ends_at(self) -> datetime | None:
        return self.during.upper
