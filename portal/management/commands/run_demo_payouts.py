from django.core.management.base import BaseCommand, CommandError

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
