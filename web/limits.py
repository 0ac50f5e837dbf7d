"""
Every limit of Parado by name, in one place (the operators' page shows this list).

A limit is declared twice: as a constant for the code and, below, with its unit and meaning
for people. A test holds both lists to the same names.
"""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


KIB: Final = 1024
MIB: Final = 1024 * KIB

# Requests
BODY_BYTES_MAX: Final = 1 * MIB
USAGE_BODY_BYTES_MAX: Final = 16 * MIB
TELEMETRY_BODY_BYTES_MAX: Final = 2 * MIB
WEBHOOK_BODY_BYTES_MAX: Final = 256 * KIB
JSON_DEPTH_MAX: Final = 32
JSON_ITEMS_MAX: Final = 10_000
USAGE_EVENTS_MAX: Final = 10_000
TELEMETRY_SAMPLES_MAX: Final = 5_000
EVALUATIONS_MAX: Final = 1_000
PAGE_ROWS: Final = 50
PAGE_ROWS_MAX: Final = 500
FEED_ROWS: Final = 500
FEED_ROWS_MAX: Final = 5_000
FEED_WAIT_S_MAX: Final = 30
IDEMPOTENCY_KEY_CHARACTERS_MAX: Final = 255
IDEMPOTENCY_KEPT_H: Final = 48

# Requests a minute; the burst is what may come at once
SCHEDULER_REQUESTS_PER_MINUTE: Final = 6_000
SCHEDULER_BURST: Final = 600
BUYER_REQUESTS_PER_MINUTE: Final = 600
BUYER_BURST: Final = 60
ANONYMOUS_REQUESTS_PER_MINUTE: Final = 60
ANONYMOUS_BURST: Final = 30

# Keys and sessions
KEY_LIFE_DAYS_MAX: Final = 366
KEY_OVERLAP_H: Final = 24
KEYS_PER_ORGANIZATION_MAX: Final = 50
KEY_USE_NOTED_EVERY_S: Final = 60
FRESH_SIGN_IN_S: Final = 300

# Consent and usage
LEASE_S: Final = 60
LEASE_RENEWAL_S: Final = 15
UNMETERED_S_MAX: Final = 1_800
JOB_ENERGY_WH_MAX: Final = 1_000_000
TELEMETRY_STALE_S: Final = 300
TELEMETRY_AHEAD_S_MAX: Final = 120
SETTLEMENT_PERIOD_S: Final = 900
USAGE_AGE_DAYS_MAX: Final = 90
SETTLEMENT_LANES: Final = 8
SETTLEMENT_RECORDS_MAX: Final = 250_000
HOLD_DAYS: Final = 3
TARIFF_WINDOWS_MAX: Final = 6
# An owner's electricity is paid back first, so its price is bounded by what is charged anywhere.
TARIFF_MICROS_PER_KWH_MAX: Final = 2_000_000
TARIFF_OUTLIER_PCT: Final = 150

# Agreeing again
EXPIRY_FIRST_REMINDER_DAYS: Final = 30
EXPIRY_LAST_REMINDER_DAYS: Final = 7
EXPIRY_REMINDERS_BATCH: Final = 500
NOTICE_DAYS_MIN: Final = 30

# A car that changes hands
OFFER_LIFE_DAYS: Final = 14
OFFERS_PER_DAY_MAX: Final = 5

# Signs of life
HEARTBEAT_LATE_S: Final = 30
# Longer than a task may run, so what is older than this will not end by itself.
HEARTBEAT_STUCK_S: Final = 300
USAGE_WAIT_S_MAX: Final = 120
METERING_SILENT_S: Final = 1_800
QUARANTINE_AGE_H_MAX: Final = 24
TRANSIT_AGE_H_MAX: Final = 72
# They are checked once an hour.
LEDGER_CHECK_AGE_H_MAX: Final = 3

# Messages that leave
OUTBOX_ATTEMPTS_MAX: Final = 20
OUTBOX_LEASE_S: Final = 120
OUTBOX_BATCH: Final = 50
OUTBOX_RETRY_S: Final = 30
OUTBOX_RETRY_S_MAX: Final = 3_600

# Provider
PROVIDER_KEY_KEPT_H: Final = 24
PROVIDER_LOOK_UP_FIRST_H: Final = 20
WEBHOOK_TOLERANCE_S: Final = 300


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    unit: str
    meaning: str | Promise

    @property
    def value(self) -> int:
        return int(globals()[self.name])


