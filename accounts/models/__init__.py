from accounts.models.erasure import ErasureRequest
from accounts.models.keys import ApiKey
from accounts.models.people import Membership, Organization, User
from accounts.models.records import AuditEvent, Outbox


__all__ = ["ApiKey", "AuditEvent", "ErasureRequest", "Membership", "Organization", "Outbox", "User"]
