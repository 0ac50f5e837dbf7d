"""
What finance fills in: an approval, a hold, the moment of a trial balance.
"""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import PAYOUT_MINIMUM_MICROS
from billing.queries.payouts import RunCard


class ApproveForm(forms.Form):
    """
    A second person's yes to exactly the lines with this checksum.
    """

    checksum = forms.CharField(widget=forms.HiddenInput)
    is_checked = forms.BooleanField(
        label=gettext_lazy("I have looked at the lines and approve this amount.")
    )

    def __init__(self, *args: Any, run: RunCard, actor_id: int, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature
        super().__init__(*args, **kwargs)
        self.run, self.actor_id = run, actor_id

    def clean(self) -> dict[str, Any]:
        if self.actor_id in {self.run.calculated_by_id, self.run.submitted_by_id}:
            raise forms.ValidationError(
                _("You prepared this run, so someone else has to approve it."), code="same_person"
            )
        return self.cleaned_data


class HoldForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


class NewRunForm(forms.Form):
    currency = forms.ChoiceField(
        label=gettext_lazy("Currency"),
        choices=[(code, code) for code in PAYOUT_MINIMUM_MICROS],
        initial="EUR",
        error_messages={
            "required": gettext_lazy("Choose a currency that can be paid out."),
            "invalid_choice": gettext_lazy("Choose a currency that can be paid out."),
        },
    )


# Before the first of them nobody kept these books; beyond the last a day has no end.
DAY_MIN, DAY_MAX = date(2000, 1, 1), date(2199, 12, 31)
IS_A_DAY_OF_THE_BOOKS = (
    MinValueValidator(DAY_MIN, gettext_lazy("Choose a day from the year 2000 on.")),
    MaxValueValidator(DAY_MAX, gettext_lazy("Choose a day before the year 2200.")),
)


class TrialBalanceForm(forms.Form):
    """
    Two dates in the reader's zone; each includes its whole day. Empty: until now.
    """

    as_of = forms.DateField(
        label=gettext_lazy("Happened until"),
        required=False,
        validators=IS_A_DAY_OF_THE_BOOKS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    booked_until = forms.DateField(
        label=gettext_lazy("Booked until"),
        required=False,
        validators=IS_A_DAY_OF_THE_BOOKS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def read_moment(self, name: str, *, zone: str, now: datetime) -> datetime:
        """
        Return the end of the day that was chosen, now when none was.
        """
        day = self.cleaned_data.get(name)
        if day is None:
            return now
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(zone))
