"""
What `manage.py up` says before it starts anything.
"""

import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.devstack import broker, database, ports, surroundings
from config.devstack import main as up
from config.devstack.supervisor import StepFailed


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(up, "FOLDER", tmp_path)
    monkeypatch.setattr(surroundings, "FOLDER", tmp_path)
    return tmp_path


class TestUp:
    def test_offers_another_port_when_the_wanted_one_is_taken(
        self, taken_port: int, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        status = up.main(["--port", str(taken_port)])

        said = capsys.readouterr().err
        offered = int(said.rsplit("--port", 1)[1])
        assert status == up.PORT_TAKEN
        assert f"Port {taken_port} is taken" in said
        assert ports.is_free(offered)

    def test_refuses_to_run_twice_in_one_checkout(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with (folder / "up.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

            status = up.main([])

        assert status == up.PORT_TAKEN
        assert "already runs from this checkout" in capsys.readouterr().err

    @pytest.mark.parametrize("port", ["0", "-1", "65536", "99999", "80.5", "\u0661"])
    def test_refuses_what_is_no_port(
        self, port: str, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            up.main([f"--port={port}"])

        assert "is not a whole number from 1 to 65535" in capsys.readouterr().err

    def test_finds_a_port_below_where_none_is_above(self) -> None:
        assert 1_023 < ports.find_free(above=ports.PORT_MAX) < ports.PORT_MAX


class TestGivenParts:
    @pytest.mark.parametrize(
        "url", ["postgres://nobody@127.0.0.1:1/none", "nonsense", "postgres://127.0.0.1:x/y"]
    )
    def test_a_database_that_cannot_be_reached_is_named(self, url: str) -> None:
        with pytest.raises(StepFailed, match="DATABASE_URL cannot be used"):
            database.check(url)

    def test_a_database_that_does_not_exist_is_named(self) -> None:
        server = os.environ["DATABASE_URL"].rpartition("/")[0]

        with pytest.raises(StepFailed, match='database "no_such" does not exist'):
            database.check(f"{server}/no_such")

    @pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//", "odd://x"])
    def test_a_broker_that_cannot_be_reached_is_named(self, url: str) -> None:
        with pytest.raises(StepFailed, match="CELERY_BROKER_URL cannot be used"):
            broker.check(url)

    def test_a_broker_of_files_needs_nobody(self) -> None:
        broker.check("filesystem://localhost//")


class TestEnvironment:
    def test_what_the_caller_sets_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_1")
        monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:6379/3")
        monkeypatch.setenv("BASE_URL", "http://remembered.example")

        env = surroundings.build_environment(port=8001, stripe_port=8002, kept={"SECRET_KEY": "k"})

        assert env["STRIPE_SECRET_KEY"] == "sk_test_1"
        assert env["CELERY_BROKER_URL"] == "redis://127.0.0.1:6379/3"
        assert env["BASE_URL"] == "http://127.0.0.1:8001"
        assert not surroundings.uses_stand_in_stripe()

    def test_secrets_are_made_once_and_only_the_owner_may_read_them(self, folder: Path) -> None:
        first = surroundings.read_secrets()

        assert surroundings.read_secrets() == first
        assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600
