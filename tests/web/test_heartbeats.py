"""
Workers leave signs of life, and their absence shows.
"""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from config import celery
from web import heartbeats
from web.heartbeats import Pulse, beating, list_beats
from web.models import Heartbeat


pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def read_pulse(*, now: datetime) -> Pulse:
    return next(beat.pulse for beat in list_beats(now=now) if beat.queue == "money")


def test_knows_the_queues_of_the_workers() -> None:
    assert set(heartbeats.QUEUES) == set(celery.SWEEPS.values())


def test_a_sweep_of_an_app_beats_in_its_queue() -> None:
    celery.sweep(app_label="marketplace")

    [beat] = Heartbeat.objects.all()
    assert (beat.queue, beat.busy_since) == ("bulk", None)
    assert beat.beat_at is not None


class TestPulse:
    def test_was_never_felt_without_a_worker(self) -> None:
        assert {beat.pulse for beat in list_beats(now=timezone.now())} == {Pulse.NEVER}

    def test_is_late_when_nothing_was_heard_for_a_while(self) -> None:
        with beating(queue="money"):
            pass
        now = timezone.now()

        assert read_pulse(now=now) == Pulse.ALIVE
        assert read_pulse(now=now + 31 * SECOND) == Pulse.LATE

    def test_is_working_during_a_long_sweep_and_stuck_when_it_never_ends(self) -> None:
        with beating(queue="money"):
            now = timezone.now()

            assert read_pulse(now=now) == Pulse.ALIVE
            assert read_pulse(now=now + 31 * SECOND) == Pulse.WORKING
            assert read_pulse(now=now + 301 * SECOND) == Pulse.STUCK

    def test_is_stuck_when_every_sweep_fails(self) -> None:
        for _attempt in range(2):
            with pytest.raises(RuntimeError), beating(queue="money"):
                raise RuntimeError
        now = timezone.now()

        assert read_pulse(now=now + 301 * SECOND) == Pulse.STUCK

    def test_recovers_with_the_first_sweep_that_ends(self) -> None:
        Heartbeat.objects.create(queue="money", busy_since=timezone.now() - timedelta(hours=1))

        with beating(queue="money"):
            pass

        assert read_pulse(now=timezone.now()) == Pulse.ALIVE
