"""
The payout register: every line of a run, with what became of it.
"""

from django.utils.translation import gettext_lazy as _

from billing.queries.payouts import PayoutRow
from billing.reports.sheets import Column, Report, to_units
from web.public_ids import encode


PAYOUT_REGISTER: Report[PayoutRow] = Report(
    "payouts",
    (
        Column("payout_id", _("Payout"), lambda row: row.public_id),
        Column("owner_id", _("Owner id"), lambda row: encode("prs", row.owner_id)),
        Column("owner", _("Owner"), lambda row: row.owner_name),
        Column("state", _("State"), lambda row: row.state),
        Column("reason", _("Reason"), lambda row: row.block_reason or row.failure_code),
        Column("currency", _("Currency"), lambda row: row.currency),
        Column("available", _("Available"), lambda row: to_units(row.available_micros)),
        Column("offset", _("Taken for debts"), lambda row: to_units(row.offset_micros)),
        Column("amount", _("Pay"), lambda row: to_units(row.amount_micros)),
        Column("carried", _("Carried over"), lambda row: to_units(row.carried_micros)),
        Column("provider_id", _("Transfer at the provider"), lambda row: row.provider_id),
        Column("sent_at", _("Sent"), lambda row: row.sent_at),
        Column("finished_at", _("Finished"), lambda row: row.finished_at),
    ),
)
