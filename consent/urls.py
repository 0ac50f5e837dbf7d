from django.urls import URLPattern, URLResolver, path

from consent.api import access
from consent.api.consents import Consents
from consent.api.telemetry import TelemetryView
from consent.views import acts, cars, records, rules


CAR = "cars/<str:public_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("cars/", cars.show_cars, name="cars"),
    path("cars/new/", cars.add_car, name="car_new"),
    path(f"{CAR}/rules/", rules.edit_rules, name="rules"),
    path(f"{CAR}/rules/review/", rules.review_rules, name="review"),
    path(f"{CAR}/rules/summary/", rules.summarize_rules, name="summary"),
    path(f"{CAR}/history/", records.show_history, name="history"),
    path(f"{CAR}/receipts/<int:number>.json", records.download_receipt, name="receipt"),
    path(f"{CAR}/pause/", acts.pause_car, name="pause"),
    path(f"{CAR}/resume/", acts.resume_car, name="resume"),
    path(f"{CAR}/withdraw/", acts.withdraw_consent, name="withdraw"),
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
