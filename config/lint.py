"""
Everything that `make lint` checks, one after the other; all of it runs even when one fails.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable
PACKAGES = (
    "manage.py",
    "accounts",
    "benchmarks",
    "billing",
    "config",
    "consent",
    "marketplace",
    "portal",
    "simulator",
    "tests",
    "web",
)
# What `check --deploy` would see on a server; the values only have to look real.
PRODUCTION = {
    "SECRET_KEY": "only-for-this-check-0123456789-abcdefghijklmnopqrstuvwxyz-XYZ",
    "PUBLIC_ID_KEY": "20261122",
    "ALLOWED_HOSTS": "parado.example",
    "BASE_URL": "https://parado.example",
    "DEBUG": "",
    "DEMO": "",
    "STRIPE_SECRET_KEY": "sk_test_only_for_this_check",
    "STRIPE_WEBHOOK_SECRET": "whsec_a",
    "STRIPE_THIN_WEBHOOK_SECRET": "whsec_b",
}


def list_templates() -> list[str]:
    return sorted(str(path) for path in (ROOT / "templates").rglob("*.html"))


def list_checks() -> list[tuple[str, Sequence[str]]]:
    """
    Return (name, command) of every check.
    """
    packages = [name for name in PACKAGES if (ROOT / name).exists()]
    templates = list_templates()
    manage = [PYTHON, "manage.py"]
    checks: list[tuple[str, Sequence[str]]] = [
        ("ruff check", [str(BIN / "ruff"), "check", "."]),
        ("ruff format", [str(BIN / "ruff"), "format", "--check", "."]),
        ("mypy", [str(BIN / "mypy"), "--no-incremental", *packages]),
        ("import contracts", [str(BIN / "lint-imports"), "--no-cache"]),
        ("system check", [*manage, "check", "--deploy", "--fail-level", "WARNING"]),
        ("migrations", [PYTHON, "-W", "ignore", "manage.py", "makemigrations", "--check"]),
    ]
    if templates:
        djade = [str(BIN / "djade"), "--check", "--target-version", "5.2", *templates]
        djlint = [str(BIN / "djlint"), "--lint", "--profile=django", "--quiet", "templates"]
        checks += [("djade", djade), ("djlint", djlint)]
    return checks


def run_check(name: str, command: Sequence[str]) -> bool:
    """
    Run one check and print its words only when it found something.
    """
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env={**os.environ, **PRODUCTION},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    sys.stdout.write(f"{'ok    ' if done.returncode == 0 else 'FAILED'}  {name}\n")
    if done.returncode:
        sys.stdout.write(done.stdout.rstrip() + "\n\n")
    sys.stdout.flush()
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """
    Run the checks whose name contains one of the words given, or all; 0 when all are clean.
    """
    chosen = [
        (name, command)
        for name, command in list_checks()
        if not arguments or any(word in name for word in arguments)
    ]
    results = [run_check(name, command) for name, command in chosen]
    return 0 if all(results) else 1
