from accounts.operations.keys import (
    BadKeyTerms,
    IssuedKey,
    KeyNotFound,
    TooManyKeys,
    issue_api_key,
    note_key_use,
    revoke_api_key,
    rotate_api_key,
)
from accounts.operations.people import (
    EmailTaken,
    become_owner,
    create_person,
    update_profile,
)
from accounts.operations.records import enqueue_mail, record_audit, send_due_mail
from accounts.operations.teams import (
    AlreadyMember,
    LastAdmin,
    MemberNotFound,
    NotTeamAdmin,
    add_member,
    change_member_role,
    create_organization,
    invite_member,
    remove_member,
)


__all__ = [
    "AlreadyMember",
    "BadKeyTerms",
    "EmailTaken",
    "IssuedKey",
    "KeyNotFound",
    "LastAdmin",
    "MemberNotFound",
    "NotTeamAdmin",
    "TooManyKeys",
    "add_member",
    "become_owner",
    "change_member_role",
    "create_organization",
    "create_person",
    "enqueue_mail",
    "invite_member",
    "issue_api_key",
    "note_key_use",
    "record_audit",
    "remove_member",
    "revoke_api_key",
    "rotate_api_key",
    "send_due_mail",
    "update_profile",
]
