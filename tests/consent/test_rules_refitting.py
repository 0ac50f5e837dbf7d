"""
The same rules for another battery or charger: what follows from the car, and which way it moved.
"""

from dataclasses import replace

from consent.rules import ReadyBy, RulesDraft
from consent.rules.frozen import FrozenRules, freeze
from consent.rules.refitting import judge_refit, refit
from consent.rules.strictness import Move
from tests.consent.terms import NIGHT
from tests.factories import NIGHTLY_RULES


READY = replace(NIGHTLY_RULES, ready_by=(ReadyBy((0, 1, 2, 3, 4), 7 * 60, 80),))
CYCLES = replace(NIGHTLY_RULES, wear_cycles_milli_per_month_max=2_000)
BOTH = replace(READY, wear_cycles_milli_per_month_max=2_000)


def agree(draft: RulesDraft) -> FrozenRules:
    return freeze(draft=draft, battery_wh=75_000, charge_power_w=3_680, agreed_at=NIGHT)


def judge(
    draft: RulesDraft, *, battery_wh: int = 75_000, charge_power_w: int = 3_680
) -> dict[str, Move]:
    before = agree(draft)
    after = refit(frozen=before, draft=draft, battery_wh=battery_wh, charge_power_w=charge_power_w)
    return judge_refit(before=before, after=after)


class TestRefit:
    def test_is_what_the_same_rules_mean_for_that_car(self) -> None:
        anew = freeze(draft=BOTH, battery_wh=60_000, charge_power_w=11_000, agreed_at=NIGHT)

        fitted = refit(frozen=agree(BOTH), draft=BOTH, battery_wh=60_000, charge_power_w=11_000)

        assert fitted == anew
        # 2 full cycles of 60 kWh.
        assert fitted.wear_wh_per_month_max == 120_000

    def test_keeps_the_calendar_and_the_end(self) -> None:
        before = agree(replace(BOTH, holiday_country="NO"))

        fitted = refit(frozen=before, draft=BOTH, battery_wh=60_000, charge_power_w=3_680)

        assert (fitted.expires_at, fitted.closed) == (before.expires_at, before.closed)


class TestJudge:
    def test_a_car_means_nothing_to_rules_that_do_not_ask(self) -> None:
        assert set(judge(NIGHTLY_RULES, battery_wh=40_000).values()) == {Move.SAME}

    def test_what_fills_up_sooner_may_work_longer(self) -> None:
        for faster in ({"charge_power_w": 11_000}, {"battery_wh": 60_000}):
            assert judge(READY, **faster)["ready_by"] is Move.LOOSER
        for slower in ({"charge_power_w": 2_300}, {"battery_wh": 90_000}):
            assert judge(READY, **slower)["ready_by"] is Move.STRICTER

    def test_cycles_of_a_bigger_battery_are_more_work(self) -> None:
        assert judge(CYCLES, battery_wh=90_000)["wear"] is Move.LOOSER
        assert judge(CYCLES, battery_wh=60_000)["wear"] is Move.STRICTER

    def test_a_bigger_battery_does_both(self) -> None:
        assert judge(BOTH, battery_wh=90_000) == {"ready_by": Move.STRICTER, "wear": Move.LOOSER}
