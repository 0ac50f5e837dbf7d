"""
Receipts as files, and back: JSON, and PDF with the same JSON attached.

The attachment of a PDF also signs the document: it holds SHA-256 of the whole file as it is
with zeros in the place of that digest and of the signature.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from consent.reports.receipt_pdf import draw_receipt
from consent.rules.receipts import (
    NO_DIGEST,
    NO_SIGNATURE,
    Check,
    CheckName,
    Keys,
    NotAReceipt,
    Receipt,
    check,
    enclose,
    read_enclosed,
    sign,
)


ATTACHMENT = "receipt.json"
PDF_MARK = b"%PDF-"


def write_json(enclosed: Mapping[str, Any]) -> bytes:
    return json.dumps(enclosed, indent=2, ensure_ascii=False).encode()


def write_pdf(receipt: Receipt, *, key: Ed25519PrivateKey) -> bytes:
    """
    Return a receipt as PDF that carries its own signed JSON.
    """
    document = {"media_type": "application/pdf", "sha256": NO_DIGEST}
    blank = write_json(enclose({**receipt, "document": document}, value=NO_SIGNATURE))
    pages = _attach(draw_receipt(receipt), blank)
    document = {**document, "sha256": hashlib.sha256(pages).hexdigest()}
    signed = write_json(sign({**receipt, "document": document}, key=key))
    assert pages.count(blank) == 1, "the attachment is neither packed nor split"
    return pages.replace(blank, signed)


def check_file(data: bytes, *, keys: Keys) -> tuple[Receipt | None, tuple[Check, ...]]:
    """
    Return the receipt in a file, None when there is none, with all that was checked.
    """
    try:
        attached = _read_attachment(data) if data.startswith(PDF_MARK) else data
        enclosed = read_enclosed(attached)
    except NotAReceipt:
        return None, (Check(CheckName.FORMAT, is_ok=False),)
    return enclosed["receipt"], tuple(_check(data, attached, enclosed, keys))


def _check(
    data: bytes, attached: bytes, enclosed: Mapping[str, Any], keys: Keys
) -> Iterator[Check]:
    yield Check(CheckName.FORMAT, is_ok=True, value=str(enclosed["receipt"].get("record_id", "")))
    yield from check(enclosed, keys=keys)
    if data is not attached:
        is_whole = _is_whole(data, attached, enclosed)
        yield Check(CheckName.DOCUMENT, is_whole)


def _is_whole(data: bytes, attached: bytes, enclosed: Mapping[str, Any]) -> bool:
    """
    Return whether a PDF is, but for its digest and signature, the one that was signed.
    """
    digest = enclosed["receipt"].get("document", {}).get("sha256", "")
    value = enclosed["signature"]["value"]
    if len(digest) != len(NO_DIGEST) or data.count(attached) != 1:
        return False
    blank = attached.replace(digest.encode(), NO_DIGEST.encode())
    blank = blank.replace(value.encode(), NO_SIGNATURE.encode())
    return bool(hashlib.sha256(data.replace(attached, blank)).hexdigest() == digest)


def _attach(pages: bytes, text: bytes) -> bytes:
    with BytesIO() as file:
        writer = PdfWriter(clone_from=BytesIO(pages))
        writer.add_attachment(ATTACHMENT, text)
        writer.write(file)
        return file.getvalue()


def _read_attachment(data: bytes) -> bytes:
    try:
        [text] = PdfReader(BytesIO(data)).attachments[ATTACHMENT]
    except (PyPdfError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise NotAReceipt from error
    return bytes(text)
