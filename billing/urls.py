from django.urls import URLPattern, URLResolver, path, re_path

from billing import webhooks
from billing.api import balance, bookings, finance, top_ups, usage
from billing.views import (
    breaches,
    buyer,
    buyer_billing,
    buyer_new,
    earnings,
    erasure,
    ledger,
    metering,
    payout_holds,
    payout_runs,
    payouts,
    quarantine,
    readings,
    sessions,
    tariff,
    tariff_outliers,
)
from billing.views import finance as finance_pages


urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/tariff/", tariff.edit_tariff, name="tariff"),
    path("settings/tariff/average/", tariff.return_to_average, name="tariff_average"),
    path("settings/erasure/", erasure.show_erasure, name="erasure"),
    path("settings/erasure/take-back/", erasure.take_back, name="erasure_take_back"),
    path("earnings/", earnings.show_earnings, name="earnings"),
    path("breaches/", breaches.show_breaches, name="breaches"),
    path("sessions/", sessions.show_sessions, name="sessions"),
    path("sessions/<str:vehicle_id>/<str:stamp>/", sessions.show_session, name="session"),
    path(
        "sessions/<str:vehicle_id>/<str:stamp>/<int:record_id>/",
        readings.show_reading,
        name="reading",
    ),
    path("buy/bookings/", buyer.show_bookings, name="buyer_bookings"),
    path("buy/bookings/new/", buyer_new.new_booking, name="buyer_booking_new"),
    path("buy/bookings/new/outlook/", buyer_new.show_outlook, name="buyer_outlook"),
    path("buy/bookings/<str:booking_id>/", buyer.show_booking, name="buyer_booking"),
    path("buy/billing/", buyer_billing.show_billing, name="buyer_billing"),
    path("buy/billing/top-up/", buyer_billing.start_top_up, name="buyer_top_up"),
    path("buy/billing/return/", buyer_billing.return_from_top_up, name="buyer_billing_return"),
]
PAYOUTS: list[URLPattern | URLResolver] = [
    path("payouts/", payouts.show_payouts, name="payouts"),
    path("payouts/set-up/", payouts.set_up, name="payouts_set_up"),
    path("payouts/return/", payouts.return_from_set_up, name="payouts_return"),
    path("payouts/<str:payout_id>/", payouts.show_payout, name="payout"),
]
FINANCE: list[URLPattern | URLResolver] = [
    path("finance/", finance_pages.show_queue, name="finance"),
    path("finance/runs/", finance_pages.show_runs, name="payout_runs"),
    path("finance/runs/new/", finance_pages.start_run, name="payout_run_start"),
    path("finance/runs/held/", payout_holds.show_holds, name="payout_holds"),
    path("finance/runs/held/lift/", payout_holds.lift_holds, name="payout_hold_lift"),
    path("finance/runs/<str:run_id>/", payout_runs.show_run, name="payout_run"),
    path(
        "finance/runs/<str:run_id>/progress/",
        payout_runs.show_progress,
        name="payout_run_progress",
    ),
    path("finance/runs/<str:run_id>/submit/", payout_runs.submit_run, name="payout_run_submit"),
    path("finance/runs/<str:run_id>/approve/", payout_runs.approve_run, name="payout_run_approve"),
    path("finance/runs/<str:run_id>/cancel/", payout_runs.cancel_run, name="payout_run_cancel"),
    path("finance/runs/<str:run_id>/hold/", payout_runs.hold_lines, name="payout_run_hold"),
    re_path(
        r"^finance/runs/(?P<run_id>[^/]+)/lines\.(?P<file_format>csv|xlsx)$",
        payout_runs.export_run,
        name="payout_run_export",
    ),
    path("finance/ledger/", ledger.show_ledger, name="ledger"),
    path("finance/ledger/check/", finance_pages.check_books, name="ledger_check"),
    re_path(
        r"^finance/ledger/trial-balance\.(?P<file_format>csv|xlsx)$",
        ledger.export_ledger,
        name="ledger_export",
    ),
    path("finance/reports/", ledger.show_reports, name="reports"),
    path("finance/quarantine/", quarantine.show_quarantine, name="quarantine"),
    path("finance/quarantine/decide/", quarantine.decide_many, name="quarantine_decide"),
    path(
        "finance/quarantine/<str:quarantined_id>/",
        quarantine.show_quarantined,
        name="quarantined",
    ),
    path(
        "finance/quarantine/<str:quarantined_id>/decide/",
        quarantine.decide_quarantined,
        name="quarantined_decide",
    ),
    path("finance/tariffs/", tariff_outliers.show_outliers, name="tariff_outliers"),
    path("finance/metering/", metering.show_for_finance, name="metering"),
    path("operations/metering/", metering.show_for_operators, name="operations_metering"),
]
urlpatterns += [*PAYOUTS, *FINANCE]
api_urlpatterns: list[URLPattern | URLResolver] = [
    path("bookings", bookings.Bookings.as_view(), name="bookings"),
    # `bookings/feed` is the scheduler's and served by the app below.
    re_path(
        r"^bookings/(?P<booking_id>(?!feed$)[^/]+)$",
        bookings.BookingDetail.as_view(),
        name="booking",
    ),
    path("bookings/<str:booking_id>/usage", bookings.BookingUsage.as_view(), name="booking_usage"),
    path("usage", usage.UsageBatches.as_view(), name="usage"),
    path("usage/batches/<str:batch_id>", usage.UsageBatch.as_view(), name="usage_batch"),
    path("balance", balance.Balance.as_view(), name="balance"),
    path("transfers", balance.Transfers.as_view(), name="transfers"),
    path("top-ups", top_ups.TopUps.as_view(), name="top_ups"),
    path("payout-runs", finance.PayoutRuns.as_view(), name="payout_runs"),
    path("payout-runs/<str:run_id>", finance.PayoutRunDetail.as_view(), name="payout_run"),
    path("payout-runs/<str:run_id>/payouts", finance.RunPayouts.as_view(), name="payouts"),
    path("reports/trial-balance", finance.TrialBalanceReport.as_view(), name="trial_balance"),
]
webhook_urlpatterns: list[URLPattern | URLResolver] = [
    path("stripe/", webhooks.receive_snapshot, name="stripe_snapshot"),
    path("stripe/thin/", webhooks.receive_thin, name="stripe_thin"),
]
