"""
The last day of a car: a line where the meter spoke, none where it did not.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from billing.queries.sessions import Stretch
from consent.rules import NO_USE, Rules, Workload, WorkloadCategory, decide
from portal.day import DayView, draw_day
from tests.portal.cards import NOW, RULES, STATE, make_card


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
    open_spans: tuple[tuple[datetime, datetime], ...] = (),
) -> DayView:
    decision = decide(
        rules=rules,
        state=STATE,
        use=NO_USE,
        workload=Workload(category=WorkloadCategory.INFERENCE),
        now=NOW,
    )
    card = make_card(decision, rules)
    return draw_day(vehicle=card, stretches=stretches, open_spans=open_spans, now=NOW)


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

    def test_has_no_row_for_less_than_a_minute(self) -> None:
        opened = (NOW - timedelta(hours=30), NOW - timedelta(seconds=20))

        rows = draw(open_spans=(opened,)).table.rows

        assert [row.cells[1].text for row in rows] == ["Your hours, not working"]
