"""
The ledger: accounts, entries and transfers, and the seals that prove them unedited.

Entries and transfers are only ever added. Triggers of migration 0001 refuse UPDATE, DELETE
and TRUNCATE, and the role that the application signs in with lacks the right. The triggers
are plain SQL, not pgtrigger's, because those can be switched off by a session setting.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _


class AccountKind(models.TextChoices):
    """
    The chart of accounts; a currency and, for some, an owner or a buyer complete the key.
    """

    STRIPE_PENDING = "stripe_pending", _("Stripe, pending")
    STRIPE_AVAILABLE = "stripe_available", _("Stripe, available")
    BANK = "bank", _("Bank")
    BUYER_PREPAID = "buyer_prepaid", _("Buyers, prepaid")
    BUYER_HELD = "buyer_held", _("Buyers, held for bookings")
    REFUND_IN_TRANSIT = "refund_in_transit", _("Refunds in transit")
    OWNER_PENDING = "owner_pending", _("Owners, in the hold window")
    OWNER_AVAILABLE = "owner_available", _("Owners, available")
    PAYOUT_IN_TRANSIT = "payout_in_transit", _("Payouts in transit")
    OWNER_RECEIVABLE = "owner_receivable", _("Owed by owners")
    PLATFORM_FEE = "platform_fee", _("Platform fee")
    CANCELLATION_FEE = "cancellation_fee", _("Cancellation fees")
    SLA_CREDITS = "sla_credits", _("Credits for shortfalls")
    UNBILLED_USAGE = "unbilled_usage", _("Usage that no buyer pays")
    BREACH_COMPENSATION = "breach_compensation", _("Compensation for breaches of consent")
    PROCESSOR_FEES = "processor_fees", _("Fees of the payment provider")
    PAYOUT_FEES = "payout_fees", _("Fees for payouts")
    BAD_DEBT = "bad_debt", _("Bad debt")
    ROUNDING = "rounding", _("Rounding")
    SUSPENSE = "suspense", _("To be cleared")


class Component(models.TextChoices):
    """
    What an owner's money was earned with; `returned` came back from a failed payout.
    """

    ELECTRICITY = "electricity", _("Electricity")
    WEAR = "wear", _("Wear")
    REWARD = "reward", _("Reward")
    JOB = "job", _("Jobs")
    COMPENSATION = "compensation", _("Compensation")
    RETURNED = "returned", _("Returned payout")


OWNER_KINDS = ("owner_pending", "owner_available", "owner_receivable")
BUYER_KINDS = ("buyer_prepaid", "buyer_held")
# The balance of these is kept by component, beside the whole.
KINDS_WITH_PARTS = ("owner_pending", "owner_available")
PARTS = tuple(f"{component}_micros" for component in Component.values)
ARE_PARTS_THE_BALANCE = Q(
    kind__in=KINDS_WITH_PARTS,
    balance_micros=F("electricity_micros")
    + F("wear_micros")
    + F("reward_micros")
    + F("job_micros")
    + F("compensation_micros")
    + F("returned_micros"),
) | (~Q(kind__in=KINDS_WITH_PARTS) & Q(**dict.fromkeys(PARTS, 0)))
IS_NOT_OVERDRAWN = (~Q(kind__in=BUYER_KINDS) | Q(balance_micros__gte=0)) & (
    ~Q(kind="owner_available") | Q(**{f"{part}__gte": 0 for part in PARTS})
)

# Codes of which no transfer credits a buyer: the money of owners, and what the platform keeps.
# They debit a buyer's prepaid balance where usage of a booking that is over is corrected, and
# then say which booking it is.
CREDITS_NO_BUYER = (
    "usage_settled",
    "job_completed",
    "usage_unbilled",
    "low_margin",
    "consent_breach",
    "earnings_released",
)


class Account(models.Model):
    """
    One account. The balance is credits minus debits, in micros.

    It is kept for owners and buyers only; that of a platform account stays 0 here and is
    summed when asked for, since every worker would queue for its row. What is pending or
    available of an owner is kept by component in the same row, so that a settlement that
    moves four components writes one row.
    """

    kind = models.CharField(max_length=24, choices=AccountKind.choices)
    currency = models.CharField(max_length=3)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    organization = models.ForeignKey(
        "accounts.Organization", null=True, on_delete=models.PROTECT, related_name="+"
    )
    balance_micros = models.BigIntegerField(default=0, db_default=0)
    electricity_micros = models.BigIntegerField(default=0, db_default=0)
    wear_micros = models.BigIntegerField(default=0, db_default=0)
    reward_micros = models.BigIntegerField(default=0, db_default=0)
    job_micros = models.BigIntegerField(default=0, db_default=0)
    compensation_micros = models.BigIntegerField(default=0, db_default=0)
    returned_micros = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            # Owner first: "all accounts of this owner" is a prefix of the key.
            models.UniqueConstraint(
                Coalesce(F("owner"), Value(0)),
                Coalesce(F("organization"), Value(0)),
                "kind",
                "currency",
                name="billing_account_key",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=AccountKind.values), name="billing_account_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=OWNER_KINDS) ^ Q(owner__isnull=True),
                name="billing_account_owner_kinds_have_one",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=BUYER_KINDS) ^ Q(organization__isnull=True),
                name="billing_account_buyer_kinds_have_one",
            ),
            models.CheckConstraint(
                condition=ARE_PARTS_THE_BALANCE, name="billing_account_parts_are_the_balance"
            ),
            models.CheckConstraint(
                condition=~Q(kind="owner_pending") | Q(returned_micros=0),
                name="billing_account_returned_is_available",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="billing_account_currency_iso"
            ),
            models.CheckConstraint(
                condition=IS_NOT_OVERDRAWN, name="billing_account_not_overdrawn"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[*OWNER_KINDS, *BUYER_KINDS]) | Q(balance_micros=0),
                name="billing_account_platform_is_summed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency}"


class Entry(models.Model):
    """
    One event in the books: all transfers that it caused name it.

    `reverses` is the entry that this one undoes; `corrects` the one that it adjusts while
    that one stays as it was.
    """

    code = models.CharField(max_length=32)
    effective_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    business_key = models.CharField(max_length=120)
    reverses = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    corrects = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="corrections"
    )
    settlement_id = models.BigIntegerField(null=True)
    description = models.CharField(max_length=200, default="", db_default="", blank=True)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            # Not unique=True: that would add a second index for LIKE to a hot table.
            models.UniqueConstraint(fields=["business_key"], name="billing_entry_business_key"),
            models.CheckConstraint(
                condition=~Q(business_key=""), name="billing_entry_business_key_given"
            ),
        ]

    def __str__(self) -> str:
        return self.business_key


class Transfer(models.Model):
    """
    Money moved: one account is debited, one credited, the same amount in micros.

    `component` says which part of an owner's pending or available money moves.

    Its key is its entry and its number there: an event is booked once because the entry's
    business key is unique. The foreign keys are checked by one trigger per statement (it also
    compares currency and owner), because a check per row costs more than the insert and locks
    the platform's accounts for every worker. A further column, written_by (xid8), is filled by
    the database and orders rows for sealing.
    """

    pk = models.CompositePrimaryKey("entry_id", "number")
    entry = models.ForeignKey(
        Entry,
        on_delete=models.PROTECT,
        related_name="transfers",
        db_constraint=False,
        db_index=False,
    )
    number = models.PositiveIntegerField()
    code = models.CharField(max_length=32)
    debit_account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="debits",
        db_constraint=False,
        db_index=False,
    )
    credit_account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="credits",
        db_constraint=False,
        db_index=False,
    )
    component = models.CharField(
        max_length=12, choices=Component.choices, default="", db_default="", blank=True
    )
    amount_micros = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    effective_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    owner_id = models.BigIntegerField(null=True)
    organization_id = models.BigIntegerField(null=True)
    booking_id = models.BigIntegerField(null=True)
    settlement_id = models.BigIntegerField(null=True)
    on_date = models.DateField(null=True)

    class Meta:
        indexes = [
            # For what moved a prepaid balance. What an owner was credited, and what a booking
            # was charged, is read from lines and balances; an index entry for each of these
            # transfers would be a quarter of the cost of writing it.
            models.Index(
                fields=["debit_account"],
                name="billing_transfer_debited",
                condition=~Q(code__in=CREDITS_NO_BUYER, booking_id=None),
            ),
            models.Index(
                fields=["credit_account"],
                name="billing_transfer_credited",
                condition=~Q(code__in=CREDITS_NO_BUYER),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_micros__gt=0), name="billing_transfer_amount_positive"
            ),
            models.CheckConstraint(
                condition=Q(component__in=["", *Component.values]),
                name="billing_transfer_component_known",
            ),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")),
                name="billing_transfer_two_accounts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id}:{self.number}"


class LedgerSeal(models.Model):
    """
    One block of transfers in the hash chain.

    It covers every transfer written by a transaction in [from_xid, until_xid); none of
    those was still open when the block was sealed, so nothing can join it later.
    """

    from_xid = models.BigIntegerField(unique=True)
    until_xid = models.BigIntegerField(unique=True)
    transfer_count = models.PositiveBigIntegerField()
    amount_micros = models.DecimalField(max_digits=38, decimal_places=0)
    previous_digest = models.BinaryField(max_length=32, unique=True)
    digest = models.BinaryField(max_length=32, unique=True)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until_xid__gt=F("from_xid")), name="billing_ledgerseal_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"[{self.from_xid}, {self.until_xid})"
