from django.db.backends.utils import CursorWrapper


_ADD = """
INSERT INTO consent_dayuse AS kept (vehicle_id, on_date, energy_wh, compute_s, wear_wh,
    mobile_data_bytes)
SELECT vehicle_id, on_date, energy_wh, compute_s, wear_wh, mobile_data_bytes
FROM settlement_use
ORDER BY vehicle_id, on_date
ON CONFLICT (vehicle_id, on_date) DO UPDATE
SET energy_wh = kept.energy_wh + excluded.energy_wh,
    compute_s = kept.compute_s + excluded.compute_s,
    wear_wh = kept.wear_wh + excluded.wear_wh,
    mobile_data_bytes = kept.mobile_data_bytes + excluded.mobile_data_bytes
"""
_RELEASE = """
WITH metered AS (
    SELECT h.vehicle_id, h.job_id, m.energy_wh, m.compute_s
    FROM settlement_job m
    JOIN consent_lease h ON h.vehicle_id = m.vehicle_id AND h.job_id = m.job_id
    WHERE h.reserved_energy_wh > 0 OR h.reserved_compute_s > 0
    ORDER BY h.vehicle_id, h.job_id
    FOR NO KEY UPDATE OF h
)
UPDATE consent_lease h
SET reserved_energy_wh = greatest(0, h.reserved_energy_wh - greatest(0, m.energy_wh)),
    reserved_compute_s = greatest(0, h.reserved_compute_s - greatest(0, m.compute_s))
FROM metered m
WHERE h.vehicle_id = m.vehicle_id AND h.job_id = m.job_id
"""


def add_day_use(*, cursor: CursorWrapper) -> None:
    """
    Count what was metered against the budgets, inside the caller's transaction.

    Reads the temporary table settlement_use(vehicle_id bigint, on_date date, energy_wh bigint,
    compute_s bigint, wear_wh bigint, mobile_data_bytes bigint), local dates, one row for a
    vehicle's day; a correction brings negative figures. Rows are written in the order of their
    key.
    """
    cursor.execute(_ADD)


def release_reserved(*, cursor: CursorWrapper) -> None:
    """
    Take what was metered of jobs off what their leases reserve: the day's use has it now.

    Reads the temporary table settlement_job(vehicle_id bigint, job_id text, energy_wh bigint,
    compute_s bigint). Call it last in the transaction that adds the use: renewals of these
    jobs wait for their rows until it ends.
    """
    cursor.execute(_RELEASE)
