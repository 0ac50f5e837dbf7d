"""
Metered and settled work of a booking, written straight into the tables of settlement.
"""

from datetime import datetime, timedelta

from django.db import connection

from billing.models import RatedLine, UsageRecord
from marketplace.queries.bookings import BookingRow


QUARTER = timedelta(minutes=15)


def deliver(
    booking: BookingRow,
    *,
    starts_at: datetime,
    energy_wh: int,
    record_id: int,
    job_id: str = "j-1",
    is_completed: bool = False,
    is_billed: bool = True,
    kind: int = 0,
) -> None:
    """
    Write one quarter-hour of work: its record and its rated line, or the line's reversal.
    """
    sign = -1 if kind else 1
    charge_micros = sign * energy_wh * booking.price.micros_per_kwh // 1000 if is_billed else 0
    day = starts_at.date()
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_ensure_days(%s, %s)", [day, day])
    if kind == 0:
        UsageRecord.objects.create(
            id=record_id,
            on_date=day,
            owner_id=1,
            vehicle_id=1,
            booking_id=booking.id,
            sequence=record_id,
            starts_at=starts_at,
            ends_at=starts_at + QUARTER,
            energy_wh=energy_wh,
            category_bit=1,
            source_id=1,
            job_completed=is_completed,
            event_id=f"e-{record_id}",
            job_id=job_id,
        )
    RatedLine.objects.create(
        record_id=record_id,
        kind=kind,
        on_date=day,
        settlement_id=1,
        owner_id=1,
        vehicle_id=1,
        booking_id=booking.id,
        organization_id=booking.organization_id,
        rate_card_id=1,
        tariff_id=1,
        starts_at=starts_at,
        ends_at=starts_at + QUARTER,
        electricity_micros=0,
        wear_micros=0,
        reward_micros=0,
        job_micros=0,
        compensation_micros=0,
        charge_micros=charge_micros,
        job_charge_micros=0,
        fee_micros=charge_micros,
        energy_wh=sign * energy_wh,
        duration_s=sign * 900,
        refusals=0,
        outcome=0,
        is_billed=is_billed,
        currency=booking.price.currency,
    )
