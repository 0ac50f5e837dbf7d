"""
The check of the books: every rule that always holds, in finance's own words.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from billing.gateways import stripe_connect
from billing.gateways.provider import ProviderRefused, ProviderUnknown
from billing.models import MICROS_PER_CENT, LedgerCheck
from billing.operations.ledger import read_sql
from billing.operations.ledger_seals import count_broken_seals
from web.rows import fetch_rows
from web.transactions import durable


CHECK_EVERY: Final = timedelta(hours=1)
# The file in sql/checks of each rule, and the rule in words.
RULES: Final = {
    "debits_are_credits": _("Debits are credits"),
    "every_transfer_has_a_source": _("Every transfer has a source"),
    "kept_balances_are_sums": _("Balances kept are the sums of their transfers"),
    "lines_are_transfers": _("Usage is in the ledger: rated lines are their transfers"),
    "owners_got_what_was_rated": _(
        "Owners: pending, available, in transit and paid are what was rated"
    ),
    "held_is_open_holds": _("Money held is what open bookings hold"),
    "in_transit_is_not_yet_transferred": _("In transit is what was approved and has not left"),
    "payouts_are_transfers": _("Payouts that left are booked as left"),
    "pending_is_captured": _("Pending at the provider is what buyers paid"),
    "clearing_is_empty": _("Clearing accounts hold only what is open"),
}
PROVIDER: Final = _("The ledger is the provider's balance")
SEALS: Final = _("Sealed blocks are as they were sealed")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """
    One rule in one currency. Figures are micros; broken_count counts single faults.
    """

    name: str
    title: str
    currency: str
    expected_micros: int
    found_micros: int
    broken_count: int
    note: str = ""

    @property
    def difference_micros(self) -> int:
        return self.found_micros - self.expected_micros

    @property
    def is_ok(self) -> bool:
        return not (self.difference_micros or self.broken_count or self.note)


def check_ledger(*, now: datetime, with_provider: bool = True) -> LedgerCheck:
    """
    Check every rule and keep the result. Reads only, apart from that one row.

    A provider that does not answer is a fault of its line: nothing was proved.
    """
    lines = [*read_rules(), *check_seals()]
    if with_provider:
        lines += check_provider()
    return _store(lines=lines, started_at=now)


@durable
def _store(*, lines: list[CheckLine], started_at: datetime) -> LedgerCheck:
    return LedgerCheck.objects.create(
        started_at=started_at,
        finished_at=timezone.now(),
        is_clean=all(line.is_ok for line in lines),
        lines=[
            asdict(line) | {"difference_micros": line.difference_micros, "is_ok": line.is_ok}
            for line in lines
        ],
    )


def check_ledger_hourly(*, now: datetime) -> int:
    """
    Check once an hour; for the sweep.
    """
    if LedgerCheck.objects.filter(started_at__gt=now - CHECK_EVERY).exists():
        return 0
    check_ledger(now=now)
    return 1


def read_rules() -> Iterator[CheckLine]:
    for name, title in RULES.items():
        rows = fetch_rows(read_sql(f"checks/{name}.sql"))
        for currency, expected, found, broken in sorted(rows) or [("", 0, 0, 0)]:
            yield CheckLine(
                name=name,
                title=title,
                currency=currency,
                expected_micros=int(expected or 0),
                found_micros=int(found or 0),
                broken_count=broken,
            )


def check_seals() -> Iterator[CheckLine]:
    _count, broken = count_broken_seals()
    yield CheckLine(
        name="seals",
        title=SEALS,
        currency="",
        expected_micros=0,
        found_micros=0,
        broken_count=broken,
    )


def check_provider() -> list[CheckLine]:
    """
    Compare our books with what the provider says it holds for us.
    """
    rows = fetch_rows(read_sql("checks/books_of_provider.sql"))
    books = {currency: int(micros) for currency, micros in rows}
    return [_compare_provider(currency, micros) for currency, micros in sorted(books.items())]


def _compare_provider(currency: str, books_micros: int) -> CheckLine:
    note, found_micros = "", 0
    try:
        cents = stripe_connect.retrieve_balance_cents(currency=currency)
        found_micros = cents * MICROS_PER_CENT
    except (ProviderRefused, ProviderUnknown) as error:
        note = error.detail or "no answer"
    return CheckLine(
        name="ledger_is_provider",
        title=PROVIDER,
        currency=currency,
        expected_micros=books_micros,
        found_micros=found_micros,
        broken_count=0,
        note=note,
    )
