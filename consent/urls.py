from django.urls import URLPattern, URLResolver, path

from consent.api import access
from consent.api.consents import Consents
from consent.api.telemetry import TelemetryView


urlpatterns: list[URLPattern | URLResolver] = [
    path(".well-known/authzen-configuration", access.metadata, name="authzen-configuration"),
]
api_urlpatterns: list[URLPattern | URLResolver] = [
    path("telemetry", TelemetryView.as_view(), name="telemetry"),
    path("consents", Consents.as_view(), name="consents"),
]
access_urlpatterns: list[URLPattern | URLResolver] = [
    path("evaluation", access.EvaluationView.as_view(), name="evaluation"),
    path("evaluations", access.EvaluationsView.as_view(), name="evaluations"),
]
