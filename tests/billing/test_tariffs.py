"""
What electricity costs: own tariffs and regions' averages, and the page where owners give theirs.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfoNotFoundError

import pytest
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent, User
from billing.models import Tariff
from billing.operations.tariffs import (
    TariffOverlaps,
    TariffUnfit,
    set_regional_tariff,
    set_tariff,
)
from billing.queries.tariffs import get_tariff_in_force, list_tariff_versions
from billing.rules import TariffWindow
from tests.factories import create_owner, create_pool, create_vehicle, sign_in
from web.limits import TARIFF_MICROS_PER_KWH_MAX


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
REGION = "no-trondheim"
PAGE = "/settings/tariff/"
NIGHT = TariffWindow(
    days=(0, 1, 2, 3, 4), starts_minute=22 * 60, ends_minute=6 * 60, micros_per_kwh=140_000
)


def give(
    owner: User,
    base_micros_per_kwh: int = 240_000,
    windows: tuple[TariffWindow, ...] = (),
    *,
    now: datetime = NOON,
) -> Tariff:
    return set_tariff(
        owner_id=owner.pk,
        currency="EUR",
        time_zone="Europe/Oslo",
        base_micros_per_kwh=base_micros_per_kwh,
        windows=windows,
        actor_id=owner.pk,
        now=now,
    )


def give_average(base_micros_per_kwh: int = 300_000, *, now: datetime = NOON) -> Tariff:
    return set_regional_tariff(
        region_code=REGION,
        currency="EUR",
        time_zone="Europe/Oslo",
        base_micros_per_kwh=base_micros_per_kwh,
        windows=(),
        actor_id=None,
        now=now,
    )


@pytest.mark.django_db
class TestSetTariff:
    def test_ends_the_old_version_where_the_new_one_begins(self) -> None:
        olivia = create_owner()
        give(olivia)

        give(olivia, 260_000, (NIGHT,), now=NOON + HOUR)

        new, old = list_tariff_versions(owner_id=olivia.pk)
        assert (old.version, old.starts_at, old.ends_at) == (1, NOON, NOON + HOUR)
        assert (new.version, new.starts_at, new.ends_at) == (2, NOON + HOUR, None)
        assert (new.base_micros_per_kwh, new.windows) == (260_000, (NIGHT,))
        # Monday 22:00 to Tuesday 06:00 is the first of five nights.
        assert new.prices[new.bands[88]] == new.prices[new.bands[96 + 23]] == 140_000
        assert new.prices[new.bands[87]] == new.prices[new.bands[96 + 24]] == 260_000

    def test_notes_who_did_it(self) -> None:
        olivia = create_owner()

        give(olivia)

        event = AuditEvent.objects.get(action="tariff.set")
        assert (event.actor, event.subject) == (olivia, f"owner:{olivia.pk}")

    def test_changes_nothing_when_the_same_is_said_again(self) -> None:
        olivia = create_owner()
        first = give(olivia, windows=(NIGHT,))

        again = give(olivia, windows=(NIGHT,), now=NOON + HOUR)

        assert again == first
        assert Tariff.objects.count() == 1

    def test_refuses_to_begin_before_the_version_in_force(self) -> None:
        olivia = create_owner()
        give(olivia)

        with pytest.raises(TariffOverlaps):
            give(olivia, 1, now=NOON)

    @pytest.mark.parametrize(
        ("base", "windows"),
        [
            (-1, ()),
            (TARIFF_MICROS_PER_KWH_MAX + 1, ()),
            (0, (NIGHT,) * 7),
            (0, (TariffWindow(days=(), starts_minute=0, ends_minute=60, micros_per_kwh=1),)),
            (0, (TariffWindow(days=(7,), starts_minute=0, ends_minute=60, micros_per_kwh=1),)),
            (0, (TariffWindow(days=(1,), starts_minute=5, ends_minute=60, micros_per_kwh=1),)),
            (0, (TariffWindow(days=(1,), starts_minute=60, ends_minute=60, micros_per_kwh=1),)),
            (0, (TariffWindow(days=(1,), starts_minute=0, ends_minute=1455, micros_per_kwh=1),)),
        ],
    )
    def test_refuses_what_no_bill_says(self, base: int, windows: tuple[TariffWindow, ...]) -> None:
        with pytest.raises(TariffUnfit):
            give(create_owner(), base, windows)

    def test_refuses_a_clock_that_does_not_exist(self) -> None:
        with pytest.raises(ZoneInfoNotFoundError):
            set_regional_tariff(
                region_code=REGION,
                currency="EUR",
                time_zone="Europe/Nowhere",
                base_micros_per_kwh=1,
                windows=(),
                actor_id=None,
                now=NOON,
            )


@pytest.mark.django_db(transaction=True)
def test_versions_of_one_owner_never_overlap_when_set_at_once() -> None:
    olivia = create_owner()
    barrier = Barrier(4)

    def change(number: int) -> bool:
        barrier.wait()
        try:
            give(olivia, 100_000 + number, now=NOON + timedelta(seconds=number))
        except TariffOverlaps:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(change, range(4)))

    versions = list_tariff_versions(owner_id=olivia.pk)
    assert len(versions) == sum(done) >= 1
    assert [version.version for version in versions] == list(range(len(versions), 0, -1))
    assert [version.ends_at for version in versions[1:]] == [
        version.starts_at for version in versions[:-1]
    ]


@pytest.mark.django_db
class TestTariffInForce:
    def test_an_owners_own_comes_before_the_average(self) -> None:
        olivia, odin = create_owner(), create_owner("Odin")
        give_average()
        give(olivia)

        own = get_tariff_in_force(owner_id=olivia.pk, region_code=REGION, at=NOON)
        average = get_tariff_in_force(owner_id=odin.pk, region_code=REGION, at=NOON)

        assert own is not None
        assert own.is_own
        assert average is not None
        assert (average.is_own, average.base_micros_per_kwh) == (False, 300_000)

    def test_is_none_before_anything_is_known(self) -> None:
        olivia = create_owner()
        give(olivia)
        give_average()

        before = get_tariff_in_force(owner_id=olivia.pk, region_code=REGION, at=NOON - HOUR)

        assert before is None


# ------------------------------------------------------------------ the page
FILLED = {
    "base": "0.2143",
    "time_zone": "Europe/Oslo",
    "days_0": "01234",
    "starts_0": "22:00",
    "ends_0": "06:00",
    "price_0": "0.14",
    "days_1": "56",
    "starts_1": "00:00",
    "ends_1": "00:00",
    "price_1": "0.1",
}


@pytest.fixture
def olivia(client: Client) -> User:
    olivia = create_owner()
    create_vehicle(olivia)
    create_pool()
    sign_in(client, olivia)
    return olivia


@pytest.mark.django_db
class TestTariffPage:
    def test_names_the_average_while_there_is_no_own_price(
        self, client: Client, olivia: User
    ) -> None:
        give_average(now=NOON - 30 * 24 * HOUR)

        page = client.get(PAGE)

        assert page.status_code == 200
        assert "The average of Trondheim" in page.text
        assert "€0.30/kWh" in page.text
        assert "Add your own prices" in page.text

    def test_says_when_no_price_is_known(self, client: Client, olivia: User) -> None:
        assert "No price is known for Trondheim" in client.get(PAGE).text

    def test_saves_what_was_filled_in(self, client: Client, olivia: User) -> None:
        response = client.post(PAGE, FILLED, follow=True)

        assert response.redirect_chain == [(PAGE, 302)]
        (version,) = list_tariff_versions(owner_id=olivia.pk)
        assert version.base_micros_per_kwh == 214_300
        assert version.time_zone == "Europe/Oslo"
        assert version.windows == (
            NIGHT,
            TariffWindow(days=(5, 6), starts_minute=0, ends_minute=1440, micros_per_kwh=100_000),
        )
        page = response.text
        assert "Your own prices, version 1" in page
        assert 'value="0.2143"' in page
        assert 'value="22:00"' in page
        # A weekday night, its morning, and the day between; Saturday begins after Friday's.
        assert "Saturday and Sunday" in page

    def test_shows_every_version(self, client: Client, olivia: User) -> None:
        give(olivia, now=NOON - HOUR)
        give(olivia, 250_000, (NIGHT,), now=NOON)

        page = client.get(PAGE).text

        assert "Version 1: €0.24/kWh" in page
        assert "Version 2: €0.25/kWh and 1 window" in page

    @pytest.mark.parametrize(
        ("changes", "field", "text"),
        [
            ({"base": ""}, "base", "This field is required"),
            ({"base": "-0.1"}, "base", "greater than or equal to 0"),
            ({"base": "9"}, "base", "less than or equal to 2"),
            ({"base": "0.12345678"}, "base", "no more than"),
            ({"base": "NaN"}, "base", "Enter a number"),
            ({"time_zone": "Europe/Nowhere"}, "time_zone", "Select a valid choice"),
            ({"days_0": "1,2"}, "days_0", "Select a valid choice"),
            ({"starts_0": ""}, "starts_0", "Fill this in, or empty the whole row"),
            ({"price_0": ""}, "price_0", "Fill this in, or empty the whole row"),
            ({"starts_0": "22:10"}, "starts_0", "quarter-hours"),
            ({"ends_0": "late"}, "ends_0", "Give a time"),
            ({"ends_0": "22:00"}, "ends_0", "starts and ends at the same time"),
        ],
    )
    def test_marks_what_needs_another_look(
        self, client: Client, olivia: User, changes: dict[str, str], field: str, text: str
    ) -> None:
        response = client.post(PAGE, FILLED | changes)

        assert response.status_code == 422
        assert f'href="#id_{field}"' in response.text
        assert text in response.text
        assert not Tariff.objects.exists()

    def test_keeps_what_was_typed_when_it_is_refused(self, client: Client, olivia: User) -> None:
        response = client.post(PAGE, FILLED | {"price_5": "much"})

        assert response.status_code == 422
        assert 'value="much"' in response.text
        assert 'value="0.14"' in response.text

    def test_costs_the_same_queries_for_many_versions(
        self, client: Client, olivia: User, django_assert_max_num_queries: object
    ) -> None:
        for number in range(8):
            give(olivia, 200_000 + number, now=NOON + number * HOUR)

        with django_assert_max_num_queries(8):  # type: ignore[operator]
            client.get(PAGE)
