"""
Why Olivia's car worked or did not: the verdict, and what was told and ran.
"""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from billing.models import RatedLine
from consent import operations as consent
from consent.models import DecisionRecord
from consent.queries import decide_now
from consent.rules import Decision, Gate, Grace, ReasonCode, decide
from tests.billing.meters import ALWAYS, EVENING, NOON, create_world, settle_all
from tests.consent.asking import ask_one, hear, run
from tests.factories import create_consent, create_owner, create_vehicle
from tests.portal.asking_why import (
    FLOOR,
    HOUR,
    MINUTE,
    SECOND,
    UNTIL_EIGHT,
    address,
    find_check,
    get,
    open_why,
    read,
    view_of,
)
from web.public_ids import encode


pytestmark = pytest.mark.django_db


# What the car says one after the other, for tests of agreement.
SAID: tuple[dict[str, Any], ...] = (
    {},
    {"state_of_charge_permille": 399},
    {"state_of_charge_permille": 420},  # still recovering
    {"state_of_charge_permille": 700, "battery_temp_decic": 301},
    {"plugged_in": False, "battery_temp_decic": None},
    {"is_moving": True, "plugged_in": None},
    {"is_moving": True, "plugged_in": True},  # cannot be true
    {"state_of_charge_permille": None},
    {},
)


