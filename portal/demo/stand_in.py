"""
What people do on the pages of the Stripe stand-in: fill in the form, pay.
"""

from urllib.parse import urlencode, urlsplit

import requests
from django.conf import settings


TIMEOUT_S = 20


class NotTheStandIn(Exception):
    """
    The address is not one of the stand-in's; nothing is ever submitted elsewhere.
    """


def is_there() -> bool:
    return not settings.STRIPE_SECRET_KEY


def submit(url: str, **form: str) -> None:
    """
    Submit the form of one of the stand-in's pages.

    :raises NotTheStandIn: the address leads elsewhere.
    """
    base = urlsplit(settings.STRIPE_API_BASE)
    if not is_there() or urlsplit(url)[:2] != base[:2]:
        raise NotTheStandIn(url)
    answer = requests.post(
        url,
        data=urlencode(form),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        allow_redirects=False,
        timeout=TIMEOUT_S,
    )
    answer.raise_for_status()
