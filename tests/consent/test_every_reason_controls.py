"""
Negative controls of test_every_reason: a reason that lacks any one thing is found out.
"""

from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import gettext_lazy as _

from consent.rules import Decision, Gate, ReasonCode
from tests.consent import test_every_reason


# What it imports is put out of order here as well, which mypy takes for private.
subject: Any = test_every_reason
# Any of them; the tests below run over all.
CODE = ReasonCode.READY_BY


def without(table: dict[Any, Any], code: ReasonCode = CODE) -> dict[Any, Any]:
    return {key: value for key, value in table.items() if key is not code}


class TestText:
    @pytest.mark.parametrize("thing", subject.TABLES)
    @pytest.mark.parametrize("kind", ["missing", "empty"])
    def test_that_lacks_is_found(
        self, monkeypatch: pytest.MonkeyPatch, thing: str, kind: str
    ) -> None:
        subject.test_every_reason_has_it(thing)
        left = without(subject.TABLES[thing]) | ({CODE: ""} if kind == "empty" else {})
        monkeypatch.setitem(subject.TABLES, thing, left)

        with pytest.raises(AssertionError, match="READY_BY"):
            subject.test_every_reason_has_it(thing)

    @pytest.mark.parametrize("language", ["en", "pt"])
    def test_that_no_language_file_has_is_found(
        self, monkeypatch: pytest.MonkeyPatch, language: str
    ) -> None:
        titles = subject.TABLES["title"] | {CODE: _("Words that no translator ever saw")}
        monkeypatch.setitem(subject.TABLES, "title", titles)

        with pytest.raises(AssertionError, match="READY_BY"):
            subject.test_every_reason_is_in_the_language_files(language, "title")

    def test_that_nobody_translated_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read = subject.read_po
        title = subject.TABLES["title"][CODE]._args[0]

        def read_unfinished(*args: Any, **options: Any) -> Any:
            catalog = read(*args, **options)
            catalog[title].string = ""
            return catalog

        monkeypatch.setattr(subject, "read_po", read_unfinished)

        with pytest.raises(AssertionError, match="READY_BY"):
            subject.test_every_reason_is_in_the_language_files("pt", "title")


class TestGate:
    def test_that_does_not_refuse_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        decide = subject.decide

        def forget(**facts: Any) -> Decision:
            decision: Decision = decide(**facts)
            left = tuple(each for each in decision.reasons if each.code is not CODE)
            return decision._replace(reasons=left, permit=not left)

        monkeypatch.setattr(subject, "decide", forget)

        with pytest.raises(AssertionError):
            subject.test_every_reason_is_given_by_a_gate(CODE)

    def test_of_another_name_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _gate, changes = subject.CAUSES[CODE]
        monkeypatch.setitem(subject.CAUSES, CODE, (Gate.HEAT, changes))

        with pytest.raises(AssertionError):
            subject.test_every_reason_is_given_by_a_gate(CODE)

    def test_that_nobody_named_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(subject.CAUSES, CODE)

        with pytest.raises(AssertionError, match="say here what brings it about"):
            subject.test_every_reason_is_given_by_a_gate(CODE)

    def test_without_a_label_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        labels = {gate: text for gate, text in subject.GATE_LABELS.items() if gate != Gate.READY}
        monkeypatch.setattr(subject, "GATE_LABELS", labels)

        with pytest.raises(AssertionError):
            subject.test_every_gate_has_a_label_and_refuses_for_something()


def test_a_field_that_the_editor_does_not_have_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "REASON_FIELDS", subject.REASON_FIELDS | {CODE: "nowhere"})

    with pytest.raises(AssertionError, match="nowhere"):
        subject.test_every_reason_leads_to_a_row_of_the_editor()


class TestApiValue:
    def test_that_is_another_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        show = subject.show_decision

        def show_names(decision: Decision) -> Any:
            shown = show(decision)
            for reason in shown["context"]["reasons"]:
                reason["code"] = reason["code"].upper()
            return shown

        monkeypatch.setattr(subject, "show_decision", show_names)

        with pytest.raises(ValueError, match="not enough values"):
            subject.test_every_reason_leaves_the_api_by_its_value(CODE)

    def test_that_schedulers_were_not_told_is_found(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        page = tmp_path / "scheduler.md"
        page.write_text(subject.SCHEDULERS_PAGE.read_text(encoding="utf-8").replace(CODE, ""))
        monkeypatch.setattr(subject, "SCHEDULERS_PAGE", page)

        with pytest.raises(AssertionError, match="tell schedulers"):
            subject.test_every_reason_leaves_the_api_by_its_value(CODE)


def test_a_reason_without_a_test_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = [f"ReasonCode.{code.name}" for code in ReasonCode if code is not CODE]
    Path(tmp_path, "test_all_others.py").write_text("\n".join(names), encoding="utf-8")
    monkeypatch.setattr(subject, "TESTS", tmp_path)

    with pytest.raises(AssertionError, match="READY_BY"):
        subject.test_every_reason_is_tested_by_name()
