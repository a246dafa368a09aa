"""Typed columns by the catalogue, for databases and typed files.

The columns, like those of CSV, depend on the fields only. A value that does not match its column's
kind, such as a text for a number or an object with an undocumented member, is written to one more
column, `_unfit`: as JSON, under its field's name.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain
from operator import itemgetter
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Raw

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.flatten import Cell, cell, cells_of, plan, unwrap
from comagic_cli.query.catalog import Field, Member
from comagic_cli.rows.decode import RowReader, compact, each_of, plain_values
from comagic_cli.rows.page import Page

Kind: TypeAlias = Literal[
    "text", "integer", "float", "boolean", "datetime", "date", "time", "seconds", "list"
]
Converter: TypeAlias = Callable[[Any], Any]


class Mismatch:
    """The type of `MISMATCH`: the result for a value that is not of its column's kind."""


MISMATCH: Final = Mismatch()

# The catalogue has one type for all numbers. These can have a fraction.
FRACTIONS = frozenset(
    {
        "deal_revenue",
        "avg_deal_revenue",
        "deal_cycle",
        "employee_rating",
        "api_request_method_weight",
        "api_request_execution_time",
    }
)
BY_TYPE: dict[str, Kind] = {"boolean": "boolean", "duration": "seconds", "array": "list"}
BY_FORMAT: dict[str, Kind] = {
    "YYYY-MM-DD hh:mm:ss": "datetime",
    "YYYY-MM-DD": "date",
    "hh:mm:ss": "time",
}
BITS: Final = 64
CLOCK = re.compile(r"(\d{1,7}):([0-5]\d):([0-5]\d)", re.ASCII)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
CLOCKED = re.compile(r"(\d{4}-\d\d-\d\d \d\d):([0-5]\d):([0-5]\d)", re.ASCII)
DATETIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times have no zone yet
PLAIN = re.compile(r"(?!-0(?:\.0*)?$)-?(?:0|[1-9]\d{0,300})(?:\.\d{1,300})?", re.ASCII)
DAY = 86_400  # seconds


def kind_of(field: Field | Member) -> Kind:
    """Return the kind of a field or of a member; each member of an object is text."""
    if field.type in {"number", "duration"} and field.name.endswith("_duration"):
        return "seconds"
    if field.type == "number":
        is_fraction = isinstance(field, Field) and field.format == "fraction"  # by the account
        return "float" if is_fraction or field.name in FRACTIONS else "integer"
    if field.type == "iso8601" and isinstance(field, Field):
        return BY_FORMAT.get(field.format, "text")
    return "list" if is_tags(field) else BY_TYPE.get(field.type, "text")


def is_tags(field: Field | Member) -> bool:
    """Check that a field holds tags: an object with a list of them."""
    has_items = any(member.name == "items" for member in field.members)
    return has_items or (field.name == "tags" and field.type != "array")


def to_integer(value: Any) -> Any:
    """Convert to an integer of 64 bits; the value can also be a text or 5.0."""
    if type(value) is not int:
        number = _number(value)
        if number is None or number != number.to_integral_value():
            return MISMATCH
        value = int(number)
    return value if value.bit_length() < BITS else MISMATCH


def to_float(value: Any) -> Any:
    """Convert to a float if that is exact; 1.10 is 1.1."""
    number = _number(value)
    if number is None or Decimal(repr(float(number))) != number:
        return MISMATCH
    return float(number)


def _number(value: Any) -> Decimal | None:
    """Read an integer or a decimal text; other notations, such as 1e3, would lose their form."""
    if type(value) is int:
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and PLAIN.fullmatch(value) else None


BOOLEANS = {"true": True, "false": False}  # as cells have them


def to_boolean(value: Any) -> Any:
    """Return a boolean, also for the cell of one."""
    if type(value) is str:
        return BOOLEANS.get(value, MISMATCH)
    return value if type(value) is bool else MISMATCH


def to_seconds(value: Any) -> Any:
    """Convert whole seconds or `HH:MM:SS` to seconds."""
    clock = CLOCK.fullmatch(value) if type(value) is str else None
    if clock:
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3])
    return to_integer(value)


def to_date(value: Any) -> Any:
    """Convert a date `YYYY-MM-DD`."""
    if type(value) is not str or not DATE.fullmatch(value):
        return MISMATCH
    try:
        return date.fromisoformat(value)
    except ValueError:
        return MISMATCH


