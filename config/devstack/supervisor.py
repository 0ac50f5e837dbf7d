"""
Child processes, each in its own session, so that Ctrl-C reaches this process alone.

A supervisor that signals its whole process group makes Celery hang; here each child is
asked to end by itself and is killed with everything it started when it does not.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.devstack.screen import show


ROOT = Path(__file__).resolve().parent.parent.parent
MARKER = "PARADO_STACK"
# Together under the 6 seconds within which Ctrl-C ends everything.
POLITE_S = 2.0
DATABASE_S = 2.5
HASTY_S = 0.7
KILLED_S = 0.5
LOOK_EVERY_S = 0.05
RESTARTS_MAX = 50


class StepFailed(Exception):
    """
    A command failed, or a process that has to run all the time keeps ending.
    """


@dataclass(frozen=True)
class Child:
    """
    One running process; those that stop last are what the others stand on.
    """

    name: str
    process: subprocess.Popen[bytes]
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    stops_last: bool = False


class Supervisor:
    """
    The children of one start, listed in a file for the next start to clean up after.
    """

    def __init__(self, *, folder: Path) -> None:
        self.folder = folder
        self.children: list[Child] = []
        self.restarts = 0
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pid_file(self) -> Path:
        return self.folder / "children.json"

    def start(self, *, name: str, command: Sequence[str], env: Mapping[str, str]) -> Child:
        """
        Start a child whose lines appear behind its name.
        """
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**env, MARKER: str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        child = Child(name=name, process=process, command=command, env=env)
        threading.Thread(target=_copy_lines, args=(child,), daemon=True).start()
        self.add(child)
        return child

    def add(self, child: Child) -> None:
        self.children.append(child)
        self._write_pids()

    def _write_pids(self) -> None:
        pids = {child.name: child.process.pid for child in self.children}
        self.pid_file.write_text(json.dumps(pids), encoding="utf-8")

    def run(self, *, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """
        Run a command to its end while the others are looked after.

        :raises StepFailed: it ended with an error; its lines were shown.
        """
        child = self.start(name=name, command=command, env=env)
        while child.process.poll() is None:
            self.look_after(but_not=child)
            time.sleep(LOOK_EVERY_S)
        self.children.remove(child)
        self._write_pids()
        if child.process.returncode:
            raise StepFailed(f"{name} ended with {child.process.returncode}")

    def look_after(self, *, but_not: Child | None = None) -> None:
        """
        Start again what ended by itself.

        :raises StepFailed: the database ended, or a child keeps ending.
        """
        for child in [other for other in self.children if other is not but_not]:
            if child.process.poll() is None:
                continue
            self.children.remove(child)
            self.restarts += 1
            if not child.command or self.restarts > RESTARTS_MAX:
                raise StepFailed(f"{child.name} ended with {child.process.returncode}")
            show(f"{child.name} ended with {child.process.returncode}; starting it again")
            self.start(name=child.name, command=child.command, env=child.env)

    def stop(self) -> None:
        """
        Stop every child, in at most 6 seconds, and leave nothing behind.
        """
        last = [child for child in self.children if child.stops_last]
        first = [child for child in self.children if not child.stops_last]
        _stop_children(first, timeout_s=POLITE_S)
        _stop_children(last, timeout_s=DATABASE_S)
        for pid in find_marked(self.folder):
            _kill(pid)
        self.children.clear()
        self.pid_file.unlink(missing_ok=True)


def _copy_lines(child: Child) -> None:
    assert child.process.stdout is not None
    for line in child.process.stdout:
        show(line.decode("utf-8", errors="replace").rstrip(), prefix=child.name)


def _stop_children(children: Sequence[Child], *, timeout_s: float) -> None:
    _ask(children, nth=0, timeout_s=timeout_s)
    _ask(children, nth=1, timeout_s=HASTY_S)
    for child in children:
        # Also when it ended by itself: what it started may still be there.
        _kill_group(child.process.pid)
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(timeout=KILLED_S)


def _ask(children: Sequence[Child], *, nth: int, timeout_s: float) -> None:
    """
    Send the nth way to stop to those that still run and know one; wait for them together.
    """
    asked = [
        child
        for child in children
        if nth < len(child.stop_signals) and child.process.poll() is None
    ]
    for child in asked:
        child.process.send_signal(child.stop_signals[nth])
    deadline = time.monotonic() + timeout_s
    for child in asked:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(timeout=max(0.0, deadline - time.monotonic()))


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def find_marked(folder: Path) -> list[int]:
    """
    Return the processes that a stack of this folder started, found by their environment.
    """
    wanted = f"{MARKER}={folder}".encode()
    return [
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if wanted in _read_environment(entry).split(b"\0")
    ]


def _read_environment(entry: Path) -> bytes:
    try:
        return (entry / "environ").read_bytes()
    except OSError:
        return b""


def stop_leftovers(folder: Path) -> int:
    """
    End what an earlier start left behind when it was killed; return how many there were.
    """
    listed = _read_listed(folder / "children.json")
    # Numbers of processes are reused: where /proc tells, only marked ones are ours.
    found = find_marked(folder) if Path("/proc/self/environ").exists() else listed
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + POLITE_S
    while found and time.monotonic() < deadline and find_marked(folder):
        time.sleep(0.05)
    for pid in find_marked(folder):
        _kill(pid)
    (folder / "children.json").unlink(missing_ok=True)
    return len(found)


def _read_listed(path: Path) -> list[int]:
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [int(pid) for pid in listed.values()] if isinstance(listed, dict) else []
