from django.urls import URLPattern, URLResolver, path

from portal import buyer, owner, start


urlpatterns: list[URLPattern | URLResolver] = [
    path("", start.show_start, name="home"),
    path("cars/<str:vehicle_id>/sign/", owner.show_sign, name="owner_sign"),
    path("buy/", buyer.show_home, name="buyer_home"),
]
api_urlpatterns: list[URLPattern | URLResolver] = []
