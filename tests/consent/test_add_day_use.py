from datetime import date

import pytest
from django.db import ProgrammingError, connection

from consent import operations
from consent.models import DayUse, Vehicle


def add(*rows: tuple[int, date, int, int, int, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS settlement_use"
            " (vehicle_id bigint, on_date date, energy_wh bigint, compute_s bigint,"
            " wear_wh bigint, mobile_data_bytes bigint)"
        )
        cursor.execute("TRUNCATE settlement_use")
        cursor.executemany("INSERT INTO settlement_use VALUES (%s, %s, %s, %s, %s, %s)", rows)
        operations.add_day_use(cursor=cursor)


def test_adds_up_over_days_and_calls(car: Vehicle) -> None:
    monday, tuesday = date(2026, 11, 16), date(2026, 11, 17)

    add((car.pk, monday, 252, 900, 300, 5), (car.pk, tuesday, 10, 60, 10, 0))
    add((car.pk, monday, 100, 300, 110, 6))
    add((car.pk, monday, -252, -900, -300, -5))

    use = DayUse.objects.order_by("on_date").values_list(
        "on_date", "energy_wh", "compute_s", "wear_wh", "mobile_data_bytes"
    )
    assert list(use) == [(monday, 100, 300, 110, 6), (tuesday, 10, 60, 10, 0)]


def test_a_second_row_of_a_day_is_refused_and_not_lost(car: Vehicle) -> None:
    monday = date(2026, 11, 16)

    with pytest.raises(ProgrammingError, match="second time"):
        add((car.pk, monday, 252, 900, 300, 5), (car.pk, monday, 100, 300, 110, 6))
