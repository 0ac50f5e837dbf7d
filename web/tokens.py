"""
Opaque signed texts for cursors: a client can hand them back, not make or change them.
"""

import base64
import binascii
import hashlib
import hmac
from functools import cache

import msgspec
from django.conf import settings


_MAC_BYTES = 12


def sign(*, scope: str, values: list[int | str]) -> str:
    """
    Return the values as one opaque text that only `scope` reads again.
    """
    body = msgspec.json.encode(values)
    return base64.urlsafe_b64encode(_make_mac(scope, body) + body).decode().rstrip("=")


def read(*, scope: str, text: str) -> list[int | str] | None:
    """
    Return the values behind a text; None when it was not signed here for this scope.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeError, binascii.Error):
        return None
    mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _make_mac(scope, body)):
        return None
    return msgspec.json.decode(body, type=list[int | str])


def _make_mac(scope: str, body: bytes) -> bytes:
    message = scope.encode() + b"\0" + body
    return hashlib.blake2b(message, key=_get_key(), digest_size=_MAC_BYTES).digest()


@cache
def _get_key() -> bytes:
    return hashlib.blake2b(settings.SECRET_KEY.encode(), person=b"parado cursors").digest()
