"""
What raising a budget of wear or data would bring, and what closed dates take from a typical month.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from time_machine import travel

from billing.models import UsageRecord
from consent.rules import DateException
from portal.past.estimate import NIGHTS_PER_MONTH as MONTH
from portal.past.facts import forget_facts
from tests.billing.meters import NOON, World, create_car
from tests.factories import sign_in
from tests.portal.nights import NEARLY_ALWAYS, address, create_nights, write_draft


pytestmark = pytest.mark.django_db

QUARTER_NET = 20_000
# A month is made of as many.
NIGHTS = 10


def look(client: Client, world: World, **changes: Any) -> Any:
    """
    Post a draft as the editor does.
    """
    forget_facts()
    sign_in(client, world.olivia)
    with travel(NOON, tick=False):
        return client.post(
            address(world, "rules/preview") + "?places=editor",
            write_draft(world, **changes),
            headers={"HX-Request": "true"},
        )


def net_of(response: Any) -> int:
    net: int = response.context["view"].estimate.money.net
    return net


def list_texts(response: Any) -> list[str]:
    suggestions = response.context["view"].suggestions
    return [each.text.replace("\N{NO-BREAK SPACE}", " ") for each in suggestions]


class TestWear:
    # 200 Wh at 29.5 °C, counted as 30, wear like 283 Wh: 2.26 kWh a night, of ten nights.
    def test_is_raised_by_a_quarter_and_brings_as_much_more(self, client: Client) -> None:
        response = look(client, create_nights(), wear_distance_km_per_month_max=40)

        # 7.2 kWh of wear let 26 quarters run; 50 km are a quarter more: 6.5, rounded up.
        assert net_of(response) == round(MONTH * 26 * QUARTER_NET / NIGHTS)
        assert list_texts(response) == ["Allow the wear of 50 km a month instead of 40"]
        [change] = response.context["view"].suggestions
        assert change.net_micros == round(MONTH * 7 * QUARTER_NET / NIGHTS)

    @pytest.mark.parametrize(
        ("rules", "text"),
        [
            (
                {"wear_cycles_milli_per_month_max": 100},
                "Allow 0.15 full charge cycles a month instead of 0.1",
            ),
            (
                {"wear_micros_per_month_max": 500_000},
                "Allow wear of €1.00 a month instead of €0.50",
            ),
            (
                {"wear_cycles_milli_per_month_max": 100, "wear_distance_km_per_month_max": 40},
                "Allow a quarter more wear a month",
            ),
        ],
    )
    def test_says_it_in_the_unit_of_its_limit(
        self, client: Client, rules: dict[str, int], text: str
    ) -> None:
        assert list_texts(look(client, create_nights(), **rules)) == [text]

    def test_brings_no_more_than_the_other_budgets_let_through(self, client: Client) -> None:
        world = create_nights()
        spent = {"wear_distance_km_per_month_max": 40, "energy_wh_per_month_max": 5_200}

        # The 26 quarters are 5.2 kWh: the month's energy is spent as well.
        assert list_texts(look(client, world, **spent)) == []


class TestMobileData:
    def test_is_raised_by_a_quarter_and_brings_as_much_more(self, client: Client) -> None:
        world = create_nights()
        # Ten million bytes in each quarter: forty of the eighty fit.
        UsageRecord.objects.update(mobile_data_bytes=10**7)

        response = look(client, world, mobile_data_mb_per_month_max=400)

        assert net_of(response) == round(MONTH * 40 * QUARTER_NET / NIGHTS)
        assert list_texts(response) == ["Allow 0.5 GB a month instead of 0.4 GB"]
        [change] = response.context["view"].suggestions
        assert change.net_micros == round(MONTH * 10 * QUARTER_NET / NIGHTS)


class TestTypicalMonth:
    def test_leaves_out_closed_dates(self, client: Client) -> None:
        newcomer = become_newcomer(create_nights())
        whole = net_of(look(client, newcomer))
        first = date(2026, 12, 1)
        closed = tuple(
            DateException(first + timedelta(days=days), is_open=False) for days in range(73)
        )

        response = look(client, newcomer, exceptions=closed)

        # A fifth of the coming year; what is closed at noon of the last day reaches into the next.
        assert net_of(response) == pytest.approx(whole * 0.8, rel=0.01)
        [allowed, *_rest] = response.context["view"].funnel
        assert allowed.text.replace("\N{NO-BREAK SPACE}", " ") in ("577 h", "578 h")  # 722 x 0.8

    def test_leaves_out_holidays(self, client: Client) -> None:
        newcomer = become_newcomer(create_nights())
        whole = net_of(look(client, newcomer))

        # Norway has twelve in a year.
        net = net_of(look(client, newcomer, holiday_country="NO"))

        assert net == pytest.approx(whole * (1 - 12 / 365), rel=0.01)

    def test_counts_dates_that_are_open_out_of_turn(self, client: Client) -> None:
        newcomer = become_newcomer(create_nights())
        whole = net_of(look(client, newcomer))
        opened = (
            DateException(date(2026, 12, 1), is_open=True, starts_minute=705, ends_minute=720),
        )

        # The one quarter-hour before noon that the week leaves out.
        assert whole <= net_of(look(client, newcomer, exceptions=opened)) <= whole * 1.001

    def test_keeps_to_the_limit_of_a_month_over_the_days_that_are_left(
        self, client: Client
    ) -> None:
        newcomer = become_newcomer(create_nights())
        first = date(2026, 12, 1)
        closed = tuple(
            DateException(first + timedelta(days=days), is_open=False) for days in range(73)
        )
        capped = net_of(look(client, newcomer, energy_wh_per_month_max=1_000))

        # The month's limit is met either way.
        both = net_of(look(client, newcomer, energy_wh_per_month_max=1_000, exceptions=closed))

        assert 0 < both == capped


def become_newcomer(world: World) -> World:
    """
    Return the world with a car of Olivia's of which nothing is known.
    """
    return replace(world, vehicle=create_car(world.olivia, plate="KLM 118", windows=NEARLY_ALWAYS))
