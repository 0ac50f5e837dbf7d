"""
A draft as the pairs that a browser would send: to carry it from page to page unseen.
"""

from collections.abc import Iterator

from consent.forms.dates import make_date_rows
from consent.forms.fields import LIMITS, TEMPERATURES, get_limit
from consent.forms.grace import make_grace_input
from consent.forms.ready import make_ready_input
from consent.forms.week import make_week_input
from consent.forms.windows import WindowRow, make_window_rows
from consent.rules import RulesDraft


Pair = tuple[str, str]


def write_form(draft: RulesDraft) -> list[Pair]:
    """
    Return (name, value) of every field that the untouched form of a draft sends.

    Not among them: the number of the version that it began from, and whether it follows
    defaults.
    """
    return [
        *_write_week(draft),
        *_write_lists(draft),
        *_write_limits(draft),
        *_write_work(draft),
    ]


def _write_week(draft: RulesDraft) -> Iterator[Pair]:
    week = make_week_input(draft.windows)
    yield from (("hours", cell) for cell in week.cells)
    yield "hours_before", week.before
    yield from _write_windows("hours", week.rows)
    yield "time_zone", draft.time_zone
    yield "holiday_country", draft.holiday_country or ""


def _write_windows(name: str, rows: tuple[WindowRow, ...]) -> Iterator[Pair]:
    for row in rows:
        yield f"{name}_days", row.days
        yield f"{name}_from", row.starts
        yield f"{name}_to", row.ends


def _write_lists(draft: RulesDraft) -> Iterator[Pair]:
    for row in make_date_rows(draft.exceptions):
        yield "exceptions_kind", row.kind
        yield "exceptions_first", row.first
        yield "exceptions_last", row.last
        yield "exceptions_from", row.starts
        yield "exceptions_to", row.ends
    ready = make_ready_input(draft.ready_by, draft.kept)
    if ready.is_on:
        yield "ready_by_on", "on"
    for line in ready.rows:
        yield "ready_by_days", line.days
        yield "ready_by_level", line.level
        yield "ready_by_time", line.time
    yield from _write_windows("quiet_windows", make_window_rows(draft.quiet_windows))
    for key, each in make_grace_input(draft.grace, draft.kept).items():
        yield f"grace_{key}", each.kind
        yield f"grace_{key}_minutes", each.minutes


def _write_limits(draft: RulesDraft) -> Iterator[Pair]:
    kept = dict(draft.kept)
    for name in LIMITS:
        value = get_limit(name).show(getattr(draft, name), kept.get(name))
        if value.is_on:
            yield f"{name}_on", "on"
        yield name, value.text
    for name in TEMPERATURES:
        resume = getattr(draft, name)
        shown = kept.get(name) if resume is None else resume
        yield name, "" if shown is None else str(shown)
    yield "temp_hold_min", str(draft.temp_hold_min or "")


def _write_work(draft: RulesDraft) -> Iterator[Pair]:
    yield "battery_stop_pct", str(draft.battery_stop_pct)
    yield "battery_resume_pct", str(draft.battery_resume_pct)
    for name in ("plugged_in_only", "home_only"):
        if getattr(draft, name):
            yield name, "on"
    yield "buyers_mode", draft.buyers_mode.value
    yield from (("buyer_ids", str(each)) for each in draft.buyer_ids)
    yield from (("categories", category.value) for category in draft.categories)
