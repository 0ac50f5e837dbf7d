"""
What is kept of every sample, and what samples do that are late or cannot be true.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from consent import operations
from consent.models import StateSample, Vehicle, VehicleState
from consent.operations import SampleOutcome
from consent.queries import Telemetry
from consent.queries.standing import load_standings
from consent.rules import Rules, is_recovering_after, step_cold_latch, step_heat_latch
from consent.rules.samples import TELEMETRY_AHEAD_S_MAX, find_fault
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_vehicle
from web import limits


SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def say(at: datetime = NIGHT, **facts: Any) -> Telemetry:
    usual = {"state_of_charge_permille": 600, "plugged_in": True, "battery_temp_decic": 200}
    return Telemetry(observed_at=at, **(usual | facts))


def record(car: Vehicle, *samples: Telemetry, now: datetime = NIGHT) -> list[SampleOutcome]:
    pairs = [(car.pk, sample) for sample in samples]
    return list(operations.record_telemetry(samples=pairs, now=now).outcomes)


def get_state(car: Vehicle) -> VehicleState:
    return VehicleState.objects.get(vehicle=car)


def list_history(car: Vehicle) -> list[StateSample]:
    return list(StateSample.objects.filter(vehicle=car).order_by("observed_at"))


BAD = {
    "telemetry_out_of_range": {"state_of_charge_permille": 1_001},
    "telemetry_contradictory": {"is_moving": True},
}


class TestFaults:
    @pytest.mark.parametrize(("fault", "facts"), BAD.items())
    def test_change_no_reading_and_are_counted(
        self, car: Vehicle, fault: str, facts: dict[str, Any]
    ) -> None:
        record(car, say())

        outcomes = record(car, say(NIGHT + SECOND, **facts), now=NIGHT + SECOND)

        state = get_state(car)
        assert outcomes == [fault]
        assert (state.observed_at, state.state_of_charge_permille) == (NIGHT, 600)
        assert (state.is_moving, state.received_at) == (None, NIGHT)
        assert (state.faulty_samples, state.fault) == (1, fault)
        assert state.heard_at == NIGHT + SECOND

    def test_of_the_future_are_kept_at_the_moment_they_came(self, car: Vehicle) -> None:
        record(car, say())

        outcomes = record(car, say(NIGHT + timedelta(hours=1)), now=NIGHT + MINUTE)

        assert outcomes == ["telemetry_in_future"]
        assert get_state(car).fault == "telemetry_in_future"
        assert get_state(car).observed_at == NIGHT
        [_, kept] = list_history(car)
        assert timedelta(0) < kept.observed_at - (NIGHT + MINUTE) < timedelta(seconds=1)

    def test_add_up_until_a_good_sample_comes(self, car: Vehicle) -> None:
        record(car, say())
        bad = [say(NIGHT + n * SECOND, is_moving=True) for n in (1, 2, 3)]
        record(car, *bad, say(NIGHT + MINUTE * 9), now=NIGHT + SECOND)
        assert get_state(car).faulty_samples == 4

        record(car, say(NIGHT + 5 * SECOND), now=NIGHT + 5 * SECOND)

        assert (get_state(car).faulty_samples, get_state(car).fault) == (0, "")

    def test_before_a_good_sample_of_their_batch_are_forgiven(self, car: Vehicle) -> None:
        record(car, say())

        record(
            car,
            say(NIGHT + 2 * SECOND),
            say(NIGHT + SECOND, is_moving=True),
            say(NIGHT + 3 * SECOND, state_of_charge_permille=-1),
            now=NIGHT + 3 * SECOND,
        )

        state = get_state(car)
        assert (state.observed_at, state.faulty_samples) == (NIGHT + 2 * SECOND, 1)
        assert state.fault == "telemetry_out_of_range"

    def test_sent_again_count_once(self, car: Vehicle) -> None:
        """
        A scheduler that got no answer sends its batch again; that must not stop a job.
        """
        record(car, say())
        bad = say(NIGHT + SECOND, is_moving=True)

        record(car, bad, bad)
        record(car, bad, now=NIGHT + MINUTE)

        assert get_state(car).faulty_samples == 1

    def test_that_come_late_count_nothing(self, car: Vehicle) -> None:
        record(car, say())

        outcomes = record(car, say(NIGHT - SECOND, is_moving=True))

        assert outcomes == ["telemetry_contradictory"]
        assert get_state(car).faulty_samples == 0
        assert [(row.is_late, row.fault != "") for row in list_history(car)] == [
            (True, True),
            (False, False),
        ]

    def test_alone_make_no_state(self, car: Vehicle) -> None:
        record(car, say(is_moving=True))

        assert not VehicleState.objects.exists()
        assert [row.faulty_samples for row in list_history(car)] == [1]

    def test_give_way_to_a_good_sample_of_the_same_moment(self, car: Vehicle) -> None:
        record(car, say(is_moving=True))

        record(car, say(is_moving=False))

        assert [(row.fault, row.is_moving) for row in list_history(car)] == [("", False)]


class TestLateSamples:
    def test_show_that_the_connection_lives_and_change_nothing_else(self, car: Vehicle) -> None:
        create_consent(car)
        record(car, say())
        before = get_state(car)

        late = say(NIGHT - MINUTE, state_of_charge_permille=100, battery_temp_decic=600)
        outcomes = record(car, late, now=NIGHT + MINUTE)

        after = get_state(car)
        assert outcomes == [SampleOutcome.OLDER]
        assert after.heard_at == NIGHT + MINUTE
        before.heard_at = after.heard_at
        assert vars(after) | {"_state": None} == vars(before) | {"_state": None}

    def test_are_kept_in_their_place(self, car: Vehicle) -> None:
        record(car, say())
        record(car, say(NIGHT - MINUTE), now=NIGHT + MINUTE)

        assert [(row.observed_at, row.is_late) for row in list_history(car)] == [
            (NIGHT - MINUTE, True),
            (NIGHT, False),
        ]


class TestHistory:
    def test_keeps_a_change_and_skips_a_repeat(self, car: Vehicle) -> None:
        record(car, say())
        record(car, say(NIGHT + SECOND), say(NIGHT + 2 * SECOND))
        record(car, say(NIGHT + 3 * SECOND, plugged_in=False), say(NIGHT + 4 * SECOND))

        assert [row.observed_at - NIGHT for row in list_history(car)] == [
            timedelta(0),
            3 * SECOND,
            4 * SECOND,
        ]

    def test_keeps_at_least_one_of_each_quarter_hour(self, car: Vehicle) -> None:
        # 22:03:20: the next quarter-hours begin at 22:15 and 22:30.
        for minute in (0, 5, 11, 12, 20, 27):
            record(car, say(NIGHT + minute * MINUTE), now=NIGHT + minute * MINUTE)

        kept = [(row.observed_at - NIGHT) // MINUTE for row in list_history(car)]
        assert kept == [0, 12, 27]

    def test_is_written_with_the_state_or_not_at_all(
        self, car: Vehicle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "consent.operations.telemetry._judge", lambda *_: pytest.fail("after storing")
        )
        with pytest.raises(pytest.fail.Exception):
            record(car, say())

        assert not StateSample.objects.exists()
        assert not VehicleState.objects.exists()


# ------------------------------------------------------------------ SQL = rules
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"temp_hold_min": 2, "temp_high_resume_c": 30, "temp_low_resume_c": 5},
    {"temp_hold_min": 5},
    {"temp_high_c": None, "temp_low_c": None},
    {"temp_high_resume_c": 33, "temp_low_c": None, "battery_resume_pct": 40},
)


@dataclass
class Twin:
    """
    What the pure functions make of one car's samples, one after the other.
    """

    rules: Rules
    state: dict[str, Any] = field(
        default_factory=lambda: {
            "observed_at": None,
            "faulty_samples": 0,
            "is_recovering": False,
            "is_cooling": False,
            "hot_at": None,
            "is_warming": False,
            "cold_at": None,
        }
    )
    after: dict[datetime, dict[str, Any]] = field(default_factory=dict)

    def hear(self, samples: list[Telemetry], now: datetime) -> None:
        if self.state["observed_at"] is None:
            # There is no state to count in before something true was said.
            self.state["faulty_samples"] = 0
        for sample in sorted(samples, key=lambda each: each.observed_at):
            last = self.state["observed_at"]
            if last is not None and sample.observed_at <= last:
                continue
            if find_fault(telemetry=sample, now=now):
                self.state["faulty_samples"] += 1
            else:
                self._step(sample)
            self.after[sample.observed_at] = self.state | {"observed_at": sample.observed_at}

    def _step(self, sample: Telemetry) -> None:
        state, rules, at = self.state, self.rules, sample.observed_at
        state["is_recovering"] = is_recovering_after(
            was_recovering=state["is_recovering"],
            charge_permille=sample.state_of_charge_permille,
            rules=rules,
        )
        state["is_cooling"], state["hot_at"] = step_heat_latch(
            was_latched=state["is_cooling"],
            hot_at=state["hot_at"],
            temp_decic=sample.battery_temp_decic,
            rules=rules,
            observed_at=at,
        )
        state["is_warming"], state["cold_at"] = step_cold_latch(
            was_latched=state["is_warming"],
            cold_at=state["cold_at"],
            temp_decic=sample.battery_temp_decic,
            rules=rules,
            observed_at=at,
        )
        state |= {"observed_at": at, "faulty_samples": 0}


def draw_sample(chance: random.Random, at: datetime) -> Telemetry:
    return Telemetry(
        observed_at=at,
        state_of_charge_permille=chance.choice((None, 200, 399, 400, 450, 499, 500, 800)),
        plugged_in=True,
        is_moving=chance.random() < 0.2,
        battery_temp_decic=chance.choice(
            (None, -10, 0, 1, 30, 50, 51, 200, 300, 301, 330, 340, 350, 351, 400)
        ),
    )


@pytest.mark.parametrize("seed", range(4))
def test_latches_step_as_the_rules_say(olivia: User, seed: int) -> None:
    chance = random.Random(seed)
    cars, twins = [], []
    for number, changes in enumerate(VARIANTS * 4):
        car = create_vehicle(olivia, plate=f"L {number:02}")
        create_consent(car, **changes)
        cars.append(car)
    standings = load_standings(vehicle_ids=[car.pk for car in cars], now=NIGHT)
    for car in cars:
        rules = standings[car.pk].rules
        assert rules is not None
        twins.append(Twin(rules))

    for batch in range(6):
        now = NIGHT + (batch + 1) * 10 * MINUTE
        sent: list[tuple[int, Telemetry]] = []
        for car, twin in zip(cars, twins, strict=True):
            seconds = chance.sample(range(-300, 600), chance.randint(0, 6))
            ats = [NIGHT + batch * 10 * MINUTE + second * SECOND for second in seconds]
            # What was kept before must not count twice; those moments are for another test.
            samples = [draw_sample(chance, at) for at in ats if at not in twin.after]
            sent += [(car.pk, sample) for sample in samples]
            twin.hear(samples, now)
        chance.shuffle(sent)
        operations.record_telemetry(samples=sent, now=now)

    names = ("faulty_samples", "is_recovering", "is_cooling", "hot_at", "is_warming", "cold_at")
    compared = 0
    for car, twin in zip(cars, twins, strict=True):
        if (state := VehicleState.objects.filter(vehicle=car).first()) is not None:
            assert {name: getattr(state, name) for name in twin.state} == twin.state
        for row in StateSample.objects.filter(vehicle=car, is_late=False):
            expected = twin.after[row.observed_at]
            assert {name: getattr(row, name) for name in names} == {
                name: expected[name] for name in names
            }
            compared += 1
    assert compared > 150


def test_the_clock_may_be_ahead_by_what_operators_are_shown() -> None:
    assert limits.TELEMETRY_AHEAD_S_MAX == TELEMETRY_AHEAD_S_MAX
