"""
Which present car is asked for which booking, and which permitted ones then work.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.scheduler import moments
from simulator.scheduler.chance import draw
from simulator.scheduler.fleet import Booking, Vehicle
from simulator.scheduler.sessions import OSLO, QUARTER_S, SHORTEST_S, Session, list_quarters


# So many times the power wanted is asked for, since owners may say no.
ASK_FACTOR = 4
# A car is not started for less than this share of its rated power.
POWER_SHARE_MIN = 0.3


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A present car that could work for a booking within one quarter-hour."""

    vehicle: Vehicle
    session: Session
    booking: Booking
    starts_at_s: int
    ends_at_s: int

    @property
    def quarter_s(self) -> int:
        return self.starts_at_s - self.starts_at_s % QUARTER_S


@dataclass(frozen=True, kw_only=True)
class Decision:
    """``finish_by_s``: a rule says no to new work and lets this job go on until then."""

    permit: bool
    reasons: tuple[str, ...] = ()
    consent_version: int | None = None
    power_limit_w: int | None = None
    finish_by_s: int | None = None


Presence = tuple[Vehicle, Session, int, int]


def list_presence(
    sessions: Iterable[Session], *, fleet: dict[str, Vehicle], span: tuple[int, int]
) -> dict[int, list[Presence]]:
    """Return, by quarter-hour inside the span, the cars that are there and for how long."""
    present: dict[int, list[Presence]] = defaultdict(list)
    for session in sessions:
        starts_at_s, ends_at_s = max(session.starts_at_s, span[0]), min(session.ends_at_s, span[1])
        for piece in list_quarters(starts_at_s, ends_at_s):
            if piece[1] - piece[0] >= SHORTEST_S:
                quarter_s = piece[0] - piece[0] % QUARTER_S
                present[quarter_s].append((fleet[session.resident], session, *piece))
    return present


def plan(
    present: dict[int, list[Presence]], *, bookings: Iterable[Booking], seed: int
) -> Iterator[Slot]:
    """
    Yield whom to ask, quarter by quarter.

    The order of cars is drawn anew for each local day, so that none is favoured,
    and is the same all day, so that a car stays with its booking.
    """
    known = sorted(bookings, key=lambda booking: booking.booking_id)
    for quarter_s in sorted(present):
        active = [
            booking
            for booking in known
            if booking.starts_at_s <= quarter_s and quarter_s + QUARTER_S <= booking.ends_at_s
        ]
        if active:
            ranked = _rank(present[quarter_s], quarter_s=quarter_s, seed=seed)
            yield from _deal(ranked, active)


def get_local_date(at_s: int) -> dt.date:
    return dt.datetime.fromtimestamp(at_s, tz=OSLO).date()


def _rank(present: list[Presence], *, quarter_s: int, seed: int) -> list[Presence]:
    on_date = get_local_date(quarter_s)
    return sorted(
        present, key=lambda here: (draw(seed, "rank", on_date, here[0].vehicle_id), here[2])
    )


def _deal(ranked: list[Presence], active: list[Booking]) -> Iterator[Slot]:
    """Deal cars one by one to the booking that is furthest from what it wants."""
    asked_w = [(0.0, index) for index in range(len(active))]
    heapq.heapify(asked_w)
    for vehicle, session, starts_at_s, ends_at_s in ranked:
        put_back = []
        while asked_w:
            share, index = heapq.heappop(asked_w)
            booking = active[index]
            if share >= ASK_FACTOR:
                continue
            if not _serves(vehicle, booking):
                put_back.append((share, index))
                continue
            put_back.append((share + vehicle.rated_power_w / booking.power_w, index))
            yield Slot(
                vehicle=vehicle,
                session=session,
                booking=booking,
                starts_at_s=starts_at_s,
                ends_at_s=ends_at_s,
            )
            break
        for item in put_back:
            heapq.heappush(asked_w, item)
        if not asked_w:
            return


def _serves(vehicle: Vehicle, booking: Booking) -> bool:
    return vehicle.pool_id in {"", booking.pool_id} or booking.pool_id == ""


class Allocation:
    """Fills bookings quarter by quarter, never above the power booked."""

    def __init__(self, *, work_s_per_day_max: int) -> None:
        self.work_s_per_day_max = work_s_per_day_max
        self._left_w: dict[tuple[str, int], int] = {}
        self._worked_s: dict[tuple[str, dt.date], int] = defaultdict(int)

    def forget_before(self, at_s: int) -> None:
        """Drop what is over, so that memory does not grow with the weeks."""
        on_date = get_local_date(at_s - moments.DAY_S)
        self._left_w = {key: left for key, left in self._left_w.items() if key[1] >= at_s}
        self._worked_s = defaultdict(
            int, {key: worked for key, worked in self._worked_s.items() if key[1] >= on_date}
        )

    def export(self) -> list[tuple[str, str, int]]:
        """Return (vehicle, local date, seconds worked), to go on from."""
        return [(key[0], key[1].isoformat(), worked) for key, worked in self._worked_s.items()]

    def restore(self, rows: list[tuple[str, str, int]]) -> None:
        for vehicle_id, on_date, worked_s in rows:
            self._worked_s[vehicle_id, dt.date.fromisoformat(on_date)] = worked_s

    def take(self, slot: Slot, decision: Decision) -> int:
        """Return the power in W that the slot's car shall run at, 0 for not at all."""
        key = (slot.booking.booking_id, slot.quarter_s)
        day = (slot.vehicle.vehicle_id, get_local_date(slot.starts_at_s))
        left_w = self._left_w.get(key, slot.booking.power_w)
        limits = [slot.vehicle.rated_power_w, left_w]
        if decision.power_limit_w is not None:
            limits.append(decision.power_limit_w)
        power_w = min(limits)
        if power_w < slot.vehicle.rated_power_w * POWER_SHARE_MIN:
            return 0
        duration_s = slot.ends_at_s - slot.starts_at_s
        if self._worked_s[day] + duration_s > self.work_s_per_day_max:
            return 0
        self._left_w[key] = left_w - power_w
        self._worked_s[day] += duration_s
        return power_w
