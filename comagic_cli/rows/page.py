"""Pages of rows, and what tells the rows of a report apart.

A page's rows are cut: structs of `msgspec.Raw`, a member a column, each of them a view of the
answer that it came in; or whole: JSON objects as they came. `RowReader` reads both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar, overload

import msgspec

PART = "\x1f"  # stands between the parts of a key
NULL = msgspec.Raw(b"null")
AT_ONCE = 1 << 18  # bytes of rows that become Python values at once
LEAST_AT_ONCE, MOST_AT_ONCE = 50, 1_000  # rows
MOST_CUT = 30  # columns into which a whole answer is cut at once: beyond, a row at a time is faster

Data: TypeAlias = "bytes | bytearray | memoryview | msgspec.Raw"
Row: TypeAlias = "bytes | msgspec.Raw | msgspec.Struct"
Item = TypeVar("Item")

_WHOLE = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode


class Mark(NamedTuple):
    """One row's identity and shown time.

    `key` is its key, `None` where that can repeat or is null: then `digest` is one of the row.
    Of several parts the last is first, an id, since ids mostly grow with the time: see `split_key`.
    `time` is `YYYY-MM-DD hh:mm:ss`, so that texts compare as times do; "" where it is missing or
    unreadable.
    """

    key: str | None
    time: str
    digest: bytes


def split_key(key: str) -> list[str]:
    """Return the parts of a key, in the report's order."""
    return key.split(PART)[::-1]


class Marks(Sequence[Mark]):
    """Marks column by column: rows are many, and most are only looked at all together.

    `digests` is `None` where every row has a key.
    """

    __slots__ = ("digests", "keys", "times")

    def __init__(
        self,
        keys: Sequence[str | None] = (),
        times: Sequence[str] = (),
        digests: Sequence[bytes] | None = None,
    ) -> None:
        self.keys, self.times, self.digests = keys, times, digests

    @classmethod
    def of(cls, marks: Sequence[Mark]) -> Marks:
        """Return marks column by column."""
        if isinstance(marks, Marks):
            return marks
        keys, times, digests = zip(*marks, strict=True) if marks else ((), (), ())
        return cls(keys, times, digests)

    @classmethod
    def joined(cls, parts: Sequence[Marks]) -> Marks:
        """Return the marks of several parts of a page, one after the other."""
        keys = list(chain.from_iterable(part.keys for part in parts))
        times = list(chain.from_iterable(part.times for part in parts))
        if all(part.digests is None for part in parts):
            return cls(keys, times)
        digests = (part.digests or [b""] * len(part) for part in parts)
        return cls(keys, times, list(chain.from_iterable(digests)))

    def __len__(self) -> int:
        return len(self.times)

    @overload
    def __getitem__(self, place: int) -> Mark: ...
    @overload
    def __getitem__(self, place: slice) -> Marks: ...
    def __getitem__(self, place: int | slice) -> Mark | Marks:
        digest = None if self.digests is None else self.digests[place]
        if isinstance(place, slice):
            return Marks(self.keys[place], self.times[place], digest)  # type: ignore[arg-type]  # a slice of them
        return Mark(self.keys[place], self.times[place], digest or b"")  # type: ignore[arg-type]  # one of them

    def within(self, first: str, last: str, places: Sequence[int]) -> Sequence[int]:
        """Choose the places whose time is between two; one without a time always is."""
        times = self.times
        if not times or (first <= min(times) and max(times) <= last):
            return places
        return [place for place in places if not times[place] or first <= times[place] <= last]

    def pick(self, places: Sequence[int]) -> Marks:
        """Return the marks at some places, in their order."""
        digests = None if self.digests is None else _pick(self.digests, places)
        return Marks(_pick(self.keys, places), _pick(self.times, places), digests)


class Page(msgspec.Struct, frozen=True):
    """The rows of one answer that count, whole or cut, in order.

    The rows are views of the answer, which lives as long as one of them. `marks` are the rows'
    marks. `settled` says that no row of a shown time between its two ends will come any more.
    `zone` is that of its times, where pages differ in it. `unbroken` says that no line break stands
    within a row. `since` is the position of the reader: every row shown before it is in this page
    or in earlier ones.
    """

    rows: Sequence[Row]
    marker: bytes = b""
    marks: Sequence[Mark] = ()
    settled: tuple[str, str] | None = None
    zone: str | None = None
    unbroken: bool = False
    since: str = ""

    @property
    def count(self) -> int:
        """Tell how many rows there are."""
        return len(self.rows)

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Name the columns that the rows are cut into; `None` where they are whole."""
        first = self.rows[0] if self.rows else None
        return first.__struct_encode_fields__ if isinstance(first, msgspec.Struct) else None

    @property
    def array(self) -> bytes:
        """Return the rows as one JSON array."""
        if self.columns is None:
            return b"[" + b",".join(self.rows) + b"]"  # type: ignore[arg-type]  # they are whole
        return _encode(self.rows)

    def column(self, name: str) -> Sequence[msgspec.Raw]:
        """Return the values of a column of rows that are cut; null where there is none such."""
        columns = self.columns or ()
        if name not in columns:
            return [NULL] * self.count
        return list(map(attrgetter(f"f{columns.index(name)}"), self.rows))

    def pick(self, places: Sequence[int]) -> Page:
        """Return a page of the rows at some places, each once and in rising order."""
        if len(places) == self.count:
            return self
        marks = Marks.of(self.marks).pick(places) if self.marks else ()
        return msgspec.structs.replace(self, rows=_pick(self.rows, places), marks=marks)

    def detach(self) -> Page:
        """Return the page with rows of its own, so that the answer's memory is free."""
        return msgspec.structs.replace(self, rows=list(map(_copy, self.rows)))


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


