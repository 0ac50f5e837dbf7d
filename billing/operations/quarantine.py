"""
What a person decides about a record that was set aside: dismiss it, replay it, or accept it.

Each act is done once, by a named person, and is written into the audit trail with its reason.
"""

from datetime import datetime

from accounts import operations as accounts
from billing.models import (
    ACCEPTABLE_CODES,
    QuarantineCode,
    QuarantinedRecord,
    UsagePart,
    UsageRecord,
)
from billing.operations.ingest import take_in
from billing.operations.usage_events import Reading, read_again
from billing.operations.usage_store import RECORD_IDS_PER_BATCH
from web.limits import SETTLEMENT_LANES
from web.transactions import durable


State = QuarantinedRecord.State


class NotInQuarantine(Exception):
    """
    There is no such quarantined record.
    """


class AlreadyResolved(Exception):
    """
    Somebody, or a correction, has settled the matter before.
    """


class ReasonMissing(ValueError):
    """
    Setting money aside for good, or paying it against the check, needs a reason in words.
    """


class NotAcceptable(Exception):
    """
    Only implausible and overlapping records can be accepted; others are replayed once mended.
    """


class StillRefused(Exception):
    """
    The cause is not mended: the event was refused again, with this code and detail.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


@durable
def dismiss(*, quarantined_id: int, actor_id: int, reason: str, now: datetime) -> None:
    """
    Leave the record unpaid for good.

    :raises NotInQuarantine, AlreadyResolved, ReasonMissing: nothing was changed.
    """
    kept = _lock_open(quarantined_id)
    _resolve(kept, state=State.DISMISSED, actor_id=actor_id, reason=_said(reason), now=now)


@durable
def replay(*, quarantined_id: int, actor_id: int, reason: str = "", now: datetime) -> None:
    """
    Try again after the cause was mended, by the same way that every event takes.

    A record that was found wanting when it was settled goes back to settlement, and comes
    back here if it still is.

    :raises StillRefused: it was refused at the door again; nothing was changed.
    :raises NotInQuarantine, AlreadyResolved: nothing was changed.
    """
    kept = _lock_open(quarantined_id)
    if kept.record_id is not None:
        _requeue(kept)
    else:
        _take_in_again(kept, now=now)
    _resolve(kept, state=State.REPLAYED, actor_id=actor_id, reason=reason.strip(), now=now)


@durable
def accept(*, quarantined_id: int, actor_id: int, reason: str, now: datetime) -> None:
    """
    Have an implausible or overlapping record settled as it was reported.

    What is vouched for is the reason that was shown: if settlement finds the other one as
    well, the record comes back with that.

    :raises NotAcceptable: it was set aside for something that no person can vouch for.
    :raises NotInQuarantine, AlreadyResolved, ReasonMissing: nothing was changed.
    """
    kept = _lock_open(quarantined_id)
    if kept.code not in ACCEPTABLE_CODES:
        raise NotAcceptable(kept.code)
    said = _said(reason)
    _requeue(kept, vouched_code=kept.code)
    _resolve(kept, state=State.ACCEPTED, actor_id=actor_id, reason=said, now=now)


def _lock_open(quarantined_id: int) -> QuarantinedRecord:
    kept = QuarantinedRecord.objects.select_for_update().filter(pk=quarantined_id).first()
    if kept is None:
        raise NotInQuarantine(quarantined_id)
    if kept.state != State.OPEN:
        raise AlreadyResolved(kept.state)
    return kept


def _said(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing
    return reason.strip()


def _requeue(kept: QuarantinedRecord, *, vouched_code: str = "") -> None:
    """
    Give the stored record a part of its own for the next settlement of its lane.

    What somebody vouched for when it was here before stays vouched for.
    """
    assert kept.record_id is not None, "it was refused when it was settled"
    assert kept.on_date is not None, "a stored record has a day"
    record = UsageRecord.objects.get(on_date=kept.on_date, id=kept.record_id)
    batch_id = kept.record_id // RECORD_IDS_PER_BATCH
    before = UsagePart.objects.filter(
        batch_id=batch_id, first_record_id=kept.record_id, is_requeued=True
    )
    UsagePart.objects.create(
        batch_id=batch_id,
        lane=record.owner_id % SETTLEMENT_LANES,
        first_record_id=kept.record_id,
        last_record_id=kept.record_id,
        first_date=record.on_date,
        last_date=record.on_date,
        record_count=1,
        is_requeued=True,
        is_energy_cleared=vouched_code == QuarantineCode.ENERGY_IMPLAUSIBLE
        or before.filter(is_energy_cleared=True).exists(),
        is_overlap_cleared=vouched_code == QuarantineCode.OVERLAP
        or before.filter(is_overlap_cleared=True).exists(),
    )


def _take_in_again(kept: QuarantinedRecord, *, now: datetime) -> None:
    reading = Reading(events=[read_again(kept.body)], raws=[kept.body.encode()])
    result = take_in(source=kept.source.name, reading=reading, now=now)
    if result.quarantined_count:
        raise StillRefused(result.results[0].code, result.results[0].detail)


def _resolve(
    kept: QuarantinedRecord, *, state: str, actor_id: int, reason: str, now: datetime
) -> None:
    kept.state, kept.resolution = state, reason
    kept.resolved_by_id, kept.resolved_at = actor_id, now
    kept.save(update_fields=["state", "resolution", "resolved_by", "resolved_at"])
    accounts.record_audit(
        actor_id=actor_id,
        action=f"quarantine.{state}",
        subject=f"quarantined_record:{kept.pk}",
        now=now,
        detail={"code": kept.code, "reason": reason},
    )
