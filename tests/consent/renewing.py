"""
What tests of notices and renewals share: when a consent of NIGHT ends, and how one is renewed.
"""

from datetime import UTC, datetime, timedelta

from consent.models import ConsentVersion, Notice, Vehicle
from consent.operations import publish_notice, renew_consent
from consent.queries.notices import get_present_notice
from tests.consent.terms import NIGHT


DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
# What NIGHT's consent ends with: thirteen months later, at local midnight.
END = datetime(2027, 12, 17, 23, tzinfo=UTC)
TEXTS = {"en": "While these rules allow it, all is new.\n\n- One point more.\n"}


def publish(
    *, version: str = "2027-03", agree_by: datetime | None = None, now: datetime = NIGHT + HOUR
) -> Notice:
    return publish_notice(version=version, texts=TEXTS, agree_by=agree_by, now=now)


def renew(car: Vehicle, *, now: datetime, **changes: object) -> ConsentVersion:
    """
    Agree again for a car of one version, changed in the named arguments.
    """
    values = {
        "vehicle_id": car.pk,
        "owner_id": car.owner_id,
        "expected_number": 1,
        "notice_version": get_present_notice(language="en", now=now).version,
        "notice_language": "en",
        "now": now,
    }
    return renew_consent(**(values | changes))  # type: ignore[arg-type]
