"""
Typed readers of environment variables: the only way configuration enters.
"""

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def read_text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def read_flag(name: str, *, default: bool = False) -> bool:
    """
    Return a switch; an unknown word is refused rather than read as "off".

    :raises ValueError: the variable holds something that is neither yes nor no.
    """
    word = os.environ.get(name, "").strip().lower()
    if not word:
        return default
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    message = f"{name} must be one of 1, true, yes, on, 0, false, no, off"
    raise ValueError(message)


def read_number(name: str, default: int) -> int:
    return int(read_text(name, str(default)))


def read_list(name: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def read_database(url: str) -> dict[str, Any]:
    """
    Return Django's settings of one database from `postgres://user:password@host:port/name`.

    :raises ValueError: the address is not one of PostgreSQL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        message = "Parado keeps its books in PostgreSQL: the address must begin with postgres://"
        raise ValueError(message)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
