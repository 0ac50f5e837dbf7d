"""
Who calls the API: `Authorization: Bearer <key>`, and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import operations, queries
from web.limits import KEY_USE_NOTED_EVERY_S


SCHEME = "Bearer"


@dataclass(frozen=True, slots=True)
class ApiKeyPrincipal:
    """
    What a key stands for: an organisation that buys, or a source of events.
    """

    key_id: int
    kind: str
    organization_id: int | None
    source: str
    scopes: frozenset[str]

    @property
    def principal(self) -> str:
        """
        Return the name under which answers are stored and requests are counted.

        It outlives a rotated key: a retry with the new key finds the old answer.
        """
        return f"source:{self.source}" if self.source else f"org:{self.organization_id}"


class MachineClient(AnonymousUser):
    """
    Stands in for `request.user`: a key is somebody, but no person.
    """

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        return True

    @property
    def is_anonymous(self) -> bool:  # type: ignore[override]
        return False


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[MachineClient, ApiKeyPrincipal] | None:
        """
        Return the key's principal; None without the header, so that the answer is 401.
        """
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if not scheme:
            return None
        now = timezone.now()
        found = self._find(scheme, secret, now)
        if found is None:
            raise AuthenticationFailed("This key is not valid.", code="key_not_valid")
        if _is_stale(found.last_used_at, now):
            operations.note_key_use(key_id=found.key_id, now=now)
        principal = ApiKeyPrincipal(
            key_id=found.key_id,
            kind=found.kind,
            organization_id=found.organization_id,
            source=found.source,
            scopes=found.scopes,
        )
        return MachineClient(), principal

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return f'{SCHEME} realm="Parado"'

    def _find(self, scheme: bytes, secret: bytes, now: datetime) -> queries.LiveKey | None:
        if scheme.lower() != SCHEME.lower().encode():
            return None
        return queries.get_live_key(secret=secret.strip().decode("latin-1"), now=now)


def _is_stale(last_used_at: datetime | None, now: datetime) -> bool:
    limit = timedelta(seconds=KEY_USE_NOTED_EVERY_S)
    return last_used_at is None or now - last_used_at >= limit


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """
    Tells the API's description how to send a key.
    """

    target_class = "accounts.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002 - drf-spectacular's signature
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "pk_live_..., sk_sched_... or sk_fin_...",
        }
