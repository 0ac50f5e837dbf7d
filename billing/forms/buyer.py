"""
What a buyer fills in: a booking, and an amount to pay in.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.operations.top_ups import TOP_UP_MAX_MICROS, TOP_UP_MIN_MICROS
from consent.rules import WorkloadCategory
from marketplace import rules
from marketplace.operations.bookings import Wish
from marketplace.queries.pools import PoolRow
from web.public_ids import decode, encode


MICROS_PER_UNIT = 1_000_000
CATEGORIES: dict[WorkloadCategory, str | Promise] = {
    WorkloadCategory.INFERENCE: gettext_lazy("AI inference"),
    WorkloadCategory.RESEARCH: gettext_lazy("Research"),
    WorkloadCategory.RENDERING: gettext_lazy("Rendering"),
    WorkloadCategory.TRAINING: gettext_lazy("Model training"),
    WorkloadCategory.SPEECH: gettext_lazy("Speech"),
    WorkloadCategory.OTHER: gettext_lazy("Other"),
}
LOCAL_FORMAT = "%Y-%m-%dT%H:%M"


class LocalTimeInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format=LOCAL_FORMAT, attrs={"step": 900})


class LocalTimeField(forms.DateTimeField):
    """
    A wall-clock time on the form, an instant in `cleaned_data`; the form sets the zone.

    An hour that the clock skips or repeats is refused, since nobody can tell which is meant.
    """

    widget = LocalTimeInput
    time_zone = "UTC"

    def to_python(self, value: Any) -> datetime | None:  # noqa: ANN401 - Django's signature
        if not value:
            return None
        try:
            naive = datetime.strptime(str(value)[:16], LOCAL_FORMAT)  # noqa: DTZ007 - a wall clock
        except ValueError as error:
            raise forms.ValidationError(_("Give a date and a time.")) from error
        if not rules.YEAR_MIN <= naive.year <= rules.YEAR_MAX:
            raise forms.ValidationError(_("This year cannot be booked."))
        zone = ZoneInfo(self.time_zone)
        early, late = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if early.utcoffset() != late.utcoffset():
            raise forms.ValidationError(
                _("The clocks change in this hour. Take the hour before or after it.")
            )
        return early


class BookingForm(forms.Form):
    pool = forms.ChoiceField(label=gettext_lazy("Pool"))
    starts_at = LocalTimeField(label=gettext_lazy("From"))
    ends_at = LocalTimeField(label=gettext_lazy("Until"))
    power_kw = forms.DecimalField(
        label=gettext_lazy("Power, kW"),
        min_value=Decimal(rules.BOOKING_POWER_W_MIN) / 1000,
        max_value=Decimal(rules.BOOKING_POWER_W_MAX) / 1000,
        max_digits=9,
        decimal_places=3,
        help_text=gettext_lazy("Kept for you in every hour of the window."),
    )
    workload_category = forms.ChoiceField(
        label=gettext_lazy("Kind of work"),
        choices=[(category.value, label) for category, label in CATEGORIES.items()],
        help_text=gettext_lazy("Owners allow kinds of work. Jobs of another kind are refused."),
    )
    jobs_max = forms.IntegerField(
        label=gettext_lazy("Jobs at most"),
        required=False,
        min_value=0,
        max_value=rules.JOBS_MAX,
        help_text=gettext_lazy(
            "We hold the price of this many. Leave it empty for one job a minute and kilowatt."
        ),
    )
    request_key = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    held_micros = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - Django's signature
        pools: Sequence[PoolRow],
        time_zone: str,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        choices = [(encode("pool", pool.id), name_pool(pool)) for pool in pools]
        pool_field = self.fields["pool"]
        assert isinstance(pool_field, forms.ChoiceField)
        pool_field.choices = choices
        pool_field.widget.attrs.update(
            {
                "hx-get": reverse("billing:buyer_outlook"),
                "hx-target": "#outlook",
                "hx-swap": "outerHTML",
            }
        )
        for name in ("starts_at", "ends_at"):
            field = self.fields[name]
            assert isinstance(field, LocalTimeField)
            field.time_zone = time_zone
            field.help_text = _("Full hours, on the clock of %(zone)s.") % {"zone": time_zone}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        starts_at, ends_at = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts_at and ends_at:
            self._check_window(starts_at, ends_at)
        return cleaned

    def _check_window(self, starts_at: datetime, ends_at: datetime) -> None:
        try:
            rules.check_window(starts_at=starts_at, ends_at=ends_at)
        except rules.WindowTooLong:
            text = _("At most %(days)s days at once.") % {"days": rules.BOOKING_HOURS_MAX // 24}
            self.add_error("ends_at", text)
        except rules.WindowNotWholeHours:
            for name, instant in (("starts_at", starts_at), ("ends_at", ends_at)):
                if not rules.is_on_the_hour(instant):
                    self.add_error(name, _("Take a full hour."))
            if ends_at <= starts_at:
                self.add_error("ends_at", _("The end must come after the start."))

    def make_wish(self) -> Wish:
        """
        Return what was asked for; the form must be valid.
        """
        cleaned = self.cleaned_data
        pool_id = decode("pool", cleaned["pool"])
        assert pool_id is not None, "the choices hold ids only"
        return Wish(
            pool_id=pool_id,
            starts_at=cleaned["starts_at"],
            ends_at=cleaned["ends_at"],
            power_w=int(cleaned["power_kw"] * 1000),
            workload_category=_find_category(cleaned["workload_category"]),
            jobs_max=cleaned["jobs_max"],
        )


class TopUpForm(forms.Form):
    amount = forms.DecimalField(
        min_value=Decimal(TOP_UP_MIN_MICROS) / MICROS_PER_UNIT,
        max_value=Decimal(TOP_UP_MAX_MICROS) / MICROS_PER_UNIT,
        max_digits=9,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"inputmode": "decimal"}),
    )
    request_key = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = _("Amount, %(currency)s") % {"currency": currency}

    @property
    def amount_micros(self) -> int:
        return int(self.cleaned_data["amount"] * MICROS_PER_UNIT)


def _find_category(value: str) -> WorkloadCategory:
    return next(category for category in CATEGORIES if category.value == value)


def make_request_key() -> str:
    """
    Return a key for one showing of a form: sent twice, it acts once.
    """
    return uuid.uuid4().hex


def name_pool(pool: PoolRow) -> str:
    return f"{pool.region_name}, {pool.hardware_class_name}"
