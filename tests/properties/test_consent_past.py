"""
What judges a draft over a car's past and the function that decides live refuse alike.
"""

import os
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings

from accounts.models import User
from consent.models import DayUse, Pause, StateSample, Vehicle
from consent.queries.past import (
    PastQuarter,
    Ran,
    from_quarter,
    list_past_quarters,
    load_history,
    to_quarter,
)
from consent.rules import Pause as Break
from consent.rules import (
    Rules,
    State,
    Use,
    Workload,
    WorkloadCategory,
    decide,
    find_wanted_work,
    is_recovering_after,
    step_cold_latch,
    step_heat_latch,
)
from consent.rules.frozen import freeze
from consent.rules.wear import find_wear_wh
from consent.rules.week import quarter_of_week
from tests.factories import create_owner, create_vehicle
from tests.properties.made_up_pasts import HOURS_OPEN, PLATES, Case, cases


# Each run draws others; PARADO_PROPERTY_CASES=20000 is the long run.
CASES = int(os.environ.get("PARADO_PROPERTY_CASES", "60"))


# ------------------------------------------------------------------ by decide(), one by one
def replay(case: Case, car: Vehicle) -> dict[int, tuple[int, int, int]]:
    """
    Return mask, energy and seconds by quarter, as one decision after the other gives them.
    """
    rules, facts = make_rules(case, car), gather(case)
    past = Past(rules=rules, case=case)
    return {n: past.step(n, facts[n]) for n in sorted(facts) if n >= case.first_n}


def make_rules(case: Case, car: Vehicle) -> Rules:
    draft = case.draft
    frozen = freeze(
        draft=draft,
        battery_wh=car.battery_wh,
        charge_power_w=car.charge_power_w,
        agreed_at=from_quarter(case.first_n),
    )
    megabytes = draft.mobile_data_mb_per_month_max
    same = (
        "battery_stop_pct battery_resume_pct plugged_in_only home_only temp_high_c temp_low_c "
        "energy_wh_per_day_max energy_wh_per_month_max compute_s_per_day_max "
        "compute_s_per_month_max power_limit_w categories_mask temp_high_resume_c "
        "temp_low_resume_c wear_micros_per_month_max reward_micros_per_h_min buyers_mode "
        "quiet_power_limit_w week_mask quiet_mask"
    )
    return Rules(
        number=1,
        is_withdrawn=False,
        zone=ZoneInfo(draft.time_zone),
        **{name: getattr(draft, name) for name in same.split()},
        closed=frozen.closed,
        opened=frozen.opened,
        ready_floors_permille=frozen.ready_floors_permille,
        temp_hold_s=draft.temp_hold_min * 60,
        wear_wh_per_month_max=frozen.wear_wh_per_month_max,
        wear_micros_per_kwh=frozen.wear_micros_per_kwh,
        compute_micros_per_h=frozen.compute_micros_per_h,
        buyer_ids=frozenset(draft.buyer_ids),
        mobile_data_bytes_per_month_max=None if megabytes is None else megabytes * 10**6,
    )


def gather(case: Case) -> dict[int, dict[str, Any]]:
    """
    Return the facts of each known quarter: what was said in it, held from before, or metered.
    """
    said = defaultdict(list)
    for at in sorted(case.samples):
        said[to_quarter(at)].append(case.samples[at])
    found: dict[int, dict[str, Any]] = {}
    last, last_n = None, 0
    for n in range(case.first_n - 48, case.last_n):
        if n in said:
            found[n] = merge_facts(said[n])
            last, last_n = said[n][-1], n
        elif last is not None and last["plugged_in"] and n - last_n <= 48:
            found[n] = merge_facts([last])
    for each in case.ran:
        found[each.n] = {
            "ran": each,
            "charge": each.charge_permille,
            "plugged_in": each.plugged_in,
            "is_home": each.is_home,
            "is_moving": False,
            "coldest": each.coldest_decic,
            "hottest": each.hottest_decic,
        }
    return found


def merge_facts(said: list[dict[str, Any]]) -> dict[str, Any]:
    def known(name: str) -> list[Any]:
        return [each[name] for each in said if each[name] is not None]

    def every(name: str) -> bool | None:
        return all(known(name)) if known(name) else None

    return {
        "ran": None,
        "charge": min(known("state_of_charge_permille"), default=None),
        "plugged_in": every("plugged_in"),
        "is_home": every("is_home"),
        "is_moving": any(known("is_moving")),
        "coldest": min(known("battery_temp_decic"), default=None),
        "hottest": max(known("battery_temp_decic"), default=None),
    }


