"""
What a running job may still do when a rule closes: one choice for each rule that allows any.
"""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.queries.words import Text
from consent.rules import Gate, Grace
from consent.rules.faults import GRACE_MAX_MIN


NOW, MINUTES, FINISH = "now", "minutes", "finish"
USUAL_MINUTES = 15
# Rules that an owner thinks of as one have one choice.
GROUPS: dict[str, tuple[Text, tuple[Gate, ...]]] = {
    "hours": (gettext_lazy("Your hours end"), (Gate.HOURS,)),
    "plug": (gettext_lazy("The plug is pulled"), (Gate.PLUG,)),
    "home": (gettext_lazy("The car is no longer at home"), (Gate.HOME,)),
    "energy": (
        gettext_lazy("A limit of energy is reached"),
        (Gate.DAY_ENERGY, Gate.MONTH_ENERGY),
    ),
    "compute": (
        gettext_lazy("A limit of working time is reached"),
        (Gate.DAY_COMPUTE, Gate.MONTH_COMPUTE),
    ),
    "wear": (gettext_lazy("The wear of the month is reached"), (Gate.WEAR,)),
    "data": (gettext_lazy("The mobile data are used up"), (Gate.DATA,)),
    "reward": (gettext_lazy("It pays less than you want"), (Gate.REWARD,)),
    "work": (
        gettext_lazy("You no longer want its kind or its buyer"),
        (Gate.WORKLOAD, Gate.BUYER),
    ),
}


@dataclass(frozen=True, slots=True)
class GraceInput:
    """
    One choice as it was sent.
    """

    kind: str
    minutes: str


@dataclass(frozen=True, slots=True)
class GraceRow:
    """
    One choice as a page draws it; `key` ends the names of its fields.
    """

    key: str
    label: Text
    kind: str
    minutes: str


class GraceWidget(forms.Widget):
    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, GraceInput]:  # noqa: ANN401, ARG002 - Django's signature
        return {
            key: GraceInput(
                data.get(f"{name}_{key}", NOW), data.get(f"{name}_{key}_minutes", "").strip()
            )
            for key in GROUPS
        }

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:  # noqa: ANN401, ARG002 - Django's signature
        return False


class GraceField(forms.Field):
    """
    Gives the grace of every gate that has any.
    """

    widget = GraceWidget

    def clean(self, value: dict[str, GraceInput]) -> tuple[Grace, ...]:
        """
        Return one Grace for each gate of a group with a choice other than to stop.

        :raises ValidationError: minutes that are none.
        """
        found: list[Grace] = []
        for key, each in value.items():
            if each.kind == NOW:
                continue
            minutes = None if each.kind == FINISH else _read_minutes(each.minutes)
            if each.kind not in {MINUTES, FINISH} or (each.kind == MINUTES and minutes is None):
                text = _("%(rule)s: give a number of minutes from 1 to %(max)s.")
                raise ValidationError(text % {"rule": GROUPS[key][0], "max": GRACE_MAX_MIN})
            found += [Grace(gate, minutes) for gate in GROUPS[key][1]]
        return tuple(found)


def make_grace_input(
    graces: tuple[Grace, ...], kept: tuple[tuple[str, int], ...] = ()
) -> dict[str, GraceInput]:
    """
    Return what a page sends that shows these. Of gates in one group the strictest is shown.
    """
    minutes_by_gate = {each.gate: each.minutes for each in graces}
    values = dict(kept)
    return {
        key: _show(gates, minutes_by_gate, values.get(f"grace.{key}", USUAL_MINUTES))
        for key, (_label, gates) in GROUPS.items()
    }


def list_kept_minutes(value: dict[str, GraceInput]) -> dict[str, int]:
    """
    Return the minutes that do not count at present, and differ from the usual ones, to be kept.
    """
    minutes = {key: _read_minutes(each.minutes) for key, each in value.items()}
    return {
        f"grace.{key}": typed
        for key, typed in minutes.items()
        if typed is not None and typed != USUAL_MINUTES and value[key].kind != MINUTES
    }


def make_grace_rows(value: dict[str, GraceInput]) -> tuple[GraceRow, ...]:
    return tuple(
        GraceRow(key, label, value[key].kind, value[key].minutes)
        for key, (label, _gates) in GROUPS.items()
    )


def _show(
    gates: tuple[Gate, ...], minutes_by_gate: dict[Gate, int | None], usual: int
) -> GraceInput:
    if any(gate not in minutes_by_gate for gate in gates):
        return GraceInput(NOW, str(usual))
    limited = [minutes for gate in gates if (minutes := minutes_by_gate[gate]) is not None]
    return GraceInput(MINUTES, str(min(limited))) if limited else GraceInput(FINISH, str(usual))


def _read_minutes(text: str) -> int | None:
    if not text.isascii() or not text.isdigit():
        return None
    minutes = int(text[:6])
    return minutes if 1 <= minutes <= GRACE_MAX_MIN else None
