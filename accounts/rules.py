"""
How a key looks, what it may be allowed to do, and how a lost message is tried again.
"""

import hashlib
import zlib
from dataclasses import dataclass


ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# 32 of 62 characters: 190 bits, so a plain digest is as good as a slow one.
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6
SHOWN_LENGTH = 6


@dataclass(frozen=True, slots=True)
class KeyKind:
    """
    `mark` starts every key of the kind; `scopes` are those that such a key may carry.
    """

    name: str
    mark: str
    scopes: tuple[str, ...]


KEY_KINDS = {
    kind.name: kind
    for kind in (
        KeyKind(
            "buyer",
            "pk_live_",
            ("pools:read", "bookings:read", "bookings:write", "balance:read", "balance:write"),
        ),
        KeyKind(
            "scheduler",
            "sk_sched_",
            ("decisions:read", "telemetry:write", "consents:read", "bookings:read", "usage:write"),
        ),
        KeyKind("finance", "sk_fin_", ("finance:read",)),
    )
}


def make_secret(*, kind: str, random: str) -> str:
    """
    Return a whole key from 32 random characters of ALPHABET.
    """
    body = KEY_KINDS[kind].mark + random
    return body + make_checksum(body)


def make_checksum(body: str) -> str:
    """
    Return six characters that tell a mistyped key from an unknown one without a look-up.
    """
    rest = zlib.crc32(body.encode())
    characters = []
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters))


def is_well_formed(secret: str) -> bool:
    if not secret.isascii():
        return False
    body, checksum = secret[:-CHECKSUM_LENGTH], secret[-CHECKSUM_LENGTH:]
    return make_checksum(body) == checksum and any(
        body.startswith(kind.mark) and len(body) == len(kind.mark) + RANDOM_LENGTH
        for kind in KEY_KINDS.values()
    )


def make_digest(secret: str) -> bytes:
    """
    Return the 32 bytes that are stored in place of the secret.
    """
    return hashlib.sha256(secret.encode()).digest()


def make_prefix(*, kind: str, secret: str) -> str:
    """
    Return the start of a key, enough for a person to tell it from another.
    """
    return secret[: len(KEY_KINDS[kind].mark) + SHOWN_LENGTH]


def find_unknown_scopes(*, kind: str, scopes: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(scopes - set(KEY_KINDS[kind].scopes)))


def retry_after_s(*, attempts: int, first_s: int, max_s: int) -> int:
    """
    Return the wait before the next try: doubled every time, up to `max_s`.
    """
    return int(min(first_s * 2 ** min(attempts - 1, 30), max_s))
