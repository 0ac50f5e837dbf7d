"""
The last day of a car: a line where the meter spoke, none where it did not.
"""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from billing.queries.sessions import Stretch
from consent.queries.hours import PastHours, Span
from consent.queries.samples import Said, list_said
from consent.rules import NO_USE, Rules, Workload, WorkloadCategory, decide
from portal.day import DayView, draw_day
from tests.factories import create_owner, create_vehicle
from tests.portal import samples
from tests.portal.cards import NOW, RULES, STATE, make_card


ALL_DAY = ((NOW - timedelta(days=2), NOW),)


def work(hours_ago: float, *, hours: float = 1, charge: int | None = 800) -> Stretch:
    starts_at = NOW - timedelta(hours=hours_ago)
    return Stretch(
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
        job_count=1,
        breach_count=0,
        first_charge_permille=charge,
        last_charge_permille=charge,
    )


def draw(
    *stretches: Stretch,
    rules: Rules | None = RULES,
    open_spans: tuple[Span, ...] = (),
    paused: tuple[Span, ...] = (),
    said: tuple[Said, ...] = (),
) -> DayView:
    decision = decide(
        rules=rules,
        state=STATE,
        use=NO_USE,
        workload=Workload(category=WorkloadCategory.INFERENCE),
        now=NOW,
    )
    card = make_card(decision, rules)
    hours = PastHours(agreed=ALL_DAY if rules else (), open=open_spans, paused=paused)
    return draw_day(vehicle=card, stretches=stretches, hours=hours, said=said, now=NOW)


class TestCurve:
    def test_breaks_where_nothing_was_metered(self) -> None:
        curve = draw(work(10), work(4)).curve

        assert curve is not None
        assert curve.stroke.count("M") == 2

    def test_goes_on_from_one_settlement_period_to_the_next(self) -> None:
        curve = draw(work(10), work(9)).curve

        assert curve is not None
        assert curve.stroke.count("M") == 1

    def test_has_the_floor_of_the_rules_as_its_limit(self) -> None:
        curve = draw(work(4), rules=replace(RULES, battery_stop_pct=30)).curve

        assert curve is not None
        assert curve.labels[0].text == "floor 30\N{NO-BREAK SPACE}%"
        assert curve.limit_y

    def test_has_no_floor_without_rules(self) -> None:
        curve = draw(work(4), rules=None).curve

        assert curve is not None
        assert curve.limit_y == ""

    def test_is_left_out_when_no_charge_is_known(self) -> None:
        assert draw(work(4, charge=None)).curve is None
        assert draw().curve is None


class TestTable:
    def test_says_what_happened_from_the_first_minute_to_the_last(self) -> None:
        opened = (NOW - timedelta(hours=6), NOW - timedelta(hours=2))

        rows = draw(work(4), open_spans=(opened,)).table.rows

        assert [row.cells[1].text for row in rows] == [
            "Outside your hours",
            "Your hours, not working",
            "Earning",
            "Your hours, not working",
            "Outside your hours",
        ]

    def test_says_that_nothing_was_agreed(self) -> None:
        rows = draw(rules=None).table.rows

        assert [row.cells[1].text for row in rows] == ["Without your consent"]

    def test_says_when_the_owner_had_paused_the_car(self) -> None:
        paused = (NOW - timedelta(hours=4), NOW - timedelta(hours=2))

        rows = draw(open_spans=ALL_DAY, paused=(paused,)).table.rows

        assert [row.cells[1].text for row in rows] == [
            "Your hours, not working",
            "Paused by you",
            "Your hours, not working",
        ]

    def test_has_no_row_for_less_than_a_minute(self) -> None:
        opened = (NOW - timedelta(hours=30), NOW - timedelta(seconds=20))

        rows = draw(open_spans=(opened,)).table.rows

        assert [row.cells[1].text for row in rows] == ["Your hours, not working"]


def say(hours_ago: float, charge: int | None = 700, **facts: Any) -> Said:
    usual = {"plugged_in": True, "is_home": True, "is_moving": False, "is_recovering": False}
    return Said(NOW - timedelta(hours=hours_ago), charge, **(usual | facts))


