r"""Pages of rows as they came, and the two ways to read one: raw and plain.

A page keeps the JSON array it came in; a sink reads it in the way that suits its format.
Raw rows keep every value byte for byte. Plain rows are Python values for formats that flatten;
numbers keep their digits there too: an integer is an `int`, any other number is `Digits`, and so
are `-0` and integers of more digits than Python converts (640 at the least, 4300 unless told).

msgspec refuses lone surrogates (`"\ud800"`), which JSON allows. The client then puts `marker`,
a text that the page does not hold, in the place of their `\u`; here they become `\u` again: byte
for byte in raw rows, as the six visible characters `\ud800` in plain ones, since UTF-8 has no
other way to write them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

NULL = msgspec.Raw(b"null")
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_MINUS_ZERO = re.compile(rb"-0[]},\s]")  # may also match text, which only costs time
_SHORT = 640  # no setting of Python makes it refuse integers of fewer digits


class Digits(str):
    """A number that an `int` can't hold digit for digit, kept as it was written."""

    __slots__ = ()


class Mark(NamedTuple):
    """One row's identity and shown time.

    `key` is its key, `None` where that can repeat or is null: then `whole` is a digest of the row.
    `time` is `YYYY-MM-DD hh:mm:ss`, so that texts compare as times do; "" where it is missing or
    unreadable.
    """

    key: str | None
    time: str
    whole: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one answer: the JSON array as it came, and which of its rows count.

    `picked` are the positions to write, in order; `None` is all of them. `count` is how many that
    is. `marks` are those rows' marks, in order. `settled` says that a window ended here and its
    rows were counted: no row of a shown time between its two ends will come any more.
    """

    data: bytes | bytearray | memoryview | msgspec.Raw
    count: int
    picked: tuple[int, ...] | None = None
    marker: bytes = b""
    marks: Sequence[Mark] = ()
    settled: tuple[str, str] | None = None


def slices(page: Page, size: int = 1_000) -> Iterator[Page]:
    """Cut a page into smaller ones, so that few rows at a time become Python values."""
    if page.picked is None and 0 < page.count <= size:
        yield page
        return
    rows = _pick(_ROWS.decode(page.data), page.picked)
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        yield Page(b"[" + b",".join(some) + b"]", len(some), marker=page.marker)


def dealt(page: Page, names: Sequence[str]) -> dict[str, Page]:
    """Cut a page into one for each name; `names` has one for each row that counts, in order."""
    if len(set(names)) == 1:
        return {names[0]: page}
    hands: dict[str, list[msgspec.Raw]] = {}
    for name, row in zip(names, _pick(_ROWS.decode(page.data), page.picked), strict=True):
        hands.setdefault(name, []).append(row)
    return {
        name: Page(b"[" + b",".join(rows) + b"]", len(rows), marker=page.marker)
        for name, rows in hands.items()
    }


def with_members(page: Page, members: Mapping[str, bytes]) -> Page:
    """Give every row members more, as JSON; they stand last, and so win over any of their names."""
    tail = b",".join(b'"%s":%s' % (name.encode(), value) for name, value in members.items())
    rows = [bytes(row)[:-1].rstrip() for row in _ROWS.decode(page.data)]
    added = [b"%s%s%s}" % (row, b"" if row == b"{" else b",", tail) for row in rows]
    return replace(page, data=b"[" + b",".join(added) + b"]")


@dataclass(frozen=True)
class RowReader:
    """Read pages as rows of the asked columns, in the asked order.

    A column that a row lacks is null; a member that was not asked for is left out.
    """

    columns: tuple[str, ...]

    def raw(self, page: Page) -> list[Any]:
        """Return structs of `msgspec.Raw`, a member a column; markers are still in them."""
        return _pick(self._raw.decode(page.data), page.picked)

    def plain(self, page: Page) -> list[tuple[Any, ...]]:
        """Return tuples of plain values, one a column.

        Shapes: null, bool, `int`, `Digits`, `str`, and lists and dicts of these.
        """
        rows = self.marked(page)
        if not page.marker:
            return rows
        restore = _restorer(page.marker.decode())
        return [tuple(map(restore, row)) for row in rows]

    def marked(self, page: Page) -> list[tuple[Any, ...]]:
        """Return plain rows with the markers still in them, for who replaces them in the end."""
        if _MINUS_ZERO.search(page.data):
            return self._digit_for_digit(page)
        try:
            return list(
                map(msgspec.structs.astuple, _pick(self._plain.decode(page.data), page.picked))
            )
        except msgspec.ValidationError:  # an integer longer than Python converts
            return self._digit_for_digit(page)

    def json_lines(self, page: Page, shape: Callable[[list[Any]], list[Any]] = list) -> bytes:
        """Return the page's rows as JSON, one a line, every value byte for byte.

        Only line breaks and blanks inside of nested values go, where a server prints prettily.
        `shape` makes of raw rows what is written.
        """
        rows = shape(self.raw(page))
        lines = self._encoder.encode_lines(rows)
        if lines.count(b"\n") > len(rows) or b"\r" in lines:
            compact = msgspec.json.format(page.data, indent=-1)
            lines = self._encoder.encode_lines(shape(self.raw(replace(page, data=compact))))
        return lines.replace(page.marker, b"\\u") if page.marker else lines

    def _digit_for_digit(self, page: Page) -> list[tuple[Any, ...]]:
        """Return plain rows from the slower parser, which shows every number before it converts."""
        rows = json.loads(bytes(page.data), parse_int=_integer, parse_float=Digits)
        return [tuple(map(row.get, self.columns)) for row in _pick(rows, page.picked)]

    @cached_property
    def _encoder(self) -> msgspec.json.Encoder:
        return msgspec.json.Encoder()

    @cached_property
    def _raw(self) -> msgspec.json.Decoder[list[Any]]:
        return msgspec.json.Decoder(list[row_struct(self.columns, msgspec.Raw, NULL)])  # type: ignore[misc]  # made at run time

    @cached_property
    def _plain(self) -> msgspec.json.Decoder[list[Any]]:
        struct = row_struct(self.columns, Any, None)
        return msgspec.json.Decoder(list[struct], float_hook=Digits)  # type: ignore[valid-type]  # made at run time


def row_struct(
    columns: Sequence[str], kind: Any, missing: Any, *, strict: bool = False
) -> type[msgspec.Struct]:
    """Make the struct that a row decodes into: a member a column, named f0, f1, … inside.

    Struct members must be identifiers and columns need not be, hence the inner names. `strict`
    refuses members that are no columns.
    """
    members = [
        (f"f{place}", kind, msgspec.field(name=column, default=missing))
        for place, column in enumerate(columns)
    ]
    return msgspec.defstruct("Row", members, gc=False, forbid_unknown_fields=strict)


def _integer(text: str) -> int | Digits:
    return Digits(text) if text == "-0" or len(text) > _SHORT else int(text)


def _pick(rows: list[Any], picked: tuple[int, ...] | None) -> list[Any]:
    return rows if picked is None else [rows[place] for place in picked]


def _restorer(marker: str) -> Callable[[Any], Any]:
    def restore(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(marker, "\\u") if marker in value else value
        if isinstance(value, list):
            return [restore(item) for item in value]
        if isinstance(value, dict):
            return {restore(name): restore(item) for name, item in value.items()}
        return value

    return restore
