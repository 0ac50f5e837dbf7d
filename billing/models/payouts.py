"""
Money out: where owners are paid, payout runs, payouts and the calls that carry them.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


# The least that is worth a transfer, in micros. A currency that is not named here cannot
# be paid out: its smallest unit may not be a hundredth.
PAYOUT_MINIMUM_MICROS = {
    "CHF": 10_000_000,
    "DKK": 75_000_000,
    "EUR": 10_000_000,
    "GBP": 10_000_000,
    "NOK": 100_000_000,
    "SEK": 100_000_000,
    "USD": 10_000_000,
}
MICROS_PER_CENT = 10_000


class PayoutAccount(models.Model):
    """
    An owner's account at the payment provider, as it was when last read there.
    """

    class Status(models.TextChoices):
        NONE = "", _("Not set up")
        ACTIVE = "active", _("Active")
        PENDING = "pending", _("Being checked")
        RESTRICTED = "restricted", _("Something is missing")
        REJECTED = "rejected", _("Rejected")
        UNSUPPORTED = "unsupported", _("Not supported")
        CLOSED = "closed", _("Closed")

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    country = models.CharField(max_length=2)
    currency = models.CharField(max_length=3)
    provider_account_id = models.CharField(max_length=64, null=True, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default="", blank=True)
    # What the provider still wants from the owner: [{"what", "by"}].
    requirements = models.JSONField(default=list, blank=True)
    requirements_due_at = models.DateTimeField(null=True, blank=True)
    is_ready = models.BooleanField(default=False)
    # When the read began that this row shows; an answer to an earlier one is not applied.
    read_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider_account_id"], name="billing_payoutaccount_provider_id"
            ),
            models.CheckConstraint(
                condition=Q(is_ready=False) | Q(provider_account_id__isnull=False, status="active"),
                name="billing_payoutaccount_ready_is_active",
            ),
        ]

    def __str__(self) -> str:
        return f"owner {self.owner_id} {self.status}"


class PayoutHold(models.Model):
    """
    A named reason not to pay one owner until somebody lifts it.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=200)
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    placed_at = models.DateTimeField()
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(lifted_at__isnull=True), name="billing_hold_one_live"
            ),
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True) ^ Q(lifted_at__isnull=False),
                name="billing_hold_lifted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.reason


class PayoutRun(models.Model):
    """
    One batch of payouts in one currency, prepared by one person and approved by another.
    """

    class State(models.TextChoices):
        CALCULATED = "calculated", _("Worked out")
        SUBMITTED = "submitted", _("Waiting for a second person")
        APPROVED = "approved", _("Approved")
        EXECUTING = "executing", _("Being sent")
        SETTLED = "settled", _("Settled")
        CANCELLED = "cancelled", _("Cancelled")

    number = models.PositiveIntegerField(unique=True)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State.choices, default=State.CALCULATED)
    # Earnings that became available after this moment go to the next run.
    cutoff_at = models.DateTimeField()
    # SHA-256 over every line; what is approved is what was seen.
    checksum = models.CharField(max_length=64)
    payout_count = models.PositiveIntegerField(default=0)
    amount_micros = models.BigIntegerField(default=0)
    blocked_count = models.PositiveIntegerField(default=0)
    carried_micros = models.BigIntegerField(default=0)
    # How many lines are in which state and why, with their sums, as when they were written; until
    # the run is approved nothing moves, and 100,000 lines need not be counted for every page.
    line_groups = models.JSONField(default=list)
    calculated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    calculated_at = models.DateTimeField()
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    submitted_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    cancelled_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | (~Q(approved_by=F("submitted_by")) & ~Q(approved_by=F("calculated_by"))),
                name="billing_payoutrun_four_eyes",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "executing", "settled"])
                | Q(
                    approved_by__isnull=False,
                    approved_at__isnull=False,
                    submitted_by__isnull=False,
                    submitted_at__isnull=False,
                ),
                name="billing_payoutrun_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="submitted") | Q(submitted_by__isnull=False),
                name="billing_payoutrun_submitted_by_somebody",
            ),
            # Two drafts would both count the same balances.
            models.UniqueConstraint(
                fields=["currency"],
                condition=Q(state__in=["calculated", "submitted"]),
                name="billing_payoutrun_one_draft",
            ),
        ]

    def __str__(self) -> str:
        return f"Payout run {self.number}"


class BlockReason(models.TextChoices):
    NONE = "", _("Not blocked")
    HELD = "held", _("Held by finance")
    BELOW_MINIMUM = "below_minimum", _("Below the minimum, carried over")
    RECEIVABLE_OUTWEIGHS = "receivable_outweighs", _("What the owner owes outweighs it")
    NO_PAYOUT_ACCOUNT = "no_payout_account", _("No payout account yet")
    ACCOUNT_NOT_READY = "account_not_ready", _("Payout account is not ready")


