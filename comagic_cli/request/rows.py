r"""Pages of rows as they came, and the two ways to read one: raw and plain.

A page keeps the JSON of its rows; a sink reads them in the way that suits its format.
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
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, TypeVar, overload

import msgspec

NULL = msgspec.Raw(b"null")
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_MINUS_ZERO = re.compile(rb"-0[]},\s]")  # may also match text, which only costs time
_SHORT = 640  # no setting of Python makes it refuse integers of fewer digits
AT_ONCE = 1 << 18  # bytes of rows that become Python values at once
LEAST_AT_ONCE, MOST_AT_ONCE = 50, 1_000  # rows

Data: TypeAlias = "bytes | bytearray | memoryview | msgspec.Raw"
Row: TypeAlias = "bytes | msgspec.Raw"
Item = TypeVar("Item")


class Digits(str):
    """A number that an `int` can't hold digit for digit, kept as it was written."""

    __slots__ = ()


def compact(value: Any) -> str:
    """Return a value as JSON without blanks, numbers digit for digit."""
    return _ENCODER.encode(value).decode()


def _bare(digits: Digits) -> msgspec.Raw:
    return msgspec.Raw(digits.encode())


_ENCODER = msgspec.json.Encoder(enc_hook=_bare)


class Mark(NamedTuple):
    """One row's identity and shown time.

    `key` is its key, `None` where that can repeat or is null: then `whole` is a digest of the row.
    `time` is `YYYY-MM-DD hh:mm:ss`, so that texts compare as times do; "" where it is missing or
    unreadable.
    """

    key: str | None
    time: str
    whole: bytes


class Marks(Sequence[Mark]):
    """Marks column by column: rows are many, and most are only looked at all together.

    `wholes` is `None` where every row has a key.
    """

    __slots__ = ("keys", "times", "wholes")

    def __init__(
        self,
        keys: Sequence[str | None] = (),
        times: Sequence[str] = (),
        wholes: Sequence[bytes] | None = None,
    ) -> None:
        self.keys, self.times, self.wholes = keys, times, wholes

    @classmethod
    def of(cls, marks: Sequence[Mark]) -> Marks:
        """Return marks column by column."""
        if isinstance(marks, Marks):
            return marks
        keys, times, wholes = zip(*marks, strict=True) if marks else ((), (), ())
        return cls(keys, times, wholes)

    def __len__(self) -> int:
        return len(self.times)

    @overload
    def __getitem__(self, place: int) -> Mark: ...
    @overload
    def __getitem__(self, place: slice) -> Marks: ...
    def __getitem__(self, place: int | slice) -> Mark | Marks:
        whole = None if self.wholes is None else self.wholes[place]
        if isinstance(place, slice):
            return Marks(self.keys[place], self.times[place], whole)  # type: ignore[arg-type]  # a slice of them
        return Mark(self.keys[place], self.times[place], whole or b"")  # type: ignore[arg-type]  # one of them

    def pick(self, places: Sequence[int]) -> Marks:
        """Return the marks at some places, in their order."""
        wholes = None if self.wholes is None else _pick(self.wholes, places)
        return Marks(_pick(self.keys, places), _pick(self.times, places), wholes)


class Page(msgspec.Struct, frozen=True):
    """The rows of one answer that count, each as the JSON object it came as, in order.

    The rows are views of the answer, which lives as long as one of them. `marks` are the rows'
    marks. `settled` says that a window ended here and its rows were counted: no row of a shown time
    between its two ends will come any more. `zone` is that of its times, where pages differ in it.
    """

    rows: Sequence[Row]
    marker: bytes = b""
    marks: Sequence[Mark] = ()
    settled: tuple[str, str] | None = None
    zone: str | None = None

    @property
    def count(self) -> int:
        """Tell how many rows there are."""
        return len(self.rows)

    @property
    def array(self) -> bytes:
        """Return the rows as one JSON array."""
        return b"[" + b",".join(self.rows) + b"]"

    def pick(self, places: Sequence[int]) -> Page:
        """Return a page of the rows at some places, in their order."""
        marks = Marks.of(self.marks).pick(places) if self.marks else ()
        return msgspec.structs.replace(self, rows=_pick(self.rows, places), marks=marks)


def rows_of(data: Data) -> list[msgspec.Raw]:
    """Cut a JSON array into the JSON of its items. Raises `msgspec.DecodeError`."""
    return _ROWS.decode(data)


def slices(page: Page, size: int = 0) -> Iterator[Page]:
    """Cut a page into smaller ones, so that few rows at a time become Python values.

    They have no marks. Without a `size` in rows, one is chosen that a processor's cache can hold.
    """
    if page.count:
        size = size or min(
            MOST_AT_ONCE, max(LEAST_AT_ONCE, AT_ONCE // len(memoryview(page.rows[0])))
        )
    for start in range(0, page.count, size or 1):
        yield Page(page.rows[start : start + size], page.marker)


def dealt(page: Page, names: Sequence[str]) -> dict[str, Page]:
    """Cut a page into one for each name; `names` has one for each row, in order."""
    if len(set(names)) == 1:
        return {names[0]: page}
    hands: dict[str, list[Row]] = {}
    for name, row in zip(names, page.rows, strict=True):
        hands.setdefault(name, []).append(row)
    return {name: Page(rows, page.marker, zone=page.zone) for name, rows in hands.items()}


def with_members(page: Page, members: Mapping[str, bytes]) -> Page:
    """Give every row members more, as JSON; they stand last, and so win over any of their names."""
    tail = b",".join(b'"%s":%s' % (name.encode(), value) for name, value in members.items())
    rows = [bytes(row)[:-1].rstrip() for row in page.rows]
    return msgspec.structs.replace(
        page, rows=[b"%s%s%s}" % (row, b"" if row == b"{" else b",", tail) for row in rows]
    )


@dataclass(frozen=True)
class RowReader:
    """Read pages as rows of the asked columns, in the asked order.

    A column that a row lacks is null; a member that was not asked for is left out.
    """

    columns: tuple[str, ...]

    def raw(self, page: Page) -> list[Any]:
        """Return structs of `msgspec.Raw`, a member a column; markers are still in them."""
        array = page.array
        if b"\n" in array or b"\r" in array:
            array = msgspec.json.format(array, indent=-1)
        return self._raw.decode(array)

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
        if _MINUS_ZERO.search(array):
            return self._digit_for_digit(array)
        try:
            return list(map(msgspec.structs.astuple, self._plain.decode(array)))
        except msgspec.ValidationError:  # an integer longer than Python converts
            return self._digit_for_digit(array)

    def json_lines(self, page: Page, shape: Callable[[list[Any]], list[Any]] = list) -> bytes:
        """Return the page's rows as JSON, one a line, every value byte for byte.

        Only line breaks and blanks inside of nested values go, where a server prints prettily.
        `shape` makes of raw rows what is written.
        """
        lines = self._encoder.encode_lines(shape(self.raw(page)))
        return lines.replace(page.marker, b"\\u") if page.marker else lines

    def _digit_for_digit(self, array: bytes) -> list[tuple[Any, ...]]:
        """Return plain rows from the slower parser, which shows every number before it converts."""
        rows = json.loads(array, parse_int=_integer, parse_float=Digits)
        return [tuple(map(row.get, self.columns)) for row in rows]

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


def _pick(items: Sequence[Item], places: Sequence[int]) -> Sequence[Item]:
    if isinstance(places, range) and places.step == 1:
        return items[places.start : places.stop]
    return [items[place] for place in places]


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
