"""Rows as columns of the kinds that the catalogue foresees, for databases and typed files.

The columns, like those of CSV, follow from the fields alone. What a value has beyond its column's
kind, a text where a number should be or a member nobody documented, does not go into the column:
the value stands whole in one more column, `_unfit`, as JSON under its field's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain
from operator import itemgetter
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.flatten import Cell, Flattener, cell, unwrap
from comagic_cli.query.catalog import Field, Member
from comagic_cli.rows.decode import compact

Kind: TypeAlias = Literal[
    "text", "whole", "real", "boolean", "moment", "date", "clock", "seconds", "list"
]
Fit: TypeAlias = Callable[[Any], Any]


class Unfit:
    """What a value becomes that is not of its column's kind."""


UNFIT: Final = Unfit()

# The catalogue has one word for all numbers. These can have a fraction; the others are counts, ids
# and the like.
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
    "YYYY-MM-DD hh:mm:ss": "moment",
    "YYYY-MM-DD": "date",
    "hh:mm:ss": "clock",
}
BITS: Final = 64
CLOCK = re.compile(r"(\d{1,7}):([0-5]\d):([0-5]\d)", re.ASCII)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times are a wall clock's until their zone is added
PLAIN = re.compile(r"(?!-0(?:\.0*)?$)-?(?:0|[1-9]\d{0,300})(?:\.\d{1,300})?", re.ASCII)
DAY = 86_400  # seconds


def kind_of(field: Field | Member) -> Kind:
    """Tell what a field, or a member of one, holds; objects are text, member by member."""
    if field.type in {"number", "duration"} and field.name.endswith("_duration"):
        return "seconds"
    if field.type == "number":
        told = isinstance(field, Field) and field.format == "fraction"  # by the account
        return "real" if told or field.name in FRACTIONS else "whole"
    if field.type == "iso8601" and isinstance(field, Field):
        return BY_FORMAT.get(field.format, "text")
    return "list" if is_tags(field) else BY_TYPE.get(field.type, "text")


def is_tags(field: Field | Member) -> bool:
    """Tell whether a field holds tags: an object that has a list of them."""
    return field.name == "tags" or any(member.name == "items" for member in field.members)


def whole(value: Any) -> Any:
    """Fit an integer of 64 bits, also one that is written as text, or as 5.0."""
    if type(value) is not int:
        number = _number(value)
        if number is None or number != number.to_integral_value():
            return UNFIT
        value = int(number)
    return value if value.bit_length() < BITS else UNFIT


def real(value: Any) -> Any:
    """Fit a number that a float holds exactly; 1.10 is 1.1."""
    number = _number(value)
    near = UNFIT if number is None else float(number)
    return near if near is UNFIT or Decimal(repr(near)) == number else UNFIT


def _number(value: Any) -> Decimal | None:
    """Read a number, as such or as text that says it plainly; not what has more than its value."""
    if type(value) is int:
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and PLAIN.fullmatch(value) else None


def boolean(value: Any) -> Any:
    """Fit a truth value."""
    return value if type(value) is bool else UNFIT


def seconds(value: Any) -> Any:
    """Fit whole seconds, also where they are written `HH:MM:SS`."""
    found = CLOCK.fullmatch(value) if type(value) is str else None
    if found:
        return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])
    return whole(value)


def day(value: Any) -> Any:
    """Fit a date `YYYY-MM-DD`."""
    if type(value) is not str or not DATE.fullmatch(value):
        return UNFIT
    try:
        return date.fromisoformat(value)
    except ValueError:
        return UNFIT


def moment(value: Any) -> Any:
    """Fit a time `YYYY-MM-DD hh:mm:ss`, as what a clock on the wall shows: it has no zone."""
    if type(value) is not str or not MOMENT.fullmatch(value):
        return UNFIT
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return UNFIT


