from datetime import timedelta

import pytest
from django.utils import timezone

from consent import tasks
from consent.models import Lease, Vehicle


def test_the_sweep_forgets_leases_that_ended_long_ago(car: Vehicle) -> None:
    now = timezone.now()
    for job_id, hours in (("old", 3), ("young", 1)):
        at = now - timedelta(hours=hours)
        Lease.objects.create(vehicle=car, job_id=job_id, started_at=at, expires_at=at)

    tasks.sweep()

    assert [lease.job_id for lease in Lease.objects.all()] == ["young"]


def test_a_step_that_fails_does_not_keep_the_others_from_theirs(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def fail(**_: object) -> int:
        raise ValueError

    def work(**_: object) -> int:
        done.append(True)
        return 0

    monkeypatch.setattr(tasks, "STEPS", (fail, work))

    tasks.sweep()

    assert done
