"""
API keys of the demo: shown once, so kept in var/demo.json and used again.
"""

from datetime import datetime, timedelta

from accounts import operations as accounts
from accounts import queries as accounts_queries
from accounts.rules import KEY_KINDS


SOURCE = "urn:scheduler:eu-1"
LIFE = timedelta(days=180)


def ensure_keys(
    *, kept: dict[str, str], organization_id: int, admin_id: int, now: datetime
) -> dict[str, str]:
    """
    Return the scheduler's and the buyer's key: the kept ones while they work.
    """
    return {
        kind: kept[kind]
        if kind in kept and works(kept[kind], now=now)
        else issue(kind, organization_id=organization_id, admin_id=admin_id, now=now)
        for kind in ("scheduler", "buyer")
    }


def works(secret: str, *, now: datetime) -> bool:
    return accounts_queries.get_live_key(secret=secret, now=now) is not None


def issue(kind: str, *, organization_id: int, admin_id: int, now: datetime) -> str:
    is_buyer = kind == "buyer"
    issued = accounts.issue_api_key(
        name=f"Demo {kind}",
        kind=kind,
        scopes=frozenset(KEY_KINDS[kind].scopes),
        organization_id=organization_id if is_buyer else None,
        source="" if is_buyer else SOURCE,
        expires_at=now + LIFE,
        actor_id=admin_id,
        now=now,
    )
    return issued.secret
