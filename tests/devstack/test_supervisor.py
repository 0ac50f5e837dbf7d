"""
Starting and ending processes: nothing may be left behind, whatever happened.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.devstack import supervisor as supervisors
from config.devstack.supervisor import StepFailed, Supervisor, find_marked, stop_leftovers


STOP_MAX_S = 6.0
SLEEP = "import time; time.sleep(600)"
# Ignores the polite signal and has a child of its own, as a busy worker has.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("ready", flush=True)
time.sleep(600)
"""
# A whole start that is killed before it can clean up.
KILLED_START = """
import os, signal, sys, time
from pathlib import Path
from config.devstack.supervisor import Supervisor
supervisor = Supervisor(folder=Path(sys.argv[1]))
for name in ("one", "two"):
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    supervisor.start(name=name, command=command, env=dict(os.environ))
os.kill(os.getpid(), signal.SIGKILL)
"""

# Killed supervisors never read what their children leave in the pipe.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(folder=tmp_path)
    yield made
    made.stop()


def wait_until(is_true: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if is_true():
            return True
        time.sleep(0.02)
    return False


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


class TestStop:
    def test_ends_a_child_that_ignores_the_polite_signal_and_what_it_started(
        self, supervisor: Supervisor, capsys: pytest.CaptureFixture[str]
    ) -> None:
        supervisor.start(name="stubborn", command=python(STUBBORN), env=dict(os.environ))
        assert wait_until(lambda: len(find_marked(supervisor.folder)) == 2)
        started = time.monotonic()

        supervisor.stop()

        assert time.monotonic() - started < STOP_MAX_S
        assert find_marked(supervisor.folder) == []
        assert not supervisor.pid_file.exists()

    def test_shows_the_lines_of_a_child_behind_its_name(
        self, supervisor: Supervisor, capsys: pytest.CaptureFixture[str]
    ) -> None:
        supervisor.run(name="worker", command=python("print('at work')"), env=dict(os.environ))

        shown = ""
        deadline = time.monotonic() + 5
        while "at work" not in shown and time.monotonic() < deadline:
            shown += capsys.readouterr().out
        assert "worker   | at work\n" in shown


class TestRun:
    def test_an_error_of_a_step_is_told(self, supervisor: Supervisor) -> None:
        with pytest.raises(StepFailed, match="migrate ended with 3"):
            supervisor.run(
                name="migrate", command=python("raise SystemExit(3)"), env=dict(os.environ)
            )

    def test_a_child_that_ended_is_started_again(self, supervisor: Supervisor) -> None:
        first = supervisor.start(name="worker", command=python(SLEEP), env=dict(os.environ))
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()

        supervisor.look_after()

        [second] = supervisor.children
        assert second.name == "worker"
        assert second.process.poll() is None

    def test_a_child_that_keeps_ending_stops_everything(
        self, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervisors, "RESTARTS_MAX", 0)
        child = supervisor.start(name="beat", command=python("pass"), env=dict(os.environ))
        child.process.wait()

        with pytest.raises(StepFailed, match="beat ended with 0"):
            supervisor.look_after()


class TestLeftovers:
    def test_the_next_start_ends_what_a_killed_one_left(self, tmp_path: Path) -> None:
        killed = subprocess.run(
            [*python(KILLED_START), str(tmp_path)],
            check=False,
            cwd=supervisors.ROOT,
            stdout=subprocess.DEVNULL,
        )
        assert killed.returncode == -signal.SIGKILL
        # The system tells of a new process before it tells of its environment.
        deadline = time.monotonic() + 10
        while len(find_marked(tmp_path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)

        count = stop_leftovers(tmp_path)

        assert count == 2
        assert find_marked(tmp_path) == []

    def test_a_reused_process_number_is_left_alone(self, tmp_path: Path) -> None:
        with subprocess.Popen(python(SLEEP)) as stranger:
            (tmp_path / "children.json").write_text(f'{{"web": {stranger.pid}}}')

            count = stop_leftovers(tmp_path)

            assert count == 0
            assert stranger.poll() is None
            stranger.kill()

    def test_nothing_left_is_fine(self, tmp_path: Path) -> None:
        assert stop_leftovers(tmp_path) == 0