@cache
def cut_row(columns: tuple[str, ...]) -> type[msgspec.Struct]:
    """Make the struct of a row that is cut into columns."""
    row = row_struct(columns, msgspec.Raw, NULL)
    # msgspec completes a type when it is first used; two threads at once crash the process then.
    msgspec.json.Decoder(row)
    return row


def rows_of(data: Data) -> list[msgspec.Raw]:
    """Cut a JSON array into the JSON of its items. Raises `msgspec.DecodeError`."""
    return _WHOLE.decode(data)


def slices(page: Page, size: int = 0) -> Iterator[Page]:
    """Cut a page into smaller ones, so that few rows at a time become Python values.

    They have no marks. Without a `size` in rows, one is chosen that a processor's cache can hold.
    """
    if page.count:
        size = size or min(MOST_AT_ONCE, max(LEAST_AT_ONCE, AT_ONCE // _bytes(page.rows[0])))
    for start in range(0, page.count, size or 1):
        yield Page(page.rows[start : start + size], page.marker, unbroken=page.unbroken)


def render_slices(page: Page, render: Callable[[Page], bytes]) -> Iterator[bytes]:
    """Return the texts that `render` makes of few rows each."""
    return map(render, slices(page))


def join_pages(first: Page, second: Page) -> Page:
    """Return the rows of two pages of one reading as one page."""
    if not first.count or not second.count:
        return second if second.count else first
    marks = Marks.joined([Marks.of(first.marks), Marks.of(second.marks)])
    rows = [*first.rows, *second.rows]
    marker = first.marker or second.marker
    return Page(rows, marker, marks, unbroken=first.unbroken and second.unbroken)


def split_page(page: Page, names: Sequence[str]) -> dict[str, Page]:
    """Cut a page into one for each name; `names` has one for each row, in order."""
    if len(set(names)) == 1:
        return {names[0]: page}
    rows_by_name: dict[str, list[Row]] = {}
    for name, row in zip(names, page.rows, strict=True):
        rows_by_name.setdefault(name, []).append(row)
    return {
        name: Page(rows, page.marker, zone=page.zone, unbroken=page.unbroken)
        for name, rows in rows_by_name.items()
    }


def add_members(page: Page, members: Mapping[str, bytes]) -> Page:
    """Give every row members more, as JSON; they stand last, and so win over any of their names."""
    tail = b",".join(b'"%s":%s' % (name.encode(), value) for name, value in members.items())
    rows = [bytes(row)[:-1].rstrip() for row in page.rows]  # type: ignore[arg-type]  # they are whole
    return msgspec.structs.replace(
        page, rows=[b"%s%s%s}" % (row, b"" if row == b"{" else b",", tail) for row in rows]
    )


def _bytes(row: Row) -> int:
    return len(_encode(row)) if isinstance(row, msgspec.Struct) else len(memoryview(row))


def _copy(row: Row) -> Row:
    if isinstance(row, msgspec.Struct):
        return type(row)(*(value.copy() for value in msgspec.structs.astuple(row)))
    return row.copy() if isinstance(row, msgspec.Raw) else row


def _pick(items: Sequence[Item], places: Sequence[int]) -> Sequence[Item]:
    if isinstance(places, range) and places.step == 1:
        return items[places.start : places.stop]
    return [items[place] for place in places]


class Answer(msgspec.Struct, frozen=True):
    r"""The answer to a successful call.

    `content` is the undecoded data: JSON, or each item of a list, as its JSON or cut. `total` is
    `total_items`, `None` if it is missing. `limits` are the numbers of `metadata.limits`. `size`
    is the body's bytes after decompression. `marker` stands in it for the `\u` of a lone surrogate
    (see `rows.decode`). `unbroken` says that it holds no line break. `is_sorted` says that rows
    come in the order that was asked for.
    """

    content: msgspec.Raw | bytes | list[Any]
    total: int | None = None
    limits: dict[str, int] = {}
    size: int = 0
    marker: bytes = b""
    unbroken: bool = False
    is_sorted: bool = True

    @property
    def data(self) -> bytes:
        """Return the data as one JSON text."""
        if isinstance(self.content, list):
            return b"[" + b",".join(self.content) + b"]"
        return bytes(self.content)

    @property
    def rows(self) -> Sequence[Row]:
        """Return each item. Raises `msgspec.DecodeError` if it is not a list."""
        return self.content if isinstance(self.content, list) else rows_of(self.content)
