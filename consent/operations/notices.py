"""
A new notice comes out; nothing that was agreed is edited by it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from consent.models import Notice
from web.limits import NOTICE_DAYS_MIN
from web.transactions import durable


class NoticeRefused(Exception):
    """
    The notice cannot come out like this; the text says why, for an operator.
    """


@durable
def publish_notice(
    *, version: str, texts: Mapping[str, str], agree_by: datetime | None, now: datetime
) -> Notice:
    """
    Publish a notice from now on; what was agreed before holds until `agree_by` at most.

    `texts` are by language. None: owners need not agree again.

    :raises NoticeRefused: English is missing, the version is out already, or owners would
        have too little time, or less than an earlier notice gave them.
    """
    if not texts.get("en"):
        raise NoticeRefused("A notice needs a text in English.")
    if agree_by is not None and agree_by < now + timedelta(days=NOTICE_DAYS_MIN):
        raise NoticeRefused(f"Owners need {NOTICE_DAYS_MIN} days at least to agree again.")
    latest = Notice.objects.select_for_update().order_by("-published_at").first()
    if latest is not None and latest.published_at >= now:
        raise NoticeRefused(f"Notice {latest.version} comes out later than this one.")
    earlier = Notice.objects.filter(agree_by__isnull=False).order_by("-agree_by").first()
    if agree_by and earlier and earlier.agree_by and agree_by < earlier.agree_by:
        # Else the first notice after an agreement would not be the one that ends it.
        raise NoticeRefused(f"Notice {earlier.version} gave owners until {earlier.agree_by}.")
    try:
        with transaction.atomic():
            return Notice.objects.create(
                version=version, texts=dict(texts), published_at=now, agree_by=agree_by
            )
    except IntegrityError as error:
        raise NoticeRefused(f"Notice {version} is out already.") from error
