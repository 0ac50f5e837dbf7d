from django.urls import URLPattern, URLResolver, path

from accounts.views import keys, operations, profile, team


urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/", profile.edit_profile, name="settings"),
    path("settings/own-a-car/", profile.own_a_car, name="own_a_car"),
    path("settings/organization/", profile.found_organization, name="organization_new"),
    path("buy/team/", team.show_team, name="team"),
    path("buy/team/invite/", team.invite_member, name="member_invite"),
    path("buy/team/switch/", team.switch_organization, name="organization_switch"),
    path("buy/team/<str:person>/role/", team.change_role, name="member_role"),
    path("buy/team/<str:person>/remove/", team.remove_member, name="member_remove"),
    path("buy/developers/", keys.show_buyer_keys, name="buyer_keys"),
    path("buy/developers/keys/", keys.issue_buyer_key, name="buyer_keys_issue"),
    path("buy/developers/<str:key>/rotate/", keys.rotate_buyer_key, name="buyer_keys_rotate"),
    path("buy/developers/<str:key>/revoke/", keys.revoke_buyer_key, name="buyer_keys_revoke"),
    path("operations/keys/", keys.show_operations_keys, name="operations_keys"),
    path("operations/keys/new/", keys.issue_operations_key, name="operations_keys_issue"),
    path(
        "operations/keys/<str:key>/rotate/",
        keys.rotate_operations_key,
        name="operations_keys_rotate",
    ),
    path(
        "operations/keys/<str:key>/revoke/",
        keys.revoke_operations_key,
        name="operations_keys_revoke",
    ),
    path("operations/limits/", operations.show_limits, name="limits"),
    path("mail/", operations.show_mail, name="mail"),
]
api_urlpatterns: list[URLPattern | URLResolver] = []
