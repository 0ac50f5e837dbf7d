"""
`manage.py publish_notice 2027-03 --agree-by 2027-06-30`: the texts stand in consent/notices/.
"""

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from consent.operations import NoticeRefused, publish_notice
from consent.queries.notices import FOLDER_OF_TEXTS


class Command(BaseCommand):
    help = "Publish a new version of the notice that owners agree to."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version")
        parser.add_argument(
            "--agree-by",
            type=date.fromisoformat,
            metavar="DATE",
            help="what was agreed before holds until the end of this date (UTC) at most",
        )
        parser.add_argument("--folder", type=Path, default=FOLDER_OF_TEXTS)

    def handle(self, *, version: str, agree_by: date | None, folder: Path, **_: Any) -> None:  # noqa: ANN401 - Django's signature
        texts = {
            path.name.removeprefix(f"{version}.").removesuffix(".txt"): path.read_text("utf-8")
            for path in folder.glob(f"{version}.*.txt")
        }
        try:
            notice = publish_notice(
                version=version,
                texts=texts,
                agree_by=datetime.combine(agree_by, time.max, UTC) if agree_by else None,
                now=timezone.now(),
            )
        except NoticeRefused as error:
            raise CommandError(str(error)) from error
        languages = ", ".join(sorted(notice.texts))
        until = f"; owners agree again by {agree_by}" if agree_by else ""
        self.stdout.write(f"Notice {version} is out, in {languages}{until}.")
