"""
Receipts that prove themselves: signed once, checked anywhere, without asking anybody.

A receipt file is one JSON object of two members. `receipt` says what was agreed; `signature`
is Ed25519 (RFC 8032) over the receipt as canonical JSON (RFC 8785, of which receipts need
only strings, whole numbers, booleans, null, lists and objects). Keys are named by their
JSON Web Key thumbprint (RFC 7638, RFC 8037).
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consent.rules.digests import chain_digest, write_canonical


ALGORITHM = "Ed25519"
SIGNATURE_BYTES = 64
# What a signature and a digest are before they are known, each as long as the real one.
NO_SIGNATURE = base64.b64encode(bytes(SIGNATURE_BYTES)).decode()
NO_DIGEST = "0" * 64

Receipt = dict[str, Any]
Keys = Mapping[str, Ed25519PublicKey]


class CheckName(StrEnum):
    """
    What is checked of a receipt, in this order; what depends on a failed check is not made.
    """

    FORMAT = "format"
    KEY = "key"
    SIGNATURE = "signature"
    DOCUMENT = "document"
    DIGEST = "digest"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Check:
    """
    One check with what it found; `value` is what it looked at: a key's name, a digest.
    """

    name: CheckName
    is_ok: bool
    value: str = ""


class NotAReceipt(Exception):
    """
    The text is no JSON object of a receipt and its signature.
    """


def read_private_key(text: str) -> Ed25519PrivateKey:
    """
    Return the key of 32 random bytes in base64url, as `openssl rand -base64 32` makes them.

    :raises ValueError: the text is not that.
    """
    return Ed25519PrivateKey.from_private_bytes(_read_base64url(text))


def derive_private_key(secret: str) -> Ed25519PrivateKey:
    """
    Return a key that follows from another secret: for demos and tests, which keep no key.
    """
    return Ed25519PrivateKey.from_private_bytes(
        hashlib.blake2b(secret.encode(), digest_size=32, person=b"parado receipts").digest()
    )


def read_public_key(text: str) -> Ed25519PublicKey:
    """
    Return the key whose 32 bytes are this base64url, the `x` of its JSON Web Key.

    :raises ValueError: the text is not that.
    """
    return Ed25519PublicKey.from_public_bytes(_read_base64url(text))


def write_key(key: Ed25519PublicKey) -> dict[str, str]:
    """
    Return a public key as JSON Web Key with its name.
    """
    numbers = {"crv": ALGORITHM, "kty": "OKP", "x": _write_base64url(key.public_bytes_raw())}
    thumbprint = hashlib.sha256(write_canonical(numbers)).digest()
    return {**numbers, "kid": _write_base64url(thumbprint), "use": "sig", "alg": "EdDSA"}


def name_key(key: Ed25519PublicKey) -> str:
    return write_key(key)["kid"]


def sign(receipt: Receipt, *, key: Ed25519PrivateKey) -> dict[str, Any]:
    """
    Return a receipt with its signature; the receipt names the key, so it is signed too.
    """
    signature = key.sign(write_canonical(receipt))
    return enclose(receipt, value=base64.b64encode(signature).decode())


def enclose(receipt: Receipt, *, value: str) -> dict[str, Any]:
    signature = {"algorithm": ALGORITHM, "key_id": receipt["integrity"]["key_id"], "value": value}
    return {"receipt": receipt, "signature": signature}


def read_enclosed(text: bytes) -> dict[str, Any]:
    """
    Return a receipt file's two members.

    :raises NotAReceipt: it is something else.
    """
    try:
        enclosed = json.loads(
            text, object_pairs_hook=_make_object, parse_float=_refuse, parse_constant=_refuse
        )
        receipt, signature = enclosed["receipt"], enclosed["signature"]
        is_whole = (
            enclosed.keys() == {"receipt", "signature"}
            and signature.keys() == {"algorithm", "key_id", "value"}
            and signature["algorithm"] == ALGORITHM
            and signature["key_id"] == receipt["integrity"]["key_id"]
            and all(isinstance(each, str) for each in signature.values())
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAReceipt from error
    if not is_whole:
        raise NotAReceipt
    return {"receipt": receipt, "signature": signature}


def check(enclosed: Mapping[str, Any], *, keys: Keys) -> Iterator[Check]:
    """
    Check the key, the signature, and that the digest follows from the content and the digest
    before it. What comes after a failed check is not made: it would speak of nothing.
    """
    receipt, signature = enclosed["receipt"], enclosed["signature"]
    key = keys.get(signature["key_id"])
    yield Check(CheckName.KEY, key is not None, signature["key_id"])
    if key is None:
        return
    is_signed = _is_signed(receipt, signature["value"], key)
    yield Check(CheckName.SIGNATURE, is_signed)
    if is_signed:
        integrity = receipt["integrity"]
        digest = chain_digest(
            previous_digest=bytes.fromhex(integrity["previous_digest"]), content=receipt["content"]
        )
        yield Check(CheckName.DIGEST, digest.hex() == integrity["digest"], integrity["digest"])


def check_links(receipts: list[Receipt]) -> Iterator[Check]:
    """
    Check that receipts of one car's successive versions form one chain.
    """
    versions = sorted(
        receipts, key=lambda each: (each["content"]["vehicle_id"], each["content"]["number"])
    )
    for before, after in pairwise(versions):
        first, second = before["content"], after["content"]
        if (first["vehicle_id"], first["number"] + 1) == (second["vehicle_id"], second["number"]):
            is_linked = before["integrity"]["digest"] == after["integrity"]["previous_digest"]
            value = f"{before['record_id']} \N{RIGHTWARDS ARROW} {after['record_id']}"
            yield Check(CheckName.LINK, is_linked, value)


def _is_signed(receipt: Receipt, value: str, key: Ed25519PublicKey) -> bool:
    try:
        signature = base64.b64decode(value, validate=True)
        key.verify(signature, write_canonical(receipt))
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    # Base64 has several spellings of the same bytes; only one is what we gave out.
    return base64.b64encode(signature).decode() == value


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """
    Refuse names that come twice: two readers could see two different receipts.
    """
    made = dict(pairs)
    if len(made) != len(pairs):
        raise NotAReceipt
    return made


def _refuse(text: str) -> float:
    raise NotAReceipt(text)


def _write_base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _read_base64url(text: str) -> bytes:
    plain = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
