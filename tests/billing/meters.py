"""
Olivia's car, Ben's booking and what the scheduler reports about them.

The figures are those of the worked examples: 252 Wh, tariff 0.24, wear 0.05, reward 0.10,
price 0.50 a kWh.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from accounts.models import User
from billing.models import KINDS_WITH_PARTS, Account, BookingDelivery, RatedLine, Tariff, Transfer
from billing.operations.ingest import BatchResult, ingest
from billing.operations.ledger_checks import check_ledger
from billing.operations.settle import settle_next
from billing.operations.usage_events import read_batch
from billing.rules import OUTCOMES_BY_NUMBER, PricedRecord
from consent.models import Vehicle
from consent.rules import WorkloadCategory
from consent.rules.week import Window as WeekWindow
from marketplace.models import Pool
from marketplace.queries.bookings import BookingRow
from tests.billing.buyers import Company, book, create_company, wish_for
from tests.factories import (
    SOURCE,
    create_capacity,
    create_consent,
    create_owner,
    create_pool,
    create_vehicle,
)
from web.public_ids import encode


EVENING = datetime(2026, 11, 20, 18, tzinfo=UTC)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
ALWAYS = (WeekWindow((0, 1, 2, 3, 4, 5, 6), 0, 1440),)
# The rules of an owner who allows everything.
EVERYTHING: dict[str, Any] = {
    "windows": ALWAYS,
    "home_only": False,
    "temp_high_c": None,
    "temp_low_c": None,
    "energy_wh_per_day_max": None,
    "energy_wh_per_month_max": None,
    "compute_s_per_day_max": None,
    "compute_s_per_month_max": None,
    "power_limit_w": None,
    "categories": tuple(WorkloadCategory),
}


@dataclass
class World:
    """
    One owner, one car and one booking, and a scheduler that counts its events.
    """

    olivia: User
    vehicle: Vehicle
    pool: Pool
    ben: Company
    booking: BookingRow
    event_count: int = 0

    def event(self, quarter: int = 0, *, vehicle: Vehicle | None = None, **data: Any) -> Any:
        """
        Return the event of the quarter-hour that is `quarter` after the booking's start.
        """
        self.event_count += 1
        starts_at = data.pop("starts_at", EVENING + quarter * QUARTER)
        ends_at = data.pop("ends_at", starts_at + QUARTER)
        envelope = {
            "specversion": "1.0",
            "id": data.pop("id", f"eu1-{self.event_count:06}"),
            "source": SOURCE,
            "type": "org.parado.usage.recorded.v1",
            "subject": encode("veh", (vehicle or self.vehicle).pk),
            "time": "2026-11-20T23:00:00Z",
            "datacontenttype": "application/json",
        }
        return envelope | {
            "data": {
                "booking_id": encode("bkg", self.booking.id),
                "job_id": f"j-{self.event_count}",
                "sequence": self.event_count,
                "starts_at": starts_at.isoformat(),
                "ends_at": ends_at.isoformat(),
                "energy_wh": 252,
                "workload_category": "inference",
                "consent_version": 1,
                "state_of_charge_min_pct": 61.5,
                "plugged_in": True,
                "is_home": True,
                "battery_temp_min_c": 11.0,
                "battery_temp_max_c": 29.5,
                "job_completed": False,
                "supersedes": None,
            }
            | data
        }

    def report(self, *events: Any, now: datetime = NOON) -> BatchResult:
        body = json.dumps(events).encode()
        return ingest(source=SOURCE, reading=read_batch(body), now=now)

    def post(
        self,
        client: Client,
        key: str,
        body: bytes | Sequence[Any],
        *,
        content_type: str = "application/cloudevents-batch+json",
        **headers: str,
    ) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(
            "/api/v1/usage",
            data=raw,
            content_type=content_type,
            headers={"Authorization": f"Bearer {key}", **headers},
        )


def create_world(
    *, power_w: int = 10_000, jobs_max: int = 10, micros_per_kwh: int = 240_000, **rules: Any
) -> World:
    """
    Create the world of the worked examples. Olivia allows everything unless rules say so.
    """
    pool = create_pool()
    create_capacity(pool=pool, starts_at=EVENING, hours=24, sellable_w=50_000)
    create_regional_tariff(micros_per_kwh=micros_per_kwh)
    olivia = create_owner("Olivia")
    vehicle = create_car(olivia, plate="BX 42 LR", **rules)
    ben = create_company(prepaid_micros=500_000_000)
    booking = book(
        ben,
        wish_for(pool, starts_at=EVENING, power_w=power_w, jobs_max=jobs_max),
        now=EVENING - timedelta(days=1),
    )
    return World(olivia=olivia, vehicle=vehicle, pool=pool, ben=ben, booking=booking)


def create_car(owner: User, *, plate: str, **rules: Any) -> Vehicle:
    vehicle = create_vehicle(owner, plate=plate, rated_power_w=1_100)
    create_consent(vehicle, **(EVERYTHING | rules))
    return vehicle


def create_regional_tariff(*, micros_per_kwh: int, region_code: str = "no-trondheim") -> Tariff:
    return Tariff.objects.create(
        region_code=region_code,
        version=1,
        currency="EUR",
        time_zone="Europe/Oslo",
        in_force=(datetime(2026, 1, 1, tzinfo=UTC), None),
        bands=bytes(672),
        band_micros_per_kwh=[micros_per_kwh],
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def leave_room(world: World, *, energy_wh: int) -> None:
    """
    Let so much of the booking be delivered already that `energy_wh` are left of it.
    """
    BookingDelivery.objects.create(
        booking_id=world.booking.id,
        booked_wh=world.booking.energy_wh,
        jobs_max=world.booking.jobs_max,
        billed_wh=world.booking.energy_wh - energy_wh,
    )


def settle_all(*, now: datetime = NOON) -> int:
    """
    Settle until nothing is left; return the number of records.
    """
    count = 0
    while result := settle_next(now=now):
        count += result.record_count
    return count


def moved(code: str | None = None) -> dict[tuple[str, str], int]:
    """
    Return micros by (debit, credit), as in the worked examples: "owner_pending:wear".
    """
    transfers = Transfer.objects.select_related("debit_account", "credit_account").exclude(
        code__in=["top_up_captured", "booking_held"]
    )
    sums: dict[tuple[str, str], int] = {}
    for transfer in transfers.filter(code=code) if code else transfers:
        pair = (
            name(transfer.debit_account, transfer.component),
            name(transfer.credit_account, transfer.component),
        )
        sums[pair] = sums.get(pair, 0) + transfer.amount_micros
    return sums


def name(account: Account, component: str) -> str:
    return f"{account.kind}:{component}" if account.kind in KINDS_WITH_PARTS else account.kind


def find_breaks() -> list[str]:
    """
    Return the names of the ledger's own checks that fail. Top-ups of tests have no payment.
    """
    lines = check_ledger(now=NOON, with_provider=False).lines
    return [
        line["name"]
        for line in lines
        if not line["is_ok"] and line["name"] != "pending_is_captured"
    ]


def only_line() -> RatedLine:
    return RatedLine.objects.get()


def read_priced(line: RatedLine) -> PricedRecord:
    """
    Return a stored line as the rules of pricing and funding have it.
    """
    return PricedRecord(
        outcome=OUTCOMES_BY_NUMBER[line.outcome],
        is_billed=line.is_billed,
        electricity_micros=line.electricity_micros,
        wear_micros=line.wear_micros,
        reward_micros=line.reward_micros,
        job_micros=line.job_micros,
        compensation_micros=line.compensation_micros,
        charge_micros=line.charge_micros,
        job_charge_micros=line.job_charge_micros,
        fee_micros=line.fee_micros,
    )
