import pgtrigger
from django.db import models
from django.db.models import F, Q

from consent.models.fields import never_emptied
from consent.models.versions import ConsentVersion


class Notice(models.Model):
    """
    One published text that owners agree to, by language; the first asks nobody again.

    `agree_by`: what was agreed before this notice came out holds no longer than that.
    """

    version = models.CharField(max_length=20, primary_key=True)
    published_at = models.DateTimeField(unique=True)
    agree_by = models.DateTimeField(null=True, blank=True)
    texts = models.JSONField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(agree_by__isnull=True) | Q(agree_by__gt=F("published_at")),
                name="consent_notice_leaves_time",
            ),
            models.CheckConstraint(
                condition=Q(texts__has_key="en"), name="consent_notice_speaks_english"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="consent_notice_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            never_emptied("consent_notice_never_emptied"),
        ]

    def __str__(self) -> str:
        return self.version


class ExpiryReminder(models.Model):
    """
    An owner was told that a version ends in so many days: once for each.
    """

    pk = models.CompositePrimaryKey("version_id", "days_before")
    version = models.ForeignKey(
        ConsentVersion, on_delete=models.PROTECT, related_name="reminders", db_index=False
    )
    days_before = models.PositiveSmallIntegerField()
    reminded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.version_id} {self.days_before} d"
