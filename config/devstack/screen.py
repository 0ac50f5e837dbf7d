"""
What the person at the terminal sees: prefixed lines and steps with their time.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


PREFIX_WIDTH = 9
_lock = threading.Lock()


def show(text: str, *, prefix: str = "up") -> None:
    """
    Print lines, each behind the name of the process that they come from.
    """
    with _lock:
        for line in text.splitlines() or [""]:
            sys.stdout.write(f"{prefix:<{PREFIX_WIDTH}}| {line}\n")
        sys.stdout.flush()


def show_plain(text: str) -> None:
    with _lock:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


@contextmanager
def step(name: str) -> Iterator[None]:
    """
    Announce a step and, when it is done, how long it took.
    """
    show(f"{name} …")
    started = time.monotonic()
    yield
    show(f"{name}: done in {time.monotonic() - started:.1f} s")
