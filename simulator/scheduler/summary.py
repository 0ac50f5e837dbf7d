"""
What a run did, as one JSON document. Every row read is in it, used or left out.
"""

from __future__ import annotations

from simulator.scheduler import moments
from simulator.scheduler.client import Json
from simulator.scheduler.live import Present
from simulator.scheduler.replay import Scheduler


def summarize(
    scheduler: Scheduler, *, window: tuple[int, int], present: Present | None, took: Json
) -> Json:
    reading, outbox, desk = scheduler.reading, scheduler.outbox, scheduler.desk
    return {
        "replay": {
            "from": moments.to_text(window[0]),
            "until": moments.to_text(window[1]),
            "shift_weeks": reading.shift_weeks,
            "seed": scheduler.seed,
        },
        "sessions": {
            "read": reading.read,
            "used": len(reading.sessions),
            "clipped": reading.clipped,
            "left_out": dict(sorted(reading.left_out.items())),
        },
        "vehicles": {
            "in_fleet": len(scheduler.fleet),
            "with_sessions": len({session.resident for session in reading.sessions}),
            "worked": len(scheduler.vehicles_worked),
        },
        "feeds": {
            "consent_rows": scheduler.consent_feed.rows,
            "consents_given": scheduler.consents.count("given"),
            "consents_withdrawn": scheduler.consents.count("withdrawn"),
            "booking_rows": scheduler.booking_feed.rows,
            "bookings": len(scheduler.bookings),
        },
        "telemetry": dict(scheduler.telemetry),
        "decisions": {
            "asked": desk.asked,
            "permitted": desk.permitted,
            "denied": desk.asked - desk.permitted,
            "reasons": dict(desk.reasons.most_common()),
        },
        "usage": {
            "sent": outbox.sent,
            "accepted": outbox.accepted,
            "duplicates": outbox.duplicates,
            "quarantined": outbox.quarantined,
            "by_code": dict(outbox.by_code.most_common()),
            "samples": outbox.samples,
            "out_of_order": outbox.out_of_order,
            "batches": len(outbox.batch_ids),
            "batch_ids": outbox.batch_ids,
        },
        "on_purpose": dict(sorted(scheduler.mischief.counts.items())),
        "work": {
            "energy_wh": scheduler.meters.energy_wh,
            "requests_served": scheduler.meters.requests,
            "jobs_completed": sum(scheduler.meters.jobs_completed.values()),
            "jobs_running": scheduler.meters.count_running(),
        },
        "now": vars(present) if present else None,
        "http": {"calls": scheduler.client.calls, "retries": scheduler.client.retries},
        "took": took,
    }
