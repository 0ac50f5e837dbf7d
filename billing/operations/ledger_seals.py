"""
Sealing: blocks of transfers in a hash chain, made in the background.

Whoever edits a sealed transfer past triggers and rights breaks every digest after it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from billing.models import LedgerSeal
from billing.operations.ledger import read_sql
from web.transactions import durable


SEAL_EVERY = timedelta(minutes=1)
FIRST_DIGEST = bytes(32)
# Any number will do, as long as nothing else locks it.
SEALING_LOCK = 7_231_002


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    What a range of transactions wrote: number, sum in micros, digest.
    """

    transfer_count: int
    amount_micros: int
    digest: bytes


@durable
def seal_ledger(*, now: datetime) -> int:
    """
    Seal what finished transactions have written since the last block; return how many rows.

    A transaction below the snapshot's xmin is over, so its block can never grow.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALING_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        until_xid = int(cursor.fetchone()[0])
    last = LedgerSeal.objects.order_by("-until_xid").first()
    if last is not None and (now - last.sealed_at < SEAL_EVERY or last.until_xid >= until_xid):
        return 0
    from_xid = last.until_xid if last else 0
    previous = bytes(last.digest) if last else FIRST_DIGEST
    block = read_block(from_xid=from_xid, until_xid=until_xid, previous=previous)
    if block.transfer_count:
        LedgerSeal.objects.create(
            from_xid=from_xid,
            until_xid=until_xid,
            transfer_count=block.transfer_count,
            amount_micros=block.amount_micros,
            previous_digest=previous,
            digest=block.digest,
            sealed_at=now,
        )
    return block.transfer_count


def read_block(*, from_xid: int, until_xid: int, previous: bytes) -> Block:
    with connection.cursor() as cursor:
        cursor.execute(
            read_sql("seal_block.sql"),
            {"from_xid": from_xid, "until_xid": until_xid, "previous": previous},
        )
        count, amount_micros, digest = cursor.fetchone()
    return Block(transfer_count=count, amount_micros=int(amount_micros), digest=bytes(digest))


def count_broken_seals() -> tuple[int, int]:
    """
    Return the number of blocks and how many of them do not match the transfers any more.
    """
    previous, until_xid, count, broken = FIRST_DIGEST, 0, 0, 0
    for seal in LedgerSeal.objects.order_by("from_xid").iterator():
        block = read_block(
            from_xid=seal.from_xid, until_xid=seal.until_xid, previous=bytes(seal.previous_digest)
        )
        is_linked = bytes(seal.previous_digest) == previous and seal.from_xid == until_xid
        broken += not (is_linked and block.digest == bytes(seal.digest))
        previous, until_xid, count = bytes(seal.digest), seal.until_xid, count + 1
    return count, broken
