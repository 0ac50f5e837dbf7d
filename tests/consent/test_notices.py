"""
Notices come out: earlier consents end by the day that they name.
"""

import hashlib
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from consent import operations, queries
from consent.models import ConsentVersion, Notice, Vehicle
from consent.operations import NoticeRefused
from consent.queries.hours import list_past_hours
from consent.queries.notices import FOLDER_OF_TEXTS, get_present_notice
from consent.rules import ReasonCode
from tests.consent.renewing import DAY, END, HOUR, publish
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_vehicle_state


def codes(car: Vehicle, now: datetime) -> tuple[ReasonCode, ...]:
    return queries.decide_now(vehicle_id=car.pk, owner_id=car.owner_id, now=now).codes


def get_terms_end(version: ConsentVersion) -> datetime:
    """
    Return until when settlement takes a version to hold.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT expires_at FROM consent_terms_v WHERE version_id = %s", [version.pk])
        [[expires_at]] = cursor.fetchall()
    assert isinstance(expires_at, datetime)
    return expires_at


class TestTexts:
    # A published text never changes: what was agreed to is proved by these.
    DIGESTS = {
        "2026-11.en.txt": "8c8b6e9605eb5a2617e95670ed03d50c256cd0a1227cfb8dabbfe5445db93906",
        "2026-11.pt.txt": "ec97051d630a457163f396d59f25c47d6d27ba51810dfc4fc6ce07a2bfa5fb62",
    }

    def test_never_change_once_they_are_out(self) -> None:
        found = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in Path(FOLDER_OF_TEXTS).glob("*.txt")
        }

        assert found == self.DIGESTS

    @pytest.mark.django_db
    def test_the_first_is_published_with_the_tables(self) -> None:
        text = get_present_notice(language="pt", now=NIGHT)

        assert (text.version, text.language) == ("2026-11", "pt")
        assert text.digest == self.DIGESTS["2026-11.pt.txt"]

    @pytest.mark.django_db
    def test_a_language_that_we_lack_reads_english(self) -> None:
        assert get_present_notice(language="nb", now=NIGHT).language == "en"


@pytest.mark.django_db
class TestPublish:
    def test_brings_the_end_of_earlier_consents_forward(self, car: Vehicle) -> None:
        version = create_consent(car, now=NIGHT)
        create_vehicle_state(car, now=NIGHT)
        agree_by = NIGHT + 60 * DAY
        assert get_terms_end(version) == END

        publish(agree_by=agree_by)

        assert get_terms_end(version) == agree_by
        assert codes(car, agree_by - HOUR) != (ReasonCode.CONSENT_EXPIRED,)
        assert codes(car, agree_by) == (ReasonCode.CONSENT_EXPIRED,)

    def test_leaves_later_consents_alone(self, car: Vehicle) -> None:
        publish(agree_by=NIGHT + 60 * DAY)

        version = create_consent(car, now=NIGHT + 2 * HOUR)

        assert version.notice_version == "2027-03"
        assert get_terms_end(version) == version.expires_at

    def test_without_a_date_ends_nothing(self, car: Vehicle) -> None:
        version = create_consent(car, now=NIGHT)

        publish()

        assert get_terms_end(version) == END

    def test_never_makes_a_consent_last_longer(self, car: Vehicle) -> None:
        version = create_consent(car, now=NIGHT)

        publish(agree_by=END + 60 * DAY)

        assert get_terms_end(version) == END

    def test_the_first_of_two_ends_it(self, car: Vehicle) -> None:
        version = create_consent(car, now=NIGHT)

        publish(agree_by=NIGHT + 60 * DAY)
        publish(version="2027-04", agree_by=NIGHT + 90 * DAY, now=NIGHT + 2 * HOUR)

        assert get_terms_end(version) == NIGHT + 60 * DAY

    def test_ends_the_day_on_the_owners_page_too(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)
        agree_by = NIGHT + 60 * DAY
        publish(agree_by=agree_by)

        hours = list_past_hours(
            vehicle_id=car.pk,
            owner_id=car.owner_id,
            starts_at=agree_by - DAY,
            ends_at=agree_by + DAY,
        )

        assert hours.open[-1][1] == agree_by
        assert [last for _first, last in hours.agreed] == [agree_by]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"agree_by": NIGHT + 5 * DAY}, "30 days at least"),
            ({"version": "2026-11"}, "is out already"),
            ({"now": datetime(2026, 10, 1, tzinfo=UTC)}, "comes out later"),
        ],
    )
    def test_refuses_what_would_be_unfair_or_unclear(
        self, changes: dict[str, object], reason: str
    ) -> None:
        with pytest.raises(NoticeRefused, match=reason):
            publish(**changes)  # type: ignore[arg-type]

    def test_refuses_less_time_than_an_earlier_one_gave(self) -> None:
        publish(agree_by=NIGHT + 90 * DAY)

        with pytest.raises(NoticeRefused, match="gave owners until"):
            publish(version="2027-04", agree_by=NIGHT + 60 * DAY, now=NIGHT + 2 * HOUR)

    def test_needs_english(self) -> None:
        with pytest.raises(NoticeRefused, match="English"):
            operations.publish_notice(
                version="2027-03", texts={"pt": "Olá"}, agree_by=None, now=NIGHT
            )

    def test_by_command_takes_the_texts_of_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "2027-03.en.txt").write_text("Hello.\n")
        (tmp_path / "2027-03.pt.txt").write_text("Olá.\n")
        said = StringIO()

        with time_machine.travel(NIGHT, tick=False):
            call_command(
                "publish_notice",
                "2027-03",
                "--agree-by",
                "2027-03-31",
                folder=tmp_path,
                stdout=said,
            )

        notice = Notice.objects.get(version="2027-03")
        assert notice.texts == {"en": "Hello.\n", "pt": "Olá.\n"}
        assert notice.agree_by is not None
        assert notice.agree_by.date().isoformat() == "2027-03-31"
        assert "in en, pt; owners agree again by 2027-03-31" in said.getvalue()

    def test_by_command_says_what_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="English"):
            call_command("publish_notice", "2027-03", folder=tmp_path)

    def test_is_never_edited(self) -> None:
        for statement in (
            "UPDATE consent_notice SET agree_by = now() + interval '1 year'",
            "DELETE FROM consent_notice",
            "TRUNCATE consent_notice",
        ):
            with (
                pytest.raises(DatabaseError),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
