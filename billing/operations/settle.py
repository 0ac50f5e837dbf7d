"""
Settlement: pending usage of one lane becomes rated lines and transfers, in one transaction.

The work is done by the SQL of billing/sql/settle, set by set; this module says in which
order, skips what is rare and absent, and sees to it that every record is settled once: a
lane has one worker at a time, and parts are marked in the transaction that posts them.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakSet

from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg2.errors import DeadlockDetected

from billing.models import Entry, Settlement, UsagePart
from billing.operations.ledger import BOOKS_REFUSE, open_posting, post_staged, read_sql
from consent.operations import add_day_use, release_reserved
from web.limits import HOLD_DAYS, SETTLEMENT_LANES, SETTLEMENT_RECORDS_MAX


logger = logging.getLogger(__name__)

# First key of the advisory locks; the second is the lane.
LANE_LOCK = 5_371
ATTEMPTS_MAX = 4
# What the books refuse is tried again so much later: an operator may have mended the cause.
RETRY_AFTER = timedelta(hours=1)
TEMP_BUFFERS = "64MB"
# Sessions that were asked to keep temporary tables in memory.
_asked: WeakSet[Any] = WeakSet()
# Begins the names of the checks of BookingDelivery.
IS_CONTENDED = "billing_bookingdelivery_"

# Of a part p: whoever asks for certain parts gets those that are due, among NULL all of them.
IS_DUE = """p.settlement_id IS NULL AND coalesce(p.retry_at <= %(now)s, true)
    AND (%(among)s IS NULL OR p.id = ANY(%(among)s::bigint[]))"""

CLAIM = f"""
CREATE TEMPORARY TABLE settling_part ON COMMIT DROP AS
SELECT id AS part_id, first_record_id, last_record_id, first_date, last_date, is_requeued,
    is_energy_cleared, is_overlap_cleared
FROM (
    SELECT *, sum(record_count) OVER (ORDER BY id) - record_count AS records_before
    FROM (
        SELECT * FROM billing_usagepart p
        WHERE p.lane = %(lane)s AND {IS_DUE}
        ORDER BY id LIMIT %(parts)s
    ) pending
) p
WHERE records_before = 0 OR records_before + record_count <= %(records)s
"""  # noqa: S608 - made of a constant

# The lane whose oldest part waits longest first.
LIST_LANES = f"""
SELECT l.lane
FROM generate_series(0, %(lanes)s - 1) AS l (lane)
CROSS JOIN LATERAL (
    SELECT id FROM billing_usagepart p
    WHERE p.lane = l.lane AND {IS_DUE}
    ORDER BY id LIMIT 1
) oldest
ORDER BY oldest.id
"""  # noqa: S608 - made of a constant

LOCK_BOOKINGS = """
INSERT INTO billing_bookingdelivery (booking_id, booked_wh, jobs_max, billed_wh, billed_jobs,
    charged_micros)
SELECT b.booking_id, b.energy_wh, b.jobs_max, 0, 0, 0
FROM marketplace_booking_terms_v b
WHERE b.booking_id IN (SELECT booking_id FROM settling_record)
ORDER BY b.booking_id
ON CONFLICT DO NOTHING;
DO $$
BEGIN
    PERFORM d.booking_id FROM billing_bookingdelivery d
    WHERE d.booking_id IN (SELECT booking_id FROM settling_record)
    ORDER BY d.booking_id FOR NO KEY UPDATE;
END $$;
"""

SET_UP = """
SET LOCAL work_mem = '64MB';
SET LOCAL default_statistics_target = 10;
SET LOCAL jit = off;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementResult:
    """
    One settlement that was made.
    """

    settlement_id: int
    lane: int
    record_count: int
    accepted_count: int
    outside_consent_count: int
    outside_booking_count: int
    over_booking_count: int
    superseded_count: int
    quarantined_count: int


@dataclass(frozen=True, slots=True)
class Survey:
    """
    Which of the rare cases are among the lines.
    """

    has_corrections: bool
    has_pauses: bool
    has_superseded: bool
    has_unpriced: bool
    has_refused: bool
    has_further_rules: bool
    has_grants: bool
    has_tight_bookings: bool
    has_reserved: bool
    has_lines: bool


class BooksRefused(Exception):
    """
    The books refuse what was claimed: one of the parts `part_ids` contradicts them.
    """

    def __init__(self, part_ids: list[int]) -> None:
        super().__init__(f"parts {part_ids}")
        self.part_ids = part_ids


