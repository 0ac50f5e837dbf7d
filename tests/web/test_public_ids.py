import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import public_ids


NUMBERS = st.integers(min_value=0, max_value=2**60 - 1)


class TestPublicIds:
    @given(NUMBERS)
    def test_every_number_comes_back(self, number: int) -> None:
        text = public_ids.encode("veh", number)

        assert len(text) == len("veh_") + 15
        assert public_ids.decode("veh", text) == number

    @given(st.integers(min_value=0, max_value=16**15 - 1))
    def test_every_text_of_fifteen_digits_names_one_number(self, digits: int) -> None:
        text = f"veh_{digits:015x}"

        number = public_ids.decode("veh", text)

        assert number is not None
        assert public_ids.encode("veh", number) == text

    @given(st.sets(NUMBERS, max_size=50))
    def test_no_two_numbers_share_an_id(self, numbers: set[int]) -> None:
        assert len({public_ids.encode("veh", number) for number in numbers}) == len(numbers)

    def test_neighbours_do_not_look_alike(self) -> None:
        texts = [public_ids.encode("veh", number)[4:] for number in range(1, 1000)]

        assert len({text[:3] for text in texts}) > 500
        assert texts != sorted(texts)

    @given(st.text())
    def test_any_text_is_read_without_an_error(self, text: str) -> None:
        number = public_ids.decode("veh", "veh_" + text)

        assert number is None or public_ids.encode("veh", number) == "veh_" + text

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "veh",
            "veh_",
            "veh_1",
            "bkg_9f3a1c04b2d75e1",
            "veh_9F3A1C04B2D75E1",
            "veh_9f3a1c04b2d75e1 ",
            "veh_+f3a1c04b2d75e1",
            "veh_9_3a1c04b2d75e1",
            "veh_0x3a1c04b2d75e1",
            "veh_٣f3a1c04b2d75e1",
            "veh_9f3a1c04b2d75e1\0",
        ],
    )
    def test_another_spelling_is_no_id(self, text: str) -> None:
        assert public_ids.decode("veh", text) is None

    @pytest.mark.parametrize("number", [-1, 2**60])
    def test_numbers_that_do_not_fit_are_refused(self, number: int) -> None:
        with pytest.raises(ValueError, match=str(number)):
            public_ids.encode("veh", number)
