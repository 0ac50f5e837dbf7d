"""
The receipt of one consent version: what was agreed, with whom, and how it can be checked.

Field names and sections follow ISO/IEC TS 27560:2023 where it has one for the thing; `rules`,
`content` and `integrity` are Parado's own.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from consent.models import ConsentVersion
from consent.queries.access import VehicleNotFound
from consent.queries.evidence import get_content, get_draft, write_instant
from consent.queries.figures import describe_figures
from consent.queries.notices import get_notice
from consent.queries.words import CATEGORIES, describe_rules
from consent.rules import categories_from_mask
from consent.rules.receipts import (
    Keys,
    Receipt,
    derive_private_key,
    name_key,
    read_private_key,
    read_public_key,
    sign,
    write_key,
)
from web.public_ids import encode


SCHEMA = "ISO/IEC TS 27560:2023 parado-receipt-1"
CONTROLLER, SCHEDULER, PROVIDER = "controller", "scheduler", "payment-provider"


class Around(NamedTuple):
    """
    The version that an owner agreed to, itself or the one that it goes on with, and the next.
    """

    agreed: ConsentVersion
    following: ConsentVersion | None


@cache
def get_signing_key() -> Ed25519PrivateKey:
    """
    Return the key of this installation, in a demo one that follows from its secret.
    """
    if settings.RECEIPT_KEY:
        return read_private_key(settings.RECEIPT_KEY)
    return derive_private_key(settings.SECRET_KEY)


@cache
def get_public_keys() -> Keys:
    """
    Return every public key whose receipts are Parado's, the present one first.
    """
    old = (read_public_key(text) for text in settings.RECEIPT_OLD_KEYS)
    return {name_key(key): key for key in (get_signing_key().public_key(), *old)}


def list_public_keys() -> dict[str, list[dict[str, str]]]:
    """
    Return the public keys as a JSON Web Key Set.
    """
    return {"keys": [write_key(key) for key in get_public_keys().values()]}


def get_signed_receipt(
    *, vehicle_id: int, owner_id: int, number: int, now: datetime
) -> dict[str, Any]:
    """
    Return the receipt of a version that this owner agreed to, with its signature.

    :raises VehicleNotFound: there is no such version of this owner.
    """
    receipt = get_receipt(vehicle_id=vehicle_id, owner_id=owner_id, number=number, now=now)
    return sign(receipt, key=get_signing_key())


def get_receipt(*, vehicle_id: int, owner_id: int, number: int, now: datetime) -> Receipt:
    """
    Return the receipt of a version as JSON values, in the language in which it was agreed.

    Whoever agreed may have it for ever, also when the car has gone to somebody else.

    :raises VehicleNotFound: there is no such version of this owner.
    """
    versions = ConsentVersion.objects.select_related("vehicle")
    version = versions.filter(vehicle_id=vehicle_id, owner_id=owner_id, number=number).first()
    if version is None:
        raise VehicleNotFound(vehicle_id)
    with override(version.notice_language):
        return _make_receipt(version, _find_around(version), now)


def _find_around(version: ConsentVersion) -> Around:
    numbers = [version.carries_on_number or version.number, version.number + 1]
    found = ConsentVersion.objects.filter(vehicle=version.vehicle_id, number__in=numbers)
    by_number = {each.number: each for each in found}
    return Around(agreed=by_number[numbers[0]], following=by_number.get(numbers[1]))


def _make_receipt(version: ConsentVersion, around: Around, now: datetime) -> Receipt:
    vehicle = version.vehicle
    record_id = f"{encode('veh', version.vehicle_id)}-{version.number}"
    return {
        "schema_version": SCHEMA,
        "record_id": record_id,
        "receipt_id": f"{record_id}-{now:%Y%m%dT%H%M%SZ}",
        "issued_at": write_instant(now),
        "pii_principal_id": encode("prs", version.owner_id),
        "vehicle": {
            "id": encode("veh", version.vehicle_id),
            "plate": vehicle.plate,
            "name": vehicle.name,
        },
        "judged_by": [
            {"field": each.field, "label": str(each.label), "text": each.text}
            for each in describe_figures(version)
        ],
        "pii_processing": _describe_processing(version),
        "party_identification": _list_parties(),
        "events": _list_events(version, around),
        "rules": [
            {"field": each.field, "label": str(each.label), "text": each.text}
            for each in describe_rules(get_draft(version))
        ],
        "content": get_content(version),
        "integrity": {
            "method": "SHA-256 over previous_digest and content as canonical JSON (RFC 8785)",
            "previous_digest": bytes(version.previous_digest).hex(),
            "digest": bytes(version.digest).hex(),
            "key_id": name_key(get_signing_key().public_key()),
        },
    }


def _describe_processing(version: ConsentVersion) -> dict[str, Any]:
    notice = get_notice(version=version.notice_version, language=version.notice_language)
    return {
        "privacy_notice": {
            "version": notice.version,
            "language": notice.language,
            "sha256": notice.digest,
            "paragraphs": list(notice.paragraphs),
            "points": list(notice.points),
        },
        "language": version.notice_language,
        "purposes": [
            {
                "purpose": category.value,
                "purpose_description": str(CATEGORIES[category]),
                "lawful_basis": "consent",
                "lawful_basis_reference": "GDPR Art. 6(1)(a)",
            }
            for category in categories_from_mask(version.categories_mask)
        ],
        "pii_information": [
            {"pii_type": name, "pii_type_description": text, "pii_optional": False}
            for name, text in _list_data().items()
        ],
        "pii_controllers": [CONTROLLER],
        "collection_method": _("Reported by the car and metered by the scheduler"),
        "processing_method": _("Compared with the rules before and after each piece of work"),
        "storage_locations": [settings.CONTROLLER["country"]],
        "retention_period": _(
            "What the car reported: until you ask for erasure. This record and the books: kept as"
            " evidence, without your name after an erasure."
        ),
        "jurisdiction": settings.CONTROLLER["country"],
        "recipient_third_parties": [SCHEDULER, PROVIDER],
        "withdrawal_method": _("One press on the page of the car's rules, at any time: %(url)s")
        % {"url": f"{settings.BASE_URL}/cars/{encode('veh', version.vehicle_id)}/withdraw/"},
        "privacy_rights": [
            _("Withdraw, see the history, take receipts along, ask for erasure: %(url)s")
            % {"url": f"{settings.BASE_URL}/settings/"}
        ],
    }


def _list_data() -> Mapping[str, str]:
    return {
        "battery_charge": _("Charge of the battery"),
        "battery_temperature": _("Temperature of the battery"),
        "plugged_in": _("Whether the car is plugged in"),
        "at_home": _("Whether it is at home (yes or no, never the place)"),
        "moving": _("Whether it moves"),
        "metered_work": _("Energy, time and kind of the work that ran"),
    }


def _list_parties() -> list[dict[str, str]]:
    who = settings.CONTROLLER
    own = {"party_address": who["address"], "party_contact": who["email"]}
    return [
        {
            "party_id": CONTROLLER,
            "party_name": who["name"],
            "party_role": "pii_controller",
            "party_type": _("Puts the owner's consent into effect and pays"),
            "party_url": settings.BASE_URL,
            **own,
        },
        {
            "party_id": SCHEDULER,
            "party_name": _("Scheduler of the fleet"),
            "party_role": "recipient",
            "party_type": _("Learns whether the car may run a job now, and if not, why"),
            **own,
        },
        {
            "party_id": PROVIDER,
            "party_name": "Stripe",
            "party_role": "recipient",
            "party_type": _("Pays the owner out"),
            "party_address": "Stripe Payments Europe, Dublin, Ireland",
            "party_contact": "https://stripe.com/contact",
        },
    ]


def _list_events(version: ConsentVersion, around: Around) -> list[dict[str, str]]:
    """
    Return what happened to this consent until the receipt was made, oldest first.
    """
    is_given = version.state == ConsentVersion.State.GIVEN
    ends_at = version.expires_at if is_given else version.starts_at
    events = [_write_event(around.agreed, version.state, ends_at=ends_at)]
    if around.agreed.number != version.number:
        events.append(_write_event(version, "continued", ends_at=ends_at))
    if around.following is not None and is_given:
        is_withdrawn = around.following.state == ConsentVersion.State.WITHDRAWN
        state = "withdrawn" if is_withdrawn else "replaced"
        events.append(_write_event(around.following, state, ends_at=None))
    return events


def _write_event(
    version: ConsentVersion, state: str, *, ends_at: datetime | None
) -> dict[str, str]:
    starts_at = write_instant(version.starts_at)
    return {
        "event_time": starts_at,
        "event_type": "explicit",
        "event_state": state,
        "validity_duration": f"{starts_at}/{write_instant(ends_at)}" if ends_at else "PT0S",
        "entity_id": encode("prs", version.actor_id),
    }
