from billing.models.ledger import (
    Account,
    AccountKind,
    Component,
    Entry,
    LedgerSeal,
    Transfer,
)
from billing.models.pricing import Tariff
from billing.models.settlement import (
    BookingDelivery,
    LineKind,
    Outcome,
    RatedLine,
    Settlement,
    SettlementDay,
    SettlementTotal,
    Supersession,
)
from billing.models.usage import (
    CompletedJob,
    QuarantineCode,
    QuarantinedRecord,
    UsageBatch,
    UsageKey,
    UsagePart,
    UsageRecord,
    UsageSource,
    VehicleMeter,
)


__all__ = [
    "Account",
    "AccountKind",
    "BookingDelivery",
    "CompletedJob",
    "Component",
    "Entry",
    "LedgerSeal",
    "LineKind",
    "Outcome",
    "QuarantineCode",
    "QuarantinedRecord",
    "RatedLine",
    "Settlement",
    "SettlementDay",
    "SettlementTotal",
    "Supersession",
    "Tariff",
    "Transfer",
    "UsageBatch",
    "UsageKey",
    "UsagePart",
    "UsageRecord",
    "UsageSource",
    "VehicleMeter",
]
