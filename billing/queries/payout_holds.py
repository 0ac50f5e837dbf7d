"""
Owners whose payouts are held back: why, by whom, since when, and what waits for them.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.queries import get_display_names
from billing.models import Account, AccountKind, PayoutHold
from web.pagination import paginate
from web.public_ids import encode


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRow:
    """
    One hold in force; `available` is what its owner could be paid now: micros, currency.
    """

    hold_id: int
    owner_name: str
    reason: str
    placed_by: str
    placed_at: datetime
    available: tuple[tuple[int, str], ...]

    @property
    def public_id(self) -> str:
        return encode("hld", self.hold_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPage:
    rows: tuple[HoldRow, ...]
    next_cursor: str | None


def get_hold_reasons(
    *, owner_ids: Collection[int], starts_at: datetime, ends_at: datetime
) -> dict[int, str]:
    """
    Return why owners were held in that time, the last reason of each; no query for nobody.
    """
    if not owner_ids:
        return {}
    held = PayoutHold.objects.filter(
        Q(lifted_at=None) | Q(lifted_at__gt=starts_at),
        owner_id__in=owner_ids,
        placed_at__lte=ends_at,
    )
    return dict(held.order_by("id").values_list("owner_id", "reason"))


def count_holds() -> int:
    """
    Return how many owners are held back now.
    """
    return PayoutHold.objects.filter(lifted_at=None).count()


def list_holds(*, cursor: str | None, limit: int) -> HoldPage:
    """
    Return the holds in force, oldest first. Three queries.

    :raises Problem: 400, the cursor is not one of this list.
    """
    page = paginate(
        PayoutHold.objects.filter(lifted_at=None),
        scope="holds",
        order=["id"],
        cursor=cursor,
        limit=limit,
    )
    owner_ids = {hold.owner_id for hold in page.items}
    names = get_display_names(user_ids=owner_ids | {hold.placed_by_id for hold in page.items})
    available: dict[int | None, list[tuple[int, str]]] = defaultdict(list)
    accounts = Account.objects.filter(
        kind=AccountKind.OWNER_AVAILABLE, owner_id__in=owner_ids, balance_micros__gt=0
    ).order_by("currency")
    for account in accounts:
        available[account.owner_id].append((account.balance_micros, account.currency))
    rows = tuple(
        HoldRow(
            hold_id=hold.pk,
            owner_name=names.get(hold.owner_id, ""),
            reason=hold.reason,
            placed_by=names.get(hold.placed_by_id, ""),
            placed_at=hold.placed_at,
            available=tuple(available[hold.owner_id]),
        )
        for hold in page.items
    )
    return HoldPage(rows=rows, next_cursor=page.next_cursor)
