"""
The breaks that an owner can take from a car's rules, each with its clock time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.queries.cards import VehicleCard
from consent.rules import Hours


HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Further ahead nobody means "the next night".
SKIP_AHEAD = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class PauseChoice:
    """
    A pause that can be asked for, with its end; None: until the owner resumes.
    """

    kind: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Night:
    """
    One stretch of an owner's hours.
    """

    starts_at: datetime
    ends_at: datetime


def list_pause_choices(*, card: VehicleCard, now: datetime) -> tuple[PauseChoice, ...]:
    """
    Return the pauses that a car's owner can choose from, with their clock times.
    """
    choices = [PauseChoice("hour", now + HOUR)]
    if card.rules is not None:
        ends_at = Hours.of(card.rules).find_end_of_tonight(now=now)
        choices.append(PauseChoice("tonight", ends_at))
    return (*choices, PauseChoice("until_resumed", None))


def find_next_night(*, card: VehicleCard, now: datetime) -> Night | None:
    """
    Return the next stretch of hours that has not begun; None: there is none to speak of.

    A stretch of more than a day is no night: to leave it out, an owner changes the rules.
    """
    if card.rules is None or card.rules.is_withdrawn:
        return None
    hours = Hours.of(card.rules)
    after = now
    if hours.is_open(now):
        closes_at = hours.find_closing(after=now)
        if closes_at is None:
            return None
        after = closes_at
    starts_at = hours.find_opening(after=after)
    if starts_at is None or starts_at > now + SKIP_AHEAD:
        return None
    ends_at = hours.find_closing(after=starts_at)
    if ends_at is None or ends_at > starts_at + DAY:
        return None
    return Night(starts_at, ends_at)
