"""
Nobody can change a receipt unseen, and anybody can tell.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from pypdf import PdfWriter
from pytest_django.fixtures import Settings

from accounts.models import User
from consent.models import ConsentVersion, Vehicle
from consent.queries.receipts import get_public_keys, get_signing_key
from consent.reports.receipt_files import check_file
from consent.rules.receipts import CheckName, name_key, sign
from tests.consent.receipt_files import download, failed, verify
from tests.consent.terms import NIGHT
from tests.factories import create_consent, sign_in


ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def owner(client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


@pytest.fixture
def version(car: Vehicle) -> ConsentVersion:
    return create_consent(car, now=NIGHT)


@pytest.fixture
def _other_keys() -> Iterator[None]:
    """
    Forget which keys were read before and after a test that changes them.
    """
    get_signing_key.cache_clear()
    get_public_keys.cache_clear()
    yield
    get_signing_key.cache_clear()
    get_public_keys.cache_clear()


class TestVerify:
    @pytest.fixture(params=["receipt", "receipt_pdf"])
    def file(
        self,
        request: pytest.FixtureRequest,
        owner: Client,
        car: Vehicle,
        version: ConsentVersion,
    ) -> bytes:
        return download(owner, car, kind=request.param)

    def test_is_content_with_what_was_given_out(self, tmp_path: Path, file: bytes) -> None:
        is_verified, said = verify(tmp_path, file)

        assert is_verified
        assert "is signed with that key" in said
        assert "has a digest that follows" in said
        assert ("has the pages that were signed" in said) == file.startswith(b"%PDF")

    def test_finds_one_changed_character(self, tmp_path: Path, file: bytes) -> None:
        changed = file.replace(b'"battery_stop_pct": 40', b'"battery_stop_pct": 30')
        assert changed != file

        is_verified, said = verify(tmp_path, changed)

        assert not is_verified
        assert "was changed after it was signed" in said

    def test_names_a_key_that_is_not_ours(self, tmp_path: Path, file: bytes) -> None:
        receipt, _checks = check_file(file, keys=get_public_keys())
        assert receipt is not None
        stranger = Ed25519PrivateKey.generate()
        receipt["integrity"]["key_id"] = name_key(stranger.public_key())

        is_verified, said = verify(tmp_path, json.dumps(sign(receipt, key=stranger)).encode())

        assert not is_verified
        assert "names a key that is not Parado's" in said

    def test_needs_the_key_that_the_receipt_names(self, file: bytes) -> None:
        receipt, _checks = check_file(file, keys=get_public_keys())
        assert receipt is not None
        # Mallory signs with her own key and says that it is Parado's.
        forged = json.dumps(sign(receipt, key=Ed25519PrivateKey.generate())).encode()

        assert failed(forged) == {CheckName.SIGNATURE}

    @pytest.mark.parametrize(
        "text", [b"", b"{}", b"[1]", b"%PDF-1.4", b'{"receipt": {}, "signature": {}}', b"\xff\xfe"]
    )
    def test_says_what_is_no_receipt_at_all(self, tmp_path: Path, text: bytes) -> None:
        is_verified, said = verify(tmp_path, text)

        assert not is_verified
        assert "is not a receipt" in said

    def test_finds_a_digest_that_does_not_follow(self, file: bytes) -> None:
        receipt, _checks = check_file(file, keys=get_public_keys())
        assert receipt is not None
        receipt["content"]["rules"]["battery_stop_pct"] = 20

        # Even Parado itself could not give this out.
        signed = sign(receipt, key=get_signing_key())

        assert failed(json.dumps(signed).encode()) == {CheckName.DIGEST}

    def test_follows_the_chain_through_several_receipts(
        self, tmp_path: Path, owner: Client, car: Vehicle, version: ConsentVersion
    ) -> None:
        create_consent(car, now=NIGHT, battery_stop_pct=45)
        files = [download(owner, car, number=number) for number in (2, 1)]

        is_verified, said = verify(tmp_path, *files)

        assert is_verified
        assert "follow each other" in said

    def test_finds_a_chain_that_was_cut(
        self, tmp_path: Path, owner: Client, car: Vehicle, version: ConsentVersion
    ) -> None:
        create_consent(car, now=NIGHT, battery_stop_pct=45)
        files = [download(owner, car, number=number) for number in (2, 1)]
        receipt = json.loads(files[1])["receipt"]
        receipt["content"]["number"] = 3

        signed = json.dumps(sign(receipt, key=get_signing_key())).encode()
        is_verified, _said = verify(tmp_path, files[0], signed)

        assert not is_verified


class TestTampering:
    def test_no_character_of_the_json_can_be_changed(
        self, owner: Client, car: Vehicle, version: ConsentVersion
    ) -> None:
        file = download(owner, car)
        plain = json.loads(file)
        # Every 7th place, or the test would take a minute.
        for place in range(0, len(file), 7):
            changed = file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]
            try:
                if json.loads(changed) == plain:
                    continue  # a space between two names
            except ValueError:
                pass

            assert failed(changed), (place, file[place - 20 : place + 20])

    def test_no_byte_of_the_pdf_can_be_changed(
        self, owner: Client, car: Vehicle, version: ConsentVersion
    ) -> None:
        file = download(owner, car, kind="receipt_pdf")
        start = file.index(b'"receipt"')
        places = [*range(0, start, 997), start + 40, *range(start + 20_000, len(file), 131)]
        for place in places:
            changed = file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]

            assert failed(changed), place

    def test_a_page_more_is_found(
        self, owner: Client, car: Vehicle, version: ConsentVersion
    ) -> None:
        writer = PdfWriter(clone_from=BytesIO(download(owner, car, kind="receipt_pdf")))
        writer.add_blank_page()
        with BytesIO() as file:
            writer.write(file)

            assert failed(file.getvalue()) == {CheckName.DOCUMENT}

    def test_names_that_come_twice_are_refused(
        self, owner: Client, car: Vehicle, version: ConsentVersion
    ) -> None:
        file = download(owner, car)
        again = file.replace(b'"receipt": {', b'"receipt": {}, "receipt": {', 1)

        assert failed(again) == {CheckName.FORMAT}


@pytest.mark.usefixtures("_other_keys")
class TestKeys:
    def test_an_old_key_still_verifies(
        self,
        tmp_path: Path,
        owner: Client,
        car: Vehicle,
        version: ConsentVersion,
        settings: Settings,
    ) -> None:
        before = download(owner, car)
        old = owner.get("/.well-known/receipt-keys.json").json()["keys"][0]
        get_signing_key.cache_clear()
        get_public_keys.cache_clear()
        settings.RECEIPT_KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
        settings.RECEIPT_OLD_KEYS = [old["x"]]

        after = download(owner, car)

        new, kept = owner.get("/.well-known/receipt-keys.json").json()["keys"]
        assert json.loads(after)["signature"]["key_id"] == new["kid"] != old["kid"] == kept["kid"]
        assert verify(tmp_path, before)[0]
        assert verify(tmp_path, after)[0]

    def test_a_key_that_was_not_kept_is_unknown(
        self,
        tmp_path: Path,
        owner: Client,
        car: Vehicle,
        version: ConsentVersion,
        settings: Settings,
    ) -> None:
        before = download(owner, car)
        keys = tmp_path / "keys.json"
        keys.write_bytes(owner.get("/.well-known/receipt-keys.json").content)
        get_signing_key.cache_clear()
        get_public_keys.cache_clear()
        settings.RECEIPT_KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="

        assert "names a key that is not Parado's" in verify(tmp_path, before)[1]
        # Whoever kept the public keys can check it all the same.
        assert verify(tmp_path, before, keys=keys)[0]

    def test_anybody_may_have_the_public_keys(self, client: Client) -> None:
        response = client.get("/.well-known/receipt-keys.json")

        [key] = response.json()["keys"]
        assert key.keys() == {"crv", "kty", "x", "kid", "use", "alg"}
        assert "max-age" in response["Cache-Control"]


def test_asks_no_database(
    tmp_path: Path, owner: Client, car: Vehicle, version: ConsentVersion
) -> None:
    path = tmp_path / "receipt.pdf"
    path.write_bytes(download(owner, car, kind="receipt_pdf"))
    nowhere = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
    command = [sys.executable, "manage.py", "verify_receipt", str(path)]

    done = subprocess.run(
        command, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("verified")
    path.write_bytes(path.read_bytes().replace(b'"plate": "BX', b'"plate": "XB'))
    done = subprocess.run(
        command, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "not verified" in done.stderr
