import argparse
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.operations.ledger_checks import check_ledger
from portal.demo import summary


class Command(BaseCommand):
    help = "Print what the main job did; fails when the books do not tie out."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--replay", type=Path, required=True, help="the scheduler's summary")

    def handle(self, *args: object, replay: Path, **options: object) -> None:
        check = check_ledger(now=timezone.now())
        tie_out = summary.read_tie_out(check.lines)
        for line in summary.describe(replay=replay, tie_out=tie_out):
            self.stdout.write(line)
        if not tie_out.is_clean:
            message = "the books do not tie out"
            raise CommandError(message)
