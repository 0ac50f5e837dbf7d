"""
The doorbell's work: send what is due, forget what is over.
"""

from django.conf import settings
from django.utils import timezone

from accounts import operations
from web import housekeeping


def sweep() -> None:
    now = timezone.now()
    while operations.send_due_mail(now=now, keep_text=settings.DEMO):
        pass
    housekeeping.forget_old_rows(now=now)
