"""
A reason is more than a code: it has words, a place to go, and a test, or this fails.

Each is also produced here once, so that no code stands in the list that nothing can ever say.
"""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

from consent.api.answers import DETAILS, show_decision
from consent.queries.phrases import REASON_PHRASES
from consent.queries.words import GATE_LABELS, REASON_FIELDS, REASON_TITLES
from consent.rules import (
    BuyersMode,
    Decision,
    Gate,
    Pause,
    ReasonCode,
    Use,
    Workload,
    WorkloadCategory,
    decide,
    reasons_from_mask,
)
from consent.rules.parts import FIXED_PARTS, PARTS
from consent.rules.week import FULL_WEEK, NO_HOURS, QUARTERS_PER_WEEK
from portal.sign_text import SENTENCES
from tests.consent.terms import GOOD_STATE, INFERENCE, NIGHT, NIGHT_RULES
from web.public_ids import encode


TESTS = Path(__file__).resolve().parent.parent
SCHEDULERS_PAGE = TESTS.parent / "docs" / "scheduler.md"
MINUTE = timedelta(minutes=1)
TABLES: dict[str, dict[ReasonCode, Any]] = {
    "title": REASON_TITLES,
    "phrase": REASON_PHRASES,
    "detail of the API": DETAILS,
    "field to jump to": REASON_FIELDS,
    "sentence of the sign": SENTENCES,
}
SPENT = Use(10**9, 10**9, 10**9, 10**9, 10**9, 10**12)
CHOOSY = {"buyers_mode": BuyersMode.EXCEPT, "buyer_ids": frozenset({7})}
DEAR = {"reward_micros_per_h_min": 200_000}


def fault(code: ReasonCode) -> dict[str, Any]:
    return {"state": {"faulty_samples": 2, "fault": code}}


# What brings each refusal about, and at which gate: changes of a car that may work.
CAUSES: dict[ReasonCode, tuple[Gate, dict[str, Any]]] = {
    ReasonCode.CONSENT_WITHDRAWN: (Gate.CONSENT, {"rules": {"is_withdrawn": True}}),
    ReasonCode.CONSENT_EXPIRED: (Gate.CONSENT, {"rules": {"expires_at": NIGHT}}),
    ReasonCode.PAUSED: (Gate.PAUSE, {"state": {"pause": Pause(NIGHT, None)}}),
    ReasonCode.TELEMETRY_MISSING: (Gate.TELEMETRY, {"state": {"observed_at": None}}),
    ReasonCode.TELEMETRY_STALE: (Gate.TELEMETRY, {"state": {"observed_at": NIGHT - 5 * MINUTE}}),
    ReasonCode.CONNECTION_LOST: (Gate.TELEMETRY, {"state": {"heard_at": NIGHT - 5 * MINUTE}}),
    ReasonCode.TELEMETRY_CONTRADICTORY: (
        Gate.TELEMETRY,
        fault(ReasonCode.TELEMETRY_CONTRADICTORY),
    ),
    ReasonCode.TELEMETRY_OUT_OF_RANGE: (Gate.TELEMETRY, fault(ReasonCode.TELEMETRY_OUT_OF_RANGE)),
    ReasonCode.TELEMETRY_IN_FUTURE: (Gate.TELEMETRY, fault(ReasonCode.TELEMETRY_IN_FUTURE)),
    ReasonCode.DRIVING: (Gate.DRIVING, {"state": {"is_moving": True}}),
    ReasonCode.NOT_PLUGGED_IN: (Gate.PLUG, {"state": {"plugged_in": False}}),
    ReasonCode.PLUG_UNKNOWN: (Gate.PLUG, {"state": {"plugged_in": None}}),
    ReasonCode.NOT_HOME: (Gate.HOME, {"state": {"is_home": False}}),
    ReasonCode.HOME_UNKNOWN: (Gate.HOME, {"state": {"is_home": None}}),
    ReasonCode.OUTSIDE_HOURS: (Gate.HOURS, {"rules": {"week_mask": NO_HOURS}}),
    ReasonCode.CLOSED_DATE: (Gate.HOURS, {"rules": {"closed": ((NIGHT, NIGHT + MINUTE),)}}),
    ReasonCode.BATTERY_LOW: (Gate.BATTERY, {"state": {"state_of_charge_permille": 100}}),
    ReasonCode.BATTERY_UNKNOWN: (Gate.BATTERY, {"state": {"state_of_charge_permille": None}}),
    ReasonCode.BATTERY_RECOVERING: (
        Gate.BATTERY,
        {"state": {"state_of_charge_permille": 450, "is_recovering": True}},
    ),
    ReasonCode.READY_BY: (
        Gate.READY,
        {"rules": {"ready_floors_permille": (900,) * QUARTERS_PER_WEEK}},
    ),
    ReasonCode.TOO_HOT: (Gate.HEAT, {"state": {"battery_temp_max_decic": 400}}),
    ReasonCode.COOLING_DOWN: (
        Gate.HEAT,
        {"rules": {"temp_high_resume_c": 10}, "state": {"is_cooling": True}},
    ),
    ReasonCode.TEMPERATURE_UNKNOWN: (Gate.HEAT, {"state": {"battery_temp_max_decic": None}}),
    ReasonCode.TOO_COLD: (Gate.COLD, {"state": {"battery_temp_min_decic": -50}}),
    ReasonCode.WARMING_UP: (
        Gate.COLD,
        {"rules": {"temp_low_resume_c": 20}, "state": {"is_warming": True}},
    ),
    ReasonCode.DAY_ENERGY_SPENT: (Gate.DAY_ENERGY, {"use": SPENT}),
    ReasonCode.MONTH_ENERGY_SPENT: (Gate.MONTH_ENERGY, {"use": SPENT}),
    ReasonCode.DAY_COMPUTE_SPENT: (Gate.DAY_COMPUTE, {"use": SPENT}),
    ReasonCode.MONTH_COMPUTE_SPENT: (Gate.MONTH_COMPUTE, {"use": SPENT}),
    ReasonCode.MONTH_WEAR_SPENT: (
        Gate.WEAR,
        {"rules": {"wear_wh_per_month_max": 1}, "use": SPENT},
    ),
    ReasonCode.MONTH_DATA_SPENT: (
        Gate.DATA,
        {"rules": {"mobile_data_bytes_per_month_max": 1}, "use": SPENT},
    ),
    ReasonCode.POWER_EXCEEDED: (
        Gate.POWER,
        {"workload": Workload(WorkloadCategory.INFERENCE, 10**6, 900)},
    ),
    ReasonCode.QUIET_EXCEEDED: (
        Gate.POWER,
        {
            "rules": {"quiet_mask": FULL_WEEK, "quiet_power_limit_w": 100},
            "workload": Workload(WorkloadCategory.INFERENCE, 200, 900),
        },
    ),
    ReasonCode.WORKLOAD_UNLABELLED: (Gate.WORKLOAD, {"workload": Workload(None)}),
    ReasonCode.WORKLOAD_REFUSED: (
        Gate.WORKLOAD,
        {"workload": Workload(WorkloadCategory.TRAINING)},
    ),
    ReasonCode.BUYER_REFUSED: (
        Gate.BUYER,
        {"rules": CHOOSY, "workload": replace(INFERENCE, buyer_id=7)},
    ),
    ReasonCode.BUYER_UNKNOWN: (Gate.BUYER, {"rules": CHOOSY}),
    ReasonCode.REWARD_TOO_LOW: (
        Gate.REWARD,
        {"rules": DEAR, "workload": replace(INFERENCE, reward_micros_per_h=1)},
    ),
    ReasonCode.REWARD_UNKNOWN: (Gate.REWARD, {"rules": DEAR}),
}


