#!/usr/bin/env python3
"""
Entry point of every command: `up`, `test`, `lint` and Django's own.

Until the pinned environment exists only the standard library is at hand, so this
file imports nothing else before it has re-executed itself inside `.venv`.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / ".parado-requirements.json"
LOCK = ROOT / ".venv.lock"
STACK_ENVIRONMENT = Path(os.environ.get("VAR_DIR") or ROOT / "var") / "devstack.env"
RUNTIME = ROOT / "requirements.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"
NEEDS_DEVELOPMENT = frozenset({"test", "lint", "bench"})
PYTHON_MIN = (3, 11)


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def wanted_files(command: str) -> "tuple[Path, ...]":
    """
    Return the requirement files that the command needs; the second includes the first.
    """
    return (RUNTIME, DEVELOPMENT) if command in NEEDS_DEVELOPMENT else (RUNTIME,)


def digest_of(path: Path) -> str:
    """
    Return the key of one requirement file for this interpreter.
    """
    version = ".".join(str(part) for part in sys.version_info[:2])
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = [version, *(line for line in lines if not line.lstrip().startswith("#"))]
    return hashlib.sha256("\n".join(pins).encode()).hexdigest()


def read_stamp() -> "dict[str, str]":
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def missing_files(command: str) -> "list[Path]":
    """
    Return the requirement files whose present content is not installed yet.
    """
    if not venv_python().exists():
        return list(wanted_files(command))
    stamp = read_stamp()
    return [path for path in wanted_files(command) if stamp.get(path.name) != digest_of(path)]


def venv_python() -> Path:
    return VENV / "bin" / "python"


def explain_missing_venv() -> None:
    version = ".".join(str(part) for part in sys.version_info[:2])
    say(
        "Parado needs Python's venv module, which this machine lacks.\n"
        f"On Debian or Ubuntu: apt-get install python3-venv (or python{version}-venv)."
    )
    raise SystemExit(3)


@contextlib.contextmanager
def install_lock() -> "Iterator[None]":
    """
    Let one process install while others wait, so that two first starts do not collide.
    """
    import fcntl

    try:
        handle = LOCK.open("w")
    except OSError as error:
        say(f"Cannot write {LOCK}: {error.strerror}. Use a checkout that you own.")
        raise SystemExit(3) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_venv() -> None:
    if venv_python().exists() and (VENV / "bin" / "pip").exists():
        return
    say("Parado: making .venv (first run only)")
    if subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False).returncode:
        explain_missing_venv()


def pip_install(path: Path) -> None:
    say(f"Parado: installing {path.name} (pinned, checked by hash)")
    pip = [str(venv_python()), "-m", "pip", "--disable-pip-version-check", "install"]
    options = ["--quiet", "--no-input", "--require-hashes", "--no-deps", "-r", str(path)]
    done = subprocess.run(
        [*pip, *options],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        say(done.stdout + f"Parado: pip could not install {path.name}; the lines above say why.")
        raise SystemExit(3)


def write_stamp(path: Path) -> None:
    stamp = {**read_stamp(), path.name: digest_of(path)}
    draft = STAMP.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(stamp), encoding="utf-8")
    draft.replace(STAMP)


def install(command: str) -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        explain_missing_venv()
    with install_lock():
        # Whoever held the lock before may have installed it all by now.
        missing = missing_files(command)
        if not missing:
            return
        make_venv()
        # The development file holds the runtime pins too: one pass installs both.
        pip_install(missing[-1])
        for path in missing:
            write_stamp(path)


def is_inside_venv() -> bool:
    return Path(sys.prefix).resolve() == VENV.resolve()


def bootstrap(command: str) -> None:
    """
    Make sure the pinned environment is there and is the one running.
    """
    if sys.version_info < PYTHON_MIN:
        say("Parado needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")
        raise SystemExit(3)
    # A container image brings its own environment and must not build another.
    if os.environ.get("PARADO_BOOTSTRAP") == "off":
        return
    if missing_files(command):
        install(command)
    if not is_inside_venv():
        arguments = [str(venv_python()), str(ROOT / "manage.py"), *sys.argv[1:]]
        os.execv(arguments[0], arguments)


def run_up(arguments: "list[str]") -> int:
    from config.devstack.main import main as up

    return up(arguments)


def keep_compiled_files() -> None:
    """
    Keep compiled modules under `var` where an environment forbids them beside the sources: each
    worker of the tests would compile all of them anew, which takes longer than a thousand tests.
    """
    if sys.dont_write_bytecode:
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(ROOT / "var" / "compiled")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = False


def run_test(arguments: "list[str]") -> int:
    keep_compiled_files()
    import pytest

    os.chdir(ROOT)
    # Two workers, each with a server of its own, share the whole; one file is not worth a second,
    # nor is there a second server where one was given.
    is_chosen = any((ROOT / each.partition("::")[0]).exists() for each in arguments)
    is_alone = is_chosen or "TEST_DATABASE_URL" in os.environ
    workers = [] if is_alone else ["--numprocesses=2", "--dist=worksteal"]
    return int(pytest.main([*workers, *arguments]))


def run_lint(arguments: "list[str]") -> int:
    from config.lint import main as lint

    return lint(arguments)


def run_bench(arguments: "list[str]") -> int:
    from benchmarks.runner import main as bench

    return bench(arguments)


def borrow_environment() -> None:
    """
    Let a command in a second terminal work on the database of the running `up`.
    """
    if os.environ.get("DATABASE_URL") or not STACK_ENVIRONMENT.is_file():
        return
    with contextlib.suppress(PermissionError):
        for line in STACK_ENVIRONMENT.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            os.environ.setdefault(name, value)


def show_help() -> None:
    say(
        "Parado. Its own commands:\n"
        "  up      start everything with a demo world; --once, --port, --fresh, --weeks\n"
        "  test    run the tests; arguments go to pytest\n"
        "  lint    check style, types, imports, templates and migrations\n"
        "  bench   measure what is promised, beside its raw limits\n"
    )


def run_django(arguments: "list[str]") -> int:
    borrow_environment()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *arguments])
    return 0


def main() -> int:
    arguments = sys.argv[1:]
    command = arguments[0] if arguments else "help"
    bootstrap(command)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    own = {"up": run_up, "test": run_test, "lint": run_lint, "bench": run_bench}
    if command in {"help", "--help", "-h"} and not arguments[1:]:
        show_help()
    if command in own:
        return own[command](arguments[1:])
    return run_django(arguments)


if __name__ == "__main__":
    sys.exit(main())
