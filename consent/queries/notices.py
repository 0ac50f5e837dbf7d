"""
The notice: the text that owners agree to, and until when an older one holds.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db.models import DateTimeField, Func, OuterRef, QuerySet, Subquery
from django.db.models.functions import Least
from django.utils.functional import cached_property

from consent.models import ConsentVersion, Notice


DEFAULT_LANGUAGE = "en"
# Where the texts stand before they are published.
FOLDER_OF_TEXTS = Path(__file__).resolve().parent.parent / "notices"

# Until when a version of consent `c` holds: its own end, or what the first notice leaves
# that came out after it was agreed. Equal to the column of consent_terms_v. Most versions are
# younger than the last notice that asks again, which is looked up once: they pay for no more.
EXPIRES_AT = """least(c.expires_at, CASE
        WHEN lower(c.in_force) < (
            SELECT max(n.published_at) FROM consent_notice n WHERE n.agree_by IS NOT NULL)
        THEN (SELECT min(n.agree_by) FROM consent_notice n
              WHERE n.published_at > lower(c.in_force)) END)"""


@dataclass(frozen=True)
class NoticeText:
    """
    One version of the notice in one language; `digest` is SHA-256 of the text as it is kept.
    """

    version: str
    language: str
    text: str

    @cached_property
    def paragraphs(self) -> tuple[str, ...]:
        return tuple(line for line in self.text.splitlines() if line and not _is_point(line))

    @cached_property
    def points(self) -> tuple[str, ...]:
        lines = self.text.splitlines()
        return tuple(line.removeprefix("- ") for line in lines if _is_point(line))

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class NoticeChange:
    """
    What a new notice says that the old one did not, and the other way round.
    """

    before: NoticeText
    after: NoticeText
    added: tuple[str, ...]
    removed: tuple[str, ...]


def find_notice(*, now: datetime) -> Notice:
    """
    Return the notice that is asked about at a moment; before the first one came out, that one.
    """
    notices = Notice.objects.order_by("-published_at")
    notice = notices.filter(published_at__lte=now).first() or notices.last()
    assert notice is not None, "a migration publishes the first"
    return notice


def choose_language(notice: Notice, language: str) -> str:
    """
    Return the language in which a reader of this one sees a notice: English where we have none.
    """
    return language if language in notice.texts else DEFAULT_LANGUAGE


def get_present_notice(*, language: str, now: datetime) -> NoticeText:
    return _read(find_notice(now=now), language)


def get_notice(*, version: str, language: str) -> NoticeText:
    """
    Return a notice as a reader of this language saw it.
    """
    return _read(Notice.objects.get(pk=version), language)


def get_change(*, version: str, language: str, now: datetime) -> NoticeChange:
    """
    Return what changed between the notice of that version and the present one.
    """
    before = get_notice(version=version, language=language)
    after = get_present_notice(language=language, now=now)
    old, new = ((*each.paragraphs, *each.points) for each in (before, after))
    return NoticeChange(
        before=before,
        after=after,
        added=tuple(line for line in new if line not in old),
        removed=tuple(line for line in old if line not in new),
    )


def with_end(versions: QuerySet[ConsentVersion]) -> Iterator[tuple[ConsentVersion, datetime]]:
    """
    Return versions, each with the end that EXPIRES_AT is in SQL, in one statement.
    """
    since = Func(OuterRef("in_force"), function="lower", output_field=DateTimeField())
    asking = Notice.objects.filter(published_at__gt=since, agree_by__isnull=False)
    agree_by = Subquery(asking.order_by("agree_by").values("agree_by")[:1])
    for version in versions.annotate(holds_until=Least("expires_at", agree_by)):
        yield version, version.holds_until


def _read(notice: Notice, language: str) -> NoticeText:
    language = choose_language(notice, language)
    return NoticeText(notice.version, language, notice.texts[language])


def _is_point(line: str) -> bool:
    return line.startswith("- ")
