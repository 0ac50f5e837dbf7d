"""
The stand-in scheduler against a public API on loopback.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.scheduler import memory, moments
from simulator.scheduler.__main__ import get_window, main, make_scheduler, parse_arguments
from simulator.scheduler.live import follow
from simulator.scheduler.mischief import UNKNOWN_VEHICLE
from tests.simulator.public_api import KEY, Application, serve


Json = dict[str, Any]
NOW = "2026-11-20T12:07:00Z"
WEEKS = 1
RESIDENTS = ("AdO3-2", "AdO3-4", "AdO1-2", "Bl2-2", "Bl2-4", "Share-12", "Share-4", "Share-8")


def make_application(*, power_w: int = 5_000) -> Application:
    """Every resident's car agrees; one booking covers the whole replay."""
    vehicle_ids = {f"veh_{number:015x}" for number in range(1, len(RESIDENTS) + 1)}
    return Application(
        vehicle_ids=vehicle_ids,
        consents=[
            {"vehicle_id": vehicle_id, "state": "given", "version": 1}
            for vehicle_id in sorted(vehicle_ids)
        ],
        bookings=[
            {
                "event": "placed",
                "occurred_at": "2026-10-01T00:00:00Z",
                "booking": {
                    "id": "bkg_1",
                    "pool_id": "pool_1",
                    "starts_at": "2026-10-01T00:00:00Z",
                    "ends_at": "2026-12-01T00:00:00Z",
                    "power_w": power_w,
                    "energy_wh": power_w * 61 * 24,
                    "workload_category": "inference",
                    "jobs_max": 40,
                },
            }
        ],
    )