class TestVerdict:
    def test_of_a_moment_at_which_every_rule_was_met(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, EVENING)

        page = open_why(client, world, EVENING + MINUTE)

        assert "Permitted at 19:01:00 on Fri 20 Nov" in read(page)
        assert find_check(page, "Battery floor") == {
            "state": "ok",
            "found": "62 %",
            "limit": "at least 40 %",
            "note": "",
        }
        assert find_check(page, "Heard from the car")["found"] == "60 seconds ago"
        assert "The readings are those of 19:00:00, 1 min before, as the car said." in read(page)
        assert len(view_of(page).checks) == len(Gate)

    def test_says_what_was_found_and_what_the_limit_was(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, EVENING, state_of_charge_permille=380)

        text = read(open_why(client, world, EVENING + 5 * SECOND))

        assert "Refused at 19:00:05 on Fri 20 Nov: battery 38 %, floor 40 %" in text

    def test_names_every_reason(self, client: Client) -> None:
        world = create_world(**FLOOR, windows=UNTIL_EIGHT)
        hear(world.vehicle, EVENING + 2 * HOUR, state_of_charge_permille=380)

        page = open_why(client, world, EVENING + 2 * HOUR + MINUTE)

        text = read(page)
        assert "Refused at 21:01:00 on Fri 20 Nov: outside your hours" in text
        assert "It also said no: battery 38 %, floor 40 %." in text
        # The hours open again on Saturday at noon; the battery has no clock.
        assert "The next opening, as of that moment: Sat 21 Nov, 12:00." in text
        assert find_check(page, "Inside your hours")["limit"] == "from Sat 21 Nov, 12:00"

    def test_of_a_pause(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        consent.pause(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            until=EVENING + HOUR + MINUTE,
            kind="hour",
            now=EVENING + MINUTE,
        )
        before = open_why(client, world, EVENING + 30 * SECOND)
        paused = open_why(client, world, EVENING + 2 * MINUTE)

        assert "Permitted" in read(before)
        assert "Refused at 19:02:00 on Fri 20 Nov: you had paused the car" in read(paused)
        assert find_check(paused, "Not paused")["found"] == "paused since 19:01"
        assert find_check(paused, "Not paused")["limit"] == "until 20:01"

    def test_of_a_pause_names_the_end_that_it_had_then(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        mine: dict[str, Any] = {"vehicle_id": world.vehicle.pk, "owner_id": world.olivia.pk}
        consent.pause(**mine, until=EVENING + 2 * HOUR, kind="tonight", now=EVENING)
        consent.resume(**mine, now=EVENING + 3 * MINUTE)

        paused = open_why(client, world, EVENING + 2 * MINUTE)
        resumed = open_why(client, world, EVENING + 3 * MINUTE)

        assert "The next opening, as of that moment: Fri 20 Nov, 21:00." in read(paused)
        assert "Permitted" in read(resumed)

    def test_is_made_by_the_version_in_force_then(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, EVENING, state_of_charge_permille=450)
        create_consent(
            world.vehicle, now=EVENING + HOUR, battery_stop_pct=60, battery_resume_pct=65
        )

        page = open_why(client, world, EVENING + MINUTE)

        assert "Permitted" in read(page)
        assert f"/cars/{encode('veh', world.vehicle.pk)}/history/#v1" in page.text
        assert find_check(page, "Your consent")["found"] == "version 1"

    def test_without_any_consent_says_so(self, client: Client) -> None:
        olivia = create_owner("Olivia")
        car = create_vehicle(olivia)

        page = get(client, olivia, address(car, EVENING))

        assert "Refused at 19:00:00 on Fri 20 Nov: you had agreed to nothing" in read(page)
        assert "Without your consent nothing else is checked." in read(page)

    def test_after_withdrawing_says_so(self, client: Client) -> None:
        world = create_world()
        consent.withdraw(vehicle_id=world.vehicle.pk, owner_id=world.olivia.pk, now=EVENING)

        assert "you had withdrawn your consent" in read(open_why(client, world, EVENING + MINUTE))

    def test_of_the_present_is_that_of_the_sign_on_her_home(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, NOON, state_of_charge_permille=380)

        page = open_why(client, world, None)
        home = get(client, world.olivia, "/")

        card = home.context["car"].vehicle
        assert view_of(page).judged.decision == card.decision
        assert "Refused at 13:00:00 on Sun 22 Nov: battery 38 %" in read(page)


class TestComparison:
    def test_of_a_no_after_which_nothing_ran(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, EVENING, state_of_charge_permille=380)
        ask_one(run(world.vehicle), now=EVENING)

        text = read(open_why(client, world, EVENING + SECOND))

        assert "The scheduler was told no and did not run: battery under your floor." in text
        assert "19:00:00 no job j-1, AI inference" in text

    def test_of_a_yes_after_which_a_job_ran(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        ask_one(run(world.vehicle, booking_id=world.booking.id), now=EVENING)
        world.report(world.event(job_id="j-1"))
        settle_all()

        page = open_why(client, world, EVENING + SECOND)

        assert "told yes at 19:00:00, and a job ran within your rules." in read(page)
        assert 'data-state="earning"' in page.text
        [stretch] = view_of(page).stretches
        assert client.get(stretch.url).status_code == 200

    def test_of_a_job_that_ran_although_it_was_refused(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, EVENING, state_of_charge_permille=380)
        ask_one(run(world.vehicle, "j-1"), now=EVENING)
        world.report(world.event(job_id="j-1", state_of_charge_min_pct=38.0))
        settle_all()

        page = open_why(client, world, EVENING + MINUTE)

        text = read(page)
        assert "A job ran against your rules: battery under your floor. This is a breach." in text
        assert "had been told no at 19:00:00: battery under your floor." in text
        assert 'href="/breaches/"' in page.text
        assert "Refused at 19:01:00 on Fri 20 Nov: battery 38 %, floor 40 %" in text
        mask = sum(code.bit for code in view_of(page).judged.decision.codes)
        assert mask == RatedLine.objects.get().refusals

    def test_of_a_job_that_ran_while_the_battery_filled_up(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, EVENING - MINUTE, state_of_charge_permille=380)
        hear(world.vehicle, EVENING, state_of_charge_permille=450)
        world.report(world.event(state_of_charge_min_pct=45.0))
        settle_all()

        page = open_why(client, world, EVENING + MINUTE)

        assert "battery 45 %, filling up to 50 %" in read(page)
        assert "Metered work is not checked for that, so it is no breach." in read(page)
        assert RatedLine.objects.get().refusals == 0
        assert 'data-state="earning"' not in page.text

    def test_of_an_interval_that_began_within_the_rules(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        consent.pause(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            until=None,
            kind="until_resumed",
            now=EVENING + 5 * MINUTE,
        )
        world.report(world.event())
        settle_all()

        before = read(open_why(client, world, EVENING + MINUTE))
        breaches = get(client, world.olivia, "/breaches/")

        assert "Permitted at 19:01:00" in before
        assert "This is a breach. The meter's interval is checked as a whole, from 19:00" in before
        assert "/why/?at=2026-11-20T18:05:00Z" in breaches.text

    def test_of_a_permit_that_still_ran(self, client: Client) -> None:
        world = create_world()
        hear(world.vehicle, EVENING)
        ask_one(run(world.vehicle, "j-81"), now=EVENING)

        soon = read(open_why(client, world, EVENING + 30 * SECOND, now=EVENING + MINUTE))
        late = read(open_why(client, world, EVENING + 70 * SECOND, now=EVENING + 2 * MINUTE))

        assert "Held a permit job j-81, from 19:00 to 19:01" in soon
        assert "Held a permit" not in late

    def test_says_how_an_answer_differs_from_the_checks(self, client: Client) -> None:
        world = create_world(**FLOOR)
        hear(world.vehicle, EVENING)
        DecisionRecord.objects.create(
            vehicle=world.vehicle,
            asked_at=EVENING,
            decided_for=EVENING,
            job_id="j-1",
            category_bit=1,
            number=1,
            permit=False,
            reasons_mask=ReasonCode.NOT_HOME.bit,
        )

        text = read(open_why(client, world, EVENING + SECOND))

        assert "That answer differs from the checks: it was also told: not at home." in text

    def test_of_a_moment_about_which_nobody_asked(self, client: Client) -> None:
        world = create_world()

        text = read(open_why(client, world, EVENING))

        assert "The scheduler asked nothing, and nothing ran." in text
        assert "No question is on record within an hour of this moment." in text

    def test_of_a_job_that_was_let_go_on(self, client: Client) -> None:
        world = create_world(windows=UNTIL_EIGHT, grace=(Grace(Gate.HOURS, 10),))
        closing = EVENING + HOUR
        for at in (closing - 40 * SECOND, closing, closing + 40 * SECOND):
            hear(world.vehicle, at)
            ask_one(run(world.vehicle, "j-81", booking_id=world.booking.id), now=at)

        page = open_why(client, world, closing + 50 * SECOND)

        assert "Permitted at 20:00:50" in read(page)
        assert "A running job was let go on in spite of: outside your hours." in read(page)
        assert "Let go on in spite of: outside your hours" in read(page)


def test_the_checks_agree_with_the_sign_of_then(client: Client) -> None:
    world = create_world(**FLOOR, windows=UNTIL_EIGHT, temp_high_c=30, temp_hold_min=5)
    car = world.vehicle
    mine: dict[str, Any] = {"vehicle_id": car.pk, "owner_id": world.olivia.pk}
    shown: dict[datetime, Decision] = {}
    for step, facts in enumerate(SAID):
        at = EVENING + step * 11 * MINUTE + 7 * SECOND
        hear(car, at, **facts)
        if step == 2:
            consent.pause(**mine, until=at + 20 * MINUTE, kind="hour", now=at + SECOND)
        if step == 4:
            create_consent(car, now=at + SECOND, **FLOOR, home_only=True, windows=ALWAYS)
        for wait in (MINUTE, 4 * MINUTE, 9 * MINUTE):
            shown[at + wait] = decide_now(**mine, now=at + wait)

    open_count = 0
    for at, decision in shown.items():
        judged = view_of(open_why(client, world, at)).judged
        assert judged.decision == decision, at
        open_count += Gate.TELEMETRY in judged.unknown
    # Only a car whose repeats are not kept is left open, and never one that was heard just now.
    assert 0 < open_count <= len(SAID)


def test_the_checks_agree_with_every_answer_given_live(client: Client) -> None:
    world = create_world(**FLOOR, windows=UNTIL_EIGHT, temp_high_c=30, energy_wh_per_day_max=900)
    car = world.vehicle
    told: dict[datetime, frozenset[ReasonCode]] = {}
    for step, facts in enumerate(SAID):
        at = EVENING + step * 11 * MINUTE
        hear(car, at, **facts)
        asked_at = at + SECOND
        told[asked_at] = frozenset(ask_one(run(car, f"j-{step}"), now=asked_at).codes)
    told[EVENING + 3 * HOUR] = frozenset(ask_one(run(car), now=EVENING + 3 * HOUR).codes)

    for at, codes in told.items():
        view = view_of(open_why(client, world, at))
        judged = view.judged
        assert frozenset(judged.decision.codes) == codes, at
        assert view.difference == ""
        assert judged.decision == decide(
            rules=judged.moment.standing.rules,
            state=judged.heard.state,
            use=judged.use,
            workload=judged.workload,
            now=at,
        )
    assert len(set(told.values())) > 6
