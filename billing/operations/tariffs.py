"""
What electricity costs: an owner's own tariff, and the average of a region.

A tariff is never edited: a new version ends the one before it at the same instant, and what
was priced with an old one stays as it was.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.operations import record_audit
from billing.models import Tariff
from billing.queries.tariffs import list_locations
from billing.rules import TariffWindow, make_bands
from web.limits import TARIFF_MICROS_PER_KWH_MAX, TARIFF_WINDOWS_MAX
from web.transactions import durable


# Namespace of the advisory lock that serialises the versions of one owner or region.
LOCK_SPACE: Final = 7_241_001
MINUTES_PER_DAY: Final = 1440
QUARTER_MINUTES: Final = 15


class TariffUnfit(ValueError):
    """
    A price out of range, a window that is not on quarter-hours, or too many of them.
    """


class TariffOverlaps(Exception):
    """
    The new version would begin at or before the one in force began.
    """


class NoAverage(Exception):
    """
    No average is in force in the region that is named.
    """


@durable
def set_tariff(
    *,
    owner_id: int,
    currency: str,
    time_zone: str,
    base_micros_per_kwh: int,
    windows: tuple[TariffWindow, ...],
    actor_id: int | None,
    now: datetime,
) -> Tariff:
    """
    Put an owner's own prices in force from now on; the same prices again change nothing.

    :raises TariffUnfit: see there.
    :raises TariffOverlaps: a version that begins later is in force already.
    :raises ZoneInfoNotFoundError: the time zone is not an IANA name.
    """
    draft = _draft(currency, time_zone, base_micros_per_kwh, windows)
    draft.owner_id = owner_id
    return _supersede(draft, actor_id=actor_id, now=now)


@durable
def end_own_tariff(*, owner_id: int, actor_id: int | None, now: datetime) -> bool:
    """
    Have the averages of the regions count for an owner's cars again, from now on.

    Returns False when no price of their own is in force.

    :raises NoAverage: where one of their cars stands no average is known, so that nothing there
        could be paid.
    :raises TariffOverlaps: the version in force began at this moment or later.
    """
    subject = f"owner:{owner_id}"
    _lock(subject)
    own = Tariff.objects.filter(
        owner_id=owner_id, region_code="", in_force__endswith__isnull=True
    ).first()
    if own is None:
        return False
    regions = {location.region_code for location in list_locations(owner_id=owner_id)}
    known = Tariff.objects.filter(
        owner_id=None, region_code__in=regions, in_force__contains=now
    ).values_list("region_code", flat=True)
    if missing := regions.difference(known):
        raise NoAverage(min(missing))
    _close(own, at=now)
    record_audit(
        actor_id=actor_id,
        action="tariff.ended",
        subject=subject,
        now=now,
        detail={"version": own.version},
    )
    return True


@durable
def set_regional_tariff(
    *,
    region_code: str,
    currency: str,
    time_zone: str,
    base_micros_per_kwh: int,
    windows: tuple[TariffWindow, ...],
    actor_id: int | None,
    now: datetime,
) -> Tariff:
    """
    Put the average of a region in force, which holds for owners who gave no tariff.

    Raises as `set_tariff` does.
    """
    assert region_code, "the average of no region would be an owner's without an owner"
    draft = _draft(currency, time_zone, base_micros_per_kwh, windows)
    draft.region_code = region_code
    return _supersede(draft, actor_id=actor_id, now=now)


def _draft(
    currency: str, time_zone: str, base_micros_per_kwh: int, windows: tuple[TariffWindow, ...]
) -> Tariff:
    ZoneInfo(time_zone)
    _check(base_micros_per_kwh, windows)
    bands, prices = make_bands(base_micros_per_kwh=base_micros_per_kwh, windows=windows)
    return Tariff(
        currency=currency,
        time_zone=time_zone,
        bands=bands,
        band_micros_per_kwh=list(prices),
        windows=[{**asdict(window), "days": list(window.days)} for window in windows],
    )


def _check(base_micros_per_kwh: int, windows: tuple[TariffWindow, ...]) -> None:
    if len(windows) > TARIFF_WINDOWS_MAX:
        raise TariffUnfit("too many windows")
    prices = (base_micros_per_kwh, *(window.micros_per_kwh for window in windows))
    if not all(0 <= price <= TARIFF_MICROS_PER_KWH_MAX for price in prices):
        raise TariffUnfit("a price is out of range")
    if not all(_is_on_the_clock(window) for window in windows):
        raise TariffUnfit("a window is not on the quarter-hours of a day")


def _is_on_the_clock(window: TariffWindow) -> bool:
    starts, ends = window.starts_minute, window.ends_minute
    return (
        bool(window.days)
        and set(window.days) <= set(range(7))
        and 0 <= starts < MINUTES_PER_DAY
        and 0 <= ends <= MINUTES_PER_DAY
        and starts != ends
        and not (starts % QUARTER_MINUTES or ends % QUARTER_MINUTES)
    )


def _supersede(draft: Tariff, *, actor_id: int | None, now: datetime) -> Tariff:
    subject = f"owner:{draft.owner_id}" if draft.owner_id else f"region:{draft.region_code}"
    # Two writers would both see the same latest version; an owner's row is not ours to lock.
    _lock(subject)
    versions = Tariff.objects.filter(owner_id=draft.owner_id, region_code=draft.region_code)
    latest = versions.order_by("version").last()
    ended_at = latest.in_force.upper if latest else None
    if ended_at is not None and ended_at > now:
        raise TariffOverlaps
    if latest and ended_at is None:
        if _says_the_same(latest, draft):
            return latest
        _close(latest, at=now)
    draft.version = latest.version + 1 if latest else 1
    draft.in_force = DateTimeTZRange(now, None)
    draft.created_by_id = actor_id
    draft.created_at = now
    draft.save(force_insert=True)
    record_audit(
        actor_id=actor_id,
        action="tariff.set",
        subject=subject,
        now=now,
        detail={"version": draft.version},
    )
    return draft


def _lock(subject: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_SPACE, subject])


def _says_the_same(latest: Tariff, draft: Tariff) -> bool:
    # The windows too: an owner who types the same prices in other words sees their own words.
    names = ("currency", "time_zone", "band_micros_per_kwh", "windows")
    return bytes(latest.bands) == draft.bands and all(
        getattr(latest, name) == getattr(draft, name) for name in names
    )


def _close(tariff: Tariff, *, at: datetime) -> None:
    started_at = tariff.in_force.lower
    assert started_at is not None, "a tariff has a start"
    if started_at >= at:
        raise TariffOverlaps
    tariff.in_force = DateTimeTZRange(started_at, at)
    tariff.save(update_fields=["in_force"])
