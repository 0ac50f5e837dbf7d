import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import rules


RANDOM = st.text(alphabet=rules.ALPHABET, min_size=32, max_size=32)
KINDS = st.sampled_from(sorted(rules.KEY_KINDS))


class TestKeys:
    @given(KINDS, RANDOM)
    def test_a_made_key_is_well_formed(self, kind: str, random: str) -> None:
        secret = rules.make_secret(kind=kind, random=random)

        assert secret.startswith(rules.KEY_KINDS[kind].mark)
        assert rules.is_well_formed(secret)

    @given(KINDS, RANDOM, st.integers(0, 37), st.sampled_from(rules.ALPHABET))
    def test_one_wrong_character_is_noticed(
        self, kind: str, random: str, place: int, other: str
    ) -> None:
        secret = rules.make_secret(kind=kind, random=random)
        index = len(rules.KEY_KINDS[kind].mark) + place
        mistyped = secret[:index] + other + secret[index + 1 :]

        assert rules.is_well_formed(mistyped) == (mistyped == secret)

    @given(st.text())
    def test_no_other_text_is_well_formed(self, text: str) -> None:
        assert not rules.is_well_formed(text)

    def test_the_prefix_shows_six_characters_of_the_random_part(self) -> None:
        secret = rules.make_secret(kind="buyer", random="0123456789" * 3 + "ab")

        assert rules.make_prefix(kind="buyer", secret=secret) == "pk_live_012345"

    def test_a_scheduler_may_not_book(self) -> None:
        unknown = rules.find_unknown_scopes(
            kind="scheduler", scopes=frozenset({"usage:write", "bookings:write"})
        )

        assert unknown == ("bookings:write",)


class TestRetry:
    @pytest.mark.parametrize(
        ("attempts", "wait_s"), [(1, 30), (2, 60), (3, 120), (8, 3600), (99, 3600)]
    )
    def test_doubles_up_to_the_limit(self, attempts: int, wait_s: int) -> None:
        assert rules.retry_after_s(attempts=attempts, first_s=30, max_s=3600) == wait_s
