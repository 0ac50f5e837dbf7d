"""
Olivia's car through ten November nights: plugged in from seven to seven, at work for two hours.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from billing.operations.outlooks import refresh_outlooks
from consent.forms import write_form
from consent.models import ConsentVersion
from consent.queries.evidence import get_draft
from consent.rules import RulesDraft, Window
from tests.billing.meters import NOON, World, create_world, settle_all
from tests.portal.samples import say_nights
from web.public_ids import encode


NIGHTS = 10
# 19:00 in Trondheim, on the twelfth.
FIRST = NOON.replace(day=12, hour=18)
# All but the quarter-hour before noon.
NEARLY_ALWAYS = (Window((0, 1, 2, 3, 4, 5, 6), 12 * 60, 11 * 60 + 45),)
HOUR = timedelta(hours=1)
WORK_WH = 200
# A night's net: eight quarters of 0.2 kWh at 0.10.
NIGHT_NET = 8 * 20_000


def create_nights(**rules: Any) -> World:
    """
    Let the car work from 21 to 23 on each night, under these rules.
    """
    world = create_world(**({"windows": NEARLY_ALWAYS} | rules))
    say_nights(world.vehicle, FIRST, nights=NIGHTS)
    world.report(
        *(
            world.event(
                starts_at=FIRST + timedelta(days=night, hours=2, minutes=15 * quarter),
                ends_at=FIRST + timedelta(days=night, hours=2, minutes=15 * quarter + 15),
                energy_wh=WORK_WH,
                state_of_charge_min_pct=70.0,
            )
            for night in range(NIGHTS)
            for quarter in range(8)
        )
    )
    settle_all()
    refresh_outlooks(now=NOON)
    return world


def get_rules_in_force(world: World) -> RulesDraft:
    return get_draft(ConsentVersion.objects.get(vehicle=world.vehicle, in_force__upper_inf=True))


def write_draft(world: World, **changes: Any) -> dict[str, list[str]]:
    """
    Return what the editor sends for the rules in force, changed in the named fields.
    """
    sent: dict[str, list[str]] = {"expected_number": ["1"]}
    for name, value in write_form(replace(get_rules_in_force(world), **changes)):
        sent.setdefault(name, []).append(value)
    return sent


def address(world: World, name: str) -> str:
    return f"/cars/{encode('veh', world.vehicle.pk)}/{name}/"
