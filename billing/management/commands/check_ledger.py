"""
Check the books now: prints one line per rule and exits 1 when any of them is broken.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.operations.ledger_checks import check_ledger


MICROS = 1_000_000


class Command(BaseCommand):
    help = "Check every rule of the ledger, and usage = ledger = provider."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--without-provider",
            action="store_true",
            help="leave out the comparison with the payment provider's balance",
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        check = check_ledger(now=timezone.now(), with_provider=not options["without_provider"])
        width = max(len(_(line["title"])) for line in check.lines)
        for line in check.lines:
            self.stdout.write(self._show(line, width=width))
        if not check.is_clean:
            raise CommandError(_("The books do not tie out."), returncode=1)
        self.stdout.write(self.style.SUCCESS(_("The books tie out.")))

    def _show(self, line: dict[str, Any], *, width: int) -> str:
        figures = "  ".join(
            f"{line[name] / MICROS:>18,.6f}"
            for name in ("expected_micros", "found_micros", "difference_micros")
        )
        mark = self.style.SUCCESS("ok  ") if line["is_ok"] else self.style.ERROR("BREAK")
        tail = line["note"] or (f"{line['broken_count']} broken" if line["broken_count"] else "")
        return (
            f"{mark} {_(line['title']):<{width}}  {line['currency']:<3} {figures}  {tail}".rstrip()
        )
