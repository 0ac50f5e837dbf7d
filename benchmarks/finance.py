"""
Finance's runs, books and files with a million settled records and 100,000 owners to pay.

Prints: working out and approving a run (payouts a second, beside the bare INSERT … SELECT of
the same lines), the trial balance, the check of the books, and the memory that a CSV of a
million lines adds. The balances that buyers begin with have no transfers, so that the check
finds those, and only those.
"""

import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import django
from django.db import connection


R = TypeVar("R")
HERE = Path(__file__).resolve().parent
VEHICLES = int(os.environ.get("BENCH_VEHICLES", "100000"))
QUARTERS = int(os.environ.get("BENCH_QUARTERS", "10"))
FIRST_AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
NOW = FIRST_AT + timedelta(hours=4)
RELEASED = NOW + timedelta(days=10)
CSV_ROWS = int(os.environ.get("BENCH_CSV_ROWS", "1000000"))
CSV_MIB_MAX = 30.0

# Nine in ten owners have an account that is ready; everybody gets enough for the minimum.
ACCOUNTS = """
INSERT INTO billing_payoutaccount (owner_id, country, currency, provider_account_id, status,
    requirements, is_ready, read_at, created_at)
SELECT id, 'NO', 'EUR', 'acct_' || id, 'active', '[]', true, %(now)s, %(now)s
FROM accounts_user WHERE is_owner AND id %% 10 <> 0
"""
RAW = """
CREATE TEMPORARY TABLE raw_payout (LIKE billing_payout INCLUDING ALL);
INSERT INTO raw_payout SELECT * FROM billing_payout WHERE run_id = %(run_id)s;
DROP TABLE raw_payout
"""
MANY_LINES = """
INSERT INTO billing_payout (run_id, owner_id, currency, state, block_reason, destination,
    available_micros, amount_micros)
SELECT %(run_id)s, u.id, 'EUR', 'blocked', 'below_minimum', '', u.id, 0
FROM accounts_user u WHERE u.id BETWEEN %(first)s AND %(last)s
"""
MANY_PEOPLE = """
INSERT INTO accounts_user (id, password, is_superuser, email, display_name, time_zone, language,
    theme, is_owner, staff_role, is_active, is_staff)
SELECT i, '!', false, 'line' || i || '@example.com', 'Line ' || i, 'Europe/Oslo', 'en', '', true,
    '', true, false
FROM generate_series(%(first)s::bigint, %(last)s::bigint) i
"""


def timed(work: Callable[[], R]) -> tuple[R, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def execute(statement: str, **values: int | str | datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def settle_a_million() -> None:
    from billing.operations.releases import release_due  # noqa: PLC0415 - after django.setup
    from billing.operations.settle import settle_pending  # noqa: PLC0415

    execute((HERE / "fleet.sql").read_text(encoding="utf-8"), vehicles=VEHICLES)
    execute(
        (HERE / "usage.sql").read_text(encoding="utf-8"),
        vehicles=VEHICLES,
        quarters=QUARTERS,
        first_at=FIRST_AT,
        first_batch=1,
    )
    execute("ANALYZE")
    while settle_pending(now=NOW):
        pass
    while release_due(now=RELEASED):
        pass
    execute("ANALYZE")


def make_staff() -> tuple[int, int]:
    from accounts.operations import create_person  # noqa: PLC0415 - after django.setup

    # The fleet came with ids of its own.
    execute("SELECT setval(pg_get_serial_sequence('accounts_user', 'id'), 10000000)")
    return tuple(  # type: ignore[return-value]
        create_person(email=f"{role}@example.com", display_name=role, staff_role=role, now=NOW).pk
        for role in ("finance_preparer", "finance_approver")
    )


def measure_run(preparer: int, approver: int) -> int:
    """
    Work out, submit and approve; return the run's id.
    """
    from billing.models import PAYOUT_MINIMUM_MICROS  # noqa: PLC0415 - after django.setup
    from billing.operations import payout_runs  # noqa: PLC0415

    PAYOUT_MINIMUM_MICROS["EUR"] = 10_000
    execute(ACCOUNTS, now=NOW)
    run, took = timed(
        lambda: payout_runs.calculate_run(actor_id=preparer, currency="EUR", now=RELEASED)
    )
    lines = run.payout_count + run.blocked_count
    _, raw = timed(lambda: execute(RAW, run_id=run.pk))
    print(
        f"work out: {lines:,} lines at {lines / took:,.0f}/s"
        f" = {raw / took:.2f} of a bare INSERT … SELECT"
    )
    payout_runs.submit_run(run_id=run.pk, actor_id=preparer, now=RELEASED)
    _, took = timed(
        lambda: payout_runs.approve_run(
            run_id=run.pk, actor_id=approver, checksum=run.checksum, now=RELEASED
        )
    )
    print(f"approve: {run.payout_count:,} payouts at {run.payout_count / took:,.0f}/s")
    execute("ANALYZE")
    return int(run.pk)


def measure_books() -> bool:
    from billing.operations.ledger_checks import check_ledger  # noqa: PLC0415 - after django.setup
    from billing.queries.reports import get_trial_balance  # noqa: PLC0415

    until = RELEASED + timedelta(days=1)
    balance, took = timed(lambda: get_trial_balance(as_of=until, booked_until=until))
    print(f"trial balance: {took * 1000:.0f} ms")
    check, took = timed(lambda: check_ledger(now=RELEASED, with_provider=False))
    broken = {line["name"] for line in check.lines if not line["is_ok"]}
    print(f"check of the books: {took:.1f} s, broken: {', '.join(sorted(broken)) or 'none'}")
    debit, credit = balance.total("EUR")
    return debit == credit and broken <= {"kept_balances_are_sums", "held_is_open_holds"}


def measure_csv(run_id: int) -> bool:
    from billing.queries.payouts import RunView, stream_payouts  # noqa: PLC0415
    from billing.reports.payout_register import PAYOUT_REGISTER  # noqa: PLC0415
    from billing.reports.sheets import write_csv  # noqa: PLC0415

    span = {"first": 1_000_001, "last": 1_000_000 + CSV_ROWS}
    execute(MANY_PEOPLE, **span)
    execute(MANY_LINES, run_id=run_id, **span)
    execute("ANALYZE")
    rows = stream_payouts(run_id=run_id, view=RunView.BELOW_MINIMUM, search="")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count, took = timed(lambda: sum(1 for _ in write_csv(PAYOUT_REGISTER, rows)))
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"CSV: {count:,} lines at {count / took:,.0f}/s,"
        f" {added:.1f} MiB more (goal {CSV_MIB_MAX:.0f})"
    )
    return added <= CSV_MIB_MAX and count >= CSV_ROWS


def main() -> int:
    django.setup()
    settle_a_million()
    preparer, approver = make_staff()
    run_id = measure_run(preparer, approver)
    results = [measure_books(), measure_csv(run_id)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
