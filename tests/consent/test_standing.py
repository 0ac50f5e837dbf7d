"""
A decision gets every rule, all of the state, the use and the leases of a car.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from consent.models import ConsentVersion, DayUse, Lease, Pause, Vehicle
from consent.queries.standing import Standing, load_past_standings, load_standings
from consent.rules import (
    BuyersMode,
    DateException,
    Gate,
    Grace,
    ReadyBy,
    ReasonCode,
    Rules,
    State,
    Use,
    Window,
)
from consent.rules import Pause as PauseSpan
from consent.rules.frozen import freeze
from tests.consent.terms import EVERY_DAY, NIGHT, OSLO
from tests.factories import NIGHTLY_RULES, create_consent, create_vehicle_state


HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def load(car: Vehicle, *, now: datetime = NIGHT) -> Standing:
    return load_standings(vehicle_ids=[car.pk], now=now)[car.pk]


def take_break(car: Vehicle, kind: str, starts_at: datetime, ends_at: datetime | None) -> Pause:
    return Pause.objects.create(
        vehicle=car, during=(starts_at, ends_at), kind=kind, actor_id=car.owner_id
    )


class TestRules:
    def test_without_further_rules_they_are_those_that_do_not_limit(self, car: Vehicle) -> None:
        version = create_consent(car)

        rules = load(car).rules

        assert rules == Rules(
            number=1,
            is_withdrawn=False,
            zone=OSLO,
            week_mask=NIGHTLY_RULES.week_mask,
            battery_stop_pct=40,
            battery_resume_pct=50,
            plugged_in_only=True,
            home_only=True,
            temp_high_c=35,
            temp_low_c=0,
            energy_wh_per_day_max=6_000,
            energy_wh_per_month_max=90_000,
            compute_s_per_day_max=36_000,
            compute_s_per_month_max=720_000,
            power_limit_w=900,
            categories_mask=3,
            expires_at=version.expires_at,
            wear_micros_per_kwh=64_000,
            compute_micros_per_h=20_000,
        )

    def test_every_further_rule_is_read(self, car: Vehicle) -> None:
        draft = replace(
            NIGHTLY_RULES,
            exceptions=(
                DateException(date(2026, 12, 24), is_open=False),
                DateException(date(2026, 12, 27), is_open=True, ends_minute=720),
            ),
            ready_by=(ReadyBy((0, 1, 2, 3, 4), 7 * 60, 80),),
            temp_high_resume_c=30,
            temp_low_resume_c=5,
            temp_hold_min=20,
            wear_cycles_milli_per_month_max=2_000,
            wear_micros_per_month_max=3_000_000,
            reward_micros_per_h_min=90_000,
            buyers_mode=BuyersMode.EXCEPT,
            buyer_ids=(7, 9),
            mobile_data_mb_per_month_max=500,
            quiet_windows=(Window(EVERY_DAY, 23 * 60, 6 * 60),),
            quiet_power_limit_w=400,
            grace=(Grace(Gate.HOURS, 10), Grace(Gate.PLUG, None)),
        )
        create_consent(car, **{name: getattr(draft, name) for name in draft.__slots__})
        frozen = freeze(
            draft=draft,
            battery_wh=car.battery_wh,
            charge_power_w=car.charge_power_w,
            agreed_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

        rules = load(car).rules

        assert rules is not None
        assert rules == replace(
            rules,
            expires_at=frozen.expires_at,
            closed=frozen.closed,
            opened=frozen.opened,
            ready_floors_permille=frozen.ready_floors_permille,
            temp_high_resume_c=30,
            temp_low_resume_c=5,
            temp_hold_s=1_200,
            wear_wh_per_month_max=150_000,
            wear_micros_per_month_max=3_000_000,
            wear_micros_per_kwh=frozen.wear_micros_per_kwh,
            compute_micros_per_h=frozen.compute_micros_per_h,
            reward_micros_per_h_min=90_000,
            buyers_mode=BuyersMode.EXCEPT,
            buyer_ids=frozenset({7, 9}),
            mobile_data_bytes_per_month_max=500_000_000,
            quiet_mask=draft.quiet_mask,
            quiet_power_limit_w=400,
            grace=((Gate.HOURS, 10), (Gate.PLUG, None)),
        )
        assert frozen.ready_floors_permille is not None
        assert frozen.closed
        assert frozen.opened

    @pytest.mark.parametrize(
        ("change", "field", "value"),
        [
            ({"temp_high_resume_c": 30}, "temp_high_resume_c", 30),
            ({"temp_low_resume_c": 5}, "temp_low_resume_c", 5),
            ({"temp_hold_min": 5}, "temp_hold_s", 300),
            ({"wear_distance_km_per_month_max": 10}, "wear_wh_per_month_max", 1_800),
            ({"wear_micros_per_month_max": 5}, "wear_micros_per_month_max", 5),
            ({"reward_micros_per_h_min": 5}, "reward_micros_per_h_min", 5),
            ({"buyers_mode": BuyersMode.ONLY}, "buyers_mode", BuyersMode.ONLY),
            (
                {"mobile_data_mb_per_month_max": 1},
                "mobile_data_bytes_per_month_max",
                1_000_000,
            ),
            ({"quiet_power_limit_w": 5}, "quiet_power_limit_w", 5),
            ({"grace": (Grace(Gate.HOME, 5),)}, "grace", ((Gate.HOME, 5),)),
        ],
    )
    def test_one_further_rule_alone_is_read(
        self, car: Vehicle, change: dict[str, object], field: str, value: object
    ) -> None:
        create_consent(car)
        changed = {"number": 2, "in_force": (NIGHT, None)} | change
        self._store_second_version(car, changed)

        rules = load(car).rules

        assert getattr(rules, field) == value

    def _store_second_version(self, car: Vehicle, changed: dict[str, object]) -> None:
        first = ConsentVersion.objects.get()
        ConsentVersion.objects.filter(pk=first.pk).update(in_force=(first.starts_at, NIGHT))
        if "wear_distance_km_per_month_max" in changed:
            changed["wear_wh_per_month_max"] = 1_800
        if "grace" in changed:
            changed["grace"] = [{"gate": "home", "minutes": 5}]
        first.pk = None
        for name, value in changed.items():
            setattr(first, name, value)
        first.save(force_insert=True)


class TestState:
    def test_all_that_the_car_said_is_read(self, car: Vehicle) -> None:
        create_consent(car)
        create_vehicle_state(
            car,
            now=NIGHT,
            heard_at=NIGHT + SECOND,
            faulty_samples=1,
            fault="telemetry_out_of_range",
            is_recovering=True,
            is_cooling=True,
            hot_at=NIGHT - HOUR,
            is_warming=True,
            cold_at=NIGHT - 2 * HOUR,
        )

        assert load(car).state == State(
            observed_at=NIGHT,
            state_of_charge_permille=620,
            plugged_in=True,
            is_home=True,
            is_moving=False,
            battery_temp_min_decic=180,
            battery_temp_max_decic=180,
            is_recovering=True,
            heard_at=NIGHT + SECOND,
            faulty_samples=1,
            fault=ReasonCode.TELEMETRY_OUT_OF_RANGE,
            is_cooling=True,
            hot_at=NIGHT - HOUR,
            is_warming=True,
            cold_at=NIGHT - 2 * HOUR,
        )

    def test_a_pause_and_the_next_skipped_night_stand_side_by_side(self, car: Vehicle) -> None:
        take_break(car, "skip", NIGHT - 9 * HOUR, NIGHT - 8 * HOUR)
        take_break(car, "skip", NIGHT + 24 * HOUR, NIGHT + 33 * HOUR)
        take_break(car, "skip", NIGHT + 48 * HOUR, NIGHT + 57 * HOUR)
        take_break(car, "hour", NIGHT - 2 * HOUR, NIGHT - HOUR)
        take_break(car, "until_resumed", NIGHT - SECOND, None)

        state = load(car).state

        assert state.pause == PauseSpan(NIGHT - SECOND, None)
        assert state.skip == PauseSpan(NIGHT + 24 * HOUR, NIGHT + 33 * HOUR)

    def test_says_whether_the_pause_lets_jobs_finish(self, car: Vehicle) -> None:
        Pause.objects.create(
            vehicle=car,
            during=(NIGHT, NIGHT + HOUR),
            kind="hour",
            actor_id=car.owner_id,
            lets_jobs_finish=True,
        )

        pause = load(car).state.pause

        assert pause == PauseSpan(NIGHT, NIGHT + HOUR, lets_jobs_finish=True)

    def test_knows_the_breaks_of_a_past_moment(self, car: Vehicle) -> None:
        take_break(car, "hour", NIGHT - 2 * HOUR, NIGHT - HOUR)
        take_break(car, "skip", NIGHT - 3 * HOUR, NIGHT)

        standings = load_past_standings(
            places=[(car.pk, NIGHT - 2 * HOUR), (car.pk, NIGHT - 3 * HOUR), (car.pk, NIGHT)]
        )

        states = [standing.state for standing in standings if standing]
        assert [bool(state.pause) for state in states] == [True, False, False]
        assert [bool(state.skip) for state in states] == [True, True, False]


class TestUse:
    def test_counts_wear_and_data_of_the_local_month(self, car: Vehicle) -> None:
        create_consent(car, energy_wh_per_day_max=None, energy_wh_per_month_max=9_000)
        for day, wear_wh, data in ((date(2026, 11, 1), 300, 5), (date(2026, 11, 18), 40, 6)):
            DayUse.objects.create(
                vehicle=car,
                on_date=day,
                energy_wh=20,
                compute_s=7,
                wear_wh=wear_wh,
                mobile_data_bytes=data,
            )
        DayUse.objects.create(vehicle=car, on_date=date(2026, 10, 31), wear_wh=1_000)

        assert load(car).use == Use(20, 7, 40, 14, 340, 11)


class TestLeases:
    def create_lease(self, car: Vehicle, job_id: str, *, ended: timedelta) -> None:
        Lease.objects.create(
            vehicle=car,
            job_id=job_id,
            booking_id=5,
            started_at=NIGHT - 3 * HOUR,
            expires_at=NIGHT - ended,
            refused_since=NIGHT - HOUR if job_id == "j-1" else None,
            reserved_energy_wh=100,
            reserved_compute_s=360,
        )

    def test_other_jobs_reserve_until_two_hours_after_their_lease(self, car: Vehicle) -> None:
        create_consent(car)
        self.create_lease(car, "j-1", ended=-timedelta(seconds=30))
        self.create_lease(car, "j-2", ended=2 * HOUR - SECOND)
        self.create_lease(car, "j-3", ended=2 * HOUR)

        standing = load(car)

        assert [lease.job_id for lease in standing.leases] == ["j-1", "j-2"]
        first, second = standing.leases
        assert (first.booking_id, first.started_at) == (5, NIGHT - 3 * HOUR)
        assert first.expires_at == NIGHT + timedelta(seconds=30)
        assert (first.refused_since, second.refused_since) == (NIGHT - HOUR, None)
        reserved = [
            (use.reserved_energy_wh, use.reserved_compute_s)
            for use in (standing.use_beside("j-1"), standing.use_beside("j-9"))
        ]
        assert reserved == [(100, 360), (200, 720)]
        assert standing.use.reserved_energy_wh == 0

    def test_without_leases_nothing_is_reserved(self, car: Vehicle) -> None:
        create_consent(car)
        standing = load(car)

        assert standing.leases == ()
        assert standing.use_beside("j-1") is standing.use
