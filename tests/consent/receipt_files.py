"""
What tests of receipts share: fetching one as its owner would, and checking it.
"""

from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from consent.models import Vehicle
from consent.queries.receipts import get_public_keys
from consent.reports.receipt_files import check_file
from consent.rules.receipts import CheckName
from web.public_ids import encode


def download(client: Client, car: Vehicle, *, number: int = 1, kind: str = "receipt") -> bytes:
    response = client.get(reverse(f"consent:{kind}", args=[encode("veh", car.pk), number]))
    assert response.status_code == 200
    return bytes(response.content)


def failed(data: bytes) -> set[CheckName]:
    """
    Return the checks that a file does not pass.
    """
    _receipt, checks = check_file(data, keys=get_public_keys())
    return {each.name for each in checks if not each.is_ok}


def verify(tmp_path: Path, *files: bytes, **options: Any) -> tuple[bool, str]:
    """
    Return whether the command is content with these files, and what it says.
    """
    names = []
    for place, data in enumerate(files):
        path = tmp_path / f"{place}.{'pdf' if data.startswith(b'%PDF') else 'json'}"
        path.write_bytes(data)
        names.append(str(path))
    said = StringIO()
    try:
        call_command("verify_receipt", *names, stdout=said, **options)
    except CommandError:
        return False, said.getvalue()
    return True, said.getvalue()
