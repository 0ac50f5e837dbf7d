from django.urls import URLPattern, URLResolver, path

from marketplace import api


urlpatterns: list[URLPattern | URLResolver] = []
api_urlpatterns: list[URLPattern | URLResolver] = [
    path("pools", api.Pools.as_view(), name="pools"),
    path("capacity", api.Capacity.as_view(), name="capacity"),
    path("bookings/feed", api.BookingFeed.as_view(), name="booking_feed"),
]
