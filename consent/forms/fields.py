"""
The fields of the editor, one for each rule of a draft.
"""

from typing import Final, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from consent.forms.dates import DatesField
from consent.forms.grace import GraceField
from consent.forms.limits import LimitField
from consent.forms.ready import ReadyField
from consent.forms.week import WeekField
from consent.forms.windows import WindowsField
from consent.queries.words import CATEGORIES
from consent.rules import BuyersMode
from consent.rules.parts import PARTS


# Rules that are one value, sent as it is.
PLAIN: Final = (
    "time_zone",
    "battery_stop_pct",
    "battery_resume_pct",
    "plugged_in_only",
    "home_only",
    "exceptions",
    "ready_by",
    "quiet_windows",
    "grace",
)
# What counts only while a limit of temperature does, by that limit.
TEMPERATURES: Final = {
    "temp_high_resume_c": "temp_high_c",
    "temp_low_resume_c": "temp_low_c",
}
BUYERS_MODES: Final = {
    BuyersMode.ALL: _("All buyers"),
    BuyersMode.ONLY: _("Only those ticked below"),
    BuyersMode.EXCEPT: _("All but those ticked below"),
}


class RulesFields(forms.Form):
    """
    What a browser sends; each may be wrong in a way that its field can tell.
    """

    expected_number = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    follows = forms.BooleanField(required=False)
    given_up = forms.MultipleChoiceField(
        required=False,
        choices=[(part, part) for part in PARTS],
        widget=forms.CheckboxSelectMultiple,
    )
    hours = WeekField(label=_("Hours"))
    time_zone = forms.CharField(label=_("Time zone"), max_length=64)
    exceptions = DatesField(label=_("Dates that differ"), required=False)
    holiday_country = forms.CharField(
        label=_("Public holidays"), max_length=32, required=False, empty_value=None
    )
    battery_stop_pct = forms.IntegerField(label=_("Battery floor"))
    battery_resume_pct = forms.IntegerField(label=_("Start again at"))
    ready_by = ReadyField(label=_("Ready to drive"), required=False)
    plugged_in_only = forms.BooleanField(label=_("Only while plugged in"), required=False)
    home_only = forms.BooleanField(label=_("Only at home"), required=False)
    wear_cycles_milli_per_month_max = LimitField(
        label=_("Charge cycles added"),
        help_text=_("Full cycles a month; half a charge twice is one. Warmth counts double."),
        unit=_("a month"),
        scale=1000,
        low="0.05",
        high="10",
        step="0.05",
        usual="1",
        has_range=True,
    )
    wear_distance_km_per_month_max = LimitField(
        label=_("As if it had driven"),
        help_text=_("The same wear, told in kilometres of driving."),
        unit=_("km a month"),
        low="10",
        high="5000",
        step="10",
        usual="400",
    )
    wear_micros_per_month_max = LimitField(
        label=_("Wear in money"),
        help_text=_("What the battery and the computer lose in worth, an estimate."),
        unit=_("€ a month"),
        scale=1_000_000,
        low="0.5",
        high="500",
        step="0.5",
        usual="10",
    )
    temp_high_c = LimitField(
        label=_("Warmest"),
        help_text=_("The car stops while its battery is warmer than this."),
        unit="°C",
        low="20",
        high="50",
        usual="35",
        has_range=True,
    )
    # How far these may go depends on the limits, so the rules say it, in their own words.
    temp_high_resume_c = forms.IntegerField(label=_("After heat, start again at"), required=False)
    temp_low_c = LimitField(
        label=_("Coldest"),
        help_text=_("The car stops while its battery is colder than this."),
        unit="°C",
        low="-20",
        high="15",
        usual="0",
        has_range=True,
    )
    temp_low_resume_c = forms.IntegerField(label=_("After cold, start again at"), required=False)
    temp_hold_min = forms.IntegerField(label=_("Then wait"), required=False)
    energy_wh_per_day_max = LimitField(
        label=_("Energy a day"),
        help_text=_("From midnight to midnight on your clock."),
        unit="kWh",
        scale=1000,
        low="0.1",
        high="100",
        step="0.1",
        usual="6",
    )
    energy_wh_per_month_max = LimitField(
        label=_("Energy a month"),
        help_text=_("From the first of the month on."),
        unit="kWh",
        scale=1000,
        low="0.1",
        high="2000",
        step="0.1",
        usual="90",
    )
    compute_s_per_day_max = LimitField(
        label=_("Working time a day"),
        help_text=_("Hours in which the computer runs for others."),
        unit="h",
        scale=3600,
        low="0.25",
        high="24",
        step="0.25",
        usual="8",
    )
    compute_s_per_month_max = LimitField(
        label=_("Working time a month"),
        help_text=_("From the first of the month on."),
        unit="h",
        scale=3600,
        low="0.25",
        high="744",
        step="0.25",
        usual="160",
    )
    mobile_data_mb_per_month_max = LimitField(
        label=_("Mobile data a month"),
        help_text=_("What work may send and fetch over your car's own connection."),
        unit="GB",
        scale=1000,
        low="0.1",
        high="1000",
        step="0.1",
        usual="5",
    )
    power_limit_w = LimitField(
        label=_("Power"),
        help_text=_("The most that work may draw from your socket."),
        unit="W",
        low="50",
        high="20000",
        step="50",
        usual="800",
    )
    quiet_power_limit_w = LimitField(
        label=_("Quiet hours"),
        help_text=_("Less power then, so that the fans stay quiet."),
        unit="W",
        low="50",
        high="20000",
        step="50",
        usual="400",
    )
    quiet_windows = WindowsField(label=_("When it must be quiet"), required=False)
    reward_micros_per_h_min = LimitField(
        label=_("Lowest reward"),
        help_text=_("Only run when you clear at least this after electricity and wear."),
        unit=_("€ an hour"),
        scale=1_000_000,
        low="0.01",
        high="5",
        step="0.01",
        usual="0.05",
        has_range=True,
    )
    buyers_mode = forms.ChoiceField(
        label=_("Buyers"),
        choices=[(mode.value, text) for mode, text in BUYERS_MODES.items()],
        widget=forms.RadioSelect,
    )
    buyer_ids = forms.TypedMultipleChoiceField(
        label=_("Buyers by name"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
    )
    categories = forms.MultipleChoiceField(
        label=_("Kinds of work"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(category.value, text) for category, text in CATEGORIES.items()],
    )
    grace = GraceField(label=_("When a rule stops a running job"), required=False)


def get_limit(name: str) -> LimitField:
    """
    Return the field of a limit.
    """
    return cast("LimitField", RulesFields.base_fields[name])


LIMITS: Final = tuple(
    name for name, field in RulesFields.base_fields.items() if isinstance(field, LimitField)
)
