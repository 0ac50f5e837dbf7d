"""
What no linter counts: sizes, names of migrations, and which tables billing's SQL may name.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps


ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("accounts", "billing", "config", "consent", "marketplace", "portal", "simulator", "web")
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
TABLE_NAME = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|USING|COPY|TRUNCATE)\s+(?:ONLY\s+)?"
    r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?([a-z_][a-z0-9_]*)",
    re.IGNORECASE,
)
PUBLISHED_VIEW = re.compile(r"^(consent|marketplace|accounts)_[a-z_]+_v$")


def list_modules() -> list[Path]:
    folders = [*PACKAGES, "benchmarks", "tests"]
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [ROOT / "manage.py", *sorted(found)]


def find_functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def show(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{show(path)}: {name} has {lines} lines"
        for path in list_modules()
        for name, lines in find_functions(path)
        if lines > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_no_module_is_too_long_to_read() -> None:
    # A first migration is as long as its app has tables, and is read once.
    modules = [path for path in list_modules() if path.parent.name != "migrations"]
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    long = [f"{show(path)}: {lines}" for path, lines in sizes.items() if lines > MODULE_LINES_MAX]
    assert long == []


def test_migrations_have_names() -> None:
    unnamed = [
        show(path)
        for package in PACKAGES
        for path in (ROOT / package).rglob("migrations/[0-9]*.py")
        if "_auto_" in path.name
    ]
    assert unnamed == []


def test_no_module_is_a_drawer_for_leftovers() -> None:
    drawers = {"utils.py", "helpers.py", "common.py", "misc.py", "services.py"}
    assert [show(path) for path in list_modules() if path.name in drawers] == []


def strip_comments(sql: str) -> str:
    sql = re.sub(r"/\*.*?\*/", " ", sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*", " ", sql)
    # FROM also stands in `extract(day FROM x)` and `IS DISTINCT FROM x`.
    sql = re.sub(r"\bextract\s*\(\s*\w+\s+FROM\b", "extract(", sql, flags=re.IGNORECASE)
    sql = re.sub(r"\bDISTINCT\s+FROM\b", " ", sql, flags=re.IGNORECASE)
    return re.sub(r"'(?:[^']|'')*'", "''", sql)


def list_local_names(sql: str) -> set[str]:
    """
    Return the names that a text makes for itself: temporary tables and WITH queries.
    """
    temporary = r"CREATE\s+TEMP(?:ORARY)?\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([a-z_][a-z0-9_]*)"
    queries = r"\b([a-z_][a-z0-9_]*)\s*(?:\([^()]*\)\s*)?AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\("
    return {
        name.lower()
        for pattern in (temporary, queries)
        for name in re.findall(pattern, sql, flags=re.IGNORECASE)
    }


def list_billing_tables() -> set[str]:
    return {model._meta.db_table for model in apps.get_app_config("billing").get_models()}


# Words that follow FROM or USING without being a table.
NOT_TABLES = {"select", "lateral", "unnest", "generate_series", "only", "values", "set", "of"}
# Temporary tables that another module fills or reads; see consent.operations.add_day_use.
SHARED_TEMPORARY = {"settlement_use", "settlement_job", "posting"}


def read_billing_sql() -> dict[str, str]:
    files = sorted((ROOT / "billing" / "sql").rglob("*.sql"))
    return {show(path): strip_comments(path.read_text(encoding="utf-8")) for path in files}


def test_sql_of_billing_names_its_own_tables_and_published_views_only() -> None:
    texts = read_billing_sql()
    if not texts:
        pytest.skip("billing has no SQL files")
    python = (path.read_text(encoding="utf-8") for path in (ROOT / "billing").rglob("*.py"))
    local = set().union(*(list_local_names(text) for text in (*texts.values(), *python)))
    known = local | list_billing_tables() | NOT_TABLES | SHARED_TEMPORARY
    foreign = [
        f"{path}: {name}"
        for path, sql in texts.items()
        for name in TABLE_NAME.findall(sql)
        if name.lower() not in known and not PUBLISHED_VIEW.match(name.lower())
    ]
    assert foreign == []
