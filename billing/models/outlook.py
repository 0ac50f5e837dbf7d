"""
How much work comes, by hour of the week: what forecasts of earnings rest on.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


HOURS_PER_WEEK = 168


class WorkOutlook(models.Model):
    """
    One kind of work in one pool, counted over some weeks and replaced as a whole.

    Entry h of each list is hour h of the region's week (Monday 00:00 is 0). Quarter-hours of
    the pool's cars that allow this kind: heard from or silent since they were first heard
    (`seen`), plugged in (`plugged`), plugged in with every rule met (`permitted`). Of the last
    ones those in which such work was metered (`worked`), with their seconds, energy and the
    rewards of completed jobs. `buyers` has the energy by organisation.
    """

    pool_id = models.BigIntegerField()
    category_bit = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    refreshed_at = models.DateTimeField()
    vehicle_count = models.PositiveIntegerField()
    time_zone = models.CharField(max_length=64)
    seen = ArrayField(models.IntegerField(), size=HOURS_PER_WEEK)
    plugged = ArrayField(models.IntegerField(), size=HOURS_PER_WEEK)
    permitted = ArrayField(models.IntegerField(), size=HOURS_PER_WEEK)
    worked = ArrayField(models.IntegerField(), size=HOURS_PER_WEEK)
    worked_s = ArrayField(models.BigIntegerField(), size=HOURS_PER_WEEK)
    energy_wh = ArrayField(models.BigIntegerField(), size=HOURS_PER_WEEK)
    job_micros = ArrayField(models.BigIntegerField(), size=HOURS_PER_WEEK)
    buyers = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool_id", "category_bit"], name="billing_workoutlook_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    seen__len=HOURS_PER_WEEK,
                    plugged__len=HOURS_PER_WEEK,
                    permitted__len=HOURS_PER_WEEK,
                    worked__len=HOURS_PER_WEEK,
                    worked_s__len=HOURS_PER_WEEK,
                    energy_wh__len=HOURS_PER_WEEK,
                    job_micros__len=HOURS_PER_WEEK,
                ),
                name="billing_workoutlook_whole_week",
            ),
        ]

    def __str__(self) -> str:
        return f"pool {self.pool_id}, work {self.category_bit}"
