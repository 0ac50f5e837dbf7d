"""
The embedded database of `manage.py up`, with its two roles.
"""

import shutil
import signal
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql

from config import postgres
from config.devstack.supervisor import Child, StepFailed, Supervisor
from config.devstack.surroundings import VAR


DATABASE = "parado"
APP_ROLE = "parado_app"
ANSWER_TIMEOUT_S = 5


@dataclass(frozen=True)
class Addresses:
    """
    Where the application connects, and where migrations do.
    """

    app: str
    admin: str


def open_cluster() -> postgres.Cluster:
    return postgres.open_cluster(home=VAR / "pg", settings=postgres.SETTINGS)


def forget() -> None:
    """
    Delete the embedded database.
    """
    cluster = open_cluster()
    postgres.stop(cluster)
    shutil.rmtree(cluster.home, ignore_errors=True)


def start(supervisor: Supervisor, *, app_password: str) -> Addresses:
    """
    Start PostgreSQL and make sure that the database and both roles exist.
    """
    cluster = open_cluster()
    postgres.stop(cluster)
    postgres.create(cluster)
    port = postgres.find_free_port()
    server = postgres.start(cluster, port=port)
    # Fast, and when its last checkpoint takes too long at once: it recovers at the next start.
    stop_signals = (signal.SIGINT, signal.SIGQUIT)
    supervisor.add(
        Child(name="postgres", process=server, stop_signals=stop_signals, stops_last=True)
    )
    _make_database(cluster.url(database="postgres", port=port))
    admin = cluster.url(database=DATABASE, port=port)
    _make_app_role(admin, password=app_password)
    app = f"postgres://{APP_ROLE}:{app_password}@127.0.0.1:{port}/{DATABASE}"
    return Addresses(app=app, admin=admin)


def _make_database(url: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    connection.close()


def _make_app_role(url: str, *, password: str) -> None:
    """
    Give the application a role that may sign in; migrations grant what it may do.
    """
    role = sql.Identifier(APP_ROLE)
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {}").format(role))
        cursor.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
        )
    connection.close()


def check(url: str) -> None:
    """
    Make sure that a database somebody named can be reached.

    :raises StepFailed: it cannot, in the server's own words.
    """
    try:
        psycopg2.connect(url, connect_timeout=ANSWER_TIMEOUT_S).close()
    except psycopg2.Error as error:
        message = (
            f"DATABASE_URL cannot be used: {str(error).strip()}\n"
            "Make the database, or unset DATABASE_URL: then Parado brings its own."
        )
        raise StepFailed(message) from error


def has_nobody(url: str) -> bool:
    """
    Tell whether a migrated database holds no people yet.
    """
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT NOT EXISTS (SELECT FROM accounts_user)")
        [(is_empty,)] = cursor.fetchall()
    connection.close()
    return bool(is_empty)
