"""
Work that a decision let go on is within the consent; the same work that nobody asked for is not.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from billing.models import RatedLine
from consent import operations as consent
from consent.models import GraceGrant
from consent.rules import BuyersMode, Decision, Gate, Grace, ReasonCode, Window
from tests.billing.meters import EVENING, EVERYTHING, QUARTER, World, create_world, settle_all
from tests.consent.asking import ask_one, hear, run
from tests.factories import create_consent


pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
# In Oslo at 20:00, an hour after the booking begins.
CLOSING = EVENING + 4 * QUARTER
UNTIL_EIGHT = (Window(EVERY_DAY, 6 * 60, 20 * 60),)
HOURS = ReasonCode.OUTSIDE_HOURS.bit


def keep_running(
    world: World, job_id: str, *, starts_at: datetime, ends_at: datetime, **said: Any
) -> Decision:
    """
    Ask for a job every 45 seconds, or when its permit ends; return the last answer.
    """
    now, decision = starts_at, None
    while now < ends_at:
        hear(world.vehicle, now, **said)
        decision = ask_one(run(world.vehicle, job_id, booking_id=world.booking.id), now=now)
        if not decision.permit:
            break
        assert decision.valid_until is not None
        now = min(decision.valid_until, now + 45 * SECOND)
    assert decision is not None
    return decision


def report(world: World, job_id: str, starts_at: datetime, ends_at: datetime, **data: Any) -> int:
    """
    Meter one interval at 1 kW and return what it was refused for.
    """
    energy_wh = int((ends_at - starts_at).total_seconds()) * 1_000 // 3_600
    event = world.event(
        job_id=job_id, starts_at=starts_at, ends_at=ends_at, energy_wh=energy_wh, **data
    )
    world.report(event)
    settle_all()
    line = RatedLine.objects.order_by("-record_id").first()
    assert line is not None
    return line.refusals


class TestAfterTheHours:
    @pytest.fixture
    def world(self) -> World:
        """
        Let jobs that run at 20:00 go on for ten minutes, and let j-81 be asked for until 20:10.
        """
        world = create_world(windows=UNTIL_EIGHT, grace=(Grace(Gate.HOURS, 10),))
        keep_running(world, "j-81", starts_at=CLOSING - 2 * MINUTE, ends_at=CLOSING + 10 * MINUTE)
        return world

    def test_granted_work_is_no_breach(self, world: World) -> None:
        assert report(world, "j-81", CLOSING, CLOSING + 10 * MINUTE) == 0

    def test_the_same_work_of_a_job_that_nobody_asked_for_is(self, world: World) -> None:
        assert report(world, "j-82", CLOSING, CLOSING + 10 * MINUTE) == HOURS

    def test_work_beyond_the_grace_is(self, world: World) -> None:
        assert report(world, "j-81", CLOSING, CLOSING + 10 * MINUTE + SECOND) == HOURS

    def test_work_after_the_grace_is(self, world: World) -> None:
        starts_at = CLOSING + 10 * MINUTE
        assert report(world, "j-81", starts_at, starts_at + MINUTE) == HOURS

    def test_only_the_reasons_of_the_grant_are_taken_away(self, world: World) -> None:
        refusals = report(
            world, "j-81", CLOSING, CLOSING + 10 * MINUTE, state_of_charge_min_pct=30.0
        )

        assert refusals == ReasonCode.BATTERY_LOW.bit

    def test_without_a_grace_rule_nothing_is_granted(self) -> None:
        world = create_world(windows=UNTIL_EIGHT)
        keep_running(world, "j-81", starts_at=CLOSING - 2 * MINUTE, ends_at=CLOSING + 10 * MINUTE)

        assert not GraceGrant.objects.exists()
        assert report(world, "j-81", CLOSING, CLOSING + 10 * MINUTE) == HOURS

    def test_a_correction_is_judged_by_the_same_grant(self, world: World) -> None:
        assert report(world, "j-81", CLOSING, CLOSING + 10 * MINUTE, id="old") == 0
        refusals = report(world, "j-81", CLOSING, CLOSING + 10 * MINUTE, id="new", supersedes="old")

        assert refusals == 0


class TestWhatBeginsWithinTheInterval:
    """
    A meter tells the worst of its interval; what came before the grant was permitted.
    """

    UNPLUGGED_AT = EVENING + 20 * MINUTE

    def unplug(self, world: World) -> None:
        keep_running(
            world, "j-81", starts_at=self.UNPLUGGED_AT - 2 * MINUTE, ends_at=self.UNPLUGGED_AT
        )
        keep_running(
            world,
            "j-81",
            starts_at=self.UNPLUGGED_AT,
            ends_at=self.UNPLUGGED_AT + 4 * MINUTE,
            plugged_in=False,
        )

    def test_an_unplugged_car_may_finish(self) -> None:
        world = create_world(grace=(Grace(Gate.PLUG, 5),))
        self.unplug(world)
        starts_at, ends_at = EVENING + QUARTER, self.UNPLUGGED_AT + 4 * MINUTE

        assert report(world, "j-81", starts_at, ends_at, plugged_in=False) == 0
        refusals = report(world, "j-82", starts_at - QUARTER, starts_at, plugged_in=False)
        assert refusals == ReasonCode.NOT_PLUGGED_IN.bit

    def test_work_before_any_grant_was_not_asked_for(self) -> None:
        world = create_world(grace=(Grace(Gate.PLUG, 5),))
        self.unplug(world)

        refusals = report(world, "j-81", EVENING, EVENING + QUARTER, plugged_in=False)

        assert refusals == ReasonCode.NOT_PLUGGED_IN.bit

    def test_a_pause_that_lets_jobs_finish_does(self) -> None:
        world = create_world()
        paused_at = EVENING + 20 * MINUTE
        keep_running(world, "j-81", starts_at=paused_at - 2 * MINUTE, ends_at=paused_at)
        consent.pause(
            vehicle_id=world.vehicle.pk,
            owner_id=world.olivia.pk,
            until=None,
            kind="until_resumed",
            lets_jobs_finish=True,
            now=paused_at,
        )
        keep_running(world, "j-81", starts_at=paused_at, ends_at=paused_at + 9 * MINUTE)
        starts_at, ends_at = EVENING + QUARTER, paused_at + 9 * MINUTE

        assert report(world, "j-81", starts_at, ends_at) == 0
        refusals = report(world, "j-82", EVENING + 2 * QUARTER, EVENING + 3 * QUARTER)
        assert refusals == ReasonCode.PAUSED.bit

    def test_a_changed_rule_lets_a_running_job_finish_that_has_grace(self) -> None:
        world = create_world()
        changed_at = EVENING + 20 * MINUTE
        keep_running(world, "j-81", starts_at=changed_at - 2 * MINUTE, ends_at=changed_at)
        rules: dict[str, Any] = {
            "buyers_mode": BuyersMode.EXCEPT,
            "buyer_ids": (world.ben.id,),
            "grace": (Grace(Gate.BUYER, 5),),
        }
        create_consent(world.vehicle, now=changed_at, **(EVERYTHING | rules))
        keep_running(world, "j-81", starts_at=changed_at, ends_at=changed_at + 5 * MINUTE)
        starts_at, ends_at = EVENING + QUARTER, changed_at + 5 * MINUTE

        assert report(world, "j-81", starts_at, ends_at) == 0
        refusals = report(world, "j-81", ends_at, ends_at + MINUTE)
        assert refusals == ReasonCode.BUYER_REFUSED.bit


class TestFarFromTheGrant:
    def test_the_part_of_an_interval_before_a_grant_is_not_covered(self) -> None:
        """
        The hours closed at 20:00; a grant that begins minutes later says nothing of before.
        """
        world = create_world(windows=UNTIL_EIGHT)
        GraceGrant.objects.create(
            vehicle=world.vehicle,
            job_id="j-81",
            starts_at=CLOSING + 2 * MINUTE,
            ends_at=CLOSING + 10 * MINUTE,
            reasons_mask=HOURS,
        )

        assert report(world, "j-81", CLOSING, CLOSING + 9 * MINUTE) == HOURS
        assert report(world, "j-81", CLOSING + 9 * MINUTE, CLOSING + 10 * MINUTE) == 0

    def test_grants_must_leave_no_gap(self) -> None:
        world = create_world(windows=UNTIL_EIGHT)
        for first, last in ((0, 3), (5, 10)):
            GraceGrant.objects.create(
                vehicle=world.vehicle,
                job_id="j-81",
                starts_at=CLOSING + first * MINUTE,
                ends_at=CLOSING + last * MINUTE,
                reasons_mask=HOURS,
            )

        assert report(world, "j-81", CLOSING, CLOSING + 10 * MINUTE) == HOURS
