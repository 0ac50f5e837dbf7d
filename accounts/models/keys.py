"""
Keys of machine clients. The secret is shown once; only its digest is stored.
"""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organization, User


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def owned_by(self, *, organization_id: int | None) -> "ApiKeyQuerySet":
        """
        Return an organisation's keys; None means those that belong to no buyer.
        """
        if organization_id is None:
            return self.filter(organization__isnull=True)
        return self.filter(organization_id=organization_id)


class ApiKey(models.Model):
    """
    A buyer's key acts for an organisation; any other for a source ("urn:scheduler:eu-1").
    """

    class Kind(models.TextChoices):
        BUYER = "buyer", _("Buyer")
        SCHEDULER = "scheduler", _("Scheduler")
        FINANCE = "finance", _("Finance system")

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="api_keys"
    )
    source = models.CharField(max_length=200, blank=True, default="")
    # What a person may see of the secret, to tell keys apart.
    prefix = models.CharField(max_length=24)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=40))
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaces"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="buyer", organization__isnull=False, source="")
                | (Q(kind__in=["scheduler", "finance"], organization__isnull=True) & ~Q(source="")),
                name="accounts_apikey_acts_for_organization_or_source",
            ),
            models.CheckConstraint(
                condition=Q(replaced_by__isnull=True) | ~Q(replaced_by=F("id")),
                name="accounts_apikey_not_its_own_successor",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}"

    def is_live(self, *, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at
