"""
The week of checkboxes: what it shows is what it sends back.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.week import QUARTERS, UnreadableCell, draw_week, make_preset, read_week


WEEKS = st.integers(0, 2**QUARTERS - 1).map(
    lambda bits: [bool(bits >> quarter & 1) for quarter in range(QUARTERS)]
)
UNREADABLE = [
    *("", "7-0-f", "0-24-f", "0-0-g", "0-0-F", "0-0", "0-00-f", "-1-0-f", "0-0-f\n"),
    "\N{ARABIC-INDIC DIGIT ZERO}-0-f",
]
CLOSED = [False] * QUARTERS


def open_at(*quarters: int) -> list[bool]:
    return [quarter in quarters for quarter in range(QUARTERS)]


class TestDrawWeek:
    def test_has_a_box_for_every_hour(self) -> None:
        week = draw_week(is_open=CLOSED)

        assert [len(day.cells) for day in week.days] == [24] * 7
        assert not any(cell.is_checked for day in week.days for cell in day.cells)

    def test_a_closed_hour_would_send_all_four_quarters(self) -> None:
        assert draw_week(is_open=CLOSED).days[6].cells[23].value == "6-23-f"

    def test_a_partly_open_hour_names_its_quarters(self) -> None:
        # Monday 22:15 to 22:30 and 22:45 to 23:00: the second and the fourth quarter.
        cell = draw_week(is_open=open_at(22 * 4 + 1, 22 * 4 + 3)).days[0].cells[22]

        assert (cell.value, cell.quarters, cell.is_checked) == ("0-22-a", "a", True)
        assert "22:15\N{EN DASH}22:30, 22:45\N{EN DASH}23:00" in cell.label

    def test_counts_open_hours_in_quarters(self) -> None:
        assert draw_week(is_open=open_at(0, 1, 2, 3, 96)).open_hours == 1.25

    def test_an_hour_that_costs_is_amber(self) -> None:
        hours = draw_week(is_open=CLOSED, worth_micros=[-5, 10] + [0] * 22).hours

        assert [(hour.tone, hour.level) for hour in hours[:3]] == [
            ("cost", 5),
            ("earn", 10),
            ("earn", 0),
        ]

    def test_refuses_a_week_of_another_length(self) -> None:
        with pytest.raises(ValueError, match="672"):
            draw_week(is_open=[True] * 168)


class TestReadWeek:
    @given(is_open=WEEKS)
    def test_reads_back_what_was_drawn(self, is_open: list[bool]) -> None:
        week = draw_week(is_open=is_open)
        sent = [cell.value for day in week.days for cell in day.cells if cell.is_checked]

        assert list(read_week(values=sent)) == is_open

    def test_nothing_sent_is_a_closed_week(self) -> None:
        assert read_week(values=[]) == tuple(CLOSED)

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "7-0-f",
            "0-24-f",
            "0-0-g",
            "0-0-F",
            "0-0",
            "0-00-f",
            "-1-0-f",
            "0-0-f\n",
            "\N{ARABIC-INDIC DIGIT ZERO}-0-f",
        ],
    )
    def test_refuses_what_no_box_sends(self, value: str) -> None:
        with pytest.raises(UnreadableCell):
            read_week(values=[value])


class TestPreset:
    def test_a_night_runs_into_the_next_day(self) -> None:
        hours = make_preset(label="Mondays", windows=[((0,), 22, 7)]).hours

        assert [place for place, hour in enumerate(hours) if hour == "1"] == list(range(22, 31))

    def test_sunday_night_runs_into_monday(self) -> None:
        hours = make_preset(label="Sundays", windows=[((6,), 23, 2)]).hours

        assert [place for place, hour in enumerate(hours) if hour == "1"] == [0, 1, 167]

    def test_nought_to_midnight_is_the_whole_day(self) -> None:
        assert make_preset(label="Mondays", windows=[((0,), 0, 24)]).hours.count("1") == 24
