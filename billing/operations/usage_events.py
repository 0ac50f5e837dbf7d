"""
Reading usage events: from bytes to typed structs, one verdict per event.

All events at once when all are well (1.6 µs each); one by one when any is not, so that a bad
event costs the good ones nothing but time. Only what is not JSON at all is refused whole.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal, NoReturn

import msgspec

from web.limits import JSON_DEPTH_MAX, USAGE_EVENTS_MAX
from web.problems import Problem
from web.strict_json import split_place


EVENT_TYPE: Final = "org.parado.usage.recorded.v1"
# An event of fewer characters cannot be one; more separators than this per event neither.
COMMAS_PER_EVENT_MAX = 64

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
UNSET = msgspec.UNSET


class UsageData(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """
    The metered interval. What may be left out is UNSET then, and as good as null.
    """

    booking_id: str
    job_id: Name
    sequence: int
    starts_at: Instant
    ends_at: Instant
    energy_wh: int
    workload_category: str | msgspec.UnsetType | None = UNSET
    consent_version: int | msgspec.UnsetType | None = UNSET
    state_of_charge_min_pct: float | msgspec.UnsetType | None = UNSET
    plugged_in: bool | msgspec.UnsetType | None = UNSET
    is_home: bool | msgspec.UnsetType | None = UNSET
    battery_temp_min_c: float | msgspec.UnsetType | None = UNSET
    battery_temp_max_c: float | msgspec.UnsetType | None = UNSET
    mobile_data_bytes: int | msgspec.UnsetType | None = UNSET
    job_completed: bool | msgspec.UnsetType = UNSET
    supersedes: Name | msgspec.UnsetType | None = UNSET


class UsageEvent(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """
    A CloudEvents 1.0 envelope around one metered interval.
    """

    specversion: Literal["1.0"]
    id: Name
    source: str
    type: Literal["org.parado.usage.recorded.v1"]
    subject: str
    data: UsageData
    time: Instant | msgspec.UnsetType = UNSET
    datacontenttype: Literal["application/json"] | msgspec.UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """
    Why an event cannot be taken: a code of the API, the place in the event, words.
    """

    code: str
    detail: str
    pointer: str = ""
    event_id: str = ""


@dataclass(slots=True, kw_only=True)
class Reading:
    """
    The events of one body in their order; `text_of` gives back what was sent.
    """

    events: Sequence[UsageEvent | Refused]
    raws: Sequence[msgspec.Raw | bytes] | None = None
    body: bytes = b""

    def text_of(self, index: int) -> str:
        """
        Return the text of one event, with what text cannot hold replaced.
        """
        if self.raws is None:
            self.raws = _split(self.body)
        text = bytes(self.raws[index]).decode("utf-8", errors="replace")
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


_events = msgspec.json.Decoder(list[UsageEvent])
_event = msgspec.json.Decoder(UsageEvent)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_encode = msgspec.json.Encoder().encode


def read_batch(body: bytes) -> Reading:
    """
    Read a JSON array of events.

    :raises Problem: 400 not JSON, 413 too many events, 422 not an array.
    """
    # More commas than any batch can hold: refuse before anything is built from them.
    if body.count(b",") > USAGE_EVENTS_MAX * COMMAS_PER_EVENT_MAX:
        _refuse_count()
    try:
        events = _events.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        return _read_each(_split(body))
    if len(events) > USAGE_EVENTS_MAX:
        _refuse_count()
    # A key that comes twice would be dropped without a word. Without escapes, quotes
    # stand only around keys and strings, so writing the events again gives as many.
    if b"\\" in body or body.count(b'"') != _encode(events).count(b'"'):
        return _read_each(_split(body))
    return Reading(events=events, body=body)


def read_single(body: bytes) -> Reading:
    """
    Read one event.

    :raises Problem: 400 not JSON.
    """
    _check_json(body)
    return _read_each([body])


def read_lines(body: bytes) -> Reading:
    """
    Read one event per line. A line that is not JSON is refused alone.

    :raises Problem: 413 too many events.
    """
    if body.count(b"\n") > 2 * USAGE_EVENTS_MAX:
        _refuse_count()
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > USAGE_EVENTS_MAX:
        _refuse_count()
    whole = read_batch(b"[" + b",".join(lines) + b"]") if _is_plain(lines) else None
    if whole is not None and whole.raws is None and len(whole.events) == len(lines):
        return Reading(events=whole.events, raws=lines)
    return _read_each(lines)


def read_again(text: str) -> UsageEvent | Refused:
    """
    Read the text of an event that was set aside.
    """
    return _read_one(text.encode())


def _is_plain(lines: Sequence[bytes]) -> bool:
    """
    Tell whether every line is one JSON object, so that they may be read as one array.
    """
    try:
        return len(_raws.decode(b"[" + b",".join(lines) + b"]")) == len(lines) and all(
            line.lstrip().startswith(b"{") and line.rstrip().endswith(b"}") for line in lines
        )
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        return False


def _split(body: bytes) -> Sequence[msgspec.Raw | bytes]:
    """
    Return the events of an array unread.
    """
    try:
        body.decode("utf-8")
        raws: Sequence[msgspec.Raw | bytes] = _raws.decode(body)
    except msgspec.ValidationError as error:
        _check_json(body)
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail="Send an array of events."
        ) from error
    except UnicodeError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed", detail="This is not UTF-8.") from error
    except (msgspec.DecodeError, RecursionError, ValueError):
        # JSON that msgspec will not even skip, such as half a surrogate pair.
        raws = _split_slowly(body)
    if len(raws) > USAGE_EVENTS_MAX:
        _refuse_count()
    return raws


def _split_slowly(body: bytes) -> Sequence[bytes]:
    value = _check_json(body)
    if not isinstance(value, list):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail="Send an array of events.")
    if len(value) > USAGE_EVENTS_MAX:
        _refuse_count()
    text, decoder, pieces = body.decode(), json.JSONDecoder(), []
    position = text.index("[") + 1
    for _ in value:
        position += len(text[position:]) - len(text[position:].lstrip(" \t\r\n,"))
        _value, end = decoder.raw_decode(text, position)
        pieces.append(text[position:end].encode())
        position = end
    return pieces


def _check_json(body: bytes) -> object:
    """
    Return the document.

    :raises Problem: 400 it is not JSON.
    """
    try:
        return json.loads(body.decode(), parse_constant=_no_constant, parse_int=str)
    except (UnicodeError, RecursionError, ValueError) as error:
        raise Problem(
            HTTPStatus.BAD_REQUEST, "malformed", detail="This is not JSON in UTF-8."
        ) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _read_each(raws: Sequence[msgspec.Raw | bytes]) -> Reading:
    return Reading(events=[_read_one(bytes(raw)) for raw in raws], raws=raws)


def _read_one(raw: bytes) -> UsageEvent | Refused:
    # Before decoding, whose errors repeat the names of fields.
    if _NUL.search(raw):
        return Refused(
            code="malformed", detail="Text must not hold the character U+0000.", event_id=""
        )
    try:
        event = _event.decode(raw)
    except msgspec.ValidationError as error:
        detail, pointer = split_place(str(error))
        return Refused(code="malformed", detail=detail, pointer=pointer, event_id=_find_id(raw))
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
        detail = str(error) if isinstance(error, msgspec.DecodeError) else "Not readable."
        return Refused(code="malformed", detail=detail, event_id=_find_id(raw))
    if raw.count(b'"') != _encode(event).count(b'"') and _has_duplicate_key(raw):
        return Refused(
            code="malformed", detail="An object has the same key twice.", event_id=event.id
        )
    return event


def _find_id(raw: bytes) -> str:
    """
    Return the id of an event that cannot be read, "" when not even that can be found.
    """
    try:
        value = json.loads(raw, parse_int=str)
        found = value.get("id") if isinstance(value, dict) else None
        found.encode() if isinstance(found, str) else None
    except (UnicodeError, RecursionError, ValueError):
        return ""
    if not isinstance(found, str) or "\0" in found or len(found) > 200:
        return ""
    return found


def _has_duplicate_key(raw: bytes) -> bool:
    found: list[bool] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        found.append(len(pairs) != len({key for key, _value in pairs}))

    json.loads(raw, object_pairs_hook=note, parse_int=str)
    return any(found)


def _refuse_count() -> NoReturn:
    raise Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too_many_events",
        detail=f"At most {USAGE_EVENTS_MAX} events.",
    )


assert JSON_DEPTH_MAX > 3, "an event is an object in an object in an array"
