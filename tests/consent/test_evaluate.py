from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from consent import operations, queries
from consent.models import DayUse, Vehicle
from consent.queries import Question, Telemetry, VehicleNotFound
from consent.rules import Decision, ReasonCode, WorkloadCategory
from tests.consent.terms import NIGHT
from tests.factories import create_consent, create_vehicle_state


INFERENCE = WorkloadCategory.INFERENCE
HOUR = timedelta(hours=1)


def evaluate(*questions: Question, now: datetime = NIGHT) -> list[Decision]:
    answers = queries.evaluate(questions=questions, now=now)
    return [answer for answer in answers if answer is not None]


class TestPresent:
    def test_is_decided_from_what_is_stored(self, car: Vehicle) -> None:
        create_consent(car)
        create_vehicle_state(car, now=NIGHT)

        [decision] = evaluate(Question(car.pk, INFERENCE))

        assert decision.permit
        assert decision.valid_until == NIGHT + timedelta(seconds=60)
        assert decision.consent_version == 1
        assert decision.power_limit_w == 900

    def test_keeps_the_order_and_leaves_a_gap_for_what_does_not_exist(self, car: Vehicle) -> None:
        create_consent(car)
        create_vehicle_state(car, now=NIGHT)

        answers = queries.evaluate(
            questions=[
                Question(10**12, INFERENCE),
                Question(car.pk, INFERENCE),
                Question(car.pk, None),
            ],
            now=NIGHT,
        )

        assert answers[0] is None
        assert [answer.permit for answer in answers[1:] if answer] == [True, False]

    def test_newer_telemetry_in_the_question_counts(self, car: Vehicle) -> None:
        create_consent(car)
        create_vehicle_state(car, now=NIGHT)
        unplugged = Telemetry(
            observed_at=NIGHT + timedelta(seconds=1), state_of_charge_permille=600, plugged_in=False
        )

        [decision] = evaluate(Question(car.pk, INFERENCE, unplugged))

        assert ReasonCode.NOT_PLUGGED_IN in decision.codes

    def test_older_telemetry_in_the_question_changes_nothing(self, car: Vehicle) -> None:
        create_consent(car)
        create_vehicle_state(car, now=NIGHT)
        older = Telemetry(observed_at=NIGHT - timedelta(seconds=1), plugged_in=False)

        [decision] = evaluate(Question(car.pk, INFERENCE, older))

        assert decision.permit

    def test_budgets_count_the_local_day_and_month(self, car: Vehicle) -> None:
        create_consent(car)
        create_vehicle_state(car, now=NIGHT)
        # 23:03 in Oslo on the 18th. The day's cap is 6 kWh, the month's 90 kWh.
        for day, energy_wh in ((1, 80_000), (17, 4_001), (18, 5_999)):
            DayUse.objects.create(
                vehicle=car, on_date=date(2026, 11, day), energy_wh=energy_wh, compute_s=60
            )
        DayUse.objects.create(
            vehicle=car, on_date=date(2026, 10, 31), energy_wh=90_000, compute_s=60
        )

        [decision] = evaluate(Question(car.pk, INFERENCE))

        assert decision.codes == (ReasonCode.MONTH_ENERGY_SPENT,)

    def test_a_retired_vehicle_is_gone(self, car: Vehicle) -> None:
        create_consent(car)
        Vehicle.objects.update(retired_at=NIGHT)

        assert queries.evaluate(questions=[Question(car.pk, INFERENCE)], now=NIGHT) == [None]

    def test_a_thousand_questions_take_a_constant_number_of_statements(
        self, car: Vehicle, django_assert_num_queries: object
    ) -> None:
        create_consent(car)

        # Rules and state, breaks, use, leases.
        with django_assert_num_queries(4):  # type: ignore[operator]
            queries.evaluate(questions=[Question(car.pk, INFERENCE)] * 1_000, now=NIGHT)


class TestPast:
    def test_uses_the_version_of_that_time_and_gives_no_lease(
        self, car: Vehicle, olivia: User
    ) -> None:
        create_consent(car, now=NIGHT - 2 * HOUR)
        operations.withdraw(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT + HOUR)
        heard = Telemetry(
            observed_at=NIGHT,
            state_of_charge_permille=600,
            plugged_in=True,
            is_home=True,
            battery_temp_decic=200,
        )

        past, present = evaluate(
            Question(car.pk, INFERENCE, heard, at=NIGHT),
            Question(car.pk, INFERENCE, heard),
            now=NIGHT + 2 * HOUR,
        )

        assert past.permit
        assert past.valid_until is None
        assert past.consent_version == 1
        assert present.codes == (ReasonCode.CONSENT_WITHDRAWN,)

    def test_without_telemetry_nothing_is_known(self, car: Vehicle) -> None:
        create_consent(car)
        create_vehicle_state(car, now=NIGHT)

        [past] = evaluate(Question(car.pk, INFERENCE, at=NIGHT), now=NIGHT + HOUR)

        assert past.codes == (ReasonCode.TELEMETRY_MISSING,)

    def test_knows_the_pauses_of_that_time(self, car: Vehicle, olivia: User) -> None:
        create_consent(car)
        operations.pause(
            vehicle_id=car.pk, owner_id=olivia.pk, until=NIGHT + HOUR, kind="hour", now=NIGHT
        )

        paused, before = evaluate(
            Question(car.pk, INFERENCE, at=NIGHT + timedelta(minutes=1)),
            Question(car.pk, INFERENCE, at=NIGHT - timedelta(minutes=1)),
            now=NIGHT + 2 * HOUR,
        )

        assert ReasonCode.PAUSED in paused.codes
        assert ReasonCode.PAUSED not in before.codes

    def test_before_the_first_consent_there_was_none(self, car: Vehicle) -> None:
        create_consent(car, now=NIGHT)

        [decision] = evaluate(Question(car.pk, INFERENCE, at=NIGHT - HOUR))

        assert decision.codes == (ReasonCode.NO_CONSENT,)


class TestDecideNow:
    def test_asks_for_work_that_the_owner_allows(self, car: Vehicle, olivia: User) -> None:
        create_consent(car, categories=(WorkloadCategory.SPEECH,))
        create_vehicle_state(car, now=NIGHT)

        assert queries.decide_now(vehicle_id=car.pk, owner_id=olivia.pk, now=NIGHT).permit

    def test_somebody_elses_vehicle_is_not_found(self, car: Vehicle, mallory: User) -> None:
        with pytest.raises(VehicleNotFound):
            queries.decide_now(vehicle_id=car.pk, owner_id=mallory.pk, now=NIGHT)

    def test_without_consent_says_so(self, car: Vehicle, olivia: User) -> None:
        now = datetime(2026, 11, 18, 22, 0, tzinfo=UTC)

        decision = queries.decide_now(vehicle_id=car.pk, owner_id=olivia.pk, now=now)

        assert decision.codes == (ReasonCode.NO_CONSENT,)
