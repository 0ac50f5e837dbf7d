from decimal import Decimal
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from consent.models.vehicles import CHARGE_LIMIT_PCT, CHARGE_POWER_W
from consent.queries.places import Place


class NameForm(forms.Form):
    """
    What an owner calls a car.
    """

    plate = forms.CharField(
        label=_("Number plate"),
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    name = forms.CharField(
        label=_("What you call it"), max_length=60, help_text=_("Such as: Model Y, garage.")
    )

    def clean_plate(self) -> str:
        return " ".join(self.cleaned_data["plate"].upper().split())


class CarForm(NameForm):
    """
    One car. Region and computer are chosen from where the marketplace buys.
    """

    region_code = forms.ChoiceField(
        label=_("Where it is parked"),
        help_text=_("The region only. We never store where your car is."),
    )
    hardware_class_code = forms.ChoiceField(label=_("Computer in the car"))
    battery_kwh = forms.DecimalField(
        label=_("Battery, in kWh"), min_value=5, max_value=400, decimal_places=1
    )

    charge_power_kw = forms.DecimalField(
        label=_("Your charger, in kW"),
        min_value=1,
        max_value=400,
        decimal_places=2,
        required=False,
        initial=Decimal(CHARGE_POWER_W) / 1000,
        help_text=_("What reaches the car where it is parked: how long it needs to be ready."),
    )
    charge_limit_pct = forms.IntegerField(
        label=_("Charges up to, in %"),
        min_value=50,
        max_value=100,
        required=False,
        initial=CHARGE_LIMIT_PCT,
        help_text=_("The charge limit that is set in the car."),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        places: tuple[Place, ...],
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.places = places
        regions = {place.region_code: place.region_name for place in places}
        computers = {place.hardware_class_code: place.hardware_class_name for place in places}
        self._offer("region_code", regions)
        self._offer("hardware_class_code", computers)

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors and self.find_place() is None:
            self.add_error("hardware_class_code", _("No work is bought for this computer there."))
        return self.cleaned_data

    def find_place(self) -> Place | None:
        chosen = (self.cleaned_data["region_code"], self.cleaned_data["hardware_class_code"])
        pairs = ((place.region_code, place.hardware_class_code) for place in self.places)
        return next(
            (place for place, pair in zip(self.places, pairs, strict=True) if pair == chosen), None
        )

    def read_facts(self) -> dict[str, Any]:
        """
        Return a valid form as the arguments of `register_vehicle`.
        """
        place = self.find_place()
        assert place is not None, "clean() found it"
        return {
            "name": self.cleaned_data["name"],
            "plate": self.cleaned_data["plate"],
            "region_code": place.region_code,
            "hardware_class_code": place.hardware_class_code,
            "rated_power_w": place.power_w,
            "battery_wh": int(self.cleaned_data["battery_kwh"] * 1000),
            "charge_power_w": int((self.cleaned_data["charge_power_kw"] or 0) * 1000)
            or CHARGE_POWER_W,
            "charge_limit_pct": self.cleaned_data["charge_limit_pct"] or CHARGE_LIMIT_PCT,
            "time_zone": place.time_zone,
        }

    def _offer(self, name: str, choices: dict[str, str]) -> None:
        cast("forms.ChoiceField", self.fields[name]).choices = list(choices.items())


class OfferForm(forms.Form):
    """
    To whom a car is given.
    """

    email = forms.EmailField(
        label=_("E-mail address of the new owner"),
        help_text=_("They get a link that works once, for two weeks."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
