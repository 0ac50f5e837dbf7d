"""
Reports as downloads.
"""

from collections.abc import Iterable
from typing import TypeVar

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from billing.reports.sheets import Report, write_csv, write_xlsx


R = TypeVar("R")
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def send_report(
    report: Report[R], rows: Iterable[R], *, file_format: str, name: str
) -> HttpResponseBase:
    """
    Answer with a report as "csv" (streamed) or "xlsx".

    :raises TooManyRows: more rows than a sheet of a spreadsheet can hold.
    """
    if file_format == "xlsx":
        return FileResponse(
            write_xlsx(report, rows),
            as_attachment=True,
            filename=f"{name}.xlsx",
            content_type=XLSX_TYPE,
        )
    return StreamingHttpResponse(
        write_csv(report, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
