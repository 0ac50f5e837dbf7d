"""
The trial balance, at any moment by event time and by booking time; the last check of the books.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.models import AccountKind, Component, LedgerCheck
from web.rows import fetch_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceRow:
    """
    One kind of account (and component) in one currency; all amounts are micros.

    account_count is how many such accounts are open today.
    """

    kind: str
    component: str
    currency: str
    account_count: int
    debit_micros: int
    credit_micros: int

    @property
    def balance_micros(self) -> int:
        """
        Return credits minus debits.
        """
        return self.credit_micros - self.debit_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """
    Every account that had a transfer by then; `as_of` is event time, `booked_until` booking time.
    """

    as_of: datetime
    booked_until: datetime
    rows: tuple[TrialBalanceRow, ...]

    @property
    def currencies(self) -> tuple[str, ...]:
        return tuple(sorted({row.currency for row in self.rows}))

    def total(self, currency: str) -> tuple[int, int]:
        """
        Return the sums of debits and of credits in one currency; equal, or the books are broken.
        """
        rows = [row for row in self.rows if row.currency == currency]
        return sum(row.debit_micros for row in rows), sum(row.credit_micros for row in rows)


# Joined before it is summed: there are some forty kinds, but as many accounts as owners.
TRIAL_BALANCE = """
WITH side AS (
    SELECT a.kind, t.component, a.currency, sum(t.amount_micros) AS debit, 0 AS credit
    FROM billing_transfer t
    JOIN billing_account a ON a.id = t.debit_account_id
    WHERE t.effective_at < %(as_of)s AND t.booked_at < %(booked_until)s
    GROUP BY a.kind, t.component, a.currency
    UNION ALL
    SELECT a.kind, t.component, a.currency, 0, sum(t.amount_micros)
    FROM billing_transfer t
    JOIN billing_account a ON a.id = t.credit_account_id
    WHERE t.effective_at < %(as_of)s AND t.booked_at < %(booked_until)s
    GROUP BY a.kind, t.component, a.currency
), parted AS (
    SELECT kind, currency, debit, credit,
        CASE WHEN kind IN ('owner_pending', 'owner_available') THEN component ELSE '' END
            AS component
    FROM side
), opened AS (
    SELECT kind, currency, count(*) AS accounts FROM billing_account GROUP BY kind, currency
)
SELECT kind, component, currency, min(o.accounts), sum(s.debit)::bigint, sum(s.credit)::bigint
FROM parted s
JOIN opened o USING (kind, currency)
GROUP BY kind, component, currency
"""
KIND_ORDER = {kind: place for place, kind in enumerate(AccountKind.values)}
COMPONENT_ORDER = {component: place for place, component in enumerate(["", *Component.values])}


def get_trial_balance(*, as_of: datetime, booked_until: datetime) -> TrialBalance:
    """
    Return the balances of what had happened before as_of and was booked before booked_until.
    """
    rows = [
        TrialBalanceRow(
            kind=kind,
            component=component,
            currency=currency,
            account_count=count,
            debit_micros=debit,
            credit_micros=credit,
        )
        for kind, component, currency, count, debit, credit in fetch_rows(
            TRIAL_BALANCE, {"as_of": as_of, "booked_until": booked_until}
        )
    ]
    rows.sort(key=lambda r: (r.currency, KIND_ORDER[r.kind], COMPONENT_ORDER[r.component]))
    return TrialBalance(as_of=as_of, booked_until=booked_until, rows=tuple(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheck:
    """
    The last check of the books; lines as check_ledger stored them.
    """

    finished_at: datetime
    is_clean: bool
    lines: tuple[dict[str, Any], ...]

    def find(self, name: str, currency: str) -> dict[str, Any] | None:
        return next(
            (each for each in self.lines if (each["name"], each["currency"]) == (name, currency)),
            None,
        )


def get_last_check() -> LastCheck | None:
    check = LedgerCheck.objects.order_by("-finished_at").first()
    if check is None:
        return None
    return LastCheck(
        finished_at=check.finished_at, is_clean=check.is_clean, lines=tuple(check.lines)
    )
