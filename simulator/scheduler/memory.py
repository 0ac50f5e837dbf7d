"""
What a scheduler must know to go on where it stopped: numbers, running jobs, the time.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from simulator.scheduler.client import Json
from simulator.scheduler.metering import Job, VehicleMeter
from simulator.scheduler.replay import Scheduler


class UnreadableMemory(Exception):
    """The state file is not one, or is of another seed."""


def save(path: Path, scheduler: Scheduler, *, until_s: int) -> None:
    """Write the state as of ``until_s``, whole or not at all."""
    meters = scheduler.meters
    document = {
        "seed": meters.seed,
        "until_s": until_s,
        "meters": {vehicle_id: asdict(own) for vehicle_id, own in meters.meters.items()},
        "jobs_completed": meters.jobs_completed,
        "jobs_max": meters.jobs_max,
        "mischief": scheduler.mischief.export(),
        "worked": scheduler.allocation.export(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(document), encoding="utf-8")
    beside.replace(path)


def load(path: Path, scheduler: Scheduler) -> int:
    """
    Take up the state and return the second it is of.

    :raises UnreadableMemory: the file is not a state, or is of another seed.
    """
    meters = scheduler.meters
    try:
        document: Json = json.loads(path.read_text(encoding="utf-8"))
        if document["seed"] != meters.seed:
            raise UnreadableMemory(f"{path} is of seed {document['seed']}, not {meters.seed}")
        meters.meters = {
            vehicle_id: _to_meter(values) for vehicle_id, values in document["meters"].items()
        }
        meters.jobs_completed = document["jobs_completed"]
        meters.jobs_max = document["jobs_max"]
        scheduler.mischief.restore(document["mischief"])
        scheduler.allocation.restore(document["worked"])
        return int(document["until_s"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableMemory(f"{path}: {type(error).__name__}: {error}") from error


def _to_meter(values: Json) -> VehicleMeter:
    job = values.pop("job")
    return VehicleMeter(job=Job(**job) if job else None, **values)