def to_datetime(value: Any) -> Any:
    """Convert a time `YYYY-MM-DD hh:mm:ss` to a naive `datetime`."""
    if type(value) is not str or not DATETIME.fullmatch(value):
        return MISMATCH
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return MISMATCH


def microseconds_in(zone: ZoneInfo | timezone) -> Converter:
    """Return a converter of times of a zone to microseconds since 1970 in UTC.

    Of an hour that clocks show twice the first is meant; a time that they skip is a mismatch.
    """

    @lru_cache(maxsize=4_096)
    def hour(text: str) -> int | None:
        """Return the start of an hour in UTC, in seconds; `None` if its offset changes within."""
        start = datetime.fromisoformat(f"{text}:00:00").replace(tzinfo=zone)
        end = start.replace(minute=59, second=59)
        ends = {each.replace(fold=fold).utcoffset() for each in (start, end) for fold in (0, 1)}
        only = ends.pop()
        return None if ends or only is None else _seconds(start, only)

    def convert(value: Any) -> Any:
        clock = CLOCKED.fullmatch(value) if type(value) is str else None
        try:
            begin = hour(clock[1]) if clock else None
        except ValueError:  # there is no such day or hour
            return MISMATCH
        if clock and begin is not None:
            return (begin + int(clock[2]) * 60 + int(clock[3])) * 1_000_000
        local = to_datetime(value)
        offset = None if local is MISMATCH else _offset(local.replace(tzinfo=zone))
        if offset is None:
            return MISMATCH
        return _seconds(local, offset) * 1_000_000 + local.microsecond

    return convert


def _seconds(local: datetime, offset: timedelta) -> int:
    past = local.replace(tzinfo=None) - offset - EPOCH
    return past.days * DAY + past.seconds


