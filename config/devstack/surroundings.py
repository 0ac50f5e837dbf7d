"""
The environment that the children of `manage.py up` share, and its secrets.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent.parent
# Two stacks of one checkout need two of these.
VAR = Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()
FOLDER = VAR / "devstack"
ENVIRONMENT_FILE = VAR / "devstack.env"


@dataclass(frozen=True)
class Options:
    """
    What the command line asked for.
    """

    port: int
    is_once: bool
    is_fresh: bool
    weeks: int


def uses_own_database() -> bool:
    return not os.environ.get("DATABASE_URL")


def world_folder() -> Path:
    """
    Return where is kept what belongs to the demo world in one database and to no other.
    """
    url = os.environ.get("DATABASE_URL", "")
    name = hashlib.sha256(url.encode()).hexdigest()[:12] if url else "own"
    return VAR / "worlds" / name


def replay_file() -> Path:
    """
    Return where the scheduler's summary is kept once the sessions have been replayed.
    """
    return world_folder() / "replay.json"


def forget_world() -> None:
    shutil.rmtree(world_folder(), ignore_errors=True)
    for name in ("demo.json", "fleet.json"):
        (VAR / name).unlink(missing_ok=True)


def uses_stand_in_stripe() -> bool:
    return not os.environ.get("STRIPE_SECRET_KEY")


def read_secrets() -> dict[str, str]:
    """
    Return the secrets of this checkout's demo, made once and kept.
    """
    path = FOLDER / "secrets.json"
    if path.exists():
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return kept
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PUBLIC_ID_KEY": str(secrets.randbits(56)),
        "STRIPE_WEBHOOK_SECRET": "whsec_" + secrets.token_hex(16),
        "STRIPE_THIN_WEBHOOK_SECRET": "whsec_" + secrets.token_hex(16),
        "APP_PASSWORD": secrets.token_hex(16),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(made), encoding="utf-8")
    return made


def build_environment(*, port: int, stripe_port: int, kept: Mapping[str, str]) -> dict[str, str]:
    """
    Return the variables of every child; what the caller's environment names, wins.
    """
    url = f"http://127.0.0.1:{port}"
    defaults = {
        **{name: value for name, value in kept.items() if name != "APP_PASSWORD"},
        "DEMO": "1",
        "VAR_DIR": str(VAR),
        "BASE_URL": url,
        "STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
        "STRIPE_SUPPRESS_NOTICES": "true",
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    given = {name: value for name, value in os.environ.items() if value}
    # The address is where this start listens, whatever a shell may still remember.
    return {**defaults, **given, "BASE_URL": url}


def write_environment_file(env: Mapping[str, str]) -> None:
    """
    Let `manage.py <command>` in another terminal find the running stack's database.
    """
    names = ("DATABASE_URL", "DATABASE_ADMIN_URL", "SECRET_KEY", "PUBLIC_ID_KEY", "DEMO")
    more = ("BASE_URL", "STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRET", "STRIPE_THIN_WEBHOOK_SECRET")
    ENVIRONMENT_FILE.touch(mode=0o600)
    lines = [f"{name}={env[name]}\n" for name in (*names, *more) if name in env]
    ENVIRONMENT_FILE.write_text("".join(lines), encoding="utf-8")
