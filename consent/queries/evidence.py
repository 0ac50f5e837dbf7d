"""
What a consent version says, in a form that can be digested, shown and handed out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from consent.models import ConsentVersion
from consent.queries.access import get_owned_vehicle
from consent.rules import (
    FIRST_PREVIOUS_DIGEST,
    RulesDraft,
    Window,
    categories_from_mask,
    chain_digest,
)
from consent.rules.week import QUARTERS_PER_WEEK
from web.public_ids import encode


RULE_FIELDS = (
    "time_zone",
    "battery_stop_pct",
    "battery_resume_pct",
    "plugged_in_only",
    "home_only",
    "temp_high_c",
    "temp_low_c",
    "energy_wh_per_day_max",
    "energy_wh_per_month_max",
    "compute_s_per_day_max",
    "compute_s_per_month_max",
    "power_limit_w",
)


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """
    A version whose digest does not follow from its content and the digest before it.
    """

    vehicle_id: int
    number: int


def get_rules_content(version: ConsentVersion) -> dict[str, Any]:
    """
    Return the rules of a version as JSON values, units in the names.
    """
    return {
        **{name: getattr(version, name) for name in RULE_FIELDS},
        "windows": version.windows,
        "week_mask": f"{version.week_mask:0{QUARTERS_PER_WEEK // 4}x}",
        "workload_categories": list(categories_from_mask(version.categories_mask)),
    }


def get_content(version: ConsentVersion) -> dict[str, Any]:
    """
    Return all that the digest covers: everything but the end, which is not known at first.
    """
    return {
        "vehicle_id": version.vehicle_id,
        "owner_id": version.owner_id,
        "actor_id": version.actor_id,
        "number": version.number,
        "state": version.state,
        "starts_at": write_instant(version.starts_at),
        "notice_version": version.notice_version,
        "notice_language": version.notice_language,
        "rules": get_rules_content(version),
    }


def get_draft(version: ConsentVersion) -> RulesDraft:
    """
    Return the rules of a version as a draft, to be changed or compared.
    """
    return RulesDraft(
        **{name: getattr(version, name) for name in RULE_FIELDS},
        windows=read_windows(version.windows),
        categories=categories_from_mask(version.categories_mask),
    )


def write_windows(windows: tuple[Window, ...]) -> list[dict[str, Any]]:
    """
    Return windows as typed: days from Monday 0, wall-clock times, 24:00 the day's end.
    """
    return [
        {
            "days": list(window.days),
            "starts": write_minute(window.starts_minute),
            "ends": write_minute(window.ends_minute),
        }
        for window in windows
    ]


def read_windows(windows: list[dict[str, Any]]) -> tuple[Window, ...]:
    return tuple(
        Window(
            days=tuple(window["days"]),
            starts_minute=read_minute(window["starts"]),
            ends_minute=read_minute(window["ends"]),
        )
        for window in windows
    )


def write_minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def read_minute(text: str) -> int:
    """
    Return minutes after midnight.

    :raises ValueError: this is not a wall-clock time between 00:00 and 24:00.
    """
    hours, _, minutes = text.partition(":")
    minute = int(hours) * 60 + int(minutes)
    if not (0 <= int(minutes) < 60 and 0 <= minute <= 24 * 60):
        raise ValueError(text)
    return minute


def write_instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def verify_chain(*, vehicle_id: int) -> BrokenLink | None:
    """
    Return the first version of a vehicle that was tampered with, None when all is well.
    """
    previous = FIRST_PREVIOUS_DIGEST
    versions = ConsentVersion.objects.filter(vehicle_id=vehicle_id).order_by("number")
    for number, version in enumerate(versions, start=1):
        digest = chain_digest(previous_digest=previous, content=get_content(version))
        is_whole = (
            version.number == number
            and bytes(version.previous_digest) == previous
            and bytes(version.digest) == digest
        )
        if not is_whole:
            return BrokenLink(vehicle_id, version.number)
        previous = digest
    return None


def get_receipt(*, vehicle_id: int, owner_id: int, number: int) -> dict[str, Any] | None:
    """
    Return the receipt of one version as JSON values; None: there is no such version.

    Names follow ISO/IEC TS 27560 where it has one for the thing.

    :raises VehicleNotFound: there is no such vehicle of this owner.
    """
    vehicle = get_owned_vehicle(vehicle_id=vehicle_id, owner_id=owner_id)
    version = ConsentVersion.objects.filter(vehicle=vehicle, number=number).first()
    if version is None:
        return None
    ends_at = version.ends_at
    return {
        "schema_version": "ISO/IEC TS 27560:2023",
        "record_id": f"{encode('veh', version.vehicle_id)}-{version.number}",
        "pii_principal_id": str(version.owner_id),
        "privacy_notice": {
            "version": version.notice_version,
            "language": version.notice_language,
        },
        "purposes": list(categories_from_mask(version.categories_mask)),
        "validity": {
            "from": write_instant(version.starts_at),
            "until": None if ends_at is None else write_instant(ends_at),
        },
        "events": [
            {
                "event_type": version.state,
                "event_time": write_instant(version.starts_at),
                "entity_id": str(version.actor_id),
            }
        ],
        "content": get_content(version),
        "integrity": {
            "method": "SHA-256 over previous_digest and content as canonical JSON",
            "previous_digest": bytes(version.previous_digest).hex(),
            "digest": bytes(version.digest).hex(),
        },
    }