def _offset(local: datetime) -> timedelta | None:
    """Return the offset of a time; `None` if clocks skip it."""
    first, second = (local.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
    return None if first < second else first


OnLoss: TypeAlias = Callable[[], None]
"""Called if a part of a value is lost."""

TAG = (Member("id", "number"), Member("name", "string"), Member("color", "string"))
NESTED_TEXTS = frozenset({str, type(None)})
TEXT = Member("", "string")


class ListReader:
    """Read a field's lists; `item` is the type of an item: a text, or an object of members.

    An item with one member becomes the value of that member. Tags are the list of their items.
    """

    def __init__(self, field: Field) -> None:
        self._tags = is_tags(field)
        members = TAG if self._tags else field.members
        self.item = Member("", "object", members) if len(members) > 1 else TEXT
        self._documented = frozenset(member.name for member in members)
        self._single_member = members[0].name if len(members) == 1 else None

    def read_regular(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """Return a column's lists at once, `None` if one of them is not of the documented form."""
        if self._tags and {dict, type(None)}.issuperset(map(type, values)):
            values = [None if value is None else value.get("items") for value in values]
        if not {list, type(None)}.issuperset(map(type, values)):
            return None
        if self.item.members:
            return values if _are_structs(values, self.item.members) else None
        if self._single_member is not None:
            return _texts(values, self._single_member)
        items = chain.from_iterable(filter(None, values))
        return values if NESTED_TEXTS.issuperset(map(type, items)) else None

    def read(self, value: Any, on_loss: OnLoss) -> list[Any] | None:
        """Return a list of texts or of dicts, `None` for a value that is not a list."""
        items = value.get("items") if self._tags and isinstance(value, dict) else value
        if not isinstance(items, list):
            if items is not None and cell(value) is not None:
                on_loss()
            return None
        if self.item.members:
            return [_struct(item, self.item.members, on_loss) for item in items]
        items = list(map(unwrap, items))
        names = self._documented.union(*(item for item in items if isinstance(item, dict)))
        if len(names) > 1:
            return [_text(item, on_loss) for item in items]
        return [_text(_inner(item), on_loss) for item in items]


def _texts(lists: Sequence[Any], name: str) -> list[Any] | None:
    """Return the texts of the only member of every item; `None` if an item has another form."""
    items = list(chain.from_iterable(filter(None, lists)))
    if set(map(type, items)) <= {dict} and set(map(tuple, items)) <= {(name,)}:
        member = itemgetter(name)
        if set(map(type, map(member, items))) <= {str}:
            return [None if some is None else list(map(member, some)) for some in lists]
    return None


def _are_structs(lists: Sequence[Any], members: Sequence[Member]) -> bool:
    """Check that every item has only known members, in order, each a text or an integer."""
    items = list(chain.from_iterable(filter(None, lists)))
    if not set(map(type, items)) <= {dict}:
        return False
    names = [member.name for member in members]
    return all(
        list(found) == [name for name in names if name in found] for found in set(map(tuple, items))
    ) and all(
        _is_member([item[each.name] for item in items if each.name in item], each)
        for each in members
    )


def _is_member(values: Sequence[Any], member: Member) -> bool:
    if member.members:
        return not values
    if member.type != "number":
        return NESTED_TEXTS.issuperset(map(type, values))
    return {int}.issuperset(map(type, values)) and all(map(_is_short, values))


def _is_short(number: int) -> bool:
    return number.bit_length() < BITS


def _inner(item: Any) -> Any:
    return next(iter(item.values()), None) if isinstance(item, dict) else item


def _struct(value: Any, members: Sequence[Member], on_loss: OnLoss) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        if value is not None:
            on_loss()
        return None
    if not value.keys() <= {member.name for member in members}:
        on_loss()
    return {
        member.name: _member(value[member.name], member, on_loss)
        for member in members
        if member.name in value
    }


def _member(value: Any, member: Member, on_loss: OnLoss) -> Any:
    if member.members:
        return _struct(value, member.members, on_loss)
    if member.type in {"array", "object"}:  # of any value, such as events of events: JSON
        return cell(value) if value is None or isinstance(value, (list, dict)) else str(cell(value))
    if member.type != "number" or value is None:
        return _text(value, on_loss)
    number = (to_seconds if member.name.endswith("duration") else to_integer)(value)
    if number is MISMATCH:
        on_loss()
        return None
    return number


def _text(value: Any, on_loss: OnLoss) -> str | None:
    value = unwrap(value)
    if isinstance(value, (dict, list)):
        on_loss()
        return None
    text = cell(value)
    return None if text is None else str(text)


UNFIT = "_unfit"
ROWS_AT_ONCE = 500  # to read: of fewer the calls take longer than the values, more need memory
TEXTS = frozenset({str, type(None)})
Values: TypeAlias = Sequence[Any]


class Mismatches(dict[int, dict[str, Any]]):
    """Values that are not of their column's kind, by row index and field name."""

    def add(self, place: int, name: str, value: Any) -> None:
        """Add a value, unless it is empty."""
        if cell(value) is not None:
            self.setdefault(place, {})[name] = value


@dataclass(frozen=True)
class Column:
    """A typed column; `field` is the name of its field, `item` the type of a list's items."""

    name: str
    kind: Kind
    field: str
    item: Member = TEXT


class TypedColumns:
    """Read rows as typed columns.

    `converters` return the converted value, or `MISMATCH`; they are not called for null. A kind
    without a converter is text, as in CSV. Lists are lists of texts or of dicts, before their
    converter. A value can stand in several rows: it must not be changed.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        format_options: FormatOptions,
        converters: Mapping[Kind, Converter],
    ) -> None:
        self._rows = RowReader(tuple(field.name for field in fields))
        self._readers = [_reader(field, format_options, converters) for field in fields]
        self.columns = tuple(column for reader in self._readers for column in reader.columns)

    def read(self, page: Page) -> list[Values]:
        """Return the values of rows column by column; the last column is `_unfit`."""
        mismatches = Mismatches()
        if page.marker:
            plain = zip(*self._rows.plain(page), strict=True)
            read = [one.read(of, mismatches) for one, of in zip(self._readers, plain, strict=True)]
        else:
            raw = zip(self._readers, self._rows.raw_columns(page), strict=True)
            read = [one.read_raw(of, mismatches) for one, of in raw]
        unfit: list[str | None] = [None] * page.count
        for place, values in mismatches.items():
            unfit[place] = compact(values)
        return [*chain.from_iterable(read), unfit]


MAX_CACHED = 10_000  # nested values of a field that are cached


class _Reader(ABC):
    """Read the columns of a field; nested values are read once, and cached by their JSON."""

    columns: Sequence[Column]

    def __init__(self, field: Field) -> None:
        self._name = field.name
        self._cache: dict[bytes, tuple[Any, ...]] = {}  # the columns' values, and what is unfit

    @abstractmethod
    def read(self, source: Values, mismatches: Mismatches) -> list[Values]:
        """Return the values of each column; `source` are the field's in some rows."""

    def read_raw(self, source: Sequence[Raw], mismatches: Mismatches) -> list[Values]:
        """Return the values of each column; `source` are the field's, as JSON."""
        joined = b"\n".join(source)
        if b"{" not in joined and b"[" not in joined:
            return self.read(plain_values(source), mismatches)
        each = each_of(source, joined)
        if not self._cache.keys() >= set(each):
            self._fill_cache(each)
        read: list[Values] = list(zip(*map(self._cache.__getitem__, each), strict=True))
        *columns, unfit = read
        for place, value in enumerate(unfit):
            if value is not None:
                mismatches.add(place, self._name, value)
        return columns

    def _fill_cache(self, values: Sequence[bytes]) -> None:
        if len(self._cache) > MAX_CACHED:
            self._cache.clear()
        new = [value for value in dict.fromkeys(values) if value not in self._cache]
        mismatches = Mismatches()
        columns = self.read(plain_values(new), mismatches)
        unfit = [mismatches.get(place, {}).get(self._name) for place in range(len(new))]
        self._cache.update(zip(new, zip(*columns, unfit, strict=True), strict=True))


class _Lists(_Reader):
    """Read the column of a field of lists."""

    def __init__(self, field: Field, convert: Converter | None) -> None:
        super().__init__(field)
        self._list, self._convert = ListReader(field), convert
        self.columns = [Column(field.name, "list", field.name, self._list.item)]

    def read(self, source: Values, mismatches: Mismatches) -> list[Values]:
        """Return the lists, `None` for a value that is not a list."""
        lists = self._list.read_regular(source)
        if lists is None:
            read = self._list.read
            lists = [
                None
                if value is None
                else read(value, partial(mismatches.add, place, self._name, value))
                for place, value in enumerate(source)
            ]
        if self._convert is None:
            return [lists]
        return [[None if each is None else self._convert(each) for each in lists]]


class _Scalars(_Reader):
    """Read the columns of any other field: the field itself, or its flattened columns."""

    def __init__(
        self, field: Field, format_options: FormatOptions, converters: Mapping[Kind, Converter]
    ) -> None:
        super().__init__(field)
        typed = kind_of(field) in converters
        self._plan = [] if typed else plan(field, format_options)
        names = [name for name, _ in self._plan] or [field.name]
        self.columns = [Column(name, kind_of_column(field, name), field.name) for name in names]
        self._converters = [converters.get(column.kind) for column in self.columns]

    def read(self, source: Values, mismatches: Mismatches) -> list[Values]:
        """Return the values of each column."""
        cells = cells_of(self._plan, source) if self._plan else [source]
        return [
            to_texts(values)
            if convert is None
            else self._convert(values, convert, source, mismatches)
            for convert, values in zip(self._converters, cells, strict=True)
        ]

    def _convert(
        self, values: Values, convert: Converter, source: Values, mismatches: Mismatches
    ) -> Values:
        plain = map(unwrap, values) if dict in map(type, values) else values
        converted = [None if value is None else convert(value) for value in plain]
        if MISMATCH in converted:
            for place, value in enumerate(converted):
                if value is MISMATCH:
                    converted[place] = None
                    mismatches.add(place, self._name, source[place])
        return converted


def _reader(
    field: Field, format_options: FormatOptions, converters: Mapping[Kind, Converter]
) -> _Reader:
    if kind_of(field) == "list":
        return _Lists(field, converters.get("list"))
    return _Scalars(field, format_options, converters)


def kind_of_column(field: Field, name: str) -> Kind:
    """Return the kind of a flattened column: that of the field, or of the member in its name."""
    member = name.removeprefix(f"{field.name}.")
    inner = (each for each in field.members if name != field.name and each.name == member)
    kind = kind_of(next(inner, field))
    return "text" if kind == "list" and name != field.name else kind  # a cell holds one text


def to_texts(cells: Sequence[Cell]) -> Values:
    """Return cells as texts or `None`."""
    if TEXTS.issuperset(map(type, cells)):
        return cells
    return [None if value is None else str(value) for value in cells]