LIMITS: Final = (
    Limit("BODY_BYTES_MAX", "bytes", _("Largest body of an API request")),
    Limit("USAGE_BODY_BYTES_MAX", "bytes", _("Largest unpacked body of metered usage")),
    Limit("TELEMETRY_BODY_BYTES_MAX", "bytes", _("Largest body of telemetry")),
    Limit("WEBHOOK_BODY_BYTES_MAX", "bytes", _("Largest body of an incoming webhook")),
    Limit("JSON_DEPTH_MAX", "levels", _("Deepest nesting of JSON")),
    Limit("JSON_ITEMS_MAX", "items", _("Longest list in a JSON body")),
    Limit("USAGE_EVENTS_MAX", "events", _("Usage events in one request")),
    Limit("TELEMETRY_SAMPLES_MAX", "samples", _("Telemetry samples in one request")),
    Limit("EVALUATIONS_MAX", "decisions", _("Decisions in one request")),
    Limit("PAGE_ROWS", "rows", _("Rows of one page of a list")),
    Limit("PAGE_ROWS_MAX", "rows", _("Most rows of one page that a client may ask for")),
    Limit("FEED_ROWS", "rows", _("Rows of one answer of a feed")),
    Limit("FEED_ROWS_MAX", "rows", _("Most rows of a feed that a client may ask for")),
    Limit("FEED_WAIT_S_MAX", "s", _("Longest wait of a feed for news")),
    Limit("IDEMPOTENCY_KEY_CHARACTERS_MAX", "characters", _("Longest Idempotency-Key")),
    Limit("IDEMPOTENCY_KEPT_H", "h", _("How long the answer to an Idempotency-Key is kept")),
    Limit("SCHEDULER_REQUESTS_PER_MINUTE", "1/min", _("Requests of one scheduler")),
    Limit("SCHEDULER_BURST", "requests", _("Requests of one scheduler at once")),
    Limit("BUYER_REQUESTS_PER_MINUTE", "1/min", _("Requests of one buyer organisation")),
    Limit("BUYER_BURST", "requests", _("Requests of one buyer organisation at once")),
    Limit("ANONYMOUS_REQUESTS_PER_MINUTE", "1/min", _("API requests without a key, per address")),
    Limit("ANONYMOUS_BURST", "requests", _("API requests without a key at once, per address")),
    Limit("KEY_LIFE_DAYS_MAX", "days", _("Longest life of an API key")),
    Limit("KEY_OVERLAP_H", "h", _("How long a rotated API key still works")),
    Limit("KEYS_PER_ORGANIZATION_MAX", "keys", _("API keys of one organisation")),
    Limit("KEY_USE_NOTED_EVERY_S", "s", _("How often the last use of a key is noted")),
    Limit("FRESH_SIGN_IN_S", "s", _("How old a sign-in may be when money is approved")),
    Limit("LEASE_S", "s", _("Longest life of a permit without a new decision")),
    Limit("LEASE_RENEWAL_S", "s", _("How long after its end a permit can still be renewed")),
    Limit("UNMETERED_S_MAX", "s", _("Work of so long may wait for its meter's report")),
    Limit("JOB_ENERGY_WH_MAX", "Wh", _("Most energy that a job may expect to use")),
    Limit("TELEMETRY_STALE_S", "s", _("Age at which telemetry no longer counts")),
    Limit("TELEMETRY_AHEAD_S_MAX", "s", _("How far telemetry may lie in the future")),
    Limit("SETTLEMENT_PERIOD_S", "s", _("Length of a settlement period")),
    Limit("USAGE_AGE_DAYS_MAX", "days", _("Oldest usage that is accepted")),
    Limit("SETTLEMENT_LANES", "lanes", _("Workers that can settle side by side")),
    Limit("SETTLEMENT_RECORDS_MAX", "records", _("Records that one settlement takes at once")),
    Limit("HOLD_DAYS", "days", _("How long earnings wait before they are available")),
    Limit("TARIFF_WINDOWS_MAX", "windows", _("Windows of one electricity tariff")),
    Limit("TARIFF_MICROS_PER_KWH_MAX", "micros/kWh", _("Dearest electricity that is paid back")),
    Limit("TARIFF_OUTLIER_PCT", "%", _("Own price, of the region's, above which finance looks")),
    Limit("EXPIRY_FIRST_REMINDER_DAYS", "days", _("First word before a consent ends")),
    Limit("EXPIRY_LAST_REMINDER_DAYS", "days", _("Last word before a consent ends")),
    Limit("EXPIRY_REMINDERS_BATCH", "mails", _("Reminders of an ending consent at once")),
    Limit("NOTICE_DAYS_MIN", "days", _("Least time to agree to a new notice")),
    Limit("OFFER_LIFE_DAYS", "days", _("How long the offer of a car can be accepted")),
    Limit("OFFERS_PER_DAY_MAX", "offers", _("Offers of cars that one owner may make a day")),
    Limit("HEARTBEAT_LATE_S", "s", _("Silence of a queue after which it counts as late")),
    Limit("HEARTBEAT_STUCK_S", "s", _("Length of a sweep after which it counts as stuck")),
    Limit("USAGE_WAIT_S_MAX", "s", _("How long metered usage may wait for settlement")),
    Limit("METERING_SILENT_S", "s", _("Silence of the meters that counts, while bookings run")),
    Limit("QUARANTINE_AGE_H_MAX", "h", _("How long something may wait in quarantine")),
    Limit("TRANSIT_AGE_H_MAX", "h", _("How long a payout may be on its way")),
    Limit("LEDGER_CHECK_AGE_H_MAX", "h", _("How old the last check of the books may be")),
    Limit("OUTBOX_ATTEMPTS_MAX", "tries", _("Tries before a message is given up")),
    Limit("OUTBOX_LEASE_S", "s", _("How long one try to send a message may take")),
    Limit("OUTBOX_BATCH", "messages", _("Messages claimed at once")),
    Limit("OUTBOX_RETRY_S", "s", _("Wait before the second try; it doubles every time")),
    Limit("OUTBOX_RETRY_S_MAX", "s", _("Longest wait between two tries")),
    Limit("PROVIDER_KEY_KEPT_H", "h", _("How long the payment provider remembers a key")),
    Limit("PROVIDER_LOOK_UP_FIRST_H", "h", _("Age of an attempt after which we only look up")),
    Limit("WEBHOOK_TOLERANCE_S", "s", _("How old or early a signed webhook may be")),
)
