"""
The doorbell's work: keep what is on sale in step with what owners allow.
"""

from django.utils import timezone

from marketplace.operations.capacity import refresh_due_capacity


def sweep() -> None:
    refresh_due_capacity(now=timezone.now())
