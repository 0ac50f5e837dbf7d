"""
What Olivia does on a page is what the scheduler's next question meets, from that moment on.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from consent.models import Vehicle
from consent.rules import Gate, Grace
from consent.rules.codes import GATES_WITHOUT_GRACE
from tests.consent.asking import DAWN, SEVEN
from tests.consent.calling import ask, codes, tell
from tests.consent.renewing import DAY, END, HOUR, publish
from tests.consent.terms import NIGHT
from tests.factories import bearer, create_api_key, create_consent, sign_in
from web.public_ids import encode


MINUTE = timedelta(minutes=1)
NO_CAPS = dict.fromkeys(
    (
        "energy_wh_per_day_max",
        "energy_wh_per_month_max",
        "compute_s_per_day_max",
        "compute_s_per_month_max",
    )
)
# Wednesday, 23:03 in Oslo; the night lasts until 07:00.
EVENING_BEFORE = NIGHT - timedelta(hours=5)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NIGHT, tick=False) as traveller:
        yield traveller


@pytest.fixture
def owner(clock: time_machine.Traveller, client: Client, olivia: User) -> Client:
    sign_in(client, olivia)
    return client


@pytest.fixture
def working_car(owner: Client, scheduler: Client, car: Vehicle) -> Vehicle:
    create_consent(car, now=NIGHT - DAY)
    tell(scheduler, car, NIGHT)
    return car


def press(owner: Client, name: str, car: Vehicle, **fields: str) -> None:
    path = reverse(f"consent:{name}", args=[encode("veh", car.pk)])
    assert owner.post(path, fields).status_code == 302


def may(scheduler: Client, car: Vehicle, job_id: str = "j-81", **facts: Any) -> list[str]:
    """
    Return why a job may not run just now, after the car has said that it is fine.
    """
    tell(scheduler, car, timezone.now())
    answer = ask(scheduler, car, job_id=job_id, **facts)
    assert answer["decision"] is not bool(codes(answer))
    return codes(answer)


class TestPause:
    def test_stop_now_ends_the_job_that_runs(
        self, owner: Client, scheduler: Client, working_car: Vehicle
    ) -> None:
        assert may(scheduler, working_car) == []

        press(owner, "pause", working_car, kind="tonight")

        assert may(scheduler, working_car) == ["paused"]
        assert may(scheduler, working_car, "j-82") == ["paused"]

    def test_finish_first_lets_it_go_on_and_no_other_begin(
        self,
        clock: time_machine.Traveller,
        owner: Client,
        scheduler: Client,
        working_car: Vehicle,
    ) -> None:
        assert may(scheduler, working_car) == []

        press(owner, "pause", working_car, kind="until_resumed", running="finish")

        assert may(scheduler, working_car, "j-82") == ["paused"]
        for _ in range(3):
            clock.shift(MINUTE / 2)
            assert may(scheduler, working_car) == []
        [graced] = ask(scheduler, working_car)["context"]["graced"]
        assert graced["code"] == "paused"

    def test_for_an_hour_ends_by_itself_to_the_second(
        self,
        clock: time_machine.Traveller,
        owner: Client,
        scheduler: Client,
        working_car: Vehicle,
    ) -> None:
        press(owner, "pause", working_car, kind="hour")

        clock.move_to(NIGHT + HOUR - timedelta(seconds=1))
        assert may(scheduler, working_car) == ["paused"]
        clock.move_to(NIGHT + HOUR)
        assert may(scheduler, working_car) == []


class TestSkipTonight:
    def test_leaves_out_that_night_and_no_other(
        self,
        clock: time_machine.Traveller,
        owner: Client,
        scheduler: Client,
        working_car: Vehicle,
    ) -> None:
        clock.move_to(EVENING_BEFORE)
        press(owner, "skip", working_car)

        clock.move_to(NIGHT)
        assert may(scheduler, working_car) == ["paused"]
        # The hours end at 07:00, which is 06:00 in UTC.
        clock.move_to(NIGHT.replace(hour=5, minute=59) + DAY)
        assert may(scheduler, working_car) == ["paused"]
        clock.move_to(NIGHT + DAY)
        assert may(scheduler, working_car) == []

    def test_taken_back_the_car_works(
        self, owner: Client, scheduler: Client, working_car: Vehicle
    ) -> None:
        press(owner, "skip", working_car)
        press(owner, "unskip", working_car)

        assert may(scheduler, working_car) == []


class TestWithdrawal:
    def test_fails_every_renewal_and_every_new_job_at_once(
        self, owner: Client, scheduler: Client, working_car: Vehicle
    ) -> None:
        assert may(scheduler, working_car) == []

        press(owner, "withdraw", working_car)

        for job_id in ("j-81", "j-81", "j-82"):
            assert may(scheduler, working_car, job_id) == ["consent_withdrawn"]


class TestExpiry:
    def test_after_thirteen_months_nothing_runs_until_the_owner_agrees_again(
        self,
        clock: time_machine.Traveller,
        owner: Client,
        olivia: User,
        car: Vehicle,
    ) -> None:
        create_consent(car, now=NIGHT)
        # A key of today would not last that long.
        scheduler = Client(headers=bearer(create_api_key(now=END - 60 * DAY)))
        # END is midnight in Oslo, within the hours of a night.
        clock.move_to(END - timedelta(seconds=1))
        assert may(scheduler, car) == []
        clock.move_to(END)
        assert may(scheduler, car) == ["consent_expired"]

        sign_in(owner, olivia)
        agree_again(owner, car)

        assert may(scheduler, car) == []

    def test_after_a_new_notice_it_ends_on_the_day_that_the_notice_names(
        self,
        clock: time_machine.Traveller,
        owner: Client,
        olivia: User,
        car: Vehicle,
    ) -> None:
        create_consent(car, now=NIGHT)
        # A key of today would not last that long.
        scheduler = Client(headers=bearer(create_api_key(now=END - 60 * DAY)))
        clock.move_to(END - 60 * DAY)
        agree_by = END - 5 * DAY
        publish(agree_by=agree_by)

        clock.move_to(agree_by - timedelta(seconds=1))
        assert may(scheduler, car) == []
        clock.move_to(agree_by)
        assert may(scheduler, car) == ["consent_expired"]

        sign_in(owner, olivia)
        agree_again(owner, car)

        assert may(scheduler, car) == []


def agree_again(owner: Client, car: Vehicle) -> None:
    page = owner.get(reverse("consent:renew", args=[encode("veh", car.pk)])).content.decode()
    fields = re.findall(r'<input type="hidden" name="(\w+_\w+)" value="([^"]*)">', page)
    press(owner, "renew", car, **dict(fields))


class TestGrace:
    """
    The hours end at 07:00; a job has run since half a minute before.
    """

    @pytest.mark.parametrize(
        ("grace", "minutes"),
        [((), 0), ((Grace(Gate.HOURS, 10),), 10), ((Grace(Gate.HOURS, None),), 60)],
        ids=["stop now", "within ten minutes", "finish the job"],
    )
    def test_of_the_hours_is_the_owners_choice(
        self,
        clock: time_machine.Traveller,
        scheduler: Client,
        car: Vehicle,
        grace: tuple[Grace, ...],
        minutes: int,
    ) -> None:
        create_consent(car, now=NIGHT, grace=grace)
        clock.move_to(DAWN)
        scheduler = Client(headers=bearer(create_api_key()))
        answers = {}
        while (since := timezone.now() - SEVEN) < timedelta(minutes=12):
            answers[since] = may(scheduler, car)
            clock.shift(timedelta(seconds=40))

        for since, codes_then in answers.items():
            is_over = since >= timedelta(minutes=minutes)
            assert codes_then == (["outside_hours"] if is_over else []), since
        assert may(scheduler, car, "j-82") == ["outside_hours"]

    @pytest.mark.parametrize(
        ("facts", "code"),
        [
            ({"battery_temp_c": 36}, "too_hot"),
            ({"battery_temp_c": -1}, "too_cold"),
            ({"state_of_charge_pct": 39}, "battery_low"),
            ({"plugged_in": False, "is_moving": True}, "driving"),
        ],
    )
    def test_is_none_for_what_could_hurt(
        self,
        clock: time_machine.Traveller,
        owner: Client,
        scheduler: Client,
        car: Vehicle,
        facts: dict[str, Any],
        code: str,
    ) -> None:
        every = tuple(Grace(gate, None) for gate in Gate if gate not in GATES_WITHOUT_GRACE)
        create_consent(car, now=NIGHT - DAY, grace=every)
        assert may(scheduler, car) == []

        clock.shift(timedelta(seconds=10))
        tell(scheduler, car, timezone.now(), **facts)

        answer = ask(scheduler, car)
        assert answer["decision"] is False
        assert codes(answer)[0] == code


class TestBudget:
    @pytest.mark.parametrize(
        "limit",
        [
            {"wear_distance_km_per_month_max": 10},  # 1,800 Wh
            {"wear_cycles_milli_per_month_max": 24},  # of 75 kWh, 1,800 Wh
            {"wear_micros_per_month_max": 115_600},  # 1,800 Wh and a minute of computing
        ],
    )
    def test_two_jobs_do_not_both_fit_the_last_wear_of_a_month(
        self, owner: Client, scheduler: Client, car: Vehicle, limit: dict[str, int]
    ) -> None:
        create_consent(car, now=NIGHT - DAY, **NO_CAPS, **limit)
        tell(scheduler, car, NIGHT)
        assert may(scheduler, car, "j-81", energy_wh=1_700) == []

        # A tenth of a kWh of wear is left.
        assert may(scheduler, car, "j-82", energy_wh=90) == []
        assert may(scheduler, car, "j-83", energy_wh=90) == ["month_wear_spent"]

    def test_two_jobs_do_not_both_fit_the_last_of_a_day(
        self, scheduler: Client, working_car: Vehicle
    ) -> None:
        assert may(scheduler, working_car, "j-81", energy_wh=5_900) == []

        assert may(scheduler, working_car, "j-82", energy_wh=100) == []
        assert may(scheduler, working_car, "j-83", energy_wh=100) == ["day_energy_spent"]
        # What is reserved is given back by a job that ends before it has used it.
        ask(scheduler, working_car, job_id="j-82", action="stop")
        assert may(scheduler, working_car, "j-83", energy_wh=100) == []
