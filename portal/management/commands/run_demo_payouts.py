from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.operations.outlooks import refresh_outlooks
from portal.demo import payouts


class Command(BaseCommand):
    help = (
        "Wait until the demo's usage is settled, then pay owners: Fiona prepares, Felix approves."
    )

    def handle(self, *args: object, **options: object) -> None:
        try:
            payouts.finish(progress=self.stdout.write)
        except payouts.Stuck as error:
            message = f"Nothing moves any more; is the worker running? {error}"
            raise CommandError(message) from error
        # All that was replayed is settled now, an hour before the next look would be due.
        refresh_outlooks(now=timezone.now())
