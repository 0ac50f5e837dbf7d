from django.db.backends.utils import CursorWrapper


_ADD = """
INSERT INTO consent_dayuse AS kept (vehicle_id, on_date, energy_wh, compute_s)
SELECT vehicle_id, on_date, sum(energy_wh), sum(compute_s)
FROM settlement_use
GROUP BY vehicle_id, on_date
ORDER BY vehicle_id, on_date
ON CONFLICT (vehicle_id, on_date) DO UPDATE
SET energy_wh = kept.energy_wh + excluded.energy_wh,
    compute_s = kept.compute_s + excluded.compute_s
"""


def add_day_use(*, cursor: CursorWrapper) -> None:
    """
    Count what was metered against the budgets, inside the caller's transaction.

    Reads the temporary table settlement_use(vehicle_id bigint, on_date date, energy_wh bigint,
    compute_s bigint), local dates, any number of rows per day; a correction brings
    negative figures. Rows are written in the order of their key.
    """
    cursor.execute(_ADD)
