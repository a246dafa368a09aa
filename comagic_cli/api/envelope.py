"""The JSON-RPC envelope of an answer; the service may omit any member."""

from __future__ import annotations

import re
from functools import cache
from itertools import count
from math import ceil, isfinite
from threading import Lock
from typing import Any, Generic, TypeVar

import msgspec

from comagic_cli.api.redact import is_markup

Item = TypeVar("Item")
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
# Every JSON escape, so that `\\ud800` (an escaped backslash) does not match as a surrogate.
ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|u([dD][89a-fA-F][0-9a-fA-F]{2})"  # a lone surrogate
    rb"|.)",
    re.DOTALL,
)

ASCII_ESCAPE = re.compile(rb"\\u00([0-7][0-9a-fA-F])")


class MalformedResponse(Exception):
    """The body is not an answer of the API; the text says why and quotes nothing of it."""


class ApiError(msgspec.Struct, frozen=True):
    """The error member of an answer."""

    code: Any = None
    message: Any = None
    data: Any = None


class Result(msgspec.Struct, frozen=True):
    """The result member of an answer, with undecoded data."""

    metadata: Any = None
    data: msgspec.Raw | list[Any] = msgspec.Raw(b"null")


class _Rows(Result, Generic[Item], frozen=True, kw_only=True):
    """A result whose data is a list; its items are found, or cut, in the same pass."""

    data: list[Item]


class _Whole(Result, frozen=True):
    """A result with any other data."""

    data: msgspec.Raw = msgspec.Raw(b"null")


class Envelope(msgspec.Struct, frozen=True):
    """The whole answer."""

    id: Any = None
    result: Result | None = None
    error: ApiError | str | None = None

    @property
    def failure(self) -> ApiError | None:
        """The error; `None` if there is none, or only an empty one beside a result."""
        failure = ApiError(message=self.error) if isinstance(self.error, str) else self.error
        says = failure is not None and (failure.code or failure.message or failure.data)
        return None if self.result is not None and not says else failure


class _OfRows(Envelope, Generic[Item], frozen=True):
    result: _Rows[Item] | None = None


class _OfAny(Envelope, frozen=True):
    result: _Whole | None = None


class _OfList(Envelope, frozen=True):
    """An answer whose result is the list itself, as the documentation prints a few."""

    rows: list[msgspec.Raw] | None = msgspec.field(default=None, name="result")
    result: _Rows[msgspec.Raw] | None = msgspec.field(default=None, name="-")


_lock = Lock()  # threads that complete the same type of msgspec at once crash the process


@cache
def _rows_decoder(row: type[Any]) -> msgspec.json.Decoder[Envelope]:
    with _lock:
        return msgspec.json.Decoder(_OfRows[row])  # type: ignore[valid-type]  # chosen at run time


_decoder = msgspec.json.Decoder(_OfAny)
_list_decoder = msgspec.json.Decoder(_OfList)


def read_envelope(body: bytes | bytearray, row: type[Any] = msgspec.Raw) -> tuple[Envelope, bytes]:
    """Decode an answer; also return the marker of lone surrogates, b"" if there are none.

    Rows become `row` where all of them can. Raises `MalformedResponse`.
    """
    if body.startswith(BOM):  # noqa: FURB188 - removeprefix copies a bytearray, BOM or not
        body = body[len(BOM) :]
    _check_utf8(body)
    marker = b""
    envelope = _decode(body, row)
    if isinstance(envelope, Exception):  # msgspec refuses lone surrogates
        marked, marker = mark_lone_surrogates(bytes(body))
        envelope = _decode(marked, row) if marker else envelope
    if isinstance(envelope, Exception):
        raise MalformedResponse(_describe(body, envelope))
    return envelope, marker


def _decode(body: bytes | bytearray, row: type[Any]) -> Envelope | Exception:
    try:
        try:
            return _rows_decoder(row).decode(body)  # type: ignore[arg-type]  # a type is hashable
        except msgspec.ValidationError:  # the data is not a list, or missing
            return _decode_other(body)
    except (msgspec.DecodeError, RecursionError) as error:
        return error


def _decode_other(body: bytes | bytearray) -> Envelope:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError:
        try:
            bare = _list_decoder.decode(body)
        except msgspec.ValidationError:
            bare = None
        if bare is None or bare.rows is None:
            raise
        return msgspec.structs.replace(bare, result=_Rows(data=bare.rows))


def mark_lone_surrogates(body: bytes) -> tuple[bytes, bytes]:
    r"""Replace the `\\u` of each lone surrogate by a marker that the body does not contain."""
    unescaped = ASCII_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), body)
    marks = (b"<lone%d>" % n for n in count())
    marker = next(mark for mark in marks if mark not in body and mark not in unescaped)
    has_lone = False

    def swap(match: re.Match[bytes]) -> bytes:
        nonlocal has_lone
        if match[1] is None:
            return match[0]
        has_lone = True
        return marker + match[1]

    marked = ESCAPE.sub(swap, body)
    return (marked, marker) if has_lone else (body, b"")


def total_of(metadata: Any) -> int | None:
    """Read `total_items`; `None` if it is missing or not a count."""
    value = metadata.get("total_items") if isinstance(metadata, dict) else None
    return _whole_number(value)


def limits_of(metadata: Any) -> dict[str, int]:
    """Read every numeric member of `limits`, rounded up; negative numbers become zero."""
    limits = metadata.get("limits") if isinstance(metadata, dict) else None
    if not isinstance(limits, dict):
        return {}
    numbers = {name: _limit(value) for name, value in limits.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _limit(value: Any) -> int | None:
    """Read points, which may be overdrawn, or seconds, which may have fractions."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return max(0, ceil(value))


def _whole_number(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004 - 64 bits
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _check_utf8(body: bytes | bytearray, step: int = 1 << 16) -> None:
    """Raise `MalformedResponse` for invalid UTF-8, which msgspec accepts in raw values.

    Small steps reuse the memory of one decoded text.
    """
    if body.isascii():
        return
    if body.startswith(GZIP):
        raise MalformedResponse("it is compressed, but no header says so")
    view = memoryview(body)
    start = 0
    while start < len(view):
        end = _end_of_character(view, min(start + step, len(view)))
        try:
            str(view[start:end], "utf-8")
        except UnicodeDecodeError as error:
            raise MalformedResponse(f"it is not UTF-8 at byte {start + error.start}") from None
        start = end


def _end_of_character(view: memoryview, place: int) -> int:
    """Skip the bytes that continue a character: at most 3."""
    last = min(place + 3, len(view))
    while place < last and view[place] & 0xC0 == 0x80:  # noqa: PLR2004 - inside a character
        place += 1
    return place


def _describe(body: bytes | bytearray, error: Exception) -> str:
    if not body.strip():
        return "it is empty"
    if is_markup(body):
        return "it is HTML"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, msgspec.ValidationError):
        return f"it is JSON, but not of the API's form ({error})"
    return f"it is not JSON, or was cut ({error})"
