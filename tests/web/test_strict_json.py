import json
from typing import Any

import msgspec
import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from tests.web.sample_api import Filter, Move
from web import strict_json
from web.problems import Problem


LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def refuse(body: bytes, shape: Any = Move, **options: int) -> Problem:
    with pytest.raises(Problem) as caught:
        strict_json.decode(body, shape, **{"max_bytes": 1000, **options})
    return caught.value


class TestDecode:
    def test_reads_a_document(self) -> None:
        body = b'{"amount_micros": 126000, "at": "2026-03-29T02:00:00+01:00"}'

        move = strict_json.decode(body, Move, max_bytes=1000)

        assert move.amount_micros == 126_000
        assert move.at is not None
        assert move.at.isoformat() == "2026-03-29T02:00:00+01:00"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "malformed"),
            (b"{", "malformed"),
            (b"{}x", "malformed"),
            (b"\xff\xfe", "malformed"),
            (b'\xef\xbb\xbf{"amount_micros": 1}', "malformed"),
            (b'{"note": "\xff", "amount_micros": 1}', "malformed"),
            (b'{"note": "\\ud800", "amount_micros": 1}', "malformed"),
            (b'{"amount_micros": NaN}', "malformed"),
            (b'{"amount_micros": 01}', "malformed"),
            (b'{"amount_micros": 1e999}', "malformed"),
            ("{'amount_micros': ٣}".encode(), "malformed"),
            (b"[" * 900, "malformed"),
            (b"[" * 33 + b"]" * 33, "too_deep"),
            (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep"),
            (b'{"amount_micros": 1, "amount_micros": 2}', "duplicate_key"),
            (b'{"amount_micros": 1, "amount_micros" : 2}', "duplicate_key"),
            (b'{"amount_micros": 1, "\\u0061mount_micros": 2}', "duplicate_key"),
            (b'{"a": [{"b": {"c:": ":", "c:": ":"}}]}', "duplicate_key"),
            (b'{"amount_micros": 1, "note": "a\\u0000b"}', "nul_character"),
            (b'{"amount_micros": 1, "note": "\\\\\\u0000"}', "nul_character"),
        ],
    )
    def test_refuses_what_cannot_be_read_in_one_way_only(self, body: bytes, code: str) -> None:
        problem = refuse(body)

        assert (problem.status, problem.code) == (400, code)

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            (b"[]", "/"),
            (b"{}", "/amount_micros"),
            (b'{"amount_micros": 1, "unknown": 2}', "/unknown"),
            (b'{"amount_micros": ' + b"9" * 900 + b"}", "/amount_micros"),
            (b'{"amount_micros": "1"}', "/amount_micros"),
            (b'{"amount_micros": 1.5}', "/amount_micros"),
            (b'{"amount_micros": -1}', "/amount_micros"),
            (b'{"amount_micros": 9223372036854775808}', "/amount_micros"),
            (b'{"amount_micros": true}', "/amount_micros"),
            (b'{"amount_micros": 1, "at": "2026-03-29T02:00:00"}', "/at"),
            (b'{"amount_micros": 1, "at": "2026-02-30T02:00:00Z"}', "/at"),
            (b'{"amount_micros": 1, "parts": [1, 2, "x"]}', "/parts/2"),
        ],
    )
    def test_points_at_what_means_nothing(self, body: bytes, pointer: str) -> None:
        problem = refuse(body)

        assert (problem.status, problem.code) == (422, "invalid")
        assert [error["pointer"] for error in problem.errors] == [pointer]

    def test_counts_before_it_validates(self) -> None:
        body = json.dumps({"amount_micros": 1, "parts": [0] * 11}).encode()

        assert refuse(body, items_max=10).code == "too_many_items"
        assert refuse(body, max_bytes=20).code == "body_too_large"
        assert refuse(body, max_bytes=20).status == 413

    def test_keeps_a_backslash_before_u0000_that_is_only_text(self) -> None:
        body = b'{"amount_micros": 1, "note": "\\\\u0000"}'

        assert strict_json.decode(body, Move, max_bytes=1000).note == "\\u0000"

    @given(DOCUMENTS)
    def test_reads_any_honest_document_as_the_standard_reader_does(self, value: Any) -> None:
        for body in (json.dumps(value).encode(), msgspec.json.encode(value)):
            if b"\\u0000" in body:
                continue
            assert strict_json.loads(body, max_bytes=10**6) == json.loads(body)

    @given(st.dictionaries(st.text(max_size=3), LEAVES, min_size=1, max_size=3), st.data())
    def test_finds_any_key_that_stands_twice(self, value: dict[str, Any], data: Any) -> None:
        key = data.draw(st.sampled_from(sorted(value)))
        gap = data.draw(st.sampled_from(["", " ", "\n"]))
        spelled = data.draw(st.sampled_from([json.dumps(key), json.dumps(key, ensure_ascii=False)]))
        inner = json.dumps(value)[:-1] + f",{spelled}{gap}:1}}"
        body = f'{{"outer": [{inner}]}}'.encode()

        assert refuse(body, max_bytes=10**6).code in {"duplicate_key", "nul_character"}

    @given(st.binary(max_size=60))
    def test_any_bytes_are_read_or_refused(self, body: bytes) -> None:
        try:
            strict_json.decode(body, Move, max_bytes=1000)
        except Problem as problem:
            assert problem.status in {400, 413, 422}  # noqa: PT017 - both ways are right


class TestReadQuery:
    def test_reads_numbers(self) -> None:
        assert strict_json.read_query(QueryDict("limit=5"), Filter).limit == 5

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("unknown=1", "?unknown"),
            ("limit=1&limit=2", "?limit"),
            ("limit=%D9%A3", "?limit"),
            ("limit=1_0", "?limit"),
            ("limit=", "?limit"),
            ("cursor=a%00b", "?cursor"),
        ],
    )
    def test_refuses_what_is_unknown_repeated_or_not_ascii(self, query: str, pointer: str) -> None:
        with pytest.raises(Problem) as caught:
            strict_json.read_query(QueryDict(query), Filter)

        assert caught.value.status == 422
        assert caught.value.errors[0]["pointer"] == pointer
