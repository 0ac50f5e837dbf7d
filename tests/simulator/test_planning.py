"""
Whom the scheduler asks, and who then works.
"""

from __future__ import annotations

from itertools import pairwise

from simulator.scheduler.fleet import Booking, Vehicle
from simulator.scheduler.planning import (
    ASK_FACTOR,
    Allocation,
    Decision,
    Slot,
    list_presence,
    plan,
)
from simulator.scheduler.sessions import QUARTER_S, Session


MONDAY_S = 1_767_571_200  # Monday, 5 January 2026, 00:00 UTC
HOUR_S = 3_600
YES = Decision(permit=True)


def make_vehicle(number: int, *, rated_power_w: int = 1_000, pool_id: str = "") -> Vehicle:
    return Vehicle(
        vehicle_id=f"veh_{number:015x}",
        resident=f"R-{number}",
        battery_wh=60_000,
        rated_power_w=rated_power_w,
        pool_id=pool_id,
    )


def make_session(vehicle: Vehicle, *, starts_at_s: int, ends_at_s: int) -> Session:
    return Session(
        session_id="1",
        resident=vehicle.resident,
        starts_at_s=starts_at_s,
        ends_at_s=ends_at_s,
        energy_wh=5_000,
    )


def make_booking(
    name: str = "bkg_1", *, power_w: int = 2_000, hours: int = 2, pool_id: str = ""
) -> Booking:
    return Booking(
        booking_id=name,
        starts_at_s=MONDAY_S,
        ends_at_s=MONDAY_S + hours * HOUR_S,
        power_w=power_w,
        category="inference",
        pool_id=pool_id,
    )


def plan_night(vehicles: list[Vehicle], bookings: list[Booking]) -> list[Slot]:
    fleet = {vehicle.resident: vehicle for vehicle in vehicles}
    sessions = [
        make_session(vehicle, starts_at_s=MONDAY_S, ends_at_s=MONDAY_S + 2 * HOUR_S)
        for vehicle in vehicles
    ]
    present = list_presence(sessions, fleet=fleet, span=(MONDAY_S, MONDAY_S + 3 * HOUR_S))
    return list(plan(present, bookings=bookings, seed=1))


class TestListPresence:
    def test_cuts_sessions_at_quarter_hours_and_drops_pieces_under_a_minute(self) -> None:
        car = make_vehicle(1)
        session = make_session(
            car, starts_at_s=MONDAY_S + 870, ends_at_s=MONDAY_S + 2 * QUARTER_S + 60
        )

        present = list_presence([session], fleet={"R-1": car}, span=(0, 2**40))

        pieces = [(starts, ends) for here in present.values() for (_, _, starts, ends) in here]
        assert pieces == [
            (MONDAY_S + 900, MONDAY_S + 1_800),
            (MONDAY_S + 1_800, MONDAY_S + 1_860),
        ]

    def test_stays_inside_the_span(self) -> None:
        car = make_vehicle(1)
        session = make_session(car, starts_at_s=MONDAY_S, ends_at_s=MONDAY_S + HOUR_S)

        present = list_presence(
            [session], fleet={"R-1": car}, span=(MONDAY_S + 900, MONDAY_S + 1_800)
        )

        assert list(present) == [MONDAY_S + 900]


class TestPlan:
    def test_asks_nobody_without_a_booking(self) -> None:
        assert plan_night([make_vehicle(1)], []) == []

    def test_asks_only_within_the_booking(self) -> None:
        slots = plan_night([make_vehicle(1)], [make_booking(hours=1)])

        assert [slot.quarter_s - MONDAY_S for slot in slots] == [0, 900, 1_800, 2_700]

    def test_asks_no_more_than_the_booking_may_need(self) -> None:
        cars = [make_vehicle(number) for number in range(30)]

        slots = plan_night(cars, [make_booking(power_w=2_000, hours=1)])

        in_first_quarter = [slot for slot in slots if slot.quarter_s == MONDAY_S]
        assert len(in_first_quarter) == 2 * ASK_FACTOR

    def test_deals_cars_to_bookings_by_what_they_want(self) -> None:
        cars = [make_vehicle(number) for number in range(9)]
        bookings = [make_booking("bkg_1", power_w=6_000), make_booking("bkg_2", power_w=3_000)]

        slots = [slot for slot in plan_night(cars, bookings) if slot.quarter_s == MONDAY_S]

        served = [slot.booking.booking_id for slot in slots]
        assert (served.count("bkg_1"), served.count("bkg_2")) == (6, 3)

    def test_keeps_a_car_with_its_booking_all_day(self) -> None:
        cars = [make_vehicle(number) for number in range(6)]
        bookings = [make_booking("bkg_1", power_w=3_000), make_booking("bkg_2", power_w=3_000)]

        slots = plan_night(cars, bookings)

        for car in cars:
            served = [slot.booking.booking_id for slot in slots if slot.vehicle == car]
            assert all(left == right for left, right in pairwise(served))

    def test_serves_a_booking_from_its_pool_only(self) -> None:
        cars = [make_vehicle(1, pool_id="pool_a"), make_vehicle(2, pool_id="pool_b")]

        slots = plan_night(cars, [make_booking(pool_id="pool_b")])

        assert {slot.vehicle.vehicle_id for slot in slots} == {cars[1].vehicle_id}


class TestAllocation:
    def make_slots(self, count: int, *, power_w: int) -> list[Slot]:
        cars = [make_vehicle(number) for number in range(count)]
        slots = plan_night(cars, [make_booking(power_w=power_w, hours=1)])
        return [slot for slot in slots if slot.quarter_s == MONDAY_S]

    def test_never_gives_more_than_the_power_booked(self) -> None:
        allocation = Allocation(work_s_per_day_max=8 * HOUR_S)

        given = [allocation.take(slot, YES) for slot in self.make_slots(8, power_w=2_500)]

        assert given == [1_000, 1_000, 500, 0, 0, 0, 0, 0]

    def test_starts_no_car_for_a_sliver(self) -> None:
        allocation = Allocation(work_s_per_day_max=8 * HOUR_S)

        given = [allocation.take(slot, YES) for slot in self.make_slots(4, power_w=1_200)]

        assert sum(given) == 1_000

    def test_keeps_to_the_owners_power_limit(self) -> None:
        allocation = Allocation(work_s_per_day_max=8 * HOUR_S)
        (slot, *_) = self.make_slots(1, power_w=2_000)

        assert allocation.take(slot, Decision(permit=True, power_limit_w=600)) == 600

    def test_lets_a_car_rest_after_its_hours(self) -> None:
        allocation = Allocation(work_s_per_day_max=HOUR_S // 2)
        slots = plan_night([make_vehicle(1)], [make_booking(hours=1)])

        assert [allocation.take(slot, YES) for slot in slots] == [1_000, 1_000, 0, 0]

    def test_forgets_what_is_over(self) -> None:
        allocation = Allocation(work_s_per_day_max=HOUR_S // 4)
        (slot, *_) = self.make_slots(1, power_w=2_000)
        allocation.take(slot, YES)

        allocation.forget_before(MONDAY_S + 3 * 86_400)

        assert allocation.take(slot, YES) == 1_000
