from accounts.models.keys import ApiKey
from accounts.models.people import Membership, Organization, User
from accounts.models.records import AuditEvent, Outbox


__all__ = ["ApiKey", "AuditEvent", "Membership", "Organization", "Outbox", "User"]
