import pgtrigger
from django.db import models
from django.db.models import F, Q

from consent.models.fields import never_emptied
from consent.models.vehicles import Vehicle


class TransferOffer(models.Model):
    """
    An owner offers a car to whoever holds an e-mail address. It ends once: accepted, taken
    back, or by its day. Of the link only the digest is kept.

    `new_vehicle` is the car as its new owner has it: another row, which knows nothing of this.
    """

    id = models.BigAutoField(primary_key=True)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="offers")
    email = models.EmailField()
    digest = models.BinaryField(max_length=32, unique=True)
    offered_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    new_vehicle = models.OneToOneField(
        Vehicle, on_delete=models.PROTECT, null=True, blank=True, related_name="came_by"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["vehicle"],
                condition=Q(taken_back_at__isnull=True, accepted_at__isnull=True),
                name="consent_offer_one_open",
            ),
            models.UniqueConstraint(
                fields=["vehicle"],
                condition=Q(accepted_at__isnull=False),
                name="consent_offer_accepted_once",
            ),
            models.CheckConstraint(
                condition=Q(taken_back_at__isnull=True) | Q(accepted_at__isnull=True),
                name="consent_offer_ends_once",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) ^ Q(new_vehicle__isnull=False),
                name="consent_offer_accepted_has_car",
            ),
            models.CheckConstraint(
                condition=~Q(new_vehicle=F("vehicle")), name="consent_offer_to_another_row"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("offered_at")), name="consent_offer_leaves_time"
            ),
        ]
        triggers = [
            never_emptied("consent_offer_never_emptied"),
            pgtrigger.Protect(name="consent_offer_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"offer {self.pk} of {self.vehicle_id}"
