import argparse

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.demo import world


class Command(BaseCommand):
    help = "Load the demo world: owners, cars, consents, buyers, bookings, payout accounts."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--weeks", type=int, default=4, help="weeks that bookings cover")

    def handle(self, *args: object, weeks: int, **options: object) -> None:
        try:
            world.load(weeks=weeks, now=timezone.now(), progress=self.stdout.write)
        except world.NotADemo as error:
            message = (
                "This database holds people who are not of the demo; nothing was changed. "
                "`up` is for demos: run `migrate`, then serve config.wsgi, to use this database."
            )
            raise CommandError(message) from error
