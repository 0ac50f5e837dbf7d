from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def grant_app_role(*, using: str, **_kwargs: object) -> None:
    """
    Give the application's role its rights on tables that other apps made meanwhile.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regproc('billing_grant_app_role')")
        if cursor.fetchone()[0]:
            cursor.execute("SELECT billing_grant_app_role()")


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        post_migrate.connect(grant_app_role, sender=self, dispatch_uid="billing_app_role")
