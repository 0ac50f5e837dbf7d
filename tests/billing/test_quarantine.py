"""
Fiona decides about what was set aside: each act once, with her name on it.
"""

from typing import Any

import pytest

from accounts.models import AuditEvent, User
from billing.models import Outcome, QuarantinedRecord, RatedLine, UsageRecord
from billing.operations import quarantine
from billing.queries.quarantine import get_quarantined, list_quarantine
from tests.billing.meters import NOON, World, create_car, create_world, settle_all
from tests.billing.people import create_fiona
from web.public_ids import encode


pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return create_world()


@pytest.fixture
def fiona() -> User:
    return create_fiona()


def only() -> QuarantinedRecord:
    return QuarantinedRecord.objects.get()


class TestDismiss:
    def test_names_who_and_why(self, world: World, fiona: User) -> None:
        world.report(world.event(energy_wh=-1))

        quarantine.dismiss(
            quarantined_id=only().pk, actor_id=fiona.pk, reason="Test meter", now=NOON
        )

        kept = only()
        assert (kept.state, kept.resolved_by, kept.resolution) == ("dismissed", fiona, "Test meter")
        assert AuditEvent.objects.get(action="quarantine.dismissed").actor_id == fiona.pk

    def test_needs_a_reason(self, world: World, fiona: User) -> None:
        world.report(world.event(energy_wh=-1))

        with pytest.raises(quarantine.ReasonMissing):
            quarantine.dismiss(quarantined_id=only().pk, actor_id=fiona.pk, reason=" ", now=NOON)

    def test_is_done_once(self, world: World, fiona: User) -> None:
        world.report(world.event(energy_wh=-1))
        arguments: dict[str, Any] = {
            "quarantined_id": only().pk,
            "actor_id": fiona.pk,
            "reason": "x",
            "now": NOON,
        }
        quarantine.dismiss(**arguments)

        for act in (quarantine.dismiss, quarantine.replay, quarantine.accept):
            with pytest.raises(quarantine.AlreadyResolved):
                act(**arguments)
        with pytest.raises(quarantine.NotInQuarantine):
            quarantine.dismiss(**(arguments | {"quarantined_id": 0}))


class TestReplay:
    def test_takes_in_what_is_mended(self, world: World, fiona: User) -> None:
        stranger = create_car(world.olivia, plate="NEW 1")
        number = stranger.pk + 1
        world.report(world.event() | {"subject": encode("veh", number)})
        newcomer = create_car(world.olivia, plate="NEW 2")
        assert newcomer.pk == number

        quarantine.replay(quarantined_id=only().pk, actor_id=fiona.pk, now=NOON)

        assert only().state == "replayed"
        assert UsageRecord.objects.get().vehicle_id == number

    def test_says_why_when_it_is_not_mended(self, world: World, fiona: User) -> None:
        world.report(world.event(energy_wh=-1))

        with pytest.raises(quarantine.StillRefused) as caught:
            quarantine.replay(quarantined_id=only().pk, actor_id=fiona.pk, now=NOON)

        assert caught.value.code == "energy_out_of_range"
        assert (only().state, only().seen_count) == ("open", 1)

    def test_settles_a_record_whose_price_came_later(self, world: World, fiona: User) -> None:
        world.report(world.event())
        world.vehicle.region_code = "elsewhere"
        world.vehicle.save()
        settle_all()
        quarantine.replay(quarantined_id=only().pk, actor_id=fiona.pk, now=NOON)
        settle_all()
        assert (only().state, only().seen_count) == ("open", 2)

        world.vehicle.region_code = "no-trondheim"
        world.vehicle.save()
        quarantine.replay(quarantined_id=only().pk, actor_id=fiona.pk, now=NOON)
        settle_all()

        assert only().state == "replayed"
        assert RatedLine.objects.get().outcome == Outcome.ACCEPTED


class TestAccept:
    def test_settles_an_implausible_record_as_it_is(self, world: World, fiona: User) -> None:
        world.report(world.event(energy_wh=400))
        settle_all()

        quarantine.accept(
            quarantined_id=only().pk, actor_id=fiona.pk, reason="Second charger", now=NOON
        )
        settle_all()

        assert only().state == "accepted"
        assert RatedLine.objects.get().energy_wh == 400

    def test_pays_nobody_when_a_correction_came_first(self, world: World, fiona: User) -> None:
        world.report(world.event(id="old", energy_wh=400))
        settle_all()
        quarantine.accept(quarantined_id=only().pk, actor_id=fiona.pk, reason="Fine", now=NOON)
        world.report(world.event(supersedes="old"))
        settle_all()

        outcomes = RatedLine.objects.values_list("outcome", flat=True)
        assert sorted(outcomes) == [Outcome.ACCEPTED, Outcome.SUPERSEDED]

    def test_vouches_for_the_reason_that_was_shown_and_no_other(
        self, world: World, fiona: User
    ) -> None:
        world.report(world.event())
        settle_all()
        world.report(world.event(energy_wh=400))
        settle_all()
        assert only().code == "energy_implausible"

        self.accept_only(fiona)
        assert (only().code, only().state) == ("overlap", "open")
        assert RatedLine.objects.count() == 1

        self.accept_only(fiona)
        assert only().state == "accepted"
        assert sorted(RatedLine.objects.values_list("energy_wh", flat=True)) == [252, 400]

    def accept_only(self, fiona: User) -> None:
        quarantine.accept(quarantined_id=only().pk, actor_id=fiona.pk, reason="Seen", now=NOON)
        settle_all()

    def test_refuses_what_no_person_can_vouch_for(self, world: World, fiona: User) -> None:
        world.report(world.event(energy_wh=-1))

        with pytest.raises(quarantine.NotAcceptable):
            quarantine.accept(quarantined_id=only().pk, actor_id=fiona.pk, reason="x", now=NOON)


class TestQueries:
    def test_list_and_detail(self, world: World, fiona: User) -> None:
        world.report(world.event(id="bad", energy_wh=-1), world.event(id="much", energy_wh=400))
        settle_all()

        page = list_quarantine()

        assert [row.event_id for row in page.rows] == ["much", "bad"]
        assert [row.can_accept for row in page.rows] == [True, False]
        assert page.open_by_code == {"energy_implausible": 1, "energy_out_of_range": 1}
        assert page.counts_by_state == {"open": 2}
        assert [row.event_id for row in list_quarantine(search="ba").rows] == ["bad"]
        assert not list_quarantine(code="overlap").rows
        much = get_quarantined(quarantined_id=page.rows[0].id)
        bad = get_quarantined(quarantined_id=page.rows[1].id)
        assert much is not None
        assert much.reading is not None
        assert much.reading.energy_wh == 400
        assert bad is not None
        assert '"energy_wh": -1' in bad.body
        assert get_quarantined(quarantined_id=0) is None

    def test_names_who_decided(self, world: World, fiona: User) -> None:
        world.report(world.event(energy_wh=-1))
        quarantine.dismiss(quarantined_id=only().pk, actor_id=fiona.pk, reason="x", now=NOON)

        assert list_quarantine(state="dismissed").rows[0].resolved_by == "Fiona"
