"""
Chance that is the same in every run: drawn from the seed and what it is about.
"""

from __future__ import annotations

import hashlib


def draw(*parts: object) -> float:
    """Return a number in [0, 1) that depends on the parts only."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest()) / 2**56