class Past:
    """
    A car that goes through its quarters in order, with latches and budgets.
    """

    def __init__(self, *, rules: Rules, case: Case) -> None:
        self.rules, self.case = rules, case
        self.is_recovering = False
        self.heat: tuple[bool, datetime | None] = (False, None)
        self.cold: tuple[bool, datetime | None] = (False, None)
        first = from_quarter(case.first_n).astimezone(rules.zone).date()
        self.days: dict[date, list[int]] = defaultdict(lambda: [0, 0])
        self.months: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        if first.day > 1:
            early = case.early
            self.months[first.replace(day=1)] = [
                early.day_energy_wh * 1000,
                early.day_compute_s,
                early.month_wear_wh * 1000,
                0,
            ]

    def step(self, n: int, facts: dict[str, Any]) -> tuple[int, int, int]:
        at = from_quarter(n)
        local = at.astimezone(self.rules.zone)
        self.step_latches(at, facts)
        energy_mwh, compute_s, data_bytes = self.find_work(at, facts["ran"])
        day = self.days[local.date()]
        month = self.months[local.date().replace(day=1)]
        decision = decide(
            rules=self.rules,
            state=self.make_state(at, facts),
            use=Use(day[0] // 1000, day[1], month[0] // 1000, month[1], month[2] // 1000, month[3]),
            workload=self.make_workload(n, facts["ran"]),
            now=at,
        )
        if decision.permit:
            wear = find_wear_wh(energy_wh=energy_mwh, battery_temp_max_decic=facts["hottest"])
            for sums, parts in (
                (day, (energy_mwh, compute_s)),
                (month, (energy_mwh, compute_s, wear, data_bytes)),
            ):
                sums[:] = [left + right for left, right in zip(sums, parts, strict=True)]
        return sum(code.bit for code in set(decision.codes)), energy_mwh, compute_s

    def step_latches(self, at: datetime, facts: dict[str, Any]) -> None:
        self.is_recovering = is_recovering_after(
            was_recovering=self.is_recovering, charge_permille=facts["charge"], rules=self.rules
        )
        self.heat = step_heat_latch(
            was_latched=self.heat[0],
            hot_at=self.heat[1],
            temp_decic=facts["hottest"],
            rules=self.rules,
            observed_at=at,
        )
        self.cold = step_cold_latch(
            was_latched=self.cold[0],
            cold_at=self.cold[1],
            temp_decic=facts["coldest"],
            rules=self.rules,
            observed_at=at,
        )

    def find_work(self, at: datetime, ran: Ran | None) -> tuple[int, int, int]:
        rules, likely = self.rules, self.case.likely
        limits = [rules.power_limit_w]
        if rules.quiet_mask >> quarter_of_week(at.astimezone(rules.zone)) & 1:
            limits.append(rules.quiet_power_limit_w)
        most = min((watts * 250 for watts in limits if watts is not None), default=10**9)
        if ran is not None:
            # Meters report whole watt-hours: half of one is forgiven.
            energy_mwh = ran.energy_mwh if ran.energy_mwh <= most + 500 else most
            return energy_mwh, ran.compute_s, ran.data_bytes
        hour = quarter_of_week(at.astimezone(ZoneInfo(likely.time_zone))) // 4
        kinds = [each for each in likely.work if each.category_bit & rules.categories_mask]
        energy_mwh = min(sum(each.energy_mwh[hour] for each in kinds), most)
        seconds = sum(each.compute_s[hour] for each in kinds)
        return energy_mwh, seconds, energy_mwh * likely.bytes_per_kwh // 10**6

    def make_state(self, at: datetime, facts: dict[str, Any]) -> State:
        pause = None
        if self.case.pause:
            first, last = (from_quarter(self.case.first_n + n) for n in self.case.pause)
            pause = Break(first, last)
        return State(
            observed_at=at,
            heard_at=at,
            state_of_charge_permille=facts["charge"],
            plugged_in=facts["plugged_in"],
            is_home=facts["is_home"],
            is_moving=facts["is_moving"],
            battery_temp_min_decic=facts["coldest"],
            battery_temp_max_decic=facts["hottest"],
            is_recovering=self.is_recovering,
            is_cooling=self.heat[0],
            hot_at=self.heat[1],
            is_warming=self.cold[0],
            cold_at=self.cold[1],
            pause=pause,
        )

    def make_workload(self, n: int, ran: Ran | None) -> Workload:
        reward = self.case.reward
        micros = reward.micros_per_h if n < reward.until_n else None
        if ran is None:
            return replace(find_wanted_work(rules=self.rules), reward_micros_per_h=micros)
        category = next(each for each in WorkloadCategory if each.bit == ran.category_bit)
        return Workload(category=category, buyer_id=ran.buyer_id, reward_micros_per_h=micros)


# ------------------------------------------------------------------ all at once
def store(case: Case, car: Vehicle) -> None:
    StateSample.objects.bulk_create(
        StateSample(vehicle=car, observed_at=at, received_at=at, **said)
        for at, said in case.samples.items()
    )
    zone = ZoneInfo(case.draft.time_zone)
    first = from_quarter(case.first_n).astimezone(zone).date()
    if first.day > 1:
        DayUse.objects.create(
            vehicle=car,
            on_date=first - timedelta(days=1),
            energy_wh=case.early.day_energy_wh,
            compute_s=case.early.day_compute_s,
            wear_wh=case.early.month_wear_wh,
        )
    # A day of another month is nobody's budget.
    DayUse.objects.create(vehicle=car, on_date=first - timedelta(days=60), energy_wh=9_000)


def replay_at_once(case: Case, car: Vehicle) -> tuple[PastQuarter, ...]:
    history = load_history(
        vehicle_id=car.pk,
        owner_id=car.owner_id,
        first_n=case.first_n,
        last_n=case.last_n,
        ran=case.ran,
        rewards=[case.reward],
    )
    return list_past_quarters(
        vehicle_id=car.pk,
        owner_id=car.owner_id,
        draft=case.draft,
        history=history,
        likely=case.likely,
    )


@pytest.fixture
def olivia(db: None) -> User:
    return create_owner()


@settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
def test_replay_equals_decide(olivia: User, case: Case) -> None:
    car = create_vehicle(olivia, plate=f"BX {next(PLATES)}")
    store(case, car)
    if case.pause:
        first, last = (from_quarter(case.first_n + n) for n in case.pause)
        Pause.objects.create(vehicle=car, during=(first, last), kind="hour", actor=olivia)

    expected = {
        n: found
        for n, found in replay(case, car).items()
        if not found[0] & HOURS_OPEN or found[0].bit_count() == 1
    }
    found = {
        each.n: (each.mask, each.energy_mwh, each.compute_s) for each in replay_at_once(case, car)
    }

    assert found == expected
