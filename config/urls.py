"""
Every address of Parado: pages, then the three machine interfaces.
"""

from types import ModuleType

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

import accounts.urls
import billing.urls
import consent.urls
import marketplace.urls
import portal.urls
import web.urls


APPS: tuple[tuple[str, ModuleType], ...] = (
    ("portal", portal.urls),
    ("billing", billing.urls),
    ("marketplace", marketplace.urls),
    ("consent", consent.urls),
    ("accounts", accounts.urls),
    ("web", web.urls),
)
# The list that an app exports, where it is mounted, and what its namespace ends in.
MOUNTS = (
    ("urlpatterns", "", ""),
    ("api_urlpatterns", "api/v1/", "_api"),
    ("access_urlpatterns", "access/v1/", "_access"),
    ("webhook_urlpatterns", "webhooks/", "_webhooks"),
)


def mount_apps() -> list[URLResolver]:
    """
    Return one include per app and interface: `consent`, `consent_api`, `consent_access`.
    """
    return [
        path(prefix, include((getattr(module, name), app + suffix)))
        for name, prefix, suffix in MOUNTS
        for app, module in APPS
        if getattr(module, name, None)
    ]


urlpatterns: list[URLPattern | URLResolver] = [
    *mount_apps(),
    path("account/", include("allauth.urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs/api/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
]

handler400 = "web.errors.bad_request"
handler403 = "web.errors.forbidden"
handler404 = "web.errors.not_found"
handler500 = "web.errors.server_error"
