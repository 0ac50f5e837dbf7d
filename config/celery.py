"""
The worker: a doorbell that makes each app look for rows that are due.

The broker may lose, double or delay any message; what has to be done is a row in
PostgreSQL, and each app's `tasks.sweep()` finds it.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings
from kombu import Queue

from config import broker
from web.heartbeats import beating


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Which queue carries the sweep of each app: money never waits behind mail or capacity.
SWEEPS = {"billing": "money", "accounts": "notify", "consent": "bulk", "marketplace": "bulk"}
SWEEP_EVERY_S = 2.0

broker.install()
app = Celery("parado")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=280,
    task_soft_time_limit=240,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="bulk",
    task_queues=[Queue("money"), Queue("notify"), Queue("bulk")],
    timezone="UTC",
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
)
app.autodiscover_tasks()


# kombu makes its control folder but not the one for messages.
_folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("data_folder_in")
if _folder:
    Path(_folder).mkdir(parents=True, exist_ok=True)


@setup_logging.connect
def keep_django_logging(**_: object) -> None:
    """
    Leave logging as settings.LOGGING made it.
    """


@app.task(name="config.sweep")
def sweep(*, app_label: str, **_: object) -> None:
    """
    Ring one app: its `tasks.sweep()` claims and does what is due now.
    """
    if find_spec(f"{app_label}.tasks"):
        with beating(queue=SWEEPS[app_label]):
            import_module(f"{app_label}.tasks").sweep()


# A ring that waited until the next one is due has lost its purpose.
app.conf.beat_schedule = {
    f"sweep-{label}": {
        "task": "config.sweep",
        "schedule": SWEEP_EVERY_S,
        "kwargs": {"app_label": label},
        "options": {"queue": queue, "expires": 2 * SWEEP_EVERY_S},
    }
    for label, queue in SWEEPS.items()
}
