"""
What the payment provider tells us, what buyers pay in, and the hourly check of it all.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ProviderEvent(models.Model):
    """
    One webhook as it came. It is a hint: what it names is read again before anything moves.
    """

    class Kind(models.TextChoices):
        SNAPSHOT = "snapshot", _("Snapshot")
        THIN = "thin", _("Thin")

    class State(models.TextChoices):
        RECEIVED = "received", _("Waiting")
        APPLIED = "applied", _("Applied")
        IGNORED = "ignored", _("Of no concern")
        DEAD = "dead", _("Given up")

    event_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    event_type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=100, default="", blank=True)
    provider_account_id = models.CharField(max_length=64, default="", blank=True)
    api_version = models.CharField(max_length=40, default="", blank=True)
    body = models.TextField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.RECEIVED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, default="", blank=True)
    received_at = models.DateTimeField()
    # Next moment to apply it; while somebody does, the lease's end.
    due_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event_id"], name="billing_providerevent_id"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state="received"),
                name="billing_providerevent_due",
            ),
            # Hardly any, and counted whenever an operator looks.
            models.Index(
                fields=["id"], condition=Q(state="dead"), name="billing_providerevent_dead"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class TopUp(models.Model):
    """
    Money that a buyer pays in through the provider's hosted checkout.
    """

    class State(models.TextChoices):
        CREATED = "created", _("Started")
        OPEN = "open", _("Waiting for the payment")
        CAPTURED = "captured", _("Paid")
        AVAILABLE = "available", _("Paid and available")
        EXPIRED = "expired", _("Not paid")

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+"
    )
    amount_micros = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State.choices, default=State.CREATED)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    # The buyer's own Idempotency-Key, when there was one.
    request_key = models.CharField(max_length=255, null=True, blank=True)
    checkout_session_id = models.CharField(max_length=100, null=True, blank=True)
    payment_intent_id = models.CharField(max_length=64, null=True, blank=True)
    balance_transaction_id = models.CharField(max_length=64, null=True, blank=True)
    # The provider's own figure, never a formula.
    fee_micros = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    captured_at = models.DateTimeField(null=True)
    available_on = models.DateTimeField(null=True)
    available_at = models.DateTimeField(null=True)
    # When the provider was last asked about it.
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "request_key"], name="billing_topup_request_key"
            ),
            models.UniqueConstraint(
                fields=["checkout_session_id"], name="billing_topup_checkout_session"
            ),
            models.UniqueConstraint(
                fields=["payment_intent_id"], name="billing_topup_payment_intent"
            ),
            models.CheckConstraint(
                condition=Q(amount_micros__gt=0), name="billing_topup_amount_positive"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["captured", "available"])
                | Q(
                    captured_at__isnull=False,
                    fee_micros__isnull=False,
                    balance_transaction_id__isnull=False,
                ),
                name="billing_topup_captured_has_fee",
            ),
        ]
        indexes = [
            models.Index(
                fields=["read_at"],
                condition=Q(state__in=["open", "captured"]),
                name="billing_topup_awaits_news",
            ),
            models.Index(fields=["organization", "-id"], name="billing_topup_of_organization"),
        ]

    def __str__(self) -> str:
        return f"top-up {self.pk}"


class LedgerCheck(models.Model):
    """
    One run of check_ledger: every rule of the books with what was found.
    """

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    is_clean = models.BooleanField()
    # [{"name", "currency", "expected", "found", "difference", "is_ok"}], figures as text.
    lines = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["-finished_at"], name="billing_ledgercheck_latest")]

    def __str__(self) -> str:
        return f"{self.finished_at:%Y-%m-%d %H:%M} {'clean' if self.is_clean else 'breaks'}"