def microseconds(zone: ZoneInfo | timezone) -> Fit:
    """Fit a time of a zone as microseconds since 1970 in UTC.

    Of an hour that clocks show twice the first is taken; a time that they leap over does not fit.
    """

    @lru_cache(maxsize=4_096)
    def hour(text: str) -> int | None:
        """Return the offset of a whole hour, in seconds; None where it is not the same in it."""
        start = datetime.fromisoformat(f"{text}:00:00").replace(tzinfo=zone)
        end = start.replace(minute=59, second=59)
        ends = {each.replace(fold=fold).utcoffset() for each in (start, end) for fold in (0, 1)}
        only = ends.pop()
        return None if ends or only is None else int(only.total_seconds())

    def fit(value: Any) -> Any:
        local = moment(value)
        if local is UNFIT:
            return UNFIT
        offset = hour(value[:13])
        if offset is None:
            offset = _offset(local.replace(tzinfo=zone))
            if offset is None:
                return UNFIT
        past = local - EPOCH
        return (past.days * DAY + past.seconds - offset) * 1_000_000 + past.microseconds

    return fit


def _offset(local: datetime) -> int | None:
    """Return the offset of a time in seconds; None where clocks leap over it."""
    first, second = (local.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
    return None if first < second else int(first.total_seconds())


Lose: TypeAlias = Callable[[], None]
"""What is called where a value has more than is taken of it."""

TAG = (Member("id", "number"), Member("name", "string"), Member("color", "string"))
NESTED_TEXTS = frozenset({str, type(None)})
TEXT = Member("", "string")


class ListReader:
    """Take a field's lists; `item` is what one item is: a text, or an object of members.

    Items that have one and the same member only are taken for that member. Tags are the list of
    their items.
    """

    def __init__(self, field: Field) -> None:
        self._tags = is_tags(field)
        members = TAG if self._tags else field.members
        self.item = Member("", "object", members) if len(members) > 1 else TEXT
        self._documented = frozenset(member.name for member in members)
        self._only = members[0].name if len(members) == 1 else None

    def usual(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """Return a column's lists at once, where each is as foreseen; None where one is not."""
        if self._tags and {dict, type(None)}.issuperset(map(type, values)):
            values = [None if value is None else value.get("items") for value in values]
        if not {list, type(None)}.issuperset(map(type, values)):
            return None
        if self.item.members:
            return values if _are_structs(values, self.item.members) else None
        if self._only is not None:
            return _texts(values, self._only)
        items = chain.from_iterable(filter(None, values))
        return values if NESTED_TEXTS.issuperset(map(type, items)) else None

    def read(self, value: Any, lose: Lose) -> list[Any] | None:
        """Return a list of texts or of dicts; None for what is no list."""
        items = value.get("items") if self._tags and isinstance(value, dict) else value
        if not isinstance(items, list):
            if items is not None and cell(value) is not None:
                lose()
            return None
        if self.item.members:
            return [_struct(item, self.item.members, lose) for item in items]
        items = list(map(unwrap, items))
        names = self._documented.union(*(item for item in items if isinstance(item, dict)))
        if len(names) > 1:
            return [_text(item, lose) for item in items]
        return [_text(_inner(item), lose) for item in items]


def _texts(lists: Sequence[Any], name: str) -> list[Any] | None:
    """Take the one member, a text, of every item; None where some have others, or another type."""
    items = list(chain.from_iterable(filter(None, lists)))
    if set(map(type, items)) <= {dict} and set(map(tuple, items)) <= {(name,)}:
        member = itemgetter(name)
        if set(map(type, map(member, items))) <= {str}:
            return [None if some is None else list(map(member, some)) for some in lists]
    return None


def _are_structs(lists: Sequence[Any], members: Sequence[Member]) -> bool:
    """Tell whether every item has only known members, in order, each a text or an integer."""
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


def _struct(value: Any, members: Sequence[Member], lose: Lose) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        if value is not None:
            lose()
        return None
    if not value.keys() <= {member.name for member in members}:
        lose()
    return {
        member.name: _member(value[member.name], member, lose)
        for member in members
        if member.name in value
    }


def _member(value: Any, member: Member, lose: Lose) -> Any:
    if member.members:
        return _struct(value, member.members, lose)
    if member.type in {"array", "object"}:  # of anything, such as events of events: JSON
        return cell(value) if value is None or isinstance(value, (list, dict)) else str(cell(value))
    if member.type != "number" or value is None:
        return _text(value, lose)
    number = (seconds if member.name.endswith("duration") else whole)(value)
    if number is UNFIT:
        lose()
        return None
    return number


def _text(value: Any, lose: Lose) -> str | None:
    value = unwrap(value)
    if isinstance(value, (dict, list)):
        lose()
        return None
    text = cell(value)
    return None if text is None else str(text)


UNFIT_NAME = "_unfit"
TEXTS = frozenset({str, type(None)})
Values: TypeAlias = Sequence[Any]


class Odd(dict[int, dict[str, Any]]):
    """Values that do not fit, by their row's place and their field's name."""

    def add(self, place: int, name: str, value: Any) -> None:
        """Add a value, unless it is one of the ways to say nothing."""
        if cell(value) is not None:
            self.setdefault(place, {})[name] = value


@dataclass(frozen=True)
class Column:
    """A column: its name, what it holds, the field it is of, and what the items of a list are."""

    name: str
    kind: Kind
    field: str
    item: Member = TEXT


class Typed:
    """Turn plain rows of the fields into typed columns.

    `fits` turn a value of a kind, never null, into what is written, or into `UNFIT`; a kind that
    is not among them is text, as CSV has it. Lists are lists of texts or of dicts.
    """

    def __init__(
        self, fields: Sequence[Field], format_options: FormatOptions, fits: Mapping[Kind, Fit]
    ) -> None:
        self._readers = [_reader(field, format_options, fits) for field in fields]
        self.columns = tuple(column for reader in self._readers for column in reader.columns)

    def read(self, rows: Sequence[tuple[Any, ...]]) -> list[Values]:
        """Return the values of some rows column by column, and last those of `_unfit`."""
        odd = Odd()
        read = [
            values
            for reader, came in zip(self._readers, zip(*rows, strict=True), strict=True)
            for values in reader.read(came, odd)
        ]
        return [
            *read,
            [compact(odd[place]) if place in odd else None for place in range(len(rows))],
        ]


class _Lists:
    """Read the one column of a field of lists."""

    def __init__(self, field: Field) -> None:
        self._name = field.name
        self._list = ListReader(field)
        self.columns = [Column(field.name, "list", field.name, self._list.item)]

    def read(self, came: Values, odd: Odd) -> list[Values]:
        """Return the lists, None for what is no list."""
        usual = self._list.usual(came)
        if usual is not None:
            return [usual]
        read = self._list.read
        return [
            [
                None if value is None else read(value, partial(odd.add, place, self._name, value))
                for place, value in enumerate(came)
            ]
        ]


class _Scalars:
    """Read the columns of another field: itself, or what it is flattened to."""

    def __init__(
        self, field: Field, format_options: FormatOptions, fits: Mapping[Kind, Fit]
    ) -> None:
        self._name = field.name
        typed = kind_of(field) in fits
        self._flat = None if typed else Flattener([field], format_options)
        names = self._flat.names if self._flat else (field.name,)
        self.columns = [Column(name, kind_in(field, name), field.name) for name in names]
        self._fits = [fits.get(column.kind) for column in self.columns]

    def read(self, came: Values, odd: Odd) -> list[Values]:
        """Return the values of each column."""
        cells = self._flat.columns(zip(came, strict=True)) if self._flat else [came]
        return [
            texts(values) if fit is None else self._fitted(values, fit, came, odd)
            for fit, values in zip(self._fits, cells, strict=True)
        ]

    def _fitted(self, values: Values, fit: Fit, came: Values, odd: Odd) -> Values:
        plain = map(unwrap, values) if dict in map(type, values) else values
        fitted = [None if value is None else fit(value) for value in plain]
        if UNFIT in fitted:
            for place, value in enumerate(fitted):
                if value is UNFIT:
                    fitted[place] = None
                    odd.add(place, self._name, came[place])
        return fitted


def _reader(
    field: Field, format_options: FormatOptions, fits: Mapping[Kind, Fit]
) -> _Lists | _Scalars:
    return _Lists(field) if kind_of(field) == "list" else _Scalars(field, format_options, fits)


def kind_in(field: Field, name: str) -> Kind:
    """Tell what a flattened column holds: the field, or the member that its name ends in."""
    member = name.removeprefix(f"{field.name}.")
    inner = (each for each in field.members if name != field.name and each.name == member)
    kind = kind_of(next(inner, field))
    return "text" if kind == "list" and name != field.name else kind  # a cell holds one text


def texts(cells: Sequence[Cell]) -> Values:
    """Return cells as text, None as such."""
    if TEXTS.issuperset(map(type, cells)):
        return cells
    return [None if value is None else str(value) for value in cells]
