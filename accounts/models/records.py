"""
What was done by whom, and what still has to leave the house.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class AuditEvent(models.Model):
    """
    One act of one person (or, without an actor, of the system); never changed afterwards.
    """

    id = models.BigAutoField(primary_key=True)
    actor = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="audit_events"
    )
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=120)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "-at"], name="accounts_audit_subject")]
        triggers = [
            pgtrigger.Protect(
                name="accounts_audit_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


class Outbox(models.Model):
    """
    One message to send: committed with its cause, claimed with a lease, sent, marked.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        SENT = "sent", _("Sent")
        DEAD = "dead", _("Given up")

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=30)
    # The deterministic name of the cause: the same cause never sends twice.
    business_key = models.CharField(max_length=200, unique=True)
    payload = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Also the end of the lease while somebody is sending it.
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["pending", "sent", "dead"]),
                name="accounts_outbox_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="sent") ^ Q(sent_at__isnull=True),
                name="accounts_outbox_sent_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state="pending"), name="accounts_outbox_due"
            ),
            # Hardly any, and counted whenever an operator looks.
            models.Index(fields=["id"], condition=Q(state="dead"), name="accounts_outbox_dead"),
        ]

    def __str__(self) -> str:
        return self.business_key
