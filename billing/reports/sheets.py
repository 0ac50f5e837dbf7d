"""
A report is columns over rows; the same report becomes CSV or XLSX, row by row.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any, Generic, TypeVar

import xlsxwriter
from defusedcsv import csv
from django.utils.functional import Promise


R = TypeVar("R")
Value = str | int | Decimal | datetime | None
MICROS = Decimal(1_000_000)
XLSX_ROWS_MAX = 1_048_575
# Spreadsheets read more than = + - @ as the beginning of a formula.
FORMULA_STARTS = ("\t", "\r")


class TooManyRows(Exception):
    """
    A sheet of a spreadsheet holds no more than XLSX_ROWS_MAX rows; CSV holds any number.
    """


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """
    One column: a stable name for machines, a title for people, and how to read a row.
    """

    name: str
    title: str | Promise
    read: Callable[[R], Value]


@dataclass(frozen=True, slots=True)
class Report(Generic[R]):
    name: str
    columns: tuple[Column[R], ...]


def to_units(micros: int) -> Decimal:
    """
    Return an exact amount in units of the currency, with at least two decimals.
    """
    amount = (Decimal(micros) / MICROS).normalize()
    exponent = amount.as_tuple().exponent
    is_short = not isinstance(exponent, int) or exponent > -2
    return amount.quantize(Decimal("0.01")) if is_short else amount


class _Line:
    """
    A file that hands back what the CSV writer writes, one line at a time.
    """

    def write(self, text: str) -> str:
        return text


def write_csv(report: Report[R], rows: Iterable[R]) -> Iterator[str]:
    """
    Yield the lines of a CSV. Machine names head it, times are UTC, amounts plain decimals.
    """
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow([column.name for column in report.columns])
    for row in rows:
        yield writer.writerow([_to_text(column.read(row)) for column in report.columns])


def _to_text(value: Value) -> str | int | Decimal:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value


def write_xlsx(report: Report[R], rows: Iterable[R]) -> IO[bytes]:
    """
    Return an open file with the report as one sheet, written in flat memory.

    :raises TooManyRows: more than a sheet can hold.
    """
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "default_date_format": "yyyy-mm-dd hh:mm:ss",
        "remove_timezone": True,
    }
    book = xlsxwriter.Workbook(target, options)
    sheet = book.add_worksheet(report.name[:31])
    bold = book.add_format({"bold": True})
    for place, column in enumerate(report.columns):
        sheet.write_string(0, place, str(column.title), bold)
    for number, row in enumerate(rows, start=1):
        if number > XLSX_ROWS_MAX:
            raise TooManyRows
        for place, column in enumerate(report.columns):
            _write_cell(sheet, number, place, column.read(row))
    book.close()
    target.seek(0)
    return target


def _write_cell(sheet: Any, row: int, column: int, value: Value) -> None:  # noqa: ANN401 - untyped library
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None))
    elif isinstance(value, (int, Decimal)):
        sheet.write_number(row, column, value)
    elif value:
        sheet.write_string(row, column, value)
