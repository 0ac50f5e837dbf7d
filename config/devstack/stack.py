"""
What runs, in which order it starts, and how to tell that it answers.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from config.devstack import broker, database, ports, surroundings
from config.devstack.screen import step
from config.devstack.supervisor import StepFailed, Supervisor
from config.devstack.surroundings import ROOT, VAR, Options


PYTHON = sys.executable
BIN = Path(PYTHON).parent
ANSWER_TIMEOUT_S = 30.0
# Two processes for two cores; threads for requests that wait (long polls, the database).
WEB_PROCESSES = 2
WEB_THREADS = 8
WORKER_PROCESSES = 3


def manage(*arguments: str) -> list[str]:
    return [PYTHON, str(ROOT / "manage.py"), *arguments]


def start(*, options: Options, supervisor: Supervisor) -> dict[str, str]:
    """
    Start every process and return the environment that they share.
    """
    kept = surroundings.read_secrets()
    stripe_port = ports.find_free(above=options.port)
    env = surroundings.build_environment(port=options.port, stripe_port=stripe_port, kept=kept)
    if surroundings.uses_own_database():
        with step("starting PostgreSQL"):
            addresses = database.start(supervisor, app_password=kept["APP_PASSWORD"])
            env |= {"DATABASE_URL": addresses.app, "DATABASE_ADMIN_URL": addresses.admin}
    else:
        database.check(env["DATABASE_URL"])
    if url := env.get("CELERY_BROKER_URL"):
        broker.check(url)
    (VAR / "static").mkdir(parents=True, exist_ok=True)
    surroundings.write_environment_file(env)
    with step("migrating"):
        supervisor.run(name="migrate", command=manage("migrate", "--verbosity=0"), env=env)
    if database.has_nobody(env["DATABASE_URL"]):
        # Whatever the stand-ins remember, they remember of a database that is gone.
        surroundings.forget_world()
    with step("starting web, worker, beat and stand-ins"):
        start_processes(options=options, supervisor=supervisor, env=env, stripe_port=stripe_port)
    return env


def start_processes(
    *, options: Options, supervisor: Supervisor, env: Mapping[str, str], stripe_port: int
) -> None:
    if surroundings.uses_stand_in_stripe():
        command = stripe_command(options=options, port=stripe_port, env=env)
        supervisor.start(name="stripe", command=command, env=env)
    supervisor.start(name="web", command=web_command(options.port), env=env)
    supervisor.start(name="worker", command=worker_command(), env=env)
    supervisor.start(name="beat", command=beat_command(), env=env)
    wait_for_answer(supervisor, env["BASE_URL"] + "/")


def web_command(port: int) -> list[str]:
    return [
        str(BIN / "gunicorn"),
        "config.wsgi:application",
        f"--bind={ports.HOST}:{port}",
        "--worker-class=gthread",
        f"--workers={WEB_PROCESSES}",
        f"--threads={WEB_THREADS}",
        "--timeout=60",
        "--graceful-timeout=2",
        "--log-level=warning",
    ]


def worker_command() -> list[str]:
    # As root Celery warns at length; here it runs nothing but this checkout's own code.
    quiet = ["-W", "ignore:You're running the worker"]
    celery = [PYTHON, *quiet, "-m", "celery", "--app=config.celery", "--quiet", "worker"]
    options = [f"--concurrency={WORKER_PROCESSES}", "--queues=money,notify,bulk"]
    return [*celery, *options, "--loglevel=WARNING", "--without-gossip", "--without-mingle"]


def beat_command() -> list[str]:
    celery = [PYTHON, "-m", "celery", "--app=config.celery", "--quiet", "beat"]
    schedule = surroundings.FOLDER / "beat"
    return [*celery, "--loglevel=WARNING", "--pidfile=", f"--schedule={schedule}"]


def stripe_command(*, options: Options, port: int, env: Mapping[str, str]) -> list[str]:
    base = f"http://{ports.HOST}:{options.port}/webhooks/stripe"
    state = surroundings.world_folder()
    state.mkdir(parents=True, exist_ok=True)
    return [
        PYTHON,
        "-m",
        "simulator.stripe",
        f"--port={port}",
        f"--webhook-url={base}/",
        f"--thin-webhook-url={base}/thin/",
        f"--webhook-secret={env['STRIPE_WEBHOOK_SECRET']}",
        f"--thin-webhook-secret={env['STRIPE_THIN_WEBHOOK_SECRET']}",
        f"--state={state / 'stripe.jsonl'}",
    ]


def wait_for_answer(supervisor: Supervisor, url: str) -> None:
    """
    Return once the address answers, with whatever status.

    :raises StepFailed: nothing answers within the time given.
    """
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline:
        supervisor.look_after()
        if answers(url):
            return
        time.sleep(0.1)
    message = f"{url} does not answer"
    raise StepFailed(message)


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own address
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def describe(env: Mapping[str, str]) -> str:
    """
    Return the first screen: what runs, where, and who to sign in as.
    """
    demo = VAR / "demo.json"
    people = json.loads(demo.read_text(encoding="utf-8"))["people"] if demo.exists() else []
    lines = [
        "",
        f"Parado serves {env['BASE_URL']}   (Ctrl-C stops it)",
        f"API reference {env['BASE_URL']}/docs/api/",
    ]
    if surroundings.uses_stand_in_stripe():
        lines.append(f"Stripe stand-in {env['STRIPE_API_BASE']}")
    lines += ["", "Sign in as:"]
    lines += [f"  {who['role']:<18} {who['email']:<34} {who['password']}" for who in people]
    return "\n".join([*lines, "", f"Keys and ids for scripts: {demo}", ""])