class Payout(models.Model):
    """
    One owner's line in a run. All parts are micros; the amount is whole cents.

    available = offset + amount + carried, and amount = the sum of its parts.
    """

    class State(models.TextChoices):
        READY = "ready", _("Ready")
        BLOCKED = "blocked", _("Blocked")
        CREATED = "created", _("Approved")
        SUBMITTING = "submitting", _("Being sent")
        UNKNOWN = "unknown", _("Being looked up")
        IN_TRANSIT = "in_transit", _("On its way")
        PAID = "paid", _("Paid")
        FAILED = "failed", _("Failed, returned to the balance")
        CANCELLED = "cancelled", _("Cancelled")

    run = models.ForeignKey(PayoutRun, on_delete=models.PROTECT, related_name="payouts")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=State.choices)
    block_reason = models.CharField(
        max_length=20, choices=BlockReason.choices, default="", db_default="", blank=True
    )
    destination = models.CharField(max_length=64, default="", db_default="", blank=True)
    available_micros = models.BigIntegerField()
    receivable_micros = models.BigIntegerField(default=0, db_default=0)
    offset_reward_micros = models.BigIntegerField(default=0, db_default=0)
    offset_job_micros = models.BigIntegerField(default=0, db_default=0)
    electricity_micros = models.BigIntegerField(default=0, db_default=0)
    wear_micros = models.BigIntegerField(default=0, db_default=0)
    reward_micros = models.BigIntegerField(default=0, db_default=0)
    job_micros = models.BigIntegerField(default=0, db_default=0)
    compensation_micros = models.BigIntegerField(default=0, db_default=0)
    returned_micros = models.BigIntegerField(default=0, db_default=0)
    amount_micros = models.BigIntegerField()
    # The last payout of this owner that failed, for the view "failed last time".
    is_after_failure = models.BooleanField(default=False, db_default=False)
    provider_id = models.CharField(max_length=64, default="", db_default="", blank=True)
    failure_code = models.CharField(max_length=64, default="", db_default="", blank=True)
    # What came back, as far as it is in the books; the provider's figure only ever grows.
    reversed_micros = models.BigIntegerField(default=0, db_default=0)
    sent_at = models.DateTimeField(null=True)
    # When the provider was last asked about it.
    read_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "owner"], name="billing_payout_one_per_owner"),
            models.CheckConstraint(
                condition=Q(block_reason="") ^ Q(state="blocked"),
                name="billing_payout_blocked_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(amount_micros__gte=0, available_micros__gte=F("amount_micros")),
                name="billing_payout_amount_within_available",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount_micros=F("electricity_micros")
                    + F("wear_micros")
                    + F("reward_micros")
                    + F("job_micros")
                    + F("compensation_micros")
                    + F("returned_micros")
                ),
                name="billing_payout_parts_sum",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="billing_payout_of_owner"),
            models.Index(
                fields=["provider_id"], condition=~Q(provider_id=""), name="billing_payout_provider"
            ),
            # A run is settled when none is left; lines that need a look are few.
            models.Index(
                fields=["run", "id"],
                condition=Q(state__in=["created", "submitting", "unknown", "in_transit"]),
                name="billing_payout_open",
            ),
            models.Index(fields=["run", "state", "id"], name="billing_payout_by_state"),
            models.Index(
                fields=["owner"], condition=Q(state="failed"), name="billing_payout_failed"
            ),
            models.Index(
                fields=["read_at"],
                condition=Q(state="in_transit"),
                name="billing_payout_to_confirm",
            ),
        ]

    def __str__(self) -> str:
        return f"payout {self.pk} of run {self.run_id}"


class PayoutAttempt(models.Model):
    """
    One call to the provider: committed with its key and its body before it is made.
    """

    class State(models.TextChoices):
        CREATED = "created", _("Not sent yet")
        SUBMITTING = "submitting", _("Being sent")
        UNKNOWN = "unknown", _("Answer unknown")
        SUCCEEDED = "succeeded", _("Made")
        FAILED = "failed", _("Refused")

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    idempotency_key = models.CharField(max_length=64)
    request = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.CREATED)
    provider_id = models.CharField(max_length=64, null=True, blank=True)
    error_code = models.CharField(max_length=64, default="", db_default="", blank=True)
    error_detail = models.CharField(max_length=500, default="", db_default="", blank=True)
    look_ups = models.PositiveIntegerField(default=0, db_default=0)
    # The provider has finished with the key (see ProviderUnknown.is_final).
    is_answer_final = models.BooleanField(default=False, db_default=False)
    # Next moment at which something is to be done; while somebody does it, the lease's end.
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payout", "number"], name="billing_attempt_number"),
            models.UniqueConstraint(fields=["idempotency_key"], name="billing_attempt_key"),
            models.UniqueConstraint(fields=["provider_id"], name="billing_attempt_provider_id"),
            # The heart of it: a second attempt can only exist once the first has failed.
            models.UniqueConstraint(
                fields=["payout"],
                condition=~Q(state="failed"),
                name="billing_attempt_one_live",
            ),
            models.CheckConstraint(
                condition=Q(state="succeeded") ^ Q(provider_id__isnull=True),
                name="billing_attempt_succeeded_has_provider_id",
            ),
            models.CheckConstraint(
                condition=Q(state="created") | Q(sent_at__isnull=False) | Q(state="failed"),
                name="billing_attempt_sent_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["created", "submitting", "unknown"]),
                name="billing_attempt_due",
            ),
        ]

    def __str__(self) -> str:
        return self.idempotency_key
