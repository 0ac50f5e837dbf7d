"""
Receipts as files: what is none, and which of them must follow each other.
"""

from typing import Any

import pytest

from consent.rules.receipts import CheckName, NotAReceipt, check_links, read_enclosed


def make_receipt(number: int, *, vehicle_id: int = 1, previous: str = "") -> dict[str, Any]:
    return {
        "record_id": f"veh_{vehicle_id}-{number}",
        "content": {"vehicle_id": vehicle_id, "number": number},
        "integrity": {"previous_digest": previous, "digest": f"digest {number}"},
    }


class TestFile:
    @pytest.mark.parametrize(
        "text",
        [
            b'{"receipt": {}, "receipt": {}, "signature": {}}',
            b'{"receipt": {"price": 1.5}, "signature": {}}',
            b'{"receipt": {"price": NaN}, "signature": {}}',
            b'{"receipt": {}}',
            b'{"receipt": {}, "signature": {}}',
            b"[" * 100_000,
        ],
        ids=["a name twice", "a float", "no number", "no signature", "an empty one", "too deep"],
    )
    def test_that_two_readers_could_read_differently_is_none(self, text: bytes) -> None:
        with pytest.raises(NotAReceipt):
            read_enclosed(text)


class TestLinks:
    def test_versions_that_follow_each_other_are_compared(self) -> None:
        receipts = [make_receipt(2, previous="digest 1"), make_receipt(1)]

        [link] = check_links(receipts)

        assert (link.name, link.is_ok) == (CheckName.LINK, True)

    def test_a_gap_and_another_car_prove_nothing(self) -> None:
        receipts = [make_receipt(1), make_receipt(3), make_receipt(4, vehicle_id=2)]

        assert list(check_links(receipts)) == []
