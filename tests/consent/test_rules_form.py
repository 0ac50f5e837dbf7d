"""
Every rule of a draft survives the form: what is shown is what is sent, and read again the same.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from consent import queries
from consent.forms import RulesForm, write_form
from consent.models import Vehicle
from consent.queries import Editing
from consent.rules import (
    BuyersMode,
    DateException,
    Gate,
    Grace,
    ReadyBy,
    RulesDraft,
    Window,
    WorkloadCategory,
)
from tests.consent.terms import EVERY_DAY
from tests.factories import NIGHTLY_RULES, create_organization, create_pool


TODAY = timezone.now().date()
HOLIDAY = DateException(TODAY + timedelta(days=20), is_open=False)
OPENING = DateException(
    TODAY + timedelta(days=9), is_open=True, starts_minute=9 * 60, ends_minute=24 * 60
)
FULL = replace(
    NIGHTLY_RULES,
    exceptions=(OPENING, HOLIDAY, replace(HOLIDAY, on_date=HOLIDAY.on_date + timedelta(days=1))),
    holiday_country="NO",
    ready_by=(ReadyBy((0, 1, 2, 3, 4), 450, 80), ReadyBy((6,), 600, 60)),
    temp_high_resume_c=32,
    temp_low_resume_c=4,
    temp_hold_min=15,
    wear_cycles_milli_per_month_max=1_250,
    wear_distance_km_per_month_max=410,
    wear_micros_per_month_max=7_500_000,
    reward_micros_per_h_min=60_000,
    mobile_data_mb_per_month_max=2_500,
    quiet_windows=(Window(EVERY_DAY, 22 * 60, 24 * 60), Window((5, 6), 0, 7 * 60)),
    quiet_power_limit_w=350,
    grace=(
        Grace(Gate.HOURS, 20),
        Grace(Gate.DAY_ENERGY, None),
        Grace(Gate.MONTH_ENERGY, None),
    ),
)


@pytest.fixture
def editing(car: Vehicle, olivia: User) -> Editing:
    create_pool()
    return queries.get_editing(vehicle_id=car.pk, owner_id=olivia.pk, now=timezone.now())


def read(editing: Editing, draft: RulesDraft, **changes: Any) -> RulesForm:
    sent: dict[str, Any] = {}
    for name, value in write_form(draft):
        sent.setdefault(name, []).append(value)
    sent |= {"expected_number": "0"} | changes
    pairs = {name: value for name, value in sent.items() if value is not None}
    form = RulesForm(QueryDict(urlencode(pairs, doseq=True)), editing=editing)
    form.is_valid()
    return form


def test_every_rule_comes_back_as_it_was(editing: Editing) -> None:
    form = read(editing, FULL)

    assert form.errors == {}
    assert form.draft == FULL
    assert form.effective == FULL


def test_buyers_are_chosen_by_name(car: Vehicle, olivia: User) -> None:
    batch = create_organization()
    editing = queries.get_editing(vehicle_id=car.pk, owner_id=olivia.pk, now=timezone.now())
    draft = replace(FULL, buyers_mode=BuyersMode.EXCEPT, buyer_ids=(batch.pk,))

    form = read(editing, draft)

    assert form.draft == draft
    assert [str(choice.choice_label) for choice in form["buyer_ids"]] == ["Ben's Batch"]
    assert "buyer_ids" in read(editing, draft, buyer_ids=["99999"]).errors


def test_a_switched_off_rule_keeps_its_values(editing: Editing) -> None:
    names = ("energy_wh_per_day_max", "temp_high_c", "wear_cycles_milli_per_month_max")
    off: dict[str, Any] = {f"{name}_on": None for name in names}
    off |= {"ready_by_on": None, "grace_hours": "now", "quiet_power_limit_w_on": None}

    draft = read(editing, FULL, **off).draft

    assert draft.energy_wh_per_day_max is None
    assert (draft.temp_high_c, draft.temp_high_resume_c) == (None, None)
    assert draft.ready_by == ()
    assert draft.quiet_power_limit_w is None
    assert draft.quiet_windows == FULL.quiet_windows
    # Back from where it was kept, everything is as it was typed.
    on: dict[str, Any] = {f"{name}_on": "on" for name in names}
    on |= {"ready_by_on": "on", "grace_hours": "minutes", "quiet_power_limit_w_on": "on"}
    assert read(editing, draft, **on).draft == FULL


def test_what_was_never_typed_is_not_kept(editing: Editing) -> None:
    bare = replace(
        NIGHTLY_RULES,
        temp_high_c=None,
        energy_wh_per_day_max=None,
        power_limit_w=None,
    )

    assert read(editing, bare).draft == bare


@given(
    draft=st.builds(
        replace,
        st.just(NIGHTLY_RULES),
        battery_stop_pct=st.integers(20, 60),
        battery_resume_pct=st.integers(60, 100),
        plugged_in_only=st.booleans(),
        home_only=st.booleans(),
        temp_high_c=st.none() | st.integers(30, 50),
        temp_low_c=st.none() | st.integers(-20, 15),
        temp_hold_min=st.just(0),
        mobile_data_mb_per_month_max=st.none() | st.integers(1, 100).map(lambda n: n * 100),
        reward_micros_per_h_min=st.none() | st.integers(1, 100).map(lambda n: n * 1_000),
        power_limit_w=st.none() | st.integers(1, 20).map(lambda n: n * 50),
        categories=st.sets(st.sampled_from(WorkloadCategory), min_size=1).map(
            lambda chosen: tuple(each for each in WorkloadCategory if each in chosen)
        ),
        ready_by=st.lists(
            st.builds(
                ReadyBy,
                st.sampled_from([(0, 1, 2, 3, 4), (5, 6), EVERY_DAY, (3,)]),
                st.integers(0, 95).map(lambda quarter: quarter * 15),
                st.integers(61, 100),
            ),
            max_size=3,
            unique_by=lambda rule: rule.minute,
        ).map(tuple),
        grace=st.sampled_from([(), (Grace(Gate.PLUG, 7),), (Grace(Gate.WEAR, None),)]),
    )
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_sound_draft_comes_back(editing: Editing, draft: RulesDraft) -> None:
    form = read(editing, draft)

    if not form.errors:
        assert form.draft == draft
    else:
        # The form refuses a reward below a cent, and what faults refuse; it never changes any.
        assert set(form.errors) <= {"reward_micros_per_h_min", "power_limit_w", "ready_by"}


def test_midnight_to_midnight_is_the_whole_day(editing: Editing) -> None:
    days = Window(EVERY_DAY, 0, 24 * 60)
    opening = replace(OPENING, starts_minute=0)
    draft = replace(NIGHTLY_RULES, windows=(days,), exceptions=(opening,))

    assert read(editing, draft).draft == draft


class TestLines:
    @pytest.mark.parametrize(
        ("changes", "field", "text"),
        [
            ({"exceptions_kind": ["closed"], "exceptions_first": ["soon"]}, "exceptions", "dates"),
            (
                {
                    "exceptions_kind": ["closed"],
                    "exceptions_first": [str(TODAY + timedelta(days=9))],
                    "exceptions_last": [str(TODAY + timedelta(days=8))],
                },
                "exceptions",
                "dates",
            ),
            (
                {"exceptions_kind": ["open"], "exceptions_first": [str(TODAY)]},
                "exceptions",
                "dates",
            ),
            (
                {
                    "exceptions_kind": ["closed"] * 2,
                    "exceptions_first": [str(TODAY + timedelta(days=9))] * 2,
                },
                "exceptions",
                "Line 1: This date stands in two lines",
            ),
            ({"holiday_country": "XX"}, "holiday_country", "from the list"),
            ({"ready_by_on": "on", "ready_by_time": [""]}, "ready_by", "by when"),
            ({"ready_by_on": "on", "ready_by_level": ["120"]}, "ready_by", "another look"),
            ({"ready_by_on": "on", "ready_by_time": ["07:31"]}, "ready_by", "another look"),
            ({"ready_by_on": "on", "ready_by_level": ["30"]}, "ready_by", "changes nothing"),
            ({"quiet_windows_days": ["all"], "quiet_windows_from": ["22:00"],
              "quiet_windows_to": [""]}, "quiet_windows", "another look"),
            ({"quiet_power_limit_w_on": "on"}, "quiet_windows", "when it must be quiet"),
            ({"grace_hours": "minutes", "grace_hours_minutes": "0"}, "grace", "from 1 to 240"),
            ({"grace_hours": "for ever"}, "grace", "from 1 to 240"),
            ({"buyers_mode": "only"}, "buyer_ids", "at least one buyer"),
            ({"temp_high_resume_c": "40"}, "temp_high_resume_c", "between 15 °C and the limit"),
            ({"reward_micros_per_h_min_on": "on", "reward_micros_per_h_min": "4"},
             "reward_micros_per_h_min", "No work pays"),
        ],
    )  # fmt: skip
    def test_says_what_is_wrong(
        self, editing: Editing, changes: dict[str, Any], field: str, text: str
    ) -> None:
        lists = {"exceptions_last": [""], "exceptions_from": [""], "exceptions_to": [""]}
        if "exceptions_first" in changes:
            count = len(changes["exceptions_first"])
            changes = {name: value * count for name, value in lists.items()} | changes

        form = read(editing, NIGHTLY_RULES, **changes)

        assert list(form.errors) == [field]
        assert text in str(form.errors[field])

    def test_dates_in_a_row_are_one_line(self, editing: Editing) -> None:
        days = tuple(
            DateException(date(2030, 7, 1) + timedelta(days=each), is_open=False)
            for each in range(14)
        )
        sent = dict(write_form(replace(NIGHTLY_RULES, exceptions=days)))

        assert sent["exceptions_first"] == "2030-07-01"
        assert sent["exceptions_last"] == "2030-07-14"

    def test_the_highest_reward_is_that_of_the_cars_own_pool(self, editing: Editing) -> None:
        # 0.10 a kWh at 1 kW.
        assert editing.reward_micros_per_h_highest == 100_000
        assert editing.country == "NO"
