r"""The two ways to read a page's rows: raw and plain. A sink takes what suits its format.

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
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from comagic_cli.rows.page import Page, cut_row, row_struct

_MINUS_ZERO = re.compile(rb"-0[]},\s]")  # may also match text, which only costs time
_SHORT = 640  # no setting of Python makes it refuse integers of fewer digits


class Digits(str):
    """A number that an `int` can't hold digit for digit, kept as it was written."""

    __slots__ = ()


def compact(value: Any) -> str:
    """Return a value as JSON without blanks, numbers digit for digit."""
    return _ENCODER.encode(value).decode()


def _bare(digits: Digits) -> msgspec.Raw:
    return msgspec.Raw(digits.encode())


_ENCODER = msgspec.json.Encoder(enc_hook=_bare)


@dataclass(frozen=True)
class RowReader:
    """Read pages as rows of the asked columns, in the asked order.

    A column that a row lacks is null; a member that was not asked for is left out.
    """

    columns: tuple[str, ...]

    def raw(self, page: Page) -> Sequence[Any]:
        """Return structs of `msgspec.Raw`, a member a column; markers are still in them.

        They may be the page's own. Raises `msgspec.DecodeError` for what is no row.
        """
        cut = page.columns
        if cut == self.columns:
            return page.rows
        if cut is None:
            return list(map(self._decode, page.rows))
        # Members are told by their places, f0, f1, …: so only the first columns can be taken.
        if self.columns and cut[: len(self.columns)] == self.columns:
            return msgspec.convert(page.rows, list[self.row], from_attributes=True)  # type: ignore[name-defined]  # made at run time
        columns = map(page.column, self.columns)
        return list(map(self.row, *columns)) if self.columns else [self.row() for _ in page.rows]

    def cut(self, page: Page) -> Page:
        """Return a page's rows cut into the columns, without marks."""
        return Page(self.raw(page), page.marker, unbroken=page.unbroken)

    def raw_columns(self, page: Page) -> list[Sequence[msgspec.Raw]]:
        """Return the values column by column; markers are still in them."""
        if page.columns is not None:
            return list(map(page.column, self.columns))
        return list(zip(*map(msgspec.structs.astuple, self.raw(page)), strict=True))

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
        array = page.array
        if not _MINUS_ZERO.search(array):
            with suppress(msgspec.ValidationError):  # an integer longer than Python converts
                return list(map(msgspec.structs.astuple, self._plain.decode(array)))
        return [tuple(map(row.get, self.columns)) for row in _digit_for_digit(array)]

    def json_lines(
        self, page: Page, shape: Callable[[Sequence[Any]], Sequence[Any]] = lambda rows: rows
    ) -> bytes:
        """Return the page's rows as JSON, one a line, every value byte for byte.

        Only line breaks and blanks inside of nested values go, where a server prints prettily.
        `shape` makes of raw rows what is written.
        """
        rows = self.raw(page)
        lines = _encoder.encode_lines(shape(rows))
        if not page.unbroken and (b"\r" in lines or lines.count(b"\n") > len(rows)):
            bare = msgspec.json.format(_encoder.encode(rows), indent=-1)
            lines = _encoder.encode_lines(shape(self._rows.decode(bare)))
        return lines.replace(page.marker, b"\\u") if page.marker else lines

    @cached_property
    def row(self) -> type[msgspec.Struct]:
        """The struct of a row that is cut into the columns."""
        return cut_row(self.columns)

    @cached_property
    def _decode(self) -> Callable[[Any], Any]:
        return msgspec.json.Decoder(self.row).decode

    @cached_property
    def _rows(self) -> msgspec.json.Decoder[list[Any]]:
        return msgspec.json.Decoder(list[self.row])  # type: ignore[name-defined]  # made at run time

    @cached_property
    def _plain(self) -> msgspec.json.Decoder[list[Any]]:
        struct = row_struct(self.columns, Any, None)
        return msgspec.json.Decoder(list[struct], float_hook=Digits)  # type: ignore[valid-type]  # made at run time


def plain_values(values: Sequence[bytes | msgspec.Raw]) -> list[Any]:
    """Return plain values of a column's raw ones; markers are still in them."""
    array = b"[" + b",".join(values) + b"]"
    if not _MINUS_ZERO.search(array):
        with suppress(msgspec.ValidationError):  # an integer longer than Python converts
            return _values.decode(array)
    return _digit_for_digit(array)


def each_of(values: Sequence[msgspec.Raw], joined: bytes = b"") -> Sequence[bytes]:
    """Return the JSON of each value; `joined` by line breaks they may be there already."""
    each = (joined or b"\n".join(values)).split(b"\n")
    return each if len(each) == len(values) else list(map(bytes, values))


def _digit_for_digit(array: bytes) -> list[Any]:
    """Decode with the slower parser, which shows every number before it converts."""
    values: list[Any] = json.loads(array, parse_int=_integer, parse_float=Digits)
    return values


def _integer(text: str) -> int | Digits:
    return Digits(text) if text == "-0" or len(text) > _SHORT else int(text)


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


_encoder = msgspec.json.Encoder()
_values = msgspec.json.Decoder(list[Any], float_hook=Digits)


SAMPLE = 20  # rows of an answer whose members are all read

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Members:
    """Rename members to the columns that they fill, and remember which columns came.

    `asked` are the columns asked for. `aliases` maps other names to columns. `known` are members
    that may come unasked, such as parts of the key.
    """

    def __init__(
        self, asked: Sequence[str], aliases: Mapping[str, str], known: Sequence[str] = ()
    ) -> None:
        self._asked = frozenset((*asked, *known))
        self._aliases = aliases
        self._missing = dict.fromkeys(asked)
        self._unasked: dict[str, None] = {}

    def read(self, rows: list[msgspec.Raw]) -> list[msgspec.Raw]:
        """Return an answer's rows with their members renamed."""
        try:
            if self._aliases:
                rows = list(map(self._rename, rows))
            self._note(rows)
        except msgspec.DecodeError:  # what is not an object is refused by those who read rows
            pass
        return rows

    @property
    def are_complete(self) -> bool:
        """Check that every column has come, and under its own name."""
        return not self._missing and not self._aliases

    @property
    def difference(self) -> tuple[list[str], list[str]]:
        """Return the columns that came in no row, and the unasked members that did.

        Both are empty unless there are some of each: an absent member alone means null.
        """
        if not self._missing or not self._unasked:
            return [], []
        return list(self._missing), list(self._unasked)

    def _rename(self, row: msgspec.Raw) -> msgspec.Raw:
        members = _members(row)
        for alias, column in self._aliases.items():
            if alias in members and column not in members:
                members[column] = members.pop(alias)
        return msgspec.Raw(_encoder.encode(members))

    def _note(self, rows: Sequence[msgspec.Raw]) -> None:
        for row in rows[:SAMPLE]:
            members = _members(row)
            self._unasked |= dict.fromkeys(members.keys() - self._asked)
            for name in self._missing.keys() & members.keys():
                self._missing.pop(name, None)  # another thread may have read its page meanwhile
        for name in list(self._missing):
            member = msgspec.json.encode(name)
            if any(member in memoryview(row).tobytes() for row in rows[SAMPLE:]):
                self._missing.pop(name, None)
