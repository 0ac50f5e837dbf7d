"""
The broker that somebody named for `manage.py up`.
"""

from amqp.exceptions import AMQPError
from kombu import Connection
from kombu.exceptions import KombuError

from config.devstack.supervisor import StepFailed


ANSWER_TIMEOUT_S = 5
FAULTS = (AMQPError, KombuError, OSError, LookupError, ImportError, ValueError)


def check(url: str) -> None:
    """
    Make sure that the broker answers: workers would wait for it without a word.

    :raises StepFailed: it does not, or nothing here speaks with one of this kind.
    """
    if url.startswith("filesystem:"):
        return
    try:
        with Connection(url, connect_timeout=ANSWER_TIMEOUT_S) as connection:
            connection.ensure_connection(max_retries=1, timeout=ANSWER_TIMEOUT_S)
    except FAULTS as error:
        message = (
            f"CELERY_BROKER_URL cannot be used: {error}\n"
            "Start the broker, or unset CELERY_BROKER_URL: then Parado needs none."
        )
        raise StepFailed(message) from error
