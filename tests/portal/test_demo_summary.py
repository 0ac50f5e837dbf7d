"""
When the demo's books count as tied out.
"""

from typing import Any

from portal.demo.summary import read_tie_out, show_money


def line(
    name: str, *, expected_micros: int = 0, difference_micros: int = 0, note: str = ""
) -> dict[str, Any]:
    return {
        "name": name,
        "expected_micros": expected_micros,
        "title": name.replace("_", " "),
        "difference_micros": difference_micros,
        "is_ok": not difference_micros and not note,
        "note": note,
    }


LEDGER = line("lines_are_transfers")
STRIPE = line("ledger_is_provider")


class TestTieOut:
    def test_is_clean_without_a_difference(self) -> None:
        tie_out = read_tie_out([LEDGER, STRIPE])

        assert tie_out.is_clean
        assert tie_out.is_stripe_compared
        assert tie_out.difference_micros == 0

    def test_one_cent_is_a_break(self) -> None:
        wrong = line("ledger_is_provider", difference_micros=-10_000)

        tie_out = read_tie_out([LEDGER, wrong])

        assert not tie_out.is_clean
        assert tie_out.difference_micros == 10_000
        assert tie_out.broken == ("ledger is provider",)

    def test_two_breaks_do_not_make_up_for_each_other(self) -> None:
        lines = [
            line("lines_are_transfers", difference_micros=7),
            line("ledger_is_provider", difference_micros=-7),
        ]

        assert read_tie_out(lines).difference_micros == 14

    def test_no_answer_of_stripe_proves_nothing_where_money_is_there(self) -> None:
        silent = line(
            "ledger_is_provider", expected_micros=7, difference_micros=-7, note="no answer"
        )

        tie_out = read_tie_out([LEDGER, silent])

        assert not tie_out.is_clean
        assert not tie_out.is_stripe_compared
        assert tie_out.broken == ("ledger is provider",)
        # Usage and ledger agree, and that is all that the line then says.
        assert tie_out.difference_micros == 0

    def test_stripe_need_not_answer_where_nothing_was_ever_sent(self) -> None:
        tie_out = read_tie_out([LEDGER, line("ledger_is_provider", note="no answer")])

        assert tie_out.is_clean
        assert not tie_out.is_stripe_compared


def test_money_is_shown_to_the_micro() -> None:
    assert show_money(1_234_567_890) == "€ 1,234.567890"
    assert show_money(-5) == "-€ 0.000005"
