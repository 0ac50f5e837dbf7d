import hashlib

import pytest

from consent.rules import FIRST_PREVIOUS_DIGEST, chain_digest


def test_digest_can_be_made_again_with_any_tool() -> None:
    digest = chain_digest(
        previous_digest=FIRST_PREVIOUS_DIGEST, content={"b": [1, True, None], "a": "São Tomé"}
    )

    text = '{"a":"São Tomé","b":[1,true,null]}'
    assert digest == hashlib.sha256(bytes(32) + text.encode()).digest()


def test_digest_covers_the_one_before() -> None:
    content = {"number": 2}

    assert chain_digest(previous_digest=b"a" * 32, content=content) != chain_digest(
        previous_digest=b"b" * 32, content=content
    )


def test_refuses_what_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="JSON"):
        chain_digest(previous_digest=FIRST_PREVIOUS_DIGEST, content={"limit": float("nan")})
