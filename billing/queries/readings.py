"""
Each rated record of an owner's car with the meter reading that it was made from.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from billing.models import LineKind, Outcome, QuarantineCode
from billing.queries.earnings import Earnings, read_earnings
from web.rows import fetch_rows


@dataclass(frozen=True, kw_only=True)
class Line:
    """
    One rated record, with the meter reading that it was made from. Amounts are micros.
    """

    record_id: int
    on_date: date
    starts_at: datetime
    ends_at: datetime
    kind: LineKind
    outcome: Outcome
    refusals: int
    is_superseded: bool
    earnings: Earnings
    tariff_micros_per_kwh: int
    wear_micros_per_kwh: int
    reward_micros_per_kwh: int
    rate_card_version: int
    consent_number: int | None
    event_id: str
    source: str
    sequence: int
    job_id: str
    job_completed: bool
    category_bit: int
    state_of_charge_min_permille: int | None
    battery_temp_min_decic: int | None
    battery_temp_max_decic: int | None
    plugged_in: bool | None
    is_home: bool | None
    mobile_data_bytes: int | None
    duration_s: int
    settled_at: datetime
    booking_id: int

    @property
    def is_valid(self) -> bool:
        """
        Return whether the reading still counts: neither corrected nor a correction's reversal.
        """
        is_corrected = self.outcome == Outcome.SUPERSEDED or self.is_superseded
        return self.kind == LineKind.USAGE and not is_corrected


_LINES = """
SELECT l.record_id, l.on_date, l.starts_at, l.ends_at, l.kind, l.outcome, l.refusals,
    EXISTS (SELECT FROM billing_supersession s WHERE s.old_record_id = l.record_id),
    l.energy_wh, CASE WHEN l.job_micros > 0 THEN 1 WHEN l.job_micros < 0 THEN -1 ELSE 0 END,
    l.electricity_micros, l.wear_micros, l.reward_micros, l.job_micros, l.compensation_micros,
    coalesce(t.band_micros_per_kwh[1 + get_byte(t.bands, (
        (floor(date_part('epoch', l.starts_at AT TIME ZONE t.time_zone) / 900)::bigint + 288) %% 672
    )::integer)], 0),
    coalesce(c.wear_micros_per_kwh, 0), coalesce(c.reward_micros_per_kwh, 0),
    coalesce(c.version, 0), v.number,
    r.event_id, u.name, r.sequence, r.job_id, r.job_completed, r.category_bit,
    r.state_of_charge_min_permille, r.battery_temp_min_decic, r.battery_temp_max_decic,
    r.plugged_in, r.is_home, r.mobile_data_bytes, l.duration_s, s.booked_at, l.booking_id
FROM billing_ratedline l
JOIN billing_usagerecord r ON r.on_date = l.on_date AND r.id = l.record_id
JOIN billing_usagesource u ON u.id = r.source_id
JOIN billing_settlement s ON s.id = l.settlement_id
LEFT JOIN billing_tariff t ON t.id = l.tariff_id
LEFT JOIN marketplace_rate_terms_v c ON c.rate_card_id = l.rate_card_id
LEFT JOIN consent_terms_v v ON v.version_id = l.consent_version_id
WHERE l.owner_id = %(owner_id)s AND l.vehicle_id = %(vehicle_id)s
  AND l.starts_at >= %(starts_at)s AND l.starts_at < %(ends_at)s
  AND l.on_date BETWEEN (%(starts_at)s AT TIME ZONE 'UTC')::date
      AND (%(ends_at)s AT TIME ZONE 'UTC')::date
ORDER BY l.starts_at, l.record_id, l.kind
"""


def list_lines(
    *, owner_id: int, vehicle_id: int, starts_at: datetime, ends_at: datetime
) -> tuple[Line, ...]:
    """
    Return every line that begins in [starts_at, ends_at), oldest first, in one SQL query.
    """
    rows = fetch_rows(
        _LINES,
        {
            "owner_id": owner_id,
            "vehicle_id": vehicle_id,
            "starts_at": starts_at,
            "ends_at": ends_at,
        },
    )
    return tuple(_read_line(row) for row in rows)


@dataclass(frozen=True, kw_only=True)
class HeldReading:
    """
    A record of an owner's car that waits for a person: nobody was paid for it yet.
    """

    vehicle_id: int
    starts_at: datetime
    energy_wh: int
    code: QuarantineCode
    detail: str


_HELD = """
SELECT q.vehicle_id, r.starts_at, r.energy_wh, q.code, q.detail
FROM billing_quarantinedrecord q
JOIN billing_usagerecord r ON r.on_date = q.on_date AND r.id = q.record_id
WHERE q.state = 'open' AND r.owner_id = %(owner_id)s AND q.vehicle_id = ANY(%(vehicle_ids)s)
ORDER BY r.starts_at DESC
LIMIT %(limit)s
"""


def list_held_readings(
    *, owner_id: int, vehicle_ids: Collection[int], limit: int
) -> tuple[HeldReading, ...]:
    """
    Return the newest readings of these vehicles that wait for a person.
    """
    rows = fetch_rows(
        _HELD, {"owner_id": owner_id, "vehicle_ids": list(vehicle_ids), "limit": limit}
    )
    return tuple(
        HeldReading(
            vehicle_id=vehicle_id,
            starts_at=starts_at,
            energy_wh=energy_wh,
            code=QuarantineCode(code),
            detail=detail,
        )
        for vehicle_id, starts_at, energy_wh, code, detail in rows
    )


def _read_line(row: tuple[Any, ...]) -> Line:
    values = iter(row)
    names = iter(Line.__dataclass_fields__)
    before = dict(zip(islice(names, 8), islice(values, 8), strict=True))
    next(names)
    earnings = read_earnings(islice(values, 7))
    after = dict(zip(names, values, strict=True))
    before["kind"] = LineKind(before["kind"])
    before["outcome"] = Outcome(before["outcome"])
    return Line(**before, earnings=earnings, **after)
