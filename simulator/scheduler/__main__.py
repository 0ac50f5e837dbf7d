"""
Run the stand-in scheduler: ``python3 -m simulator.scheduler --help``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import signal
import sys
import threading
import time
from collections import Counter
from functools import cache
from pathlib import Path

from simulator.scheduler import memory
from simulator.scheduler.chance import draw
from simulator.scheduler.client import Client, Json, Refused, Unreachable
from simulator.scheduler.decisions import Desk
from simulator.scheduler.fleet import UnreadableFleet, Vehicle, load_fleet
from simulator.scheduler.live import follow, report_present
from simulator.scheduler.manual import DESCRIPTION, MODEL
from simulator.scheduler.metering import Meters
from simulator.scheduler.mischief import Mischief, Rates
from simulator.scheduler.moments import DAY_S, HOUR_S, from_text
from simulator.scheduler.outbox import Outbox
from simulator.scheduler.planning import Allocation
from simulator.scheduler.replay import Scheduler
from simulator.scheduler.sessions import (
    OSLO,
    QUARTER_S,
    RawSession,
    Reading,
    count_shift_weeks,
    parse_table,
    select,
)
from simulator.scheduler.summary import summarize
from simulator.scheduler.trace import InferenceRequest, deal_lanes, parse_trace


DATA = Path(__file__).resolve().parent.parent / "data"


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m simulator.scheduler",
        description=DESCRIPTION,
        epilog=MODEL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--base-url", required=True, help="of the application, such as http://127.0.0.1:8000")
    add("--api-key", required=True, help="the scheduler's key, sk_sched_…")
    add("--fleet", type=Path, default=Path("var/fleet.json"), help="vehicles and their residents")
    add(
        "--weeks",
        type=int,
        default=8,
        help="whole weeks to replay (at most 11: the API takes 90 days)",
    )
    add("--seed", type=int, default=1)
    add("--source", default="urn:scheduler:eu-1", help="the CloudEvents source, as on the key")
    add("--summary-file", type=Path, help="where the JSON summary goes; else to stdout")
    add("--speed", type=float, default=0.0, help="replayed seconds per second; 0: at once")
    add("--now", help="take this RFC 3339 time as now")
    add("--batch-size", type=int, default=5_000, help="usage records per POST")
    add("--one-in", type=int, default=5, help="a car gets one in so many requests of the trace")
    add("--hours-per-day-max", type=float, default=6.0, help="of compute, per car and local day")
    add("--no-mischief", action="store_true", help="nothing wrong on purpose")
    add("--follow", action="store_true", help="stay, and keep up with the present")
    add("--state", type=Path, help="keep the state here; go on from it when it is there")
    add("--every-s", type=float, default=20.0, help="pause between looks at the present")
    add("--sessions", type=Path, default=DATA / "trondheim_ev_sessions.csv")
    add("--trace", type=Path, default=DATA / "azure_llm_code_2023.csv")
    return parser.parse_args(arguments)


def get_window(*, now_s: int, weeks: int) -> tuple[int, int]:
    """Return from the Monday ``weeks`` weeks before this week's, to the last quarter-hour."""
    local = dt.datetime.fromtimestamp(now_s, tz=OSLO).replace(tzinfo=None)
    monday = dt.datetime.combine(local.date() - dt.timedelta(days=local.weekday()), dt.time())
    start = (monday - dt.timedelta(weeks=weeks)).replace(tzinfo=OSLO)
    return int(start.timestamp()), now_s - now_s % QUARTER_S


