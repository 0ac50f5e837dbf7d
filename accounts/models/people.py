"""
People, the organisations that buy, and who may do what in them.
"""

from typing import ClassVar
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _


def check_time_zone(name: str) -> None:
    """
    Check a name against this machine's zone data.

    :raises ValidationError: this machine's zone data does not know the name.
    """
    if name not in available_timezones():
        raise ValidationError(_("This is not a time zone that we know."), code="unknown_time_zone")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """
        Store one person; without a password they sign in by code or passkey.
        """
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        return self.create_user(
            email, password, **{"is_staff": True, "is_superuser": True} | fields
        )

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """
    One person. What they may do follows from `is_owner`, their memberships and `staff_role`.
    """

    class StaffRole(models.TextChoices):
        NONE = "", _("Not staff")
        FINANCE_PREPARER = "finance_preparer", _("Finance, prepares")
        FINANCE_APPROVER = "finance_approver", _("Finance, approves")
        OPERATOR = "operator", _("Operator")

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    id = models.BigAutoField(primary_key=True)
    email = models.EmailField(_("e-mail"), unique=True)
    display_name = models.CharField(_("name"), max_length=120, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Oslo", validators=[check_time_zone]
    )
    language = models.CharField(
        _("language"), max_length=8, default="en", choices=settings.LANGUAGES
    )
    theme = models.CharField(_("theme"), max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    is_owner = models.BooleanField(default=False)
    staff_role = models.CharField(
        max_length=20, choices=StaffRole.choices, default=StaffRole.NONE, blank=True
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            # Lower case only, so that the unique key compares without regard to case.
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="accounts_user_email_is_lower"
            ),
            models.CheckConstraint(
                condition=Q(
                    staff_role__in=["", "finance_preparer", "finance_approver", "operator"]
                ),
                name="accounts_user_staff_role_known",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.email

    def get_short_name(self) -> str:
        return self.display_name.split(" ")[0] or self.email


class Organization(models.Model):
    """
    A company that buys compute; its balance and bookings belong to it, not to a person.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("organisation name"), max_length=200)
    country = models.CharField(_("country"), max_length=2)
    currency = models.CharField(max_length=3, default="EUR")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(country__regex=r"^[A-Z]{2}$"),
                name="accounts_organization_country_two_letters",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
                name="accounts_organization_currency_three_letters",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        ADMIN = "admin", _("Administrator")
        MEMBER = "member", _("Member")
        VIEWER = "viewer", _("Viewer")

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="memberships"
    )
    role = models.CharField(max_length=8, choices=Role.choices)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization"], name="accounts_membership_one_per_organization"
            ),
            models.CheckConstraint(
                condition=Q(role__in=["admin", "member", "viewer"]),
                name="accounts_membership_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.organization_id}"
