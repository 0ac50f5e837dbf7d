from django.urls import URLPattern, URLResolver, path

from portal import buyer


urlpatterns: list[URLPattern | URLResolver] = [
    path("buy/", buyer.show_home, name="buyer_home"),
]
api_urlpatterns: list[URLPattern | URLResolver] = []
