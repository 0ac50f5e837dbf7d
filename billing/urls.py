from django.urls import URLPattern, URLResolver, path, re_path

from billing import webhooks
from billing.api import balance, bookings


urlpatterns: list[URLPattern | URLResolver] = []
api_urlpatterns: list[URLPattern | URLResolver] = [
    path("bookings", bookings.Bookings.as_view(), name="bookings"),
    # `bookings/feed` is the scheduler's and served by the app below.
    re_path(
        r"^bookings/(?P<booking_id>(?!feed$)[^/]+)$",
        bookings.BookingDetail.as_view(),
        name="booking",
    ),
    path("bookings/<str:booking_id>/usage", bookings.BookingUsage.as_view(), name="booking_usage"),
    path("balance", balance.Balance.as_view(), name="balance"),
    path("transfers", balance.Transfers.as_view(), name="transfers"),
]
webhook_urlpatterns: list[URLPattern | URLResolver] = [
    path("stripe/", webhooks.receive_snapshot, name="stripe_snapshot"),
    path("stripe/thin/", webhooks.receive_thin, name="stripe_thin"),
]
