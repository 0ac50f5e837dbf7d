"""
What an endpoint works with.
"""

from __future__ import annotations

import datetime as dt
import string
from dataclasses import dataclass, field
from pathlib import Path

from simulator.stripe.errors import Json
from simulator.stripe.faults import Faults
from simulator.stripe.idempotency import Keys
from simulator.stripe.store import PLATFORM, Record, Store


@dataclass(frozen=True, kw_only=True)
class Options:
    """
    How this stand-in behaves. Fees are in basis points plus a fixed number of
    cents, as agreed with the card networks' cheapest card; delays in seconds.
    """

    webhook_url: str = ""
    thin_webhook_url: str = ""
    webhook_secret: str = "whsec_stand_in"  # noqa: S105 - a stand-in has no secrets
    thin_webhook_secret: str = "whsec_stand_in_thin"  # noqa: S105 - as above
    fee_basis_points: int = 290
    fee_fixed_cents: int = 30
    funds_available_after_s: int = 0
    payout_arrives_after_s: int = 0
    fee_known_after_s: int = 0


@dataclass(kw_only=True)
class Ledger:
    """Running totals in cents by (account, status, currency), and what is still pending."""

    cents: dict[tuple[str, str, str], int] = field(default_factory=dict)
    pending: list[Record] = field(default_factory=list)

    def add(self, record: Record) -> None:
        key = (record.account, record.body["status"], record.body["currency"])
        self.cents[key] = self.cents.get(key, 0) + record.body["net"]
        if record.body["status"] == "pending":
            self.pending.append(record)

    def take_ripe(self, *, now: int) -> list[Record]:
        """Turn what is due from pending into available; return it."""
        ripe = [record for record in self.pending if record.body["available_on"] <= now]
        self.pending = [record for record in self.pending if record.body["available_on"] > now]
        for record in ripe:
            self.cents[record.account, "pending", record.body["currency"]] -= record.body["net"]
            record.body["status"] = "available"
            self.add(record)
        return ripe


@dataclass(kw_only=True)
class World:
    """Everything that outlives a request."""

    store: Store
    keys: Keys
    faults: Faults
    options: Options
    base_url: str = ""
    request_count: int = 0
    ledger: Ledger | None = None
    outgoing: list[Record] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request. ``account`` is the connected account it acts for, or ''."""

    world: World
    request_id: str
    idempotency_key: str | None
    account: str = PLATFORM

    @property
    def store(self) -> Store:
        return self.world.store

    @property
    def options(self) -> Options:
        return self.world.options


def internal_call(world: World, *, account: str = PLATFORM) -> Call:
    """Return the call of something that happens by itself, such as a payout's arrival."""
    return Call(world=world, request_id="", idempotency_key=None, account=account)


def to_timestamp(seconds: int) -> str:
    """Return v2's notation of a time."""
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def render(name: str, *, title: str, **values: str) -> str:
    """Return one of the stand-in's pages in its frame; what is given is escaped by the caller."""
    content = _fill(name, **values)
    return _fill("frame", title=title, content=content)


def _fill(name: str, **values: str) -> str:
    text = (Path(__file__).parent / "pages" / f"{name}.html").read_text(encoding="utf-8")
    return string.Template(text).substitute(values)


def empty_page(url: str) -> Json:
    return {"object": "list", "data": [], "has_more": False, "url": url}
