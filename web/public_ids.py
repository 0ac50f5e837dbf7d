"""
Public ids: `veh_9f3a1c04b2d75e1`, a prefix and fifteen hex digits that encode a bigint.

A keyed bijection on 60 bits, so ids neither count up nor need a column. It hides the
number from the curious, it guards nothing: access is decided by ownership, never by the id.
About 1 µs each way, where `sqids` takes 20 µs, too slow for batches of 5,000 ids.
"""

import hashlib
from collections.abc import Callable

from django.conf import settings


BITS = 60
DIGITS = BITS // 4
_MASK = (1 << BITS) - 1
_HALF = BITS // 2

_Step = Callable[[int], int]


def _make_steps(key: int) -> tuple[_Step, _Step]:
    """
    Return the bijection and its inverse: odd multipliers and half-word xors undo exactly.
    """
    seed = hashlib.blake2b(key.to_bytes(32, "big", signed=True), person=b"parado ids").digest()
    first, second, mask = (
        int.from_bytes(seed[start : start + 8], "big") & _MASK for start in (0, 8, 16)
    )
    first |= 1
    second |= 1
    first_inverse = pow(first, -1, 1 << BITS)
    second_inverse = pow(second, -1, 1 << BITS)

    def scramble(number: int) -> int:
        number = (number ^ mask) * first & _MASK
        number = (number ^ number >> _HALF) * second & _MASK
        return number ^ number >> _HALF

    def unscramble(number: int) -> int:
        number = (number ^ number >> _HALF) * second_inverse & _MASK
        number = (number ^ number >> _HALF) * first_inverse & _MASK
        return number ^ mask

    return scramble, unscramble


_scramble, _unscramble = _make_steps(settings.PUBLIC_ID_KEY)


def encode(prefix: str, number: int) -> str:
    """
    Return the public id of a number.

    :raises ValueError: the number does not fit into 60 bits.
    """
    if not 0 <= number <= _MASK:
        raise ValueError(number)
    return f"{prefix}_{_scramble(number):015x}"


def decode(prefix: str, text: str) -> int | None:
    """
    Return the number behind an id, None when the text is not an id of this prefix.

    Only the one spelling that `encode` gives is an id: lower case, no spaces, no signs.
    """
    head, _, digits = text.partition("_")
    if head != prefix or len(digits) != DIGITS:
        return None
    try:
        number = int(digits, 16)
    except ValueError:
        return None
    return _unscramble(number) if f"{number:015x}" == digits else None
