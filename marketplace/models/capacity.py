from django.db import models
from django.db.models import F, Q

from marketplace.models.expressions import is_on_the_hour
from marketplace.models.pools import Pool


class CapacityBucket(models.Model):
    """
    One hour of one pool: what is expected, what may be sold, what is sold. Watts.

    The check constraint is the second line behind the row lock that every sale takes:
    no path, not even a broken one, sells more than there is.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="buckets")
    starts_at = models.DateTimeField()
    forecast_w = models.BigIntegerField()
    sellable_w = models.BigIntegerField()
    reserved_w = models.BigIntegerField(default=0)
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "starts_at"], name="marketplace_bucket_one_per_hour"
            ),
            models.CheckConstraint(
                condition=Q(reserved_w__gte=0) & Q(reserved_w__lte=F("sellable_w")),
                name="marketplace_bucket_never_oversold",
            ),
            models.CheckConstraint(
                condition=Q(forecast_w__gte=0), name="marketplace_bucket_forecast_not_negative"
            ),
            models.CheckConstraint(
                condition=is_on_the_hour(F("starts_at")),
                name="marketplace_bucket_on_the_hour",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.starts_at:%Y-%m-%dT%HZ}"
