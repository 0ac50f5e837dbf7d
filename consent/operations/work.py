"""
What the app that sells tells of its bookings, so that their work can be judged.
"""

from consent.models import WorkTerms


def record_work_terms(*, booking_id: int, buyer_id: int, reward_micros_per_kwh: int) -> None:
    """
    Write down who buys a booking and what owners get of it, inside the caller's transaction.

    `buyer_id` is an organisation; the reward is what is left after electricity and wear. What
    was told first stands: a booking's terms do not change.
    """
    WorkTerms.objects.bulk_create(
        [
            WorkTerms(
                booking_id=booking_id,
                buyer_id=buyer_id,
                reward_micros_per_kwh=reward_micros_per_kwh,
            )
        ],
        ignore_conflicts=True,
    )
