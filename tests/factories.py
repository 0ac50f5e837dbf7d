"""
What tests need to exist before they begin: one section per app, each appended below.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.utils import is_mfa_enabled
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import operations as accounts
from accounts.models import Organization, User
from accounts.rules import KEY_KINDS
from consent import operations as consent
from consent.models import ConsentVersion, Vehicle, VehicleState
from consent.rules import RulesDraft, Window, WorkloadCategory
from marketplace.models import Booking, CapacityBucket, HardwareClass, Pool, Region
from marketplace.operations.bookings import Wish, reserve_capacity
from marketplace.operations.pools import Rates, set_rate_card


# ------------------------------------------------------------------ marketplace
EARLY = datetime(2026, 1, 1, tzinfo=UTC)

# The figures of the worked examples: 0.50 a kWh, of which 0.10 reward and 0.05 wear;
# 0.0025 a job, of which 0.0020 reward.
RATES = Rates(
    buyer_micros_per_kwh=500_000,
    buyer_micros_per_job=2_500,
    reward_micros_per_kwh=100_000,
    reward_micros_per_job=2_000,
    wear_micros_per_kwh=50_000,
)


def create_pool(
    *,
    region_code: str = "no-trondheim",
    hardware_class_code: str = "ai4",
    rates: Rates | None = RATES,
    vehicle_count: int = 50,
    starts_at: datetime = EARLY,
) -> Pool:
    """
    Create a pool with its region, hardware class and, unless None, rate card.
    """
    region, _ = Region.objects.get_or_create(
        code=region_code,
        defaults={
            "name": "Trondheim",
            "country": "NO",
            "time_zone": "Europe/Oslo",
            "vehicle_count": vehicle_count,
        },
    )
    hardware_class, _ = HardwareClass.objects.get_or_create(
        code=hardware_class_code,
        defaults={"name": "1 kW inference", "power_w": 1000, "wear_micros_per_kwh": 50_000},
    )
    pool = Pool.objects.create(region=region, hardware_class=hardware_class, currency="EUR")
    if rates is not None:
        set_rate_card(pool_id=pool.pk, rates=rates, starts_at=starts_at, now=starts_at)
    return pool


def create_capacity(
    *, pool: Pool, starts_at: datetime, hours: int, sellable_w: int, reserved_w: int = 0
) -> list[CapacityBucket]:
    return CapacityBucket.objects.bulk_create(
        CapacityBucket(
            pool=pool,
            starts_at=starts_at + timedelta(hours=hour),
            forecast_w=sellable_w,
            sellable_w=sellable_w,
            reserved_w=reserved_w,
            refreshed_at=starts_at,
        )
        for hour in range(hours)
    )


def create_booking(
    *,
    organization_id: int,
    pool: Pool,
    starts_at: datetime,
    hours: int = 1,
    power_w: int = 1000,
    workload_category: WorkloadCategory = WorkloadCategory.INFERENCE,
    jobs_max: int = 0,
    placed_by_id: int | None = None,
) -> Booking:
    """
    Create a booking at the pool's price, out of capacity made for it. No money moves.
    """
    for hour in range(hours):
        bucket, _ = CapacityBucket.objects.get_or_create(
            pool=pool,
            starts_at=starts_at + timedelta(hours=hour),
            defaults={"forecast_w": 0, "sellable_w": 0, "refreshed_at": starts_at},
        )
        bucket.sellable_w += power_w
        bucket.save()
    wish = Wish(
        pool_id=pool.pk,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
        power_w=power_w,
        workload_category=workload_category,
        jobs_max=jobs_max,
    )
    with transaction.atomic():
        return reserve_capacity(
            organization_id=organization_id,
            placed_by_id=placed_by_id,
            wish=wish,
            now=starts_at,
            allow_past=True,
        )


# ------------------------------------------------------------------ accounts
BUYER_SCOPES = frozenset(KEY_KINDS["buyer"].scopes)
SCHEDULER_SCOPES = frozenset(KEY_KINDS["scheduler"].scopes)
SOURCE = "urn:scheduler:eu-1"
PASSWORD = "parked-cars-compute"


def create_person(
    name: str = "Olivia", *, is_owner: bool = False, staff_role: str = "", password: str = PASSWORD
) -> User:
    """
    Create Olivia at olivia@example.com, or whoever is named.
    """
    return accounts.create_person(
        email=f"{name.lower()}@example.com",
        display_name=name,
        password=password,
        is_owner=is_owner,
        staff_role=staff_role,
        now=EARLY,
    )


def create_owner(name: str = "Olivia") -> User:
    return create_person(name, is_owner=True)


def create_organization(admin: User | None = None, *, name: str = "Ben's Batch") -> Organization:
    """
    Create an organisation that buys, administered by Ben unless somebody is named.
    """
    admin = admin or create_person("Ben")
    return accounts.create_organization(name=name, country="NO", admin_id=admin.pk, now=EARLY)


def create_api_key(
    *,
    kind: str = "scheduler",
    organization_id: int | None = None,
    scopes: frozenset[str] | None = None,
    source: str = SOURCE,
    now: datetime | None = None,
    life: timedelta = timedelta(days=90),
) -> str:
    """
    Issue a key with all scopes of its kind and return the secret.
    """
    now = now or timezone.now()
    return accounts.issue_api_key(
        name="test",
        kind=kind,
        scopes=frozenset(KEY_KINDS[kind].scopes) if scopes is None else scopes,
        organization_id=organization_id,
        source=source if kind != "buyer" else "",
        expires_at=now + life,
        actor_id=None,
        now=now,
    ).secret


def bearer(secret: str) -> dict[str, str]:
    """
    Return headers for Django's test client: `client.get(url, headers=bearer(key))`.
    """
    return {"Authorization": f"Bearer {secret}"}


def sign_in(client: Client, user: User, *, is_fresh: bool = True, has_factor: bool = True) -> None:
    """
    Sign a person in; staff get a second factor, and the sign-in is recent unless told.
    """
    if user.staff_role and has_factor and not is_mfa_enabled(user):
        TOTP.activate(user, generate_totp_secret())
    client.force_login(user)
    session = client.session
    at = time.time() - (0 if is_fresh else 3600)
    session["account_authentication_methods"] = [
        {"method": "password", "at": at, "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


# ------------------------------------------------------------------ consent
NIGHTLY_RULES = RulesDraft(
    time_zone="Europe/Oslo",
    windows=(Window((0, 1, 2, 3, 4, 5, 6), 22 * 60, 7 * 60),),
    battery_stop_pct=40,
    battery_resume_pct=50,
    plugged_in_only=True,
    home_only=True,
    temp_high_c=35,
    temp_low_c=0,
    energy_wh_per_day_max=6_000,
    energy_wh_per_month_max=90_000,
    compute_s_per_day_max=36_000,
    compute_s_per_month_max=720_000,
    power_limit_w=900,
    categories=(WorkloadCategory.INFERENCE, WorkloadCategory.RESEARCH),
)


def create_vehicle(owner: User, *, plate: str = "BX 42 LR", **changes: Any) -> Vehicle:
    """
    Create a car in Trondheim that has agreed to nothing yet.
    """
    facts: dict[str, Any] = {
        "name": "Model Y",
        "region_code": "no-trondheim",
        "hardware_class_code": "ai4",
        "rated_power_w": 1_000,
        "battery_wh": 75_000,
        "time_zone": "Europe/Oslo",
        "now": EARLY,
    }
    return consent.register_vehicle(owner_id=owner.pk, plate=plate, **(facts | changes))


def create_consent(
    vehicle: Vehicle, *, now: datetime = EARLY, expected_number: int | None = None, **changes: Any
) -> ConsentVersion:
    """
    Agree to NIGHTLY_RULES, changed in the named fields, from `now` on.
    """
    return consent.give_consent(
        vehicle_id=vehicle.pk,
        owner_id=vehicle.owner_id,
        rules=replace(NIGHTLY_RULES, **changes),
        expected_number=expected_number,
        notice_language="en",
        now=now,
    )


def create_vehicle_state(vehicle: Vehicle, *, now: datetime, **changes: Any) -> VehicleState:
    """
    Let a car say that it is plugged in at home, charged and cool.
    """
    facts: dict[str, Any] = {
        "observed_at": now,
        "received_at": now,
        "state_of_charge_permille": 620,
        "plugged_in": True,
        "is_home": True,
        "is_moving": False,
        "battery_temp_decic": 180,
    }
    return VehicleState.objects.create(vehicle=vehicle, **(facts | changes))
