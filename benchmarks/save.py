"""
How long an owner waits for a version to be saved, with every rule set, beside a bare INSERT.

A save locks the car, judges the draft, works in calendar, charger and notice, chains the digest,
ends the version before and tells the feed, in one durable transaction. The bare INSERT writes a
row of the same width and commits.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import django
from django.db import connection


SAVES = int(os.environ.get("BENCH_SAVES", "200"))
SAVE_MS_MAX = 50.0
BEGAN = datetime(2026, 11, 22, 12, tzinfo=UTC)


def time_ms(call: Callable[[int], object]) -> list[float]:
    took = []
    for number in range(SAVES):
        began = time.perf_counter()
        call(number)
        took.append((time.perf_counter() - began) * 1000)
    return took


def make_save() -> Callable[[int], object]:
    """
    Return a save of one car's rules, each of which differs from the one before.
    """
    from accounts.operations import create_person  # noqa: PLC0415 - after django.setup
    from consent import operations  # noqa: PLC0415
    from consent.queries import make_first_draft  # noqa: PLC0415
    from consent.rules import DateException, Gate, Grace, ReadyBy, Window  # noqa: PLC0415

    every_day = (0, 1, 2, 3, 4, 5, 6)
    owner = create_person(
        email="olivia@example.com", display_name="Olivia", is_owner=True, now=BEGAN
    )
    car = operations.register_vehicle(
        owner_id=owner.pk,
        name="Model Y",
        plate="EL 20001",
        region_code="no-trondheim",
        hardware_class_code="ai4",
        rated_power_w=1_000,
        battery_wh=75_000,
        time_zone="Europe/Oslo",
        now=BEGAN,
    )
    closed = (BEGAN.date() + timedelta(days=day) for day in range(1, 31))
    full = replace(
        make_first_draft(time_zone="Europe/Oslo"),
        exceptions=tuple(DateException(each, is_open=False) for each in closed),
        holiday_country="NO",
        ready_by=(ReadyBy(every_day, 450, 80),),
        temp_high_resume_c=32,
        temp_hold_min=15,
        wear_cycles_milli_per_month_max=1_000,
        reward_micros_per_h_min=50_000,
        mobile_data_mb_per_month_max=5_000,
        quiet_windows=(Window(every_day, 22 * 60, 7 * 60),),
        quiet_power_limit_w=400,
        grace=(Grace(Gate.HOURS, 15), Grace(Gate.REWARD, None)),
    )

    def save(number: int) -> object:
        return operations.give_consent(
            vehicle_id=car.pk,
            owner_id=owner.pk,
            rules=replace(full, battery_stop_pct=30 + number % 20),
            expected_number=number,
            notice_language="en",
            now=BEGAN + timedelta(seconds=number),
        )

    return save


def insert_bare(_number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare SELECT * FROM consent_consentversion WHERE number = 1")


def main() -> int:
    django.setup()
    took = time_ms(make_save())
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (LIKE consent_consentversion)")
    bare = time_ms(insert_bare)
    median, p95 = statistics.median(took), statistics.quantiles(took, n=20)[18]
    raw = statistics.median(bare)
    print(f"bare INSERT (raw)     {raw:8.2f} ms median of {SAVES}")
    print(
        f"saving a version      {median:8.2f} ms median, {p95:.2f} p95, {median / raw:.0f} x raw,"
        f" goal <= {SAVE_MS_MAX:.0f} ms"
    )
    return 0 if median <= SAVE_MS_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
