"""
Olivia's receipts: what they say, and in which words.
"""

import json
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from accounts.models import User
from consent import operations
from consent.models import ConsentVersion, Vehicle
from consent.queries.evidence import get_draft
from tests.consent.receipt_files import download
from tests.consent.terms import NIGHT
from tests.factories import create_consent, sign_in
from web.public_ids import encode


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


@pytest.fixture
def version(car: Vehicle) -> ConsentVersion:
    return create_consent(car, now=NIGHT)


class TestReceipt:
    def test_has_the_fields_of_the_standard(
        self, owner: Client, car: Vehicle, version: ConsentVersion
    ) -> None:
        receipt = json.loads(download(owner, car))["receipt"]

        car_id, person = encode("veh", car.pk), encode("prs", car.owner_id)
        assert receipt["schema_version"].startswith("ISO/IEC TS 27560:2023")
        assert receipt["record_id"] == f"{car_id}-1"
        assert receipt["pii_principal_id"] == person
        processing = receipt["pii_processing"]
        assert [each["purpose"] for each in processing["purposes"]] == ["inference", "research"]
        assert {each["lawful_basis"] for each in processing["purposes"]} == {"consent"}
        notice = processing["privacy_notice"]
        assert (notice["version"], notice["language"]) == ("2026-11", "en")
        assert len(notice["sha256"]) == 64
        for name in (
            "pii_information",
            "pii_controllers",
            "storage_locations",
            "retention_period",
            "jurisdiction",
            "recipient_third_parties",
        ):
            assert processing[name], name
        assert car_id in processing["withdrawal_method"]
        parties = {each["party_id"] for each in receipt["party_identification"]}
        assert {*processing["pii_controllers"], *processing["recipient_third_parties"]} == parties
        [event] = receipt["events"]
        assert event["event_state"] == "given"
        assert event["entity_id"] == person
        assert event["event_time"] == "2026-11-18T22:03:20.000000Z"
        begin, end = event["validity_duration"].split("/")
        assert (begin, end) == (event["event_time"], "2027-12-17T23:00:00.000000Z")

    def test_holds_the_exact_rules_and_their_digest(
        self, owner: Client, car: Vehicle, version: ConsentVersion
    ) -> None:
        receipt = json.loads(download(owner, car))["receipt"]

        assert receipt["content"]["rules"]["battery_stop_pct"] == 40
        assert receipt["integrity"]["digest"] == bytes(version.digest).hex()
        words = {each["field"]: each["text"] for each in receipt["rules"]}
        assert "40" in words["battery"]

    def test_says_when_it_ended_and_how(self, owner: Client, car: Vehicle, olivia: User) -> None:
        create_consent(car)
        create_consent(car, now=NIGHT, battery_stop_pct=45)
        operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT)

        first, second, third = (
            json.loads(download(owner, car, number=number))["receipt"]["events"]
            for number in (1, 2, 3)
        )

        assert [each["event_state"] for each in first] == ["given", "replaced"]
        assert [each["event_state"] for each in second] == ["given", "withdrawn"]
        assert [each["event_state"] for each in third] == ["withdrawn"]

    def test_is_a_file_to_keep(self, owner: Client, car: Vehicle, version: ConsentVersion) -> None:
        for kind in ("receipt", "receipt_pdf"):
            path = reverse(f"consent:{kind}", args=[encode("veh", car.pk), 1])

            assert owner.get(path)["Content-Disposition"].startswith("attachment;")

    def test_there_is_none_of_a_version_that_never_was(self, owner: Client, car: Vehicle) -> None:
        for kind in ("receipt", "receipt_pdf"):
            path = reverse(f"consent:{kind}", args=[encode("veh", car.pk), 9])

            assert owner.get(path).status_code == 404

    def test_is_nobody_elses(
        self, client: Client, mallory: User, car: Vehicle, version: ConsentVersion
    ) -> None:
        sign_in(client, mallory)

        for kind in ("receipt", "receipt_pdf"):
            path = reverse(f"consent:{kind}", args=[encode("veh", car.pk), 1])

            assert client.get(path).status_code == 404


class TestPdf:
    def test_says_on_paper_what_the_review_page_said(
        self, owner: Client, car: Vehicle, version: ConsentVersion
    ) -> None:
        receipt = json.loads(download(owner, car))["receipt"]

        pages = PdfReader(BytesIO(download(owner, car, kind="receipt_pdf"))).pages
        text = "".join(page.extract_text() for page in pages)

        # Lines break where the paper ends.
        text = "".join(text.split())
        for rule in receipt["rules"]:
            assert "".join(rule["text"].split()) in text, rule["label"]
        notice = receipt["pii_processing"]["privacy_notice"]
        for paragraph in (*notice["paragraphs"], *notice["points"]):
            assert "".join(paragraph.split()) in text
        assert receipt["integrity"]["digest"] in text
        assert "BX42LR" in text

    def test_speaks_the_language_in_which_was_agreed(
        self, owner: Client, car: Vehicle, olivia: User, version: ConsentVersion
    ) -> None:
        operations.give_consent(
            vehicle_id=car.pk,
            owner_id=olivia.pk,
            rules=get_draft(version),
            expected_number=1,
            notice_language="pt",
            now=NIGHT,
        )

        pages = PdfReader(BytesIO(download(owner, car, number=2, kind="receipt_pdf"))).pages

        text = "".join(page.extract_text() for page in pages)
        assert "eletricidade e o desgaste" in " ".join(text.split())
