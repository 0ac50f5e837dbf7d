"""
Who asked to be forgotten.
"""

from django.db import models
from django.db.models import Q

from accounts.models.people import User


class ErasureRequest(models.Model):
    """
    A person asked for erasure: done when nothing is owed to them any more, or at once with
    what they give up. The row stays; it names nobody.
    """

    user = models.OneToOneField(
        User, on_delete=models.PROTECT, primary_key=True, related_name="erasure"
    )
    asked_at = models.DateTimeField()
    # Money that is left when everything has cleared goes to the platform.
    gives_up_money = models.BooleanField()
    # When to look next whether anything is still owed to them.
    due_at = models.DateTimeField()
    # When the last mail to them was put into the outbox.
    told_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(told_at__isnull=False),
                name="accounts_erasure_told_first",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(erased_at__isnull=True),
                name="accounts_erasure_open",
            ),
        ]

    def __str__(self) -> str:
        return f"erasure of {self.user_id}"