def settle_pending(*, now: datetime) -> int:
    """
    Settle what is pending in one free lane; return the number of records, 0 when none is left.

    A part that the books refuse is set aside for an hour and keeps nobody else waiting.
    """
    return _settle_apart(None, now=now)


def _settle_apart(among: list[int] | None, *, now: datetime) -> int:
    """
    Settle these parts, None: what is next. What is refused is halved until its part is found.
    """
    try:
        result = settle_next(now=now, among=among)
    except BooksRefused as refused:
        part_ids = refused.part_ids
        if len(part_ids) == 1:
            logger.exception("part %s of the usage cannot be settled", part_ids[0])
            waiting = UsagePart.objects.filter(pk=part_ids[0], settlement=None)
            return waiting.update(retry_at=now + RETRY_AFTER)
        middle = len(part_ids) // 2
        halves = (part_ids[:middle], part_ids[middle:])
        return sum(_settle_apart(half, now=now) for half in halves)
    return result.record_count if result else 0


def settle_next(
    *, now: datetime, limit: int = SETTLEMENT_RECORDS_MAX, among: list[int] | None = None
) -> SettlementResult | None:
    """
    Settle up to `limit` records of one lane that no other worker has; None: nothing to do.

    `among` names the only parts to take, all of one lane.

    :raises BooksRefused: a constraint of the books does not hold; nothing is written.
    """
    _make_room_for_tables()
    for attempt in range(ATTEMPTS_MAX):
        try:
            return _settle(now=now, limit=limit, among=among, is_locking=attempt > 0)
        except (IntegrityError, OperationalError) as error:
            if attempt == ATTEMPTS_MAX - 1 or not _has_lost_a_race(error):
                raise
    return None


def _make_room_for_tables() -> None:
    """
    Let this session keep its temporary tables in memory: possible before the first of them only.
    """
    connection.ensure_connection()
    if connection.in_atomic_block or connection.connection in _asked:
        return
    _asked.add(connection.connection)
    with connection.cursor() as cursor, suppress(DataError):
        cursor.execute("SELECT set_config('temp_buffers', %s, false)", [TEMP_BUFFERS])


def _has_lost_a_race(error: Exception) -> bool:
    """
    Tell whether another worker was quicker: nothing is written, and a new try will do.

    Either a booking took more than was read of it (another lane billed it, or it was closed
    meanwhile), or two workers opened the same account of the platform for the first time.
    """
    return IS_CONTENDED in str(error) or isinstance(error.__cause__, DeadlockDetected)


@transaction.atomic(durable=True)
def _settle(
    *, now: datetime, limit: int, among: list[int] | None, is_locking: bool
) -> SettlementResult | None:
    """
    Settle one lane. With `is_locking` the bookings are locked before they are read.
    """
    with connection.cursor() as cursor:
        cursor.execute(SET_UP)
        claim = {"now": now, "among": among, "parts": 10_000, "records": limit}
        lane = _lock_lane(cursor, claim)
        if lane is None:
            return None
        cursor.execute(CLAIM, claim | {"lane": lane})
        if not cursor.rowcount:
            return None
        cursor.execute("SELECT part_id FROM settling_part ORDER BY part_id")
        part_ids = [part_id for (part_id,) in cursor.fetchall()]
        settlement = Settlement.objects.create(lane=lane, booked_at=now)
        chain = Chain(cursor=cursor, settlement=settlement, now=now)
        try:
            chain.run_all(is_locking=is_locking)
        except BOOKS_REFUSE as error:
            if _has_lost_a_race(error):
                raise
            raise BooksRefused(part_ids) from error
        drop_temporary_tables(cursor)
    settlement.refresh_from_db()
    return _to_result(settlement)


def _lock_lane(cursor: CursorWrapper, claim: dict[str, Any]) -> int | None:
    """
    Take the lane whose oldest part waits longest and which nobody holds.
    """
    cursor.execute(LIST_LANES, claim | {"lanes": SETTLEMENT_LANES})
    for (lane,) in cursor.fetchall():
        if try_lane(cursor, lane):
            return int(lane)
    return None


def try_lane(cursor: CursorWrapper, lane: int) -> bool:
    """
    Take a lane until the transaction ends; False: another worker has it.
    """
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LANE_LOCK, lane])
    return bool(cursor.fetchone()[0])


