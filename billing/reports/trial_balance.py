"""
The trial balance as a sheet.
"""

from django.utils.translation import gettext_lazy as _

from billing.models import AccountKind
from billing.queries.reports import TrialBalanceRow
from billing.reports.sheets import Column, Report, to_units


TRIAL_BALANCE: Report[TrialBalanceRow] = Report(
    "trial balance",
    (
        Column("account", _("Account"), lambda row: row.kind),
        Column("title", _("Title"), lambda row: str(AccountKind(row.kind).label)),
        Column("component", _("Component"), lambda row: row.component),
        Column("currency", _("Currency"), lambda row: row.currency),
        Column("accounts", _("Accounts"), lambda row: row.account_count),
        Column("debit", _("Debit"), lambda row: to_units(row.debit_micros)),
        Column("credit", _("Credit"), lambda row: to_units(row.credit_micros)),
        Column("balance", _("Balance"), lambda row: to_units(row.balance_micros)),
    ),
)
