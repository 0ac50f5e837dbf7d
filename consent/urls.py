from django.urls import URLPattern, URLResolver, path

from consent.api import access
from consent.api.consents import Consents
from consent.api.telemetry import TelemetryView
from consent.views import (
    acts,
    cars,
    details,
    profiles,
    records,
    renewals,
    review,
    rules,
    transfers,
    undo,
)


CAR = "cars/<str:public_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("cars/", cars.show_cars, name="cars"),
    path("cars/new/", cars.add_car, name="car_new"),
    path("cars/defaults/", profiles.edit_profile, name="profile"),
    path("cars/defaults/review/", profiles.review_profile, name="profile_review"),
    path(f"{CAR}/details/", details.edit_details, name="details"),
    path(f"{CAR}/rules/", rules.edit_rules, name="rules"),
    path(f"{CAR}/rules/review/", review.review_rules, name="review"),
    path(f"{CAR}/rules/summary/", rules.summarize_rules, name="summary"),
    path(f"{CAR}/renew/", renewals.renew_consent, name="renew"),
    path(f"{CAR}/history/", records.show_history, name="history"),
    path(f"{CAR}/history/compare/", records.compare_versions, name="compare"),
    path(f"{CAR}/receipts/<int:number>.json", records.download_receipt, name="receipt"),
    path(f"{CAR}/receipts/<int:number>.pdf", records.download_receipt_pdf, name="receipt_pdf"),
    path(f"{CAR}/transfer/", transfers.offer_car, name="transfer"),
    path(f"{CAR}/transfer/take-back/", transfers.take_offer_back, name="transfer_take_back"),
    path("offers/<str:token>/", transfers.accept_offer, name="offer_accept"),
    path(f"{CAR}/pause/", acts.pause_car, name="pause"),
    path(f"{CAR}/resume/", acts.resume_car, name="resume"),
    path(f"{CAR}/skip/", acts.skip_night, name="skip"),
    path(f"{CAR}/unskip/", acts.unskip_night, name="unskip"),
    path(f"{CAR}/undo/", undo.undo, name="undo"),
    # The page that asks is the portal's: it tells what becomes of the money.
    path(f"{CAR}/withdraw/confirm/", acts.withdraw_consent, name="withdraw"),
    path(".well-known/receipt-keys.json", records.show_receipt_keys, name="receipt_keys"),
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
