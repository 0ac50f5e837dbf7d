"""
The command `manage.py up`: start everything, run the main job, show what came of it.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

from config import postgres
from config.devstack import database, job, ports, stack, surroundings
from config.devstack.screen import show, show_plain
from config.devstack.supervisor import StepFailed, Supervisor, stop_leftovers
from config.devstack.surroundings import FOLDER, VAR, Options, uses_own_database


PORT_TAKEN = 4
FAILED = 1
STOPPED = 130
PORT = 8000
WEEKS = 6
# Of older sessions nothing would be accepted.
WEEKS_MAX = 11


class AlreadyRuns(Exception):
    """
    Another `up` of this checkout is running.
    """


def read_port(text: str) -> int:
    """
    Return a port that a server can be told to listen on.
    """
    return _read_number(text, least=1, most=ports.PORT_MAX)


def read_weeks(text: str) -> int:
    return _read_number(text, least=1, most=WEEKS_MAX)


def _read_number(text: str, *, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        message = f"{text} is not a whole number from {least} to {most}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def parse(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="manage.py up",
        description="Start Parado with a demo world, run its main job on real data, and serve it.",
        epilog="DATABASE_URL, CELERY_BROKER_URL and STRIPE_SECRET_KEY replace the embedded parts.",
    )
    parser.add_argument(
        "--port", type=read_port, default=PORT, help="where to serve (default: %(default)s)"
    )
    parser.add_argument("--once", action="store_true", help="run the main job, print, and exit")
    parser.add_argument("--fresh", action="store_true", help="forget the demo world and begin anew")
    parser.add_argument(
        "--weeks",
        type=read_weeks,
        default=WEEKS,
        help="weeks of sessions to replay (default: %(default)s)",
    )
    parsed = parser.parse_args(arguments)
    return Options(port=parsed.port, is_once=parsed.once, is_fresh=parsed.fresh, weeks=parsed.weeks)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """
    Hold this checkout's lock.

    :raises AlreadyRuns: the lock is held by a living process.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRuns from error
        yield


def forget_world() -> None:
    """
    Delete what earlier starts kept, except the secrets.
    """
    if uses_own_database():
        database.forget()
    else:
        show("--fresh leaves the database at DATABASE_URL as it is: it is not ours to delete")
    surroundings.forget_world()
    shutil.rmtree(VAR / "broker", ignore_errors=True)


def stop_on_signal(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def catch_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_on_signal)


def ignore_signals() -> None:
    # A second Ctrl-C must not interrupt the cleaning up that the first one began.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def run(options: Options, supervisor: Supervisor) -> int:
    """
    Start, run the main job, print; then serve until stopped unless only once.
    """
    env = stack.start(options=options, supervisor=supervisor)
    ties_out = job.run(options=options, supervisor=supervisor, env=env)
    if options.is_once:
        return 0 if ties_out else FAILED
    job.keep_up(options=options, supervisor=supervisor, env=env)
    show_plain(stack.describe(env))
    while True:
        supervisor.look_after()
        time.sleep(0.5)


def run_and_stop(options: Options) -> int:
    supervisor = Supervisor(folder=FOLDER)
    catch_signals()
    try:
        return run(options, supervisor)
    except KeyboardInterrupt:
        show("stopping …")
        return 0 if not options.is_once else STOPPED
    except (StepFailed, postgres.PostgresFailed) as error:
        show(str(error))
        return FAILED
    finally:
        ignore_signals()
        supervisor.stop()


def main(arguments: list[str]) -> int:
    """
    Return the exit status: 0, or 1 when the books do not tie out or a part failed.
    """
    options = parse(arguments)
    os.umask(0o022)
    try:
        with only_one():
            left = stop_leftovers(FOLDER)
            if left:
                show(f"stopped {left} processes that an earlier start had left behind")
            if not ports.is_free(options.port):
                sys.stderr.write(ports.explain_taken(options.port) + "\n")
                return PORT_TAKEN
            if options.is_fresh:
                forget_world()
            return run_and_stop(options)
    except AlreadyRuns:
        sys.stderr.write("Parado already runs from this checkout; stop it first (Ctrl-C there).\n")
        return PORT_TAKEN
    except PermissionError as error:
        sys.stderr.write(f"{error}\nUse a checkout that you own.\n")
        return FAILED
