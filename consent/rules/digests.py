"""
The chain that shows a consent history was not rewritten: each digest covers the one before.
"""

import hashlib
import json
from collections.abc import Mapping


FIRST_PREVIOUS_DIGEST = bytes(32)


def chain_digest(*, previous_digest: bytes, content: Mapping[str, object]) -> bytes:
    """
    Return SHA-256 over the previous digest and the content as canonical JSON.
    """
    return hashlib.sha256(previous_digest + write_canonical(content)).digest()


def write_canonical(content: Mapping[str, object]) -> bytes:
    """
    Return canonical JSON: keys sorted, no spaces, UTF-8.

    Values are strings, whole numbers, booleans, None, and lists and mappings of those;
    anything else raises TypeError.
    """
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()
