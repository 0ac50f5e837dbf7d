"""
What rules mean at the edges, row by row: a draft is agreed, a moment comes, and this is said.

Times are wall-clock times of the row's zone; an offset tells the two passes of a repeated hour
apart. `opens` is the next opening, `until` the end of the permit where the row is about it.
"""
# ruff: noqa: E501 - a row is a line: it is read across

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consent.rules import (
    BuyersMode,
    DateException,
    Gate,
    Grace,
    Pause,
    ReadyBy,
    ReasonCode,
    RulesDraft,
    State,
    Use,
    Window,
    Workload,
    WorkloadCategory,
    decide,
)
from tests.consent.agreed import agree
from tests.consent.terms import EVERY_DAY, GOOD_STATE


OSLO, BERLIN = "Europe/Oslo", "Europe/Berlin"
HOWE, APIA = "Australia/Lord_Howe", "Pacific/Apia"
KIRITIMATI, PAGO = "Pacific/Kiritimati", "Pacific/Pago_Pago"
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
WORK = WorkloadCategory.INFERENCE
JOB = Workload(WORK)


def hours(starts: str, ends: str, *days: int) -> Window:
    def minute(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return Window(days or EVERY_DAY, minute(starts), minute(ends))


def closed(*dates: str) -> tuple[DateException, ...]:
    return tuple(DateException(date.fromisoformat(each), is_open=False) for each in dates)


def opened(on_date: str, starts: str, ends: str) -> tuple[DateException, ...]:
    window = hours(starts, ends)
    return (
        DateException(
            date.fromisoformat(on_date),
            is_open=True,
            starts_minute=window.starts_minute,
            ends_minute=window.ends_minute,
        ),
    )


NIGHTS = (hours("22:00", "07:00"),)
ALWAYS = (hours("00:00", "24:00"),)
DRAFT = RulesDraft(
    time_zone=OSLO,
    windows=NIGHTS,
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
    categories=(WORK,),
)


@dataclass(frozen=True)
class Row:
    """
    `rules` changes the draft, `state` the car. Spans of time there are wall-clock texts too:
    `pause` and `skip` as (from, to or None, whether jobs finish), `hot_at` and the like as texts.
    """

    name: str
    at: str
    codes: str = ""
    opens: str | None = None
    until: str | None = None
    zone: str = OSLO
    rules: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    use: Use = field(default_factory=Use)
    work: Workload = JOB
    since: str | None = None
    agreed: str | None = None


def heat(**state: Any) -> dict[str, Any]:
    return {"battery_temp_max_decic": 300, "is_cooling": True} | state


def cold(**state: Any) -> dict[str, Any]:
    return {"battery_temp_min_decic": 50, "is_warming": True} | state


HELD = {"temp_high_resume_c": 31, "temp_low_resume_c": 4, "temp_hold_min": 30}
SEVEN = {"ready_by": (ReadyBy(EVERY_DAY, 7 * 60, 80),)}
AT_70 = {"state_of_charge_permille": 700}
QUIET = {"quiet_windows": (hours("23:00", "06:00"),), "quiet_power_limit_w": 400}
ONLY_7 = {"buyers_mode": BuyersMode.ONLY, "buyer_ids": (7,)}
NOT_7 = {"buyers_mode": BuyersMode.EXCEPT, "buyer_ids": (7,)}
DEAR = {"reward_micros_per_h_min": 200_000}
NO_CAPS = {
    "energy_wh_per_day_max": None,
    "energy_wh_per_month_max": None,
    "compute_s_per_day_max": None,
    "compute_s_per_month_max": None,
}
QUARTER_GRACE = {"grace": (Grace(Gate.HOURS, 15),)}
DAY_SPENT, MONTH_SPENT = Use(day_energy_wh=6_000), Use(month_energy_wh=90_000)
FAULT = {"fault": ReasonCode.TELEMETRY_CONTRADICTORY}
RUNNING = replace(JOB, is_running=True)


def metered(energy_wh: int) -> Workload:
    return Workload(WORK, energy_wh, 900)


# fmt: off
HOURS = [
    Row("in the midst of a night", "2026-11-18 23:30"),
    Row("first instant of a window", "2026-11-18 22:00"),
    Row("last microsecond before a window", "2026-11-18 21:59:59.999999", "outside_hours", "2026-11-18 22:00"),
    Row("last second of a window", "2026-11-19 06:59:59", until="2026-11-19 07:00"),
    Row("first second after a window", "2026-11-19 07:00", "outside_hours", "2026-11-19 22:00"),
    Row("a permit of a minute inside a window", "2026-11-18 23:14:30", until="2026-11-18 23:15:30"),
    Row("overnight over the end of a month", "2026-12-01 06:59:59", until="2026-12-01 07:00"),
    Row("overnight over the end of a year", "2026-12-31 23:59:30", until="2027-01-01 00:00:30"),
    Row("Sunday night runs into Monday", "2026-11-23 03:00", rules={"windows": (hours("22:00", "07:00", SUN),)}),
    Row("a missing weekday leaves the night before whole", "2026-11-21 03:00", rules={"windows": (hours("22:00", "07:00", MON, TUE, WED, THU, FRI),)}),
    Row("a missing weekday has no night of its own", "2026-11-21 23:00", "outside_hours", "2026-11-23 22:00", rules={"windows": (hours("22:00", "07:00", MON, TUE, WED, THU, FRI),)}),
    Row("two windows of a day: between them", "2026-11-18 12:00", "outside_hours", "2026-11-18 13:15", rules={"windows": (hours("09:00", "12:00"), hours("13:15", "14:00"))}),
    Row("a whole week is never cut", "2026-11-22 23:59:30", until="2026-11-23 00:00:30", rules={"windows": ALWAYS}),
]

CLOCKS = [
    Row("spring: last second before the gap", "2026-03-29 01:59:59", until="2026-03-29 03:00:59"),
    Row("spring: first second after the gap", "2026-03-29 03:00"),
    Row("spring: a window inside the gap waits a week", "2026-03-28 12:00", "outside_hours", "2026-04-05 02:00", rules={"windows": (hours("02:00", "03:00", SUN),)}),
    Row("spring: a window that begins in the gap opens after it", "2026-03-28 12:00", "outside_hours", "2026-03-29 03:00", rules={"windows": (hours("02:30", "05:00", SUN),)}),
    Row("spring: a window that ends in the gap ends with it", "2026-03-29 01:59:30", until="2026-03-29 03:00", rules={"windows": (hours("00:00", "02:30", SUN),)}),
    Row("spring: a date open from inside the gap opens after it", "2026-03-28 12:00", "outside_hours", "2026-03-29 03:00", rules={"windows": (hours("10:00", "11:00", MON),), "exceptions": opened("2026-03-29", "02:30", "05:00")}),
    Row("autumn: the repeated hour, first pass", "2026-10-25 02:30+02:00", rules={"windows": (hours("02:00", "03:00", SUN),)}),
    Row("autumn: the repeated hour, second pass", "2026-10-25 02:30+01:00", rules={"windows": (hours("02:00", "03:00", SUN),)}),
    Row("autumn: half of the repeated hour comes twice", "2026-10-25 02:30+02:00", "outside_hours", "2026-10-25 02:00+01:00", rules={"windows": (hours("02:00", "02:30", SUN),)}),
    Row("autumn: and then not before next week", "2026-10-25 02:30+01:00", "outside_hours", "2026-11-01 02:00", rules={"windows": (hours("02:00", "02:30", SUN),)}),
    Row("autumn: a permit runs on over the repetition", "2026-10-25 02:59:30+02:00", until="2026-10-25 02:00:30+01:00"),
    Row("Lord Howe, spring: half an hour is missing", "2026-10-03 12:00", "outside_hours", "2026-10-11 02:00", zone=HOWE, rules={"windows": (hours("02:00", "02:30", SUN),)}),
    Row("Lord Howe, spring: what begins in it opens after it", "2026-10-03 12:00", "outside_hours", "2026-10-04 02:30", zone=HOWE, rules={"windows": (hours("02:15", "03:00", SUN),)}),
    Row("Lord Howe, autumn: half an hour comes twice", "2026-04-05 01:50+11:00", "outside_hours", "2026-04-05 01:30+10:30", zone=HOWE, rules={"windows": (hours("01:30", "01:45", SUN),)}),
    Row("Lord Howe, autumn: second pass", "2026-04-05 01:40+10:30", zone=HOWE, rules={"windows": (hours("01:30", "01:45", SUN),)}),
    Row("Kiritimati: a Wednesday while London has Tuesday", "2026-11-18 00:30", zone=KIRITIMATI, rules={"windows": (hours("00:00", "12:00", WED),)}),
    Row("Pago Pago: the same instant is Monday's last hour", "2026-11-16 23:30", "outside_hours", "2026-11-18 00:00", zone=PAGO, rules={"windows": (hours("00:00", "12:00", WED),)}),
    Row("Apia: over the date line the week begins first", "2026-11-23 00:00", zone=APIA, rules={"windows": (hours("00:00", "12:00", MON),)}),
    Row("Kiritimati: the month ends there first", "2026-11-30 23:00", "month_energy_spent", "2026-12-01 00:00", zone=KIRITIMATI, use=MONTH_SPENT),
]

DATES = [
    Row("closed Saturday: Friday's night is open", "2026-11-20 23:00", rules={"exceptions": closed("2026-11-21")}),
    Row("closed Saturday: and is cut at midnight", "2026-11-20 23:59:30", until="2026-11-21 00:00", rules={"exceptions": closed("2026-11-21")}),
    Row("closed Saturday: its first instant", "2026-11-21 00:00", "closed_date", "2026-11-22 22:00", rules={"exceptions": closed("2026-11-21")}),
    Row("closed Saturday: the night that would begin on it", "2026-11-22 03:00", "closed_date", "2026-11-22 22:00", rules={"exceptions": closed("2026-11-21")}),
    Row("closed Saturday: Sunday's own morning is open", "2026-11-22 06:30", rules={"exceptions": closed("2026-11-21"), "windows": (*NIGHTS, hours("06:00", "09:00", SUN))}),
    Row("closed on a day without hours: outside, of its own name", "2026-11-21 12:00", "closed_date", "2026-11-22 22:00", rules={"exceptions": closed("2026-11-21")}),
    Row("two closed dates in a row", "2026-12-24 23:00", "closed_date", "2026-12-26 22:00", rules={"exceptions": closed("2026-12-24", "2026-12-25")}),
    Row("closed spring date of 23 hours", "2026-03-29 23:59:59", "closed_date", "2026-03-30 22:00", rules={"exceptions": closed("2026-03-29")}),
    Row("open out of turn: just before", "2026-11-17 11:59:59", "outside_hours", "2026-11-17 12:00", rules={"exceptions": opened("2026-11-17", "12:00", "15:00")}),
    Row("open out of turn: its last second", "2026-11-17 14:59:59", until="2026-11-17 15:00", rules={"exceptions": opened("2026-11-17", "12:00", "15:00")}),
    Row("open out of turn: over midnight", "2026-11-18 01:30", rules={"windows": (hours("10:00", "11:00"),), "exceptions": opened("2026-11-17", "20:00", "02:00")}),
    Row("open out of turn meets the week without a gap", "2026-11-17 21:59:30", until="2026-11-17 22:00:30", rules={"exceptions": opened("2026-11-17", "20:00", "22:00")}),
    Row("holiday of Norway: 17 May is closed", "2026-05-17 23:00", "closed_date", "2026-05-18 22:00", rules={"holiday_country": "NO"}, agreed="2026-05-01 12:00"),
    Row("holiday of Norway: the night before it until midnight", "2026-05-16 23:59:59", until="2026-05-17 00:00", rules={"holiday_country": "NO"}, agreed="2026-05-01 12:00"),
    Row("holiday of Norway: agreed on the day itself", "2026-05-17 23:00", "closed_date", "2026-05-18 22:00", rules={"holiday_country": "NO"}, agreed="2026-05-17 09:00"),
    Row("holiday of Norway: agreed on the morning after", "2026-05-18 03:00", "closed_date", "2026-05-18 22:00", rules={"holiday_country": "NO"}, agreed="2026-05-18 02:00"),
    Row("closed night of 25 hours: the repeated hour stays closed", "2026-10-25 02:15+01:00", "closed_date", "2026-10-25 22:00", rules={"exceptions": closed("2026-10-24"), "windows": (hours("22:00", "02:30"),)}),
    Row("an opening wins over a holiday", "2026-05-17 10:30", rules={"holiday_country": "NO", "exceptions": opened("2026-05-17", "10:00", "12:00")}, agreed="2026-05-01 12:00"),
    Row("Epiphany is one in Baden-Württemberg", "2027-01-06 22:30", "closed_date", "2027-01-07 22:00", zone=BERLIN, rules={"holiday_country": "DE-BW"}, agreed="2026-11-18 12:00"),
    Row("and none in Berlin", "2027-01-06 22:30", zone=BERLIN, rules={"holiday_country": "DE-BE"}, agreed="2026-11-18 12:00"),
]

BREAKS = [
    Row("snooze: its last second", "2026-11-18 22:59:59", "paused", "2026-11-18 23:00", state={"pause": ("2026-11-18 22:00", "2026-11-18 23:00")}),
    Row("snooze: its end", "2026-11-18 23:00", state={"pause": ("2026-11-18 22:00", "2026-11-18 23:00")}),
    Row("snooze that ends outside the hours", "2026-11-19 06:30", "paused", "2026-11-19 22:00", state={"pause": ("2026-11-19 06:30", "2026-11-19 07:30")}),
    Row("pause without end", "2026-11-18 23:00", "paused", None, state={"pause": ("2026-11-18 22:00", None)}),
    Row("skip tonight, asked in the afternoon", "2026-11-18 18:00", "outside_hours", "2026-11-19 22:00", state={"skip": ("2026-11-18 22:00", "2026-11-19 07:00")}),
    Row("skip tonight: the night comes", "2026-11-18 22:00", "paused", "2026-11-19 22:00", state={"skip": ("2026-11-18 22:00", "2026-11-19 07:00")}),
    Row("skip tonight cuts a permit short", "2026-11-18 21:59:30", until="2026-11-18 22:00", rules={"windows": ALWAYS}, state={"skip": ("2026-11-18 22:00", "2026-11-19 07:00")}),
    Row("skip tonight: the next night is open", "2026-11-19 22:00", state={"skip": ("2026-11-18 22:00", "2026-11-19 07:00")}),
    Row("snooze inside a skipped night", "2026-11-18 23:00", "paused", "2026-11-19 22:00", state={"pause": ("2026-11-18 22:30", "2026-11-18 23:30"), "skip": ("2026-11-18 22:00", "2026-11-19 07:00")}),
]

CAR = [
    Row("battery: on the floor", "2026-11-18 23:00", state={"state_of_charge_permille": 400}),
    Row("battery: a permille under it", "2026-11-18 23:00", "battery_low", state={"state_of_charge_permille": 399}),
    Row("battery: filling up, a permille short", "2026-11-18 23:00", "battery_recovering", state={"state_of_charge_permille": 499, "is_recovering": True}),
    Row("battery: filled up", "2026-11-18 23:00", state={"state_of_charge_permille": 500, "is_recovering": True}),
    Row("heat: on the limit", "2026-11-18 23:00", state={"battery_temp_max_decic": 350}),
    Row("heat: a tenth over it", "2026-11-18 23:00", "too_hot", state={"battery_temp_max_decic": 351}),
    Row("heat: over the resume level, however long ago", "2026-11-18 23:00", "cooling_down", rules=HELD, state=heat(battery_temp_max_decic=311, hot_at="2026-11-18 20:00")),
    Row("heat: cool again, the hold has a second to go", "2026-11-18 23:00", "cooling_down", "2026-11-18 23:00:01", rules=HELD, state=heat(hot_at="2026-11-18 22:30:01")),
    Row("heat: the hold is over to the second", "2026-11-18 23:00", rules=HELD, state=heat(hot_at="2026-11-18 22:30")),
    Row("heat: the hold ends when the hours have", "2026-11-19 06:50", "cooling_down", "2026-11-19 22:00", rules=HELD, state=heat(hot_at="2026-11-19 06:40")),
    Row("heat: without a resume level the limit is one", "2026-11-18 23:00", state=heat(battery_temp_max_decic=350)),
    Row("cold: on the limit", "2026-11-18 23:00", state={"battery_temp_min_decic": 0}),
    Row("cold: a tenth under it", "2026-11-18 23:00", "too_cold", state={"battery_temp_min_decic": -1}),
    Row("cold: under the resume level", "2026-11-18 23:00", "warming_up", rules=HELD, state=cold(battery_temp_min_decic=39, cold_at="2026-11-18 20:00")),
    Row("cold: the hold has a second to go", "2026-11-18 23:00", "warming_up", "2026-11-18 23:00:01", rules=HELD, state=cold(cold_at="2026-11-18 22:30:01")),
    Row("sample of 299 seconds", "2026-11-18 23:00", until="2026-11-18 23:00:01", state={"observed_at": "2026-11-18 22:55:01", "heard_at": "2026-11-18 23:00"}),
    Row("sample of exactly 300 seconds, connection fresh", "2026-11-18 23:00", "telemetry_stale", state={"observed_at": "2026-11-18 22:55", "heard_at": "2026-11-18 23:00"}),
    Row("connection of 299 seconds", "2026-11-18 23:00", until="2026-11-18 23:00:01", state={"heard_at": "2026-11-18 22:55:01"}),
    Row("connection of exactly 300 seconds", "2026-11-18 23:00", "connection_lost", state={"observed_at": "2026-11-18 22:55", "heard_at": "2026-11-18 22:55"}),
    Row("never heard: one reason, not five", "2026-11-18 23:00", "telemetry_missing", state={"observed_at": None, "plugged_in": None, "is_home": None, "state_of_charge_permille": None, "battery_temp_max_decic": None}),
    Row("one faulty sample, no lease", "2026-11-18 23:00", "telemetry_contradictory", state={"faulty_samples": 1} | FAULT),
    Row("one faulty sample, inside a lease", "2026-11-18 23:00", state={"faulty_samples": 1} | FAULT, work=RUNNING),
    Row("two faulty samples, inside a lease", "2026-11-18 23:00", "telemetry_contradictory", state={"faulty_samples": 2} | FAULT, work=RUNNING),
]

READY = [
    # 1 h gives 3.68 kW x 0.88 / 75 kWh = 4.3 %; 80 % by 07:00 less an hour of margin.
    Row("ready by seven: 70 % suffices until half past three", "2026-11-19 03:29:30", until="2026-11-19 03:30", rules=SEVEN, state=AT_70),
    Row("ready by seven: from then on it charges", "2026-11-19 03:30", "ready_by", "2026-11-19 22:00", rules=SEVEN, state=AT_70),
    Row("ready by seven: with hours all day it opens at seven", "2026-11-19 03:30", "ready_by", "2026-11-19 07:00", rules=SEVEN | {"windows": ALWAYS}, state=AT_70),
    Row("ready by seven: 80 % suffices to the end", "2026-11-19 06:00", rules=SEVEN, state={"state_of_charge_permille": 800}),
    Row("ready by seven: a night of nine hours less one", "2026-03-29 03:29:30", until="2026-03-29 03:30", rules=SEVEN, state=AT_70),
    Row("ready by seven: in the short night too", "2026-03-29 03:30", "ready_by", "2026-03-29 22:00", rules=SEVEN, state=AT_70),
    Row("ready by seven: a night of nine hours and one more", "2026-10-25 02:30+01:00", rules=SEVEN, state=AT_70),
    Row("ready on Mondays only: Sunday morning is free", "2026-11-22 06:00", rules={"ready_by": (ReadyBy((MON,), 7 * 60, 80),)}, state=AT_70),
    Row("ready on Mondays only: the week wraps", "2026-11-23 04:00", "ready_by", "2026-11-23 22:00", rules={"ready_by": (ReadyBy((MON,), 7 * 60, 80),)}, state=AT_70),
    Row("ready at midnight: the evening before is kept", "2026-11-18 23:00", "ready_by", "2026-11-19 00:00", rules={"ready_by": (ReadyBy((THU,), 0, 80),)}, state=AT_70),
]

BUDGETS = [
    Row("a watt-hour under the day's cap", "2026-11-18 23:00", use=Use(day_energy_wh=5_999)),
    Row("day spent: midnight comes inside the night", "2026-11-18 23:00", "day_energy_spent", "2026-11-19 00:00", use=DAY_SPENT),
    Row("day spent: midnight comes before the hours", "2026-11-18 19:00", "day_energy_spent", "2026-11-19 18:00", rules={"windows": (hours("18:00", "20:00"),)}, use=DAY_SPENT),
    Row("day spent on the day of 23 hours", "2026-03-29 00:30", "day_energy_spent", "2026-03-30 00:00", use=DAY_SPENT),
    Row("day spent on the day of 25 hours, first pass", "2026-10-25 02:30+02:00", "day_energy_spent", "2026-10-26 00:00", use=DAY_SPENT),
    Row("day spent on Lord Howe's day of 23.5 hours", "2026-10-04 01:00", "day_energy_spent", "2026-10-05 00:00", zone=HOWE, use=DAY_SPENT),
    Row("month spent on its last evening", "2026-11-30 23:30", "month_energy_spent", "2026-12-01 00:00", use=MONTH_SPENT),
    Row("month spent in February", "2027-02-28 23:30", "month_energy_spent", "2027-03-01 00:00", use=MONTH_SPENT),
    Row("month spent in March, clocks change on the way", "2026-03-28 23:30", "month_energy_spent", "2026-04-01 00:00", use=MONTH_SPENT),
    Row("compute of the day spent", "2026-11-18 23:00", "day_compute_spent", "2026-11-19 00:00", use=Use(day_compute_s=36_000)),
    Row("the last 0.1 kWh fits one job", "2026-11-18 23:00", use=Use(day_energy_wh=5_900), work=replace(JOB, needs_energy_wh=100)),
    Row("the last 0.1 kWh is reserved by another", "2026-11-18 23:00", "day_energy_spent", "2026-11-19 00:00", use=Use(day_energy_wh=5_900, reserved_energy_wh=100), work=replace(JOB, needs_energy_wh=100)),
    Row("a job larger than any day", "2026-11-18 23:00", "day_energy_spent", None, work=replace(JOB, needs_energy_wh=6_001)),
    Row("wear in cycles: a watt-hour under one of 75 kWh", "2026-11-18 23:00", rules={"wear_cycles_milli_per_month_max": 1_000}, use=Use(month_wear_wh=74_999)),
    Row("wear in cycles: one of 75 kWh", "2026-11-18 23:00", "month_wear_spent", "2026-12-01 00:00", rules={"wear_cycles_milli_per_month_max": 1_000}, use=Use(month_wear_wh=75_000)),
    Row("wear in kilometres: 100 of 180 Wh", "2026-11-18 23:00", "month_wear_spent", "2026-12-01 00:00", rules={"wear_distance_km_per_month_max": 100}, use=Use(month_wear_wh=18_000)),
    Row("wear in money: battery and computer", "2026-11-18 23:00", "month_wear_spent", "2026-12-01 00:00", rules=NO_CAPS | {"wear_micros_per_month_max": 1_000_000}, use=Use(month_compute_s=50 * 3600)),
    Row("wear in money: a cent under it", "2026-11-18 23:00", rules=NO_CAPS | {"wear_micros_per_month_max": 1_010_000}, use=Use(month_compute_s=50 * 3600)),
    Row("mobile data at the cap", "2026-11-18 23:00", "month_data_spent", "2026-12-01 00:00", rules={"mobile_data_mb_per_month_max": 500}, use=Use(month_data_bytes=500_000_000)),
    Row("mobile data a byte under it", "2026-11-18 23:00", rules={"mobile_data_mb_per_month_max": 500}, use=Use(month_data_bytes=499_999_999)),
]

WORKLOADS = [
    Row("quiet hours begin: the permit ends", "2026-11-18 22:59:30", until="2026-11-18 23:00", rules=QUIET),
    Row("quiet hours end: the permit ends", "2026-11-19 05:59:30", until="2026-11-19 06:00", rules=QUIET),
    Row("400 W in a quiet quarter-hour", "2026-11-18 23:00", rules=QUIET, work=metered(100)),
    Row("404 W in a quiet quarter-hour", "2026-11-18 23:00", "quiet_exceeded", rules=QUIET, work=metered(101)),
    Row("404 W a quarter-hour before", "2026-11-18 22:45", rules=QUIET, work=metered(101)),
    Row("more than both limits is the general one", "2026-11-18 23:00", "power_exceeded", rules=QUIET, work=metered(226)),
    Row("only buyer 7: buyer 7", "2026-11-18 23:00", rules=ONLY_7, work=replace(JOB, buyer_id=7)),
    Row("only buyer 7: buyer 8", "2026-11-18 23:00", "buyer_refused", rules=ONLY_7, work=replace(JOB, buyer_id=8)),
    Row("all but buyer 7: buyer 7", "2026-11-18 23:00", "buyer_refused", rules=NOT_7, work=replace(JOB, buyer_id=7)),
    Row("all but buyer 7: nobody knows whose", "2026-11-18 23:00", "buyer_unknown", rules=NOT_7),
    Row("reward on the limit", "2026-11-18 23:00", rules=DEAR, work=replace(JOB, reward_micros_per_h=200_000)),
    Row("reward a micro under it", "2026-11-18 23:00", "reward_too_low", rules=DEAR, work=replace(JOB, reward_micros_per_h=199_999)),
    Row("reward unknown", "2026-11-18 23:00", "reward_unknown", rules=DEAR),
    Row("every reason, in the order of the gates", "2026-11-18 12:00", "not_plugged_in outside_hours day_energy_spent workload_refused", "2026-11-19 00:00", state={"plugged_in": False}, use=DAY_SPENT, work=Workload(WorkloadCategory.TRAINING)),
]

ENDS = [
    Row("grace: its last second", "2026-11-19 07:14:59", until="2026-11-19 07:15", rules=QUARTER_GRACE, work=RUNNING, since="2026-11-19 07:00"),
    Row("grace: its end", "2026-11-19 07:15", "outside_hours", "2026-11-19 22:00", rules=QUARTER_GRACE, work=RUNNING, since="2026-11-19 07:00"),
    Row("grace: none for a job that has not begun", "2026-11-19 07:00", "outside_hours", "2026-11-19 22:00", rules=QUARTER_GRACE),
    Row("grace: none against the floor", "2026-11-19 07:05", "outside_hours battery_low", "2026-11-19 22:00", rules=QUARTER_GRACE, state={"state_of_charge_permille": 300}, work=RUNNING, since="2026-11-19 07:00"),
    Row("finish first: the pause lets a job finish", "2026-11-18 23:00", state={"pause": ("2026-11-18 22:00", None, True)}, work=RUNNING, since="2026-11-18 22:00"),
    Row("finish first: not for more than four hours", "2026-11-19 02:00", "paused", None, state={"pause": ("2026-11-18 22:00", None, True)}, work=RUNNING, since="2026-11-18 22:00"),
    Row("consent: its last second", "2027-12-17 23:59:59", until="2027-12-18 00:00", agreed="2026-11-18 12:00"),
    Row("consent: over after thirteen months", "2027-12-18 00:00", "consent_expired", None, agreed="2026-11-18 12:00", state={"is_moving": True}),
    Row("consent: thirteen months from 31 January", "2027-02-28 00:00", "consent_expired", None, agreed="2026-01-31 12:00"),
    Row("consent: nothing opens once it is over", "2027-12-17 12:00", "outside_hours", "2027-12-17 22:00", agreed="2026-11-18 12:00"),
    Row("consent: nor when the next night is after it", "2027-12-17 23:00", "day_energy_spent", None, agreed="2026-11-18 12:00", use=DAY_SPENT),
]
# fmt: on
ROWS = [*HOURS, *CLOCKS, *DATES, *BREAKS, *CAR, *READY, *BUDGETS, *WORKLOADS, *ENDS]


def read_moment(text: str, zone: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def read_pause(span: tuple[Any, ...], zone: str) -> Pause:
    starts, ends, *lets_finish = span
    return Pause(
        read_moment(starts, zone),
        None if ends is None else read_moment(ends, zone),
        lets_jobs_finish=bool(lets_finish and lets_finish[0]),
    )


def read_state(row: Row, now: datetime) -> State:
    changes: dict[str, Any] = {"observed_at": now} | row.state
    for name, value in changes.items():
        if name in {"pause", "skip"}:
            changes[name] = read_pause(value, row.zone)
        elif isinstance(value, str) and name.endswith("_at"):
            changes[name] = read_moment(value, row.zone)
    return replace(GOOD_STATE, **changes)


def utc(text: str | None, zone: str) -> datetime | None:
    return None if text is None else read_moment(text, zone).astimezone(ZoneInfo("UTC"))


def test_there_are_enough_rows_and_no_two_are_named_alike() -> None:
    assert len(ROWS) >= 60
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_rules_mean_what_the_table_says(row: Row) -> None:
    now = read_moment(row.at, row.zone).astimezone(ZoneInfo("UTC"))
    agreed_at = now - timedelta(days=3) if row.agreed is None else read_moment(row.agreed, row.zone)
    rules = agree(replace(DRAFT, time_zone=row.zone, **row.rules), agreed_at=agreed_at)
    work = replace(row.work, refused_since=utc(row.since, row.zone))

    decision = decide(rules=rules, state=read_state(row, now), use=row.use, workload=work, now=now)

    assert " ".join(decision.codes) == row.codes
    assert decision.permit is (row.codes == "")
    assert decision.next_open_at == utc(row.opens, row.zone)
    if row.until is not None:
        assert decision.valid_until == utc(row.until, row.zone)
