"""
The part of manage.py that runs before anything is installed.
"""

import importlib.util
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import manage


PINS = "django==5.2.19 \\\n    --hash=sha256:aa\n    # via parado\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Point the bootstrap at an empty checkout with two requirement files.
    """
    monkeypatch.setattr(manage, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(manage, "STAMP", tmp_path / ".venv" / "stamp.json")
    monkeypatch.setattr(manage, "LOCK", tmp_path / ".venv.lock")
    for name in ("RUNTIME", "DEVELOPMENT"):
        path = tmp_path / f"{name.lower()}.txt"
        path.write_text(PINS)
        monkeypatch.setattr(manage, name, path)
    return tmp_path


@pytest.fixture
def installed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """
    Replace venv and pip by a slow stand-in; return the names of the files "installed".
    """
    names: list[str] = []

    def make_venv() -> None:
        manage.venv_python().parent.mkdir(parents=True, exist_ok=True)
        manage.venv_python().touch()

    def pip_install(path: Path) -> None:
        time.sleep(0.2)
        names.append(path.name)

    monkeypatch.setattr(manage, "make_venv", make_venv)
    monkeypatch.setattr(manage, "pip_install", pip_install)
    return names


class TestDigest:
    def test_changes_with_a_pin(self, checkout: Path) -> None:
        before = manage.digest_of(manage.RUNTIME)

        manage.RUNTIME.write_text(PINS.replace("5.2.19", "5.2.20"))

        assert manage.digest_of(manage.RUNTIME) != before

    def test_stays_when_only_a_comment_changes(self, checkout: Path) -> None:
        before = manage.digest_of(manage.RUNTIME)

        manage.RUNTIME.write_text("# made by uv\n" + PINS.replace("via parado", "via kombu"))

        assert manage.digest_of(manage.RUNTIME) == before


class TestInstall:
    def test_installs_the_runtime_only_for_up(self, installed: list[str]) -> None:
        manage.install("up")

        assert installed == ["runtime.txt"]
        assert manage.missing_files("up") == []
        assert manage.missing_files("test") == [manage.DEVELOPMENT]

    def test_one_pass_serves_test_and_up(self, installed: list[str]) -> None:
        manage.install("test")

        assert installed == ["development.txt"]
        assert manage.missing_files("up") == []

    def test_changed_pins_are_installed_again(self, installed: list[str]) -> None:
        manage.install("up")
        manage.RUNTIME.write_text(PINS.replace("5.2.19", "5.2.20"))

        manage.install("up")

        assert installed == ["runtime.txt", "runtime.txt"]

    def test_two_first_starts_at_once_install_once(self, installed: list[str]) -> None:
        starts = [threading.Thread(target=manage.install, args=("up",)) for _ in range(2)]
        for start in starts:
            start.start()
        for start in starts:
            start.join()

        assert installed == ["runtime.txt"]

    def test_an_interrupted_install_is_not_taken_for_done(
        self, installed: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def pip_is_killed(path: Path) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(manage, "pip_install", pip_is_killed)
        with pytest.raises(KeyboardInterrupt):
            manage.install("up")

        assert manage.missing_files("up") == [manage.RUNTIME]

    def test_says_what_to_install_when_venv_is_missing(
        self,
        checkout: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

        with pytest.raises(SystemExit) as ended:
            manage.install("up")

        assert ended.value.code == 3
        assert "apt-get install python3-venv" in capsys.readouterr().err

    def test_says_so_when_the_checkout_belongs_to_somebody_else(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(manage, "LOCK", checkout / "missing" / "lock")

        with pytest.raises(SystemExit):
            manage.install("up")

        assert "Use a checkout that you own" in capsys.readouterr().err


def test_nothing_but_the_standard_library_is_imported_before_the_environment_exists() -> None:
    script = "import manage, sys; print(any(m.split('.')[0] == 'django' for m in sys.modules))"

    answer = subprocess.run(
        [sys.executable, "-S", "-c", script],
        cwd=manage.ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.strip() == "False"
