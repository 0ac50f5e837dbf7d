import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from consent.models.fields import never_emptied
from consent.models.versions import ConsentVersion


class ProfileVersion(models.Model):
    """
    An owner's defaults for all cars, as agreed from one moment on; the highest number counts.

    Nothing is decided by these rows: each car that follows them has a consent version of its
    own, which names the number that it was made from.
    """

    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    number = models.PositiveIntegerField()
    # As `consent.rules.written.write_rules` writes them.
    rules = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "number"], name="consent_profile_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="consent_profile_from_one"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="consent_profile_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            never_emptied("consent_profile_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} p{self.number}"


class OwnRules(models.Model):
    """
    What a car that follows defaults asked for itself, before both were combined.

    Kept because the stricter of two rules hides the other: when the defaults are loosened the
    car's own rule counts again.
    """

    version = models.OneToOneField(
        ConsentVersion, on_delete=models.PROTECT, primary_key=True, related_name="own_rules"
    )
    rules = models.JSONField()

    class Meta:
        triggers = [
            pgtrigger.Protect(
                name="consent_own_rules_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            never_emptied("consent_own_rules_never_emptied"),
        ]

    def __str__(self) -> str:
        return f"own rules of {self.version_id}"
