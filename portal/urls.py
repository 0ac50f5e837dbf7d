from django.urls import URLPattern, URLResolver, path

from portal import buyer, operations, owner, start


urlpatterns: list[URLPattern | URLResolver] = [
    path("", start.show_start, name="home"),
    path("cars/<str:vehicle_id>/sign/", owner.show_sign, name="owner_sign"),
    path("buy/", buyer.show_home, name="buyer_home"),
    path("operations/", operations.show_operations, name="operations"),
    path("operations/now/", operations.show_part, name="operations_part"),
]
api_urlpatterns: list[URLPattern | URLResolver] = []