def drop_temporary_tables(cursor: CursorWrapper) -> None:
    """
    Drop what ON COMMIT would, so that a transaction around this one can settle twice.
    """
    cursor.execute(
        "SELECT string_agg(relname, ', ') FROM pg_class WHERE relnamespace = pg_my_temp_schema()"
        " AND relkind = 'r' AND relname ~ '^settl(ing|ement)_'"
    )
    cursor.execute(f"DROP TABLE {cursor.fetchone()[0]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """
    The SQL files of one settlement, in their order.
    """

    cursor: CursorWrapper
    settlement: Settlement
    now: datetime

    def run_all(self, *, is_locking: bool) -> None:
        self.read(is_locking=is_locking)
        survey = self.rate()
        self.count()
        self.post()
        if survey.has_reserved:
            self.release()

    def run(self, *names: str) -> None:
        """
        Run one file, or a statement that is written in several.
        """
        self.cursor.execute(
            "".join(read_sql(f"settle/{name}.sql") for name in names),
            {
                "settlement_id": self.settlement.pk,
                "lane": self.settlement.lane,
                "booked_at": self.now,
                "hold_days": HOLD_DAYS,
            },
        )

    def read(self, *, is_locking: bool) -> None:
        self.run("10_read_records")
        if is_locking:
            self.cursor.execute(LOCK_BOOKINGS)
        self.run("20_set_aside")
        self._find_overlaps()
        self.run("22_complete_jobs")
        self.run("30_read_terms")
        self.run("35_read_use")

    def _find_overlaps(self) -> None:
        """
        Set overlaps aside until no correction among them gives its original back.
        """
        self.run("21_overlaps")
        while self.cursor.rowcount:
            self.run("21_overlaps")

    def rate(self) -> Survey:
        """
        Write the plain lines, then those that something rare may touch.
        """
        self.run("38_prepare")
        self.run("40_rate", "60_write_and_sum")
        self.run("41_survey")
        survey = Survey(*self.cursor.fetchone())
        if survey.has_lines:
            self._look_at_rare(survey)
            self.run("59_waited", "60_write_and_sum")
        self.run("65_sum_bookings")
        self.run("66_write_rare")
        return survey

    def _look_at_rare(self, survey: Survey) -> None:
        is_corrected = survey.has_corrections or survey.has_superseded
        for name, is_there in (
            ("45_further_rules", survey.has_further_rules),
            ("51_without_price", survey.has_unpriced),
            ("52_changes_of_consent", survey.has_refused or survey.has_further_rules),
            ("53_pauses", survey.has_pauses),
            ("54_corrections", is_corrected),
            ("56_granted_grace", survey.has_grants),
            ("57_against_the_rules", is_corrected),
            ("58_over_booking", survey.has_tight_bookings),
        ):
            if is_there:
                self.run(name)

    def post(self) -> None:
        entry = Entry.objects.create(
            code="usage_settled",
            effective_at=self.now,
            booked_at=self.now,
            business_key=f"settlement:{self.settlement.pk}",
            settlement_id=self.settlement.pk,
        )
        open_posting(cursor=self.cursor)
        self.run("70_post")
        self.run("71_post_corrections")
        post_staged(
            cursor=self.cursor,
            effective_at=self.now,
            booked_at=self.now,
            entry_id=entry.pk,
            settlement_id=self.settlement.pk,
            # Rows that workers of other lanes want too come last: bookings, then buyers.
            before_buyers=lambda: self.run("90_deliver"),
        )

    def count(self) -> None:
        self.run("80_account")
        add_day_use(cursor=self.cursor)

    def release(self) -> None:
        """
        Take off what leases reserve, last of all: renewals wait for these rows until the end.
        """
        self.run("95_metered_jobs")
        release_reserved(cursor=self.cursor)


def _to_result(settlement: Settlement) -> SettlementResult:
    return SettlementResult(
        settlement_id=settlement.pk,
        lane=settlement.lane,
        record_count=settlement.record_count,
        accepted_count=settlement.accepted_count,
        outside_consent_count=settlement.outside_consent_count,
        outside_booking_count=settlement.outside_booking_count,
        over_booking_count=settlement.over_booking_count,
        superseded_count=settlement.superseded_count,
        quarantined_count=settlement.quarantined_count,
    )
