"""
The rules by name: every field belongs to one.
"""

from dataclasses import fields, replace

from consent.rules import RulesDraft
from consent.rules.parts import (
    PARTS,
    find_part_of,
    get_part,
    list_changed_parts,
    take_parts,
)
from tests.consent.test_rules_faults import DRAFT


def test_every_field_belongs_to_one_rule() -> None:
    names = [name for part in PARTS.values() for name in part]

    # What is kept for the day a rule returns belongs to the rule that it is kept for.
    assert sorted(names) == sorted({each.name for each in fields(RulesDraft)} - {"kept"})


def test_a_value_that_is_kept_belongs_to_its_rule() -> None:
    assert find_part_of("ready_by.0.minute") == "ready_by"
    assert find_part_of("no_such_rule") is None


def test_rules_that_differ_are_named() -> None:
    other = replace(DRAFT, power_limit_w=500, temp_hold_min=30)

    assert list_changed_parts(DRAFT, other) == ("temperature", "power")
    assert list_changed_parts(DRAFT, DRAFT) == ()


def test_a_rule_is_taken_with_what_is_kept_for_it() -> None:
    base = replace(DRAFT, kept=(("power_limit_w", 100), ("temp_high_c", 40)))
    other = replace(DRAFT, power_limit_w=500, plugged_in_only=False, kept=(("power_limit_w", 7),))

    taken = take_parts(base=base, other=other, parts=frozenset({"power"}))

    assert get_part(taken, "power") == {"power_limit_w": 500}
    assert taken.plugged_in_only is DRAFT.plugged_in_only
    assert taken.kept == (("power_limit_w", 7), ("temp_high_c", 40))