@pytest.fixture
def fleet_file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.json"
    rows = [
        {
            "vehicle_id": f"veh_{number:015x}",
            "resident": resident,
            "battery_wh": 64_000,
            "rated_power_w": 1_000,
        }
        for number, resident in enumerate(RESIDENTS, start=1)
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def run(base_url: str, fleet: Path, *options: str) -> Json:
    summary_file = fleet.with_name("summary.json")
    code = main(
        [
            *(f"--base-url={base_url}", f"--api-key={KEY}", f"--fleet={fleet}"),
            *(f"--weeks={WEEKS}", f"--now={NOW}", f"--summary-file={summary_file}"),
            *options,
        ]
    )
    assert code == 0
    summary: Json = json.loads(summary_file.read_text(encoding="utf-8"))
    return summary


class TestReplay:
    def test_reports_one_record_inside_one_settlement_period(self, fleet_file: Path) -> None:
        application = make_application()

        with serve(application) as base_url:
            summary = run(base_url, fleet_file, "--no-mischief")

        assert set(application.outcomes) == {"accepted"}
        assert summary["usage"]["accepted"] == len(application.events) > 200
        assert summary["on_purpose"] == {}

    def test_accounts_for_every_session(self, fleet_file: Path) -> None:
        with serve(make_application()) as base_url:
            sessions = run(base_url, fleet_file)["sessions"]

        assert sessions["read"] == 6_878
        assert sessions["read"] == sessions["used"] + sum(sessions["left_out"].values())

    def test_numbers_the_records_of_a_vehicle_without_a_hole(self, fleet_file: Path) -> None:
        application = make_application()

        with serve(application) as base_url:
            run(base_url, fleet_file)

        by_vehicle: dict[str, list[int]] = {}
        for event in application.events.values():
            if event["subject"] != UNKNOWN_VEHICLE:
                by_vehicle.setdefault(event["subject"], []).append(event["data"]["sequence"])
        assert by_vehicle
        for numbers in by_vehicle.values():
            assert sorted(numbers) == list(range(1, len(numbers) + 1))

    def test_never_lets_a_car_work_twice_at_once(self, fleet_file: Path) -> None:
        application = make_application()

        with serve(application) as base_url:
            run(base_url, fleet_file, "--no-mischief")

        spans: dict[str, list[tuple[str, str]]] = {}
        for event in application.events.values():
            data = event["data"]
            spans.setdefault(event["subject"], []).append((data["starts_at"], data["ends_at"]))
        for pieces in spans.values():
            pieces.sort()
            assert all(left[1] <= right[0] for left, right in pairwise(pieces))

    def test_delivers_no_more_than_was_booked(self, fleet_file: Path) -> None:
        application = make_application(power_w=2_000)

        with serve(application) as base_url:
            run(base_url, fleet_file, "--no-mischief")

        energy_wh: Counter[int] = Counter()
        for event in application.events.values():
            quarter_s = moments.from_text(event["data"]["starts_at"]) // 900
            energy_wh[quarter_s] += event["data"]["energy_wh"]
        assert max(energy_wh.values()) <= 2_000 / 4

    def test_completes_each_job_once_and_no_more_than_were_booked(self, fleet_file: Path) -> None:
        application = make_application()

        with serve(application) as base_url:
            summary = run(base_url, fleet_file, "--no-mischief")

        done = [
            event["data"]["job_id"]
            for event in application.events.values()
            if event["data"]["job_completed"]
        ]
        assert len(done) == len(set(done)) == 40 == summary["work"]["jobs_completed"]

    def test_lets_no_car_work_that_may_not(self, fleet_file: Path) -> None:
        application = make_application()
        refused = min(application.vehicle_ids)
        application.decide = lambda item: {
            "decision": item["resource"]["id"] != refused,
            "context": {"reasons": [{"code": "paused"}], "consent_version": 1},
        }

        with serve(application) as base_url:
            summary = run(base_url, fleet_file)

        assert refused not in {event["subject"] for event in application.events.values()}
        assert summary["decisions"]["reasons"]["paused"] == application.questions

    def test_keeps_to_the_power_limit_of_a_decision(self, fleet_file: Path) -> None:
        application = make_application()
        application.decide = lambda _item: {
            "decision": True,
            "context": {
                "reasons": [],
                "consent_version": 1,
                "obligations": [{"id": "power_limit", "watts": 400}],
            },
        }

        with serve(application) as base_url:
            run(base_url, fleet_file, "--no-mischief")

        assert max(event["data"]["energy_wh"] for event in application.events.values()) <= 100

    def test_takes_a_permit_that_it_does_not_understand_for_a_deny(self, fleet_file: Path) -> None:
        application = make_application()
        application.decide = lambda _item: {
            "decision": True,
            "context": {
                "reasons": [],
                "consent_version": 1,
                "obligations": [{"id": "power_limit", "watts": 400}, {"id": "play_music"}],
            },
        }

        with serve(application) as base_url:
            summary = run(base_url, fleet_file, "--no-mischief")

        assert application.events == {}
        assert summary["decisions"]["permitted"] == 0
        assert summary["decisions"]["reasons"] == {"unknown_obligation": application.questions}


class TestMischief:
    def test_does_each_kind_and_counts_it(self, fleet_file: Path) -> None:
        application = make_application()
        application.decide = self.decide

        with serve(application) as base_url:
            summary = run(base_url, fleet_file)

        done = summary["on_purpose"]
        assert {"duplicates", "late", "too_much_energy", "unlabelled", "unknown_vehicle"} <= set(
            done
        )
        assert done["unlabelled"] == done["unknown_vehicle"] == 1
        assert application.outcomes["duplicate"] == done["duplicates"]
        assert application.outcomes["unlabelled_workload"] >= 1
        assert application.outcomes["unknown_vehicle"] == 1
        assert summary["usage"]["quarantined"] == 2
        assert application.outcomes["conflict"] == 0

    def test_works_on_after_a_withdrawal_and_says_so(self, fleet_file: Path) -> None:
        application = make_application()
        application.decide = self.decide

        with serve(application) as base_url:
            summary = run(base_url, fleet_file)

        withdrawn = sorted(application.vehicle_ids)[1]
        worked = [event for event in application.events.values() if event["subject"] == withdrawn]
        assert len(worked) == summary["on_purpose"]["work_after_withdrawal"] == 2

    def test_corrects_with_a_later_number_and_the_same_interval(self, fleet_file: Path) -> None:
        application = make_application()

        with serve(application) as base_url:
            summary = run(base_url, fleet_file, "--seed=3")

        corrections = [
            event for event in application.events.values() if event["data"]["supersedes"]
        ]
        assert len(corrections) == summary["on_purpose"]["corrections"] > 0
        for correction in corrections:
            original = application.events[correction["data"]["supersedes"]]["data"]
            assert correction["data"]["starts_at"] == original["starts_at"]
            assert correction["data"]["sequence"] > original["sequence"]
            assert correction["data"]["energy_wh"] < original["energy_wh"]

    @staticmethod
    def decide(item: Json) -> Json:
        if item["resource"]["id"].endswith("2"):
            reasons = [{"code": "consent_withdrawn"}]
            return {"decision": False, "context": {"reasons": reasons, "consent_version": None}}
        return {"decision": True, "context": {"reasons": [], "consent_version": 1}}


class TestTwice:
    def test_sends_duplicates_and_nothing_else(self, fleet_file: Path) -> None:
        application = make_application()

        with serve(application) as base_url:
            first = run(base_url, fleet_file)
            second = run(base_url, fleet_file)

        assert second["usage"]["accepted"] == 0
        assert second["usage"]["sent"] == first["usage"]["sent"]
        assert application.outcomes["conflict"] == 0

    def test_goes_on_where_it_stopped(self, fleet_file: Path) -> None:
        in_one, in_two = make_application(), make_application()
        state = f"--state={fleet_file.with_name('state.json')}"
        friday = dt.datetime(2026, 11, 20, 3, 22, tzinfo=dt.UTC)

        with serve(in_one) as base_url:
            run(base_url, fleet_file, "--no-mischief")
        with serve(in_two) as base_url:
            run(base_url, fleet_file, "--no-mischief", state, f"--now={friday.isoformat()}")
            run(base_url, fleet_file, "--no-mischief", state)

        assert in_two.events == in_one.events
        assert set(in_two.outcomes) == {"accepted"}


class TestFollow:
    def test_keeps_up_with_the_present(self, fleet_file: Path) -> None:
        application = make_application()
        granted: set[tuple[str, str]] = set()

        def permit(item: Json) -> Json:
            if "time" not in item["context"]:
                granted.add((item["resource"]["id"], item["subject"]["id"]))
            return {"decision": True, "context": {"reasons": [], "consent_version": 3}}

        application.decide = permit
        state = f"--state={fleet_file.with_name('state.json')}"
        begins_s = moments.from_text("2026-11-20T03:00:00Z")
        # Four looks at the present, ten minutes apart: two quarter-hours end meanwhile.
        looks = [begins_s + minutes * 60 for minutes in (2, 12, 22, 32)]
        saved: list[int] = []

        with serve(application) as base_url:
            run(base_url, fleet_file, "--no-mischief", state, "--now=2026-11-20T03:00:00Z")
            before = len(application.events)
            values = parse_arguments(
                [
                    *(f"--base-url={base_url}", f"--api-key={KEY}", f"--fleet={fleet_file}"),
                    *("--no-mischief", f"--weeks={WEEKS}", state),
                ]
            )
            scheduler = make_scheduler(values, window=get_window(now_s=begins_s, weeks=WEEKS))
            memory.load(values.state, scheduler)
            clock = iter(looks)
            follow(
                scheduler,
                from_s=begins_s,
                every_s=0,
                read_sessions=lambda _until_s: scheduler.reading,
                wait=lambda _seconds: len(saved) == 2,
                save=saved.append,
                clock=lambda: next(clock),
            )
            scheduler.client.close()

        assert saved == [begins_s + 900, begins_s + 1_800]
        assert len(application.events) > before
        assert set(application.outcomes) == {"accepted"}
        assert {sample["vehicle_id"] for sample in application.samples[-8:]} == (
            application.vehicle_ids
        )
        # Every lease is given back in the end, once.
        assert granted
        assert sorted(application.stopped) == sorted(granted)


class TestTransport:
    def test_asks_again_when_an_answer_is_lost(self, fleet_file: Path) -> None:
        application = make_application()
        application.answers_to_drop = 2

        with serve(application) as base_url:
            summary = run(base_url, fleet_file, "--no-mischief")

        assert summary["http"]["retries"] == 2
        assert summary["usage"]["accepted"] + summary["usage"]["duplicates"] == len(
            application.events
        )

    def test_sends_batches_of_the_size_asked(self, fleet_file: Path) -> None:
        application = make_application()

        with serve(application) as base_url:
            run(base_url, fleet_file, "--no-mischief", "--batch-size=100")

        assert set(application.batches[:-1]) == {100}

    def test_says_when_it_is_refused(
        self, fleet_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with serve(make_application()) as base_url:
            code = main([f"--base-url={base_url}", "--api-key=wrong", f"--fleet={fleet_file}"])

        assert code == 1
        assert "401" in capsys.readouterr().err

    def test_refuses_a_fleet_with_two_cars_of_one_resident(
        self, fleet_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rows = json.loads(fleet_file.read_text(encoding="utf-8"))
        fleet_file.write_text(json.dumps([rows[0], rows[0]]), encoding="utf-8")

        code = main(["--base-url=http://127.0.0.1:9", "--api-key=x", f"--fleet={fleet_file}"])

        assert code == 1
        assert "two vehicles" in capsys.readouterr().err
