"""
The geometry of charts: where bars begin and end, and what a total may not do.
"""

from datetime import UTC, datetime, timedelta

import pytest

from web import charts
from web.charts import FallStep, FunnelStep, Point, Span, TotalDiffers


MIDNIGHT = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
NEXT_MIDNIGHT = MIDNIGHT + timedelta(days=1)
EURO = 1_000_000


def at(hours: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hours)


class TestWaterfall:
    def draw(self, *amounts: int, total: int) -> charts.Waterfall:
        steps = [
            FallStep(label=str(amount), amount_micros=amount * EURO, tone="brand")
            for amount in amounts
        ]
        last = FallStep(label="sum", amount_micros=total * EURO, tone="earn", is_total=True)
        return charts.draw_waterfall(caption="", currency="EUR", steps=[*steps, last])

    def test_each_cost_hangs_from_the_end_of_the_one_before(self) -> None:
        fall = self.draw(100, -30, -10, total=60)

        assert [(bar.x, bar.width) for bar in fall.bars] == [
            ("0%", "100%"),
            ("70%", "30%"),
            ("60%", "10%"),
            ("0%", "60%"),
        ]
        assert fall.zero == "0%"

    def test_a_loss_moves_the_line_of_nought_to_the_right(self) -> None:
        fall = self.draw(60, -100, total=-40)

        assert fall.zero == "40%"
        assert [(bar.x, bar.width) for bar in fall.bars] == [
            ("40%", "60%"),
            ("0%", "100%"),
            ("0%", "40%"),
        ]

    def test_nothing_at_all_draws_no_bar(self) -> None:
        assert [bar.width for bar in self.draw(0, total=0).bars] == ["0%", "0%"]

    def test_refuses_a_total_that_is_not_the_sum(self) -> None:
        with pytest.raises(TotalDiffers):
            self.draw(100, -30, total=71)


class TestLane:
    def span(self, first: float, last: float, label: str = "Earning") -> Span:
        return Span(starts_at=at(first), ends_at=at(last), label=label, tone="earn")

    def draw(self, *spans: Span) -> charts.Lane:
        return charts.draw_lane(
            spans=spans, starts_at=MIDNIGHT, ends_at=NEXT_MIDNIGHT, time_zone="UTC"
        )

    def test_a_span_takes_its_share_of_the_day(self) -> None:
        lane = self.draw(self.span(6, 12))

        assert [(segment.x, segment.width) for segment in lane.segments] == [("25%", "25%")]

    def test_what_reaches_out_of_the_day_is_cut_and_what_is_outside_left_out(self) -> None:
        lane = self.draw(self.span(-6, 6), self.span(18, 30), self.span(24, 25))

        assert [(segment.x, segment.width) for segment in lane.segments] == [
            ("0%", "25%"),
            ("75%", "25%"),
        ]

    def test_the_legend_names_each_state_once(self) -> None:
        lane = self.draw(self.span(0, 1), self.span(1, 2, "Away"), self.span(2, 3))

        assert [key.label for key in lane.legend] == ["Earning", "Away"]


class TestTicks:
    def draw(self, starts_at: datetime, ends_at: datetime, zone: str) -> list[str]:
        ticks = charts.draw_ticks(starts_at=starts_at, ends_at=ends_at, time_zone=zone)
        return [tick.label for tick in ticks]

    def test_stand_on_local_hours(self) -> None:
        labels = self.draw(at(20.5), at(26.5), "Europe/Oslo")

        assert labels == ["00:00", "03:00"]

    def test_stand_on_local_hours_of_zones_that_are_off_by_quarters(self) -> None:
        labels = self.draw(MIDNIGHT, at(7), "Asia/Kathmandu")  # UTC+5:45

        assert labels == ["06:00", "09:00", "12:00"]

    def test_skip_no_hour_when_clocks_go_back(self) -> None:
        before = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # midnight in Oslo, 25 hours ahead

        labels = self.draw(before, before + timedelta(hours=25), "Europe/Oslo")

        assert labels == ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]

    def test_the_outermost_stay_inside_the_chart(self) -> None:
        ticks = charts.draw_ticks(starts_at=MIDNIGHT, ends_at=at(24.25), time_zone="UTC")

        assert [tick.anchor for tick in ticks] == ["start", *["middle"] * 7, "end"]


class TestCurve:
    def draw(self, *values: tuple[float, float | None], limit: float | None = None) -> charts.Curve:
        return charts.draw_curve(
            points=[Point(at=at(hours), value=value) for hours, value in values],
            starts_at=MIDNIGHT,
            ends_at=NEXT_MIDNIGHT,
            limit=limit,
            limit_label="floor 60 %",
        )

    def test_full_is_the_top_and_empty_the_bottom(self) -> None:
        curve = self.draw((0, 100), (24, 0))

        assert curve.stroke == "M0.0 0.0 L1000.0 100.0"
        assert curve.area == "M0.0 0.0 L1000.0 100.0 L1000.0 100 L0.0 100Z"

    def test_silence_breaks_the_line(self) -> None:
        curve = self.draw((0, 50), (6, 50), (7, None), (12, 50), (18, 50))

        assert curve.stroke.count("M") == 2

    def test_a_limit_is_drawn_and_named(self) -> None:
        curve = self.draw((0, 50), limit=60)

        assert curve.limit_y == "40.0"
        assert curve.labels[0].text == "floor 60 %"

    def test_names_the_highest_and_the_last(self) -> None:
        curve = self.draw((0, 30), (12, 90), (24, 47))

        assert [label.text.replace("\xa0", " ") for label in curve.labels] == ["90 %", "47 %"]

    def test_without_points_there_is_no_line(self) -> None:
        assert self.draw() == charts.Curve(stroke="", area="", limit_y="", labels=())


class TestFunnel:
    def test_bars_are_shares_of_the_largest(self) -> None:
        bars = charts.draw_funnel(
            steps=[
                FunnelStep(label="Allowed", value=80, text="80 h"),
                FunnelStep(label="Used", value=20, text="20 h"),
            ]
        )

        assert [bar.width for bar in bars] == ["100%", "25%"]


class TestLevel:
    @pytest.mark.parametrize(("value", "level"), [(0, 0), (4, 0), (6, 1), (-50, 5), (100, 10)])
    def test_is_one_of_ten(self, value: int, level: int) -> None:
        assert charts.find_level(value=value, largest=100) == level

    def test_of_nothing_is_nought(self) -> None:
        assert charts.find_level(value=0, largest=0) == 0