def refuse(code: ReasonCode) -> tuple[Gate, Decision]:
    """
    Return the gate that should say no, and what is said.
    """
    gate, changes = Gate.CONSENT, dict[str, Any]()
    if code is not ReasonCode.NO_CONSENT:
        assert code in CAUSES, "say here what brings it about"
        gate, changes = CAUSES[code]
    is_agreed = code is not ReasonCode.NO_CONSENT
    return gate, decide(
        rules=replace(NIGHT_RULES, **changes.get("rules", {})) if is_agreed else None,
        state=replace(GOOD_STATE, **changes.get("state", {})),
        use=changes.get("use", Use()),
        workload=changes.get("workload", INFERENCE),
        now=NIGHT,
    )


@pytest.mark.parametrize("thing", TABLES)
def test_every_reason_has_it(thing: str) -> None:
    lacking = [code.name for code in ReasonCode if not str(TABLES[thing].get(code, ""))]

    assert lacking == [], f"these reasons have no {thing}"


@pytest.mark.parametrize("code", list(ReasonCode), ids=str)
def test_every_reason_is_given_by_a_gate(code: ReasonCode) -> None:
    gate, decision = refuse(code)

    assert not decision.permit
    assert gate in {finding.gate for finding in decision.reasons if finding.code is code}


@pytest.mark.parametrize("code", list(ReasonCode), ids=str)
def test_every_reason_leaves_the_api_by_its_value(code: ReasonCode) -> None:
    gate, decision = refuse(code)

    [shown] = [
        each for each in show_decision(decision)["context"]["reasons"] if each["code"] == code.value
    ]

    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", shown["code"])
    assert (shown["rule"], shown["detail"]) == (gate.value, DETAILS[code])
    assert f"`{code.value}`" in SCHEDULERS_PAGE.read_text(encoding="utf-8"), "tell schedulers"


def test_every_gate_has_a_label_and_refuses_for_something() -> None:
    assert set(GATE_LABELS) == set(Gate)
    assert {gate for gate, _changes in CAUSES.values()} == set(Gate)


def test_every_reason_leads_to_a_row_of_the_editor() -> None:
    rows = {*PARTS, *FIXED_PARTS}

    assert {code.name: field for code, field in REASON_FIELDS.items() if field not in rows} == {}


@pytest.mark.parametrize("language", ["en", "pt"])
@pytest.mark.parametrize("table", ["title", "phrase", "sentence of the sign"])
def test_every_reason_is_in_the_language_files(language: str, table: str) -> None:
    path = Path(settings.LOCALE_PATHS[0], language, "LC_MESSAGES", "django.po")
    with path.open("rb") as file:
        known = {each.id: each for each in read_po(file, locale=language) if each.id}
    lacking = []
    for code, text in TABLES[table].items():
        # A lazy text keeps what it was written as: its first argument.
        message = known.get(text._args[0])
        if message is None or (language != "en" and not message.string):
            lacking.append(code.name)

    assert lacking == []


def test_every_reason_is_tested_by_name() -> None:
    texts = "\n".join(
        path.read_text(encoding="utf-8")
        for path in TESTS.rglob("test_*.py")
        if path != Path(__file__).resolve()
    )

    assert [code.name for code in ReasonCode if f"ReasonCode.{code.name}" not in texts] == []


def test_a_mask_of_all_reasons_names_them_all() -> None:
    assert reasons_from_mask(sum(code.bit for code in ReasonCode)) == tuple(ReasonCode)


def test_a_refused_buyer_leaves_under_its_public_id() -> None:
    _gate, decision = refuse(ReasonCode.BUYER_REFUSED)

    [reason] = show_decision(decision)["context"]["reasons"]

    assert reason["value"] == encode("org", 7)
