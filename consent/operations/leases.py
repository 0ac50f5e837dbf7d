"""
Leases and their evidence as rows: each kind in one statement for any number of them.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from django.db import connection

from consent.models import Lease
from consent.queries.arrays import write_array, write_instants, write_texts
from consent.queries.decisions import Question
from consent.rules import Decision, Finding, Use
from consent.rules.leases import HeldLease
from consent.rules.samples import Telemetry
from consent.rules.terms import value
from web.transactions import durable


# As long as `load_standings` looks back: what was granted then is metered or never will be.
FORGOTTEN_AFTER = timedelta(hours=2)


@value
class LeaseChange:
    """
    A lease as it shall be; `was` None: nobody knew of it.
    """

    vehicle_id: int
    lease: HeldLease
    was: HeldLease | None


@value
class Answered:
    """
    A question, what it got, and the use that counted for it where there is a budget.
    """

    question: Question
    decision: Decision
    use: Use | None


# Always by rising id, so that two requests never wait for each other in a ring.
_LOCK = """
SELECT id FROM consent_vehicle WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""
# Reservations are written as differences: settlement may have taken off what it metered since
# they were read. A lease that was too old to be read begins anew.
_KEEP = """
INSERT INTO consent_lease AS held (vehicle_id, job_id, booking_id, started_at, expires_at,
    refused_since, reserved_energy_wh, reserved_compute_s)
SELECT * FROM unnest(%(vehicles)s::bigint[], %(jobs)s::text[], %(bookings)s::bigint[],
    %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(refused)s::timestamptz[],
    %(energies)s::bigint[], %(computes)s::bigint[])
ON CONFLICT (vehicle_id, job_id) DO UPDATE
SET booking_id = excluded.booking_id, started_at = excluded.started_at,
    expires_at = excluded.expires_at, refused_since = excluded.refused_since,
    reserved_energy_wh = greatest(0, excluded.reserved_energy_wh + CASE
        WHEN held.expires_at > %(known_since)s THEN held.reserved_energy_wh ELSE 0 END),
    reserved_compute_s = greatest(0, excluded.reserved_compute_s + CASE
        WHEN held.expires_at > %(known_since)s THEN held.reserved_compute_s ELSE 0 END)
"""
# One row for as long as a grace lasts, longer with every renewal.
_GRANT = """
INSERT INTO consent_gracegrant AS given (vehicle_id, job_id, starts_at, ends_at, reasons_mask)
SELECT * FROM unnest(%(vehicles)s::bigint[], %(jobs)s::text[], %(starts)s::timestamptz[],
    %(ends)s::timestamptz[], %(masks)s::bigint[])
ON CONFLICT (vehicle_id, job_id, starts_at) DO UPDATE
SET ends_at = greatest(given.ends_at, excluded.ends_at),
    reasons_mask = given.reasons_mask | excluded.reasons_mask
"""
_RECORD = """
COPY consent_decisionrecord (vehicle_id, asked_at, decided_for, job_id, booking_id,
    category_bit, number, permit, reasons_mask, graced_mask, valid_until, use, telemetry) FROM STDIN
"""
_NULL = r"\N"
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def lock_vehicles(*, vehicle_ids: Iterable[int]) -> None:
    """
    Lock vehicles whose budgets will be read, until the transaction ends.

    Of two requests for the last of a budget, the second waits and sees what the first took.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [write_array(vehicle_ids)])


def keep_leases(*, changes: Iterable[LeaseChange], now: datetime) -> None:
    """
    Write each lease as it shall be, by rising key.
    """
    ordered = sorted(changes, key=lambda change: (change.vehicle_id, change.lease.job_id))
    leases = [change.lease for change in ordered]
    held = [change.was for change in ordered]
    values: dict[str, Any] = {
        "known_since": now - FORGOTTEN_AFTER,
        "vehicles": write_array(change.vehicle_id for change in ordered),
        "jobs": write_texts(lease.job_id for lease in leases),
        "bookings": write_array(lease.booking_id for lease in leases),
        "starts": write_instants(lease.started_at for lease in leases),
        "ends": write_instants(lease.expires_at for lease in leases),
        "refused": write_instants(lease.refused_since for lease in leases),
        "energies": write_array(
            lease.reserved_energy_wh - (was.reserved_energy_wh if was else 0)
            for lease, was in zip(leases, held, strict=True)
        ),
        "computes": write_array(
            lease.reserved_compute_s - (was.reserved_compute_s if was else 0)
            for lease, was in zip(leases, held, strict=True)
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, values)


def grant_grace(*, changes: Iterable[tuple[LeaseChange, int]]) -> None:
    """
    Write down which jobs were let go on, with the bits of the reasons against them.
    """
    grants = {
        (change.vehicle_id, change.lease.job_id, change.lease.refused_since): (
            change.lease.expires_at,
            mask,
        )
        for change, mask in changes
    }
    ordered = sorted(grants.items())
    values: dict[str, Any] = {
        "vehicles": [vehicle_id for (vehicle_id, _, _), _ in ordered],
        "jobs": [job_id for (_, job_id, _), _ in ordered],
        "starts": [starts_at for (_, _, starts_at), _ in ordered],
        "ends": [ends_at for _, (ends_at, _) in ordered],
        "masks": [mask for _, (_, mask) in ordered],
    }
    with connection.cursor() as cursor:
        cursor.execute(_GRANT, values)


def record_decisions(*, answers: Sequence[Answered], now: datetime) -> None:
    """
    Write down each answer with what it was made from.
    """
    instants = _Instants({None: _NULL})
    asked_at = instants[now]
    rows = StringIO("".join([_write_row(answer, asked_at, instants) for answer in answers]))
    with connection.cursor() as cursor:
        cursor.copy_expert(_RECORD, rows)


def mask_of(findings: Iterable[Finding]) -> int:
    """
    Return the bits of all refusals, also of those that only a live decision meets.
    """
    mask = 0
    for finding in findings:
        assert finding.code is not None, "a refusal"
        mask |= finding.code.bit
    return mask


class _Instants(dict[datetime | None, str]):
    """
    Instants as text: most of a batch are the same few.
    """

    def __missing__(self, instant: datetime | None) -> str:
        assert instant is not None, "known from the beginning"
        text = self[instant] = instant.isoformat()
        return text


def _write_row(answer: Answered, asked_at: str, instants: _Instants) -> str:
    question, decision = answer.question, answer.decision
    decided_for = asked_at if question.at is None else instants[question.at]
    return (
        f"{question.vehicle_id}\t{asked_at}\t{decided_for}\t"
        f"{question.job_id.translate(_ESCAPED)}\t"
        f"{_or_null(question.booking_id)}\t"
        f"{question.category.bit if question.category else 0}\t"
        f"{_or_null(decision.consent_version)}\t"
        f"{'t' if decision.permit else 'f'}\t"
        f"{mask_of(decision.reasons)}\t{mask_of(decision.graced)}\t"
        f"{instants[decision.valid_until]}\t"
        f"{_write_use(answer.use)}\t{_write_telemetry(question.telemetry)}\n"
    )


def _or_null(value: int | None) -> str:
    return _NULL if value is None else str(value)


def _write_use(use: Use | None) -> str:
    if use is None:
        return _NULL
    return (
        f"[{use.day_energy_wh},{use.day_compute_s},{use.month_energy_wh},{use.month_compute_s},"
        f"{use.month_wear_wh},{use.month_data_bytes},{use.reserved_energy_wh},"
        f"{use.reserved_compute_s}]"
    )


def _write_telemetry(said: Telemetry | None) -> str:
    if said is None:
        return _NULL
    return json.dumps(
        [
            said.observed_at.timestamp(),
            said.state_of_charge_permille,
            said.plugged_in,
            said.is_home,
            said.is_moving,
            said.battery_temp_decic,
            said.charge_power_w,
        ]
    )


@durable
def forget_leases(*, now: datetime) -> int:
    """
    Delete leases that ended so long ago that they count for nothing; return how many.
    """
    deleted, _ = Lease.objects.filter(expires_at__lte=now - FORGOTTEN_AFTER).delete()
    return deleted
