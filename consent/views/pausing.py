"""
What a car's owner can do about its breaks now, as its pages show it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent import queries
from consent.queries import VehicleCard
from consent.rules import Pause
from web.components import MenuItem
from web.templatetags.parado import in_zone, local_time


HALF_A_DAY = timedelta(hours=12)
PAUSE_LABELS = {
    "hour": gettext_lazy("For an hour"),
    "tonight": gettext_lazy("Tonight"),
    "until_resumed": gettext_lazy("Until I resume"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseMenu:
    """
    The breaks that can be taken, or the one that lasts; "" where there is none.

    `skip_text` is the next night as it can be left out, `skipped_text` as it is left out.
    """

    public_id: str
    is_paused: bool
    paused_until: str
    items: tuple[MenuItem, ...]
    skip_text: str
    skipped_text: str


def make_pause_menu(card: VehicleCard, now: datetime) -> PauseMenu:
    lasting = find_lasting(card, now)
    night = None if card.skip else queries.find_next_night(card=card, now=now)
    zone = card.time_zone
    return PauseMenu(
        public_id=card.public_id,
        is_paused=lasting is not None,
        paused_until=write_end(lasting.ends_at, zone, now) if lasting else "",
        items=tuple(
            MenuItem(
                label=PAUSE_LABELS[choice.kind],
                note=write_end(choice.ends_at, zone, now) if choice.ends_at else _("no end"),
                name="kind",
                value=choice.kind,
            )
            for choice in queries.list_pause_choices(card=card, now=now)
        )
        if card.has_consent
        else (),
        skip_text=write_night(night.starts_at, night.ends_at, zone) if night else "",
        skipped_text=_write_skip(card.skip, zone),
    )


def find_lasting(card: VehicleCard, now: datetime) -> Pause | None:
    """
    Return the break that stops the car now: a pause, or a skipped night that has begun.
    """
    if card.pause is not None:
        return card.pause
    return card.skip if card.skip is not None and card.skip.starts_at <= now else None


def write_end(ends_at: datetime | None, zone: str, now: datetime) -> str:
    if ends_at is None:
        return _("until you resume")
    local, today = in_zone(ends_at, zone), in_zone(now, zone)
    text = local_time(ends_at, zone)
    # In the morning "until 08:00" reads as one that is over; at night it is the next one.
    if local.date() != today.date() and ends_at - now > HALF_A_DAY:
        text = f"{WEEKDAYS_ABBR[local.weekday()]} {text}"
    return _("until %(time)s") % {"time": text}


def write_night(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    """
    Return a stretch of hours with the day on which it begins.
    """
    day = WEEKDAYS_ABBR[in_zone(starts_at, zone).weekday()]
    span = f"{local_time(starts_at, zone)}\N{EN DASH}{local_time(ends_at, zone)}"
    return f"{day} {span}"


def _write_skip(skip: Pause | None, zone: str) -> str:
    if skip is None or skip.ends_at is None:
        return ""
    return write_night(skip.starts_at, skip.ends_at, zone)
