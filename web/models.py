"""
Rows that belong to no app: stored answers, request counters, and signs of life.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class IdempotencyRecord(models.Model):
    """
    The stored answer to one `Idempotency-Key`; written in the transaction of its effect.
    """

    id = models.BigAutoField(primary_key=True)
    # Whose key it is: "org:7", "source:urn:scheduler:eu-1" or "person:12".
    principal = models.CharField(max_length=240)
    key = models.CharField(max_length=255)
    # SHA-256 over method, path and body: the same key must mean the same request.
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=100)
    headers = models.JSONField(default=dict, blank=True)
    body = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["principal", "key"], name="web_idempotencyrecord_one_per_key"
            ),
            models.CheckConstraint(
                condition=Q(status__range=(200, 499)) & ~Q(status__in=[409, 429]),
                name="web_idempotencyrecord_final_answers_only",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="web_idempotencyrecord_age")]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"


class CacheEntry(models.Model):
    """
    The table of Django's database cache, which holds counts of tries to sign in.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.cache_key


class ThrottleBucket(models.Model):
    """
    When the next request of one caller would be on time (the cell-rate algorithm, GCRA).
    """

    key = models.CharField(max_length=260, primary_key=True)
    next_on_time_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["next_on_time_at"], name="web_throttlebucket_age")]

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """
    When a sweep of a queue last ended, and since when one is at work (None: none is).
    """

    queue = models.CharField(max_length=20, primary_key=True)
    beat_at = models.DateTimeField(null=True)
    busy_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.queue