@cache
def read_table(path: Path) -> tuple[list[RawSession], Counter[str]]:
    """Read the published sessions once: every day of a live scheduler begins with them."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return parse_table(lines)


@cache
def read_trace(path: Path) -> list[InferenceRequest]:
    with path.open(encoding="utf-8", newline="") as lines:
        return parse_trace(lines)


def read_sessions(path: Path, *, residents: frozenset[str], weeks: int, until_s: int) -> Reading:
    """Read the sessions as they lie around ``until_s``."""
    raws, left_out = read_table(path)
    last = max(raw.plugged_out_at for raw in raws)
    now = dt.datetime.fromtimestamp(until_s, tz=dt.UTC)
    return select(
        raws,
        left_out=left_out,
        residents=residents,
        window=get_window(now_s=until_s, weeks=weeks),
        weeks=count_shift_weeks(last=last, now=now),
    )


def make_mischief(
    values: argparse.Namespace, *, fleet: dict[str, Vehicle], window: tuple[int, int]
) -> Mischief:
    if values.no_mischief:
        rates = Rates(
            duplicate=0,
            late=0,
            correction=0,
            over_report=0,
            withdrawn_readings_max=0,
            overrun_vehicles_max=0,
        )
        return Mischief(seed=values.seed, rates=rates, over_reporter="", special_from_s=2**40)
    ids = [vehicle.vehicle_id for vehicle in fleet.values()]
    return Mischief(
        seed=values.seed,
        rates=Rates(),
        over_reporter=max(ids, key=lambda vehicle_id: draw(values.seed, "over", vehicle_id)),
        special_from_s=window[0] + 3 * DAY_S,
    )


def make_scheduler(values: argparse.Namespace, *, window: tuple[int, int]) -> Scheduler:
    fleet = load_fleet(values.fleet)
    lanes = deal_lanes(read_trace(values.trace), one_in=values.one_in)
    client = Client(base_url=values.base_url, api_key=values.api_key)
    meters = Meters(seed=values.seed, source=values.source, lanes=lanes)
    return Scheduler(
        client=client,
        fleet=fleet,
        reading=read_sessions(
            values.sessions,
            residents=frozenset(fleet),
            weeks=values.weeks,
            until_s=window[1],
        ),
        meters=meters,
        mischief=make_mischief(values, fleet=fleet, window=window),
        outbox=Outbox(client=client, seed=values.seed, batch_size=values.batch_size),
        desk=Desk(client=client, meters=meters),
        allocation=Allocation(work_s_per_day_max=int(values.hours_per_day_max * HOUR_S)),
        seed=values.seed,
        speed=values.speed,
    )


def run(values: argparse.Namespace) -> None:
    """Replay, look at the present, write the summary; then follow, if asked."""
    now_s = from_text(values.now) if values.now else int(time.time())
    window = get_window(now_s=now_s, weeks=values.weeks)
    scheduler = make_scheduler(values, window=window)
    try:
        _replay(scheduler, values, window=window)
        if values.follow:
            _follow(scheduler, values, from_s=window[1])
    finally:
        scheduler.client.close()


def _replay(scheduler: Scheduler, values: argparse.Namespace, *, window: tuple[int, int]) -> None:
    began, began_cpu = time.monotonic(), time.process_time()
    if values.state is not None and values.state.exists():
        known_until_s = memory.load(values.state, scheduler)
        window = (max(window[0], min(known_until_s, window[1])), window[1])
    scheduler.read_feeds()
    scheduler.replay(window=window)
    _save(scheduler, values, until_s=window[1])
    present = None if values.now else report_present(scheduler, now_s=int(time.time()))
    took = {
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(time.process_time() - began_cpu, 1),
    }
    summary = summarize(scheduler, window=window, present=present, took=took)
    _write(summary, values.summary_file)


def _save(scheduler: Scheduler, values: argparse.Namespace, *, until_s: int) -> None:
    if values.state is not None:
        memory.save(values.state, scheduler, until_s=until_s)


def _write(summary: Json, path: Path | None) -> None:
    text = json.dumps(summary, indent=2) + "\n"
    if path is None:
        sys.stdout.write(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: somebody may be waiting for it.
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _follow(scheduler: Scheduler, values: argparse.Namespace, *, from_s: int) -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    follow(
        scheduler,
        from_s=from_s,
        every_s=values.every_s,
        read_sessions=lambda until_s: read_sessions(
            values.sessions,
            residents=frozenset(scheduler.fleet),
            weeks=values.weeks,
            until_s=until_s,
        ),
        wait=stopped.wait,
        save=lambda until_s: _save(scheduler, values, until_s=until_s),
        clock=lambda: int(time.time()),
    )


def main(arguments: list[str]) -> int:
    values = parse_arguments(arguments)
    try:
        run(values)
    except (Refused, Unreachable, UnreadableFleet, memory.UnreadableMemory) as error:
        sys.stderr.write(f"scheduler: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
