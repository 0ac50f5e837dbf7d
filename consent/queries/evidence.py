"""
What a consent version says, in a form that can be digested, shown and handed out.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from consent.models import ConsentVersion
from consent.rules import (
    FIRST_PREVIOUS_DIGEST,
    RulesDraft,
    Spans,
    categories_from_mask,
    chain_digest,
)
from consent.rules.frozen import FrozenRules
from consent.rules.week import QUARTERS_PER_WEEK
from consent.rules.written import LIST_FIELDS, RULE_FIELDS, read_rules, write_rules


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
        **write_rules(get_draft(version)),
        "week_mask": f"{version.week_mask:0{QUARTERS_PER_WEEK // 4}x}",
        "expires_at": write_instant(version.expires_at),
        "closed": _write_spans(version.closed),
        "opened": _write_spans(version.opened),
        "battery_wh": version.battery_wh,
        "charge_power_w": version.charge_power_w,
        "wear_micros_per_kwh": version.wear_micros_per_kwh,
        "compute_micros_per_h": version.compute_micros_per_h,
        "profile_number": version.profile_number,
        "own_fields": version.own_fields,
    }


def _write_spans(spans: Spans) -> list[list[str]]:
    return [[write_instant(begin), write_instant(end)] for begin, end in spans]


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
        "carries_on_number": version.carries_on_number,
        "notice_version": version.notice_version,
        "notice_language": version.notice_language,
        "rules": get_rules_content(version),
    }


def get_draft(version: ConsentVersion) -> RulesDraft:
    """
    Return the rules of a version as a draft, to be changed or compared.
    """
    categories = categories_from_mask(version.categories_mask)
    return read_rules(
        {name: getattr(version, name) for name in (*RULE_FIELDS, *LIST_FIELDS)}
        | {"workload_categories": categories}
    )


def get_frozen(version: ConsentVersion) -> FrozenRules:
    """
    Return what followed from the rules of a version when it was made.
    """
    values = {each.name: getattr(version, each.name) for each in fields(FrozenRules)}
    floors = values["ready_floors_permille"]
    return FrozenRules(
        **values | {"ready_floors_permille": None if floors is None else tuple(floors)}
    )


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
