"""
What people type about themselves, their teams and their keys.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from accounts import operations
from accounts.models import Membership, User
from accounts.rules import KEY_KINDS


OWN, BUY = "own", "buy"
KEY_LIVES_DAYS = (30, 90, 180, 365)


def list_countries() -> list[tuple[str, str]]:
    """
    Return (code, name) of every country in the reader's language, by name.
    """
    return _list_countries(get_language() or "en")


@lru_cache(maxsize=8)
def _list_countries(language: str) -> list[tuple[str, str]]:
    try:
        names = Locale.parse(language, sep="-").territories
    except (UnknownLocaleError, ValueError):
        names = Locale("en").territories
    # Groups of countries and codes for private use are no place to be registered at.
    others = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
    found = [(code, name) for code, name in names.items() if len(code) == 2 and code not in others]
    return sorted(found, key=lambda pair: pair[1])


def list_time_zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones()) if "/" in name]


def list_countries_or_none() -> list[tuple[str, str]]:
    return [("", gettext("Choose a country")), *list_countries()]


class OrganizationForm(forms.Form):
    organization_name = forms.CharField(label=_("Organisation"), max_length=200)
    country = forms.ChoiceField(label=_("Country"), choices=list_countries_or_none)


class SignUpDetails(forms.Form):
    """
    allauth puts its own fields beside these and calls `signup` once the person is stored.
    """

    purpose = forms.ChoiceField(
        label=_("What brings you here?"),
        choices=[(OWN, _("I own a car")), (BUY, _("I buy compute"))],
        widget=forms.RadioSelect,
        initial=OWN,
    )
    organization_name = forms.CharField(label=_("Organisation"), max_length=200, required=False)
    country = forms.ChoiceField(label=_("Country"), choices=list_countries_or_none, required=False)
    display_name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = [
        "purpose",
        "organization_name",
        "country",
        "display_name",
        "email",
        "password1",
    ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("purpose") == BUY:
            for name in ("organization_name", "country"):
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, _("A buyer is an organisation: fill this in."))
        return cleaned

    def signup(self, request: HttpRequest, user: AbstractBaseUser) -> None:  # noqa: ARG002 - allauth's signature
        operations.complete_sign_up(
            user_id=user.pk,
            display_name=self.cleaned_data["display_name"],
            is_owner=self.cleaned_data["purpose"] == OWN,
            organization_name=self.cleaned_data["organization_name"],
            country=self.cleaned_data["country"],
            now=timezone.now(),
        )


class ProfileForm(forms.ModelForm[User]):
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=list_time_zones)

    class Meta:
        model = User
        fields = ("display_name", "time_zone", "language", "theme")
        labels = {"display_name": _("Your name"), "theme": _("Colours")}
        widgets = {"theme": forms.RadioSelect}

    def to_profile(self) -> operations.Profile:
        return operations.Profile(**self.cleaned_data)


class MemberForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"))
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Membership.Role.choices,
        initial=Membership.Role.MEMBER,
        help_text=_("Viewers read, members book, administrators also manage people and keys."),
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Membership.Role.choices)


class KeyForm(forms.Form):
    """
    A new key of the kinds that its holder may issue; `source` only where no buyer stands behind.
    """

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Where the key will be used.")
    )
    source = forms.CharField(
        label=_("Source"),
        max_length=200,
        help_text=_("What its events name as their source, such as urn:scheduler:eu-1."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), widget=forms.CheckboxSelectMultiple
    )
    life_days = forms.TypedChoiceField(
        label=_("Works for"),
        coerce=int,
        choices=[(days, _("%d days") % days) for days in KEY_LIVES_DAYS],
        initial=90,
    )

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature
        super().__init__(*args, **kwargs)
        self.kind = kind
        scopes = KEY_KINDS[kind].scopes
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(scope, scope) for scope in scopes]
        field.initial = list(scopes)
        if kind == "buyer":
            del self.fields["source"]

    def issue(
        self, *, organization_id: int | None, actor_id: int, now: datetime
    ) -> operations.IssuedKey:
        """
        Issue the key that a valid form describes.

        :raises operations.TooManyKeys: the organisation has enough.
        """
        return operations.issue_api_key(
            name=self.cleaned_data["name"],
            kind=self.kind,
            scopes=frozenset(self.cleaned_data["scopes"]),
            organization_id=organization_id,
            source=self.cleaned_data.get("source", ""),
            expires_at=now + timedelta(days=self.cleaned_data["life_days"]),
            actor_id=actor_id,
            now=now,
        )