AWAY: dict[str, Any] = {"charge": None, "plugged_in": False, "is_home": False, "is_moving": None}


class TestWhatTheCarSaid:
    def test_draws_the_charge_where_nothing_was_metered(self) -> None:
        curve = draw(said=tuple(say(hours) for hours in range(6, 0, -1))).curve

        assert curve is not None
        assert curve.stroke.count("M") == 1
        assert curve.stroke.count("L") == 5

    def test_leaves_a_gap_where_the_car_was_silent(self) -> None:
        curve = draw(said=(say(9), say(8), say(2), say(1))).curve

        assert curve is not None
        assert curve.stroke.count("M") == 2

    def test_gives_way_to_the_meter(self) -> None:
        curve = draw(work(3), said=(say(3.5), say(2.5, charge=100), say(1.5))).curve

        assert curve is not None
        assert curve.stroke.count("M") == 1
        # In permille of the height from above: 70, 80, 80 and 70 percent, and never ten.
        assert re.findall(r"\d+\.\d+ (\d+\.\d+)", curve.stroke) == ["30.0", "20.0", "20.0", "30.0"]

    def test_says_when_it_was_away_whatever_the_hours(self) -> None:
        said = (say(10), say(8, **AWAY), say(3), say(2, is_moving=True, plugged_in=False))

        rows = draw(said=said, open_spans=ALL_DAY).table.rows

        assert [row.cells[1].text for row in rows] == [
            "Your hours, not working",
            "Driving or away",
            "Your hours, not working",
            "Driving or away",
        ]

    def test_tells_unplugged_at_home_from_away(self) -> None:
        rows = draw(said=(say(5), say(4, plugged_in=False), say(2))).table.rows

        assert [row.cells[1].text for row in rows] == [
            "Outside your hours",
            "Not plugged in",
            "Outside your hours",
        ]

    def test_says_when_the_battery_filled_up_first(self) -> None:
        # The floor is at 60 percent; below it, and until it has recovered.
        said = (say(6), say(5, charge=590), say(4, charge=620, is_recovering=True), say(3))

        rows = draw(said=said, open_spans=ALL_DAY).table.rows

        assert [row.cells[1].text for row in rows] == [
            "Your hours, not working",
            "Kept for charging",
            "Your hours, not working",
        ]

    def test_is_forgotten_after_half_a_day(self) -> None:
        rows = draw(said=(say(20, **AWAY),)).table.rows

        assert [row.cells[0].text for row in rows] == ["21:52–01:52", "01:52–13:52", "13:52–21:52"]  # noqa: RUF001 - the page's own dash

    def test_never_hides_work(self) -> None:
        rows = draw(work(4), said=(say(10, **AWAY),)).table.rows

        assert [row.cells[1].text for row in rows] == [
            "Outside your hours",
            "Driving or away",
            "Earning",
            "Driving or away",
        ]


@pytest.mark.django_db
class TestList:
    def test_is_that_of_the_owner_with_what_still_held(self) -> None:
        olivia, mallory = create_owner("Olivia"), create_owner("Mallory")
        car = create_vehicle(olivia)
        for hours in (50, 30, 28, 3):
            samples.say(car, NOW - timedelta(hours=hours))
        for second in range(4):
            samples.say(car, NOW - timedelta(hours=1, seconds=second), is_home=second > 0)
        samples.say(car, NOW - timedelta(minutes=30), fault="telemetry_out_of_range")
        terms: dict[str, Any] = {
            "vehicle_id": car.pk,
            "starts_at": NOW - timedelta(days=1),
            "ends_at": NOW,
        }

        said = list_said(owner_id=olivia.pk, **terms)

        ages = [(NOW - each.at) / timedelta(hours=1) for each in said]
        # Of four words within ten minutes the last one counts.
        assert ages == [28, 3, 1]
        assert said[-1].is_home is False
        assert list_said(owner_id=mallory.pk, **terms) == ()
