"""
The form with which a person decides about a quarantined record.
"""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from web.public_ids import decode


REASON_CHARACTERS_MAX = 500


class ChosenField(forms.Field):
    """
    Rows that somebody ticked, by their public ids; `cleaned_data` has the numbers behind them.

    What is no such id is left out: it was not on the page.
    """

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[int]:  # noqa: ANN401 - Django's signature
        numbers = (decode("qua", text) for text in dict.fromkeys(value or ()))
        return [number for number in numbers if number is not None]


class DecideManyForm(forms.Form):
    """
    The same for several records at once.
    """

    record = ChosenField(
        label=_("Records"),
        error_messages={"required": _("Choose at least one.")},
    )
    reason = forms.CharField(label=_("Reason"), max_length=REASON_CHARACTERS_MAX, required=False)


class DecideForm(forms.Form):
    """
    A reason in words; replaying needs none.
    """

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Kept with your name. Needed to dismiss or to accept."),
        max_length=REASON_CHARACTERS_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
