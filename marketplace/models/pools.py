from datetime import datetime

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from marketplace.models.expressions import CODE_PATTERN, CURRENCY_PATTERN, is_multiple
from marketplace.rules import Price


class Region(models.Model):
    """
    Where cars are parked, as coarse as a buyer may know it.

    vehicle_count is refreshed with capacity: a region of few cars is not shown, since
    its numbers would be about people.
    """

    code = models.CharField(max_length=32, primary_key=True)
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=2)
    time_zone = models.CharField(max_length=64)
    vehicle_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(code__regex=CODE_PATTERN), name="marketplace_region_code_form"
            ),
            models.CheckConstraint(
                condition=Q(country__regex="^[A-Z]{2}$"), name="marketplace_region_country_form"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class HardwareClass(models.Model):
    """
    One kind of on-board computer, and what a kWh through it costs the car in wear.
    """

    code = models.CharField(max_length=32, primary_key=True)
    name = models.CharField(max_length=120)
    power_w = models.PositiveIntegerField()
    wear_micros_per_kwh = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(code__regex=CODE_PATTERN), name="marketplace_hardware_code_form"
            ),
            models.CheckConstraint(
                condition=Q(power_w__gt=0), name="marketplace_hardware_power_positive"
            ),
            models.CheckConstraint(
                condition=Q(wear_micros_per_kwh__gte=0),
                name="marketplace_hardware_wear_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Pool(models.Model):
    """
    A region and a hardware class: what buyers book. Nobody books a car.
    """

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="pools")
    hardware_class = models.ForeignKey(
        HardwareClass, on_delete=models.PROTECT, related_name="pools"
    )
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "hardware_class"], name="marketplace_pool_unique"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=CURRENCY_PATTERN),
                name="marketplace_pool_currency_form",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region_id} {self.hardware_class_id}"


KEEP_RATE_CARDS = """
    IF TG_OP = 'UPDATE'
       AND upper_inf(OLD.in_force) AND NOT upper_inf(NEW.in_force)
       AND lower(NEW.in_force) = lower(OLD.in_force)
       AND to_jsonb(NEW) - 'in_force' = to_jsonb(OLD) - 'in_force'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a rate card is superseded, never changed' USING ERRCODE = 'restrict_violation';
"""


class RateCard(models.Model):
    """
    One version of a pool's prices: what a buyer pays and what an owner gets.

    Rows are superseded, never edited; a booking keeps the price it was made at.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="rate_cards")
    version = models.PositiveIntegerField()
    in_force = DateTimeRangeField()
    buyer_micros_per_kwh = models.BigIntegerField()
    buyer_micros_per_job = models.BigIntegerField()
    reward_micros_per_kwh = models.BigIntegerField()
    reward_micros_per_job = models.BigIntegerField()
    wear_micros_per_kwh = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "version"], name="marketplace_rate_card_version_unique"
            ),
            ExclusionConstraint(
                name="marketplace_rate_card_one_in_force",
                # A range of one id stands in for "same pool": GiST cannot compare
                # plain integers without an extension.
                expressions=[
                    (
                        Func(F("pool"), F("pool"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    ("in_force", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(in_force__isempty=False)
                & Q(in_force__startswith__isnull=False)
                & Q(in_force__lower_inc=True)
                & Q(in_force__upper_inc=False),
                name="marketplace_rate_card_half_open",
            ),
            # A whole number of micros per Wh: the parts of a booking can then never
            # add up to more than was held for the whole.
            models.CheckConstraint(
                condition=Q(buyer_micros_per_kwh__gt=0)
                & is_multiple(F("buyer_micros_per_kwh"), of=1000),
                name="marketplace_rate_card_price_whole_per_wh",
            ),
            models.CheckConstraint(
                condition=Q(buyer_micros_per_job__gte=0)
                & Q(reward_micros_per_kwh__gte=0)
                & Q(reward_micros_per_job__gte=0)
                & Q(wear_micros_per_kwh__gte=0),
                name="marketplace_rate_card_not_negative",
            ),
            # An owner's reward that exceeds the price would be paid by nobody.
            models.CheckConstraint(
                condition=Q(reward_micros_per_job__lte=F("buyer_micros_per_job"))
                & Q(
                    buyer_micros_per_kwh__gte=F("reward_micros_per_kwh") + F("wear_micros_per_kwh")
                ),
                name="marketplace_rate_card_reward_within_price",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="marketplace_rate_card_kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=KEEP_RATE_CARDS,
            )
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} v{self.version}"

    def is_in_force(self, *, at: datetime) -> bool:
        lower, upper = self.in_force.lower, self.in_force.upper
        assert lower is not None, "a rate card has a start, by constraint"
        return lower <= at and (upper is None or at < upper)

    def buyer_price(self) -> Price:
        return Price(
            currency=self.pool.currency,
            micros_per_kwh=self.buyer_micros_per_kwh,
            micros_per_job=self.buyer_micros_per_job,
        )
