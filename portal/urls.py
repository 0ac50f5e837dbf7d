from django.urls import URLPattern, URLResolver, path

from portal import buyer, given_up, operations, owner, preview, replay, start, why, withdraw


urlpatterns: list[URLPattern | URLResolver] = [
    path("", start.show_start, name="home"),
    path("cars/<str:vehicle_id>/sign/", owner.show_sign, name="owner_sign"),
    path("cars/<str:public_id>/withdraw/", withdraw.show_withdrawal, name="withdraw"),
    path("cars/<str:public_id>/rules/preview/", preview.show_preview, name="preview"),
    path("cars/<str:public_id>/replay/", replay.show_replay, name="replay"),
    path("cars/<str:public_id>/why/", why.show_why, name="why"),
    path("buy/", buyer.show_home, name="buyer_home"),
    path("operations/", operations.show_operations, name="operations"),
    path("operations/now/", operations.show_part, name="operations_part"),
    path("operations/given-up/", given_up.show_given_up, name="given_up"),
    path("operations/given-up/mail/", given_up.replay_mail, name="given_up_mail"),
    path("operations/given-up/news/", given_up.replay_news, name="given_up_news"),
]
api_urlpatterns: list[URLPattern | URLResolver] = []
