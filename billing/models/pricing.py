"""
What electricity costs an owner, by quarter-hour of the local week.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from billing.rules import QUARTERS_PER_WEEK


class Tariff(models.Model):
    """
    One version of an owner's tariff, or of a region's average for owners who gave none.

    Byte q of `bands` is the band of local quarter-hour q (Monday 00:00 is 0), an index into
    `band_micros_per_kwh`. `windows` is what was typed. Rows are superseded, never edited:
    `ends_at` is set once, infinity until then.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    region_code = models.CharField(max_length=32, default="", blank=True)
    version = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    time_zone = models.CharField(max_length=64)
    in_force = DateTimeRangeField()
    bands = models.BinaryField(max_length=QUARTERS_PER_WEEK)
    band_micros_per_kwh = ArrayField(models.BigIntegerField())
    windows = models.JSONField(default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Coalesce(F("owner"), 0), "region_code", "version", name="billing_tariff_version"
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False, region_code="")
                | (Q(owner__isnull=True) & ~Q(region_code="")),
                name="billing_tariff_owner_or_region",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="billing_tariff_currency_iso"
            ),
        ]

    def __str__(self) -> str:
        return f"tariff of {self.region_code or self.owner_id} v{self.version}"
