"""The catalogue: reports from `reports.json`, lists from `lists.json`, what an account adds to it.

There are two families of reports. The flat ones take a report id, and need a component of the
account; the older ones do not. Lists, such as employees or sites, have no period.
"""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

import msgspec

from comagic_cli.errors import UnknownField
from comagic_cli.query.ids import USER_TITLES
from comagic_cli.query.suggest import did_you_mean


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One member of an object, or of an array's items.

    An array or an object without members of its own can hold anything, such as events of events.
    `filter` says that rows can be filtered by it, by its plain name.
    """

    name: str
    type: str
    members: tuple[Member, ...] = ()
    filter: bool = False


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column of a report.

    `type` is one of string, number, boolean, iso8601, duration, object, array, or "" where it is
    not known. `format` is that of a date or time, or `fraction` of a number that can have one.
    `values` are the documented ones; others may come, and may be asked for. `members` are those of
    the object, or of an array's items. `aliases` are other names under which rows carry the value.
    `documented` is false for a field that the service answers, but its documentation does not list.
    """

    name: str
    type: str = ""
    filter: bool = True
    sort: bool = True
    default: bool = False
    group: str = ""
    format: str = ""
    values: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    aliases: tuple[str, ...] = msgspec.field(default=(), name="also")
    documented: bool = True


class Param(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One parameter that a method has of its own: its type, and the values that are documented."""

    type: str
    required: bool = False
    values: tuple[str, ...] = ()


Family: TypeAlias = Literal["flat", "older", "list", "object"]


class ReportType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One report or list that can be exported.

    `type` is its type in the list of reports; `None` where it is that of the chosen report.
    `max_days` is the longest period of one call. `key` tells rows apart, as paths
    (`communication_type.value_id`). `time` dates a row: one field, or a date and a time field, or
    none where rows are sums over the period. `takes` names what the method takes of `fields`,
    `filter` and `sort`. `more` are the columns that the account has beyond the catalogue, `None`
    where it was not asked. `dimensions` can be filtered by, but are not columns. `titles` are the
    account's titles of fields, each with its field's name.
    """

    command: str
    method: str
    title: str
    fields: tuple[Field, ...]
    family: Family = "flat"
    type: str | None = None
    max_days: int = 366
    key: tuple[str, ...] = ()
    key_is_unique: bool = False
    time: tuple[str, ...] = ()
    params: dict[str, Param] = {}
    dated: bool = True
    paged: bool = True
    takes: tuple[str, ...] = ("fields", "filter", "sort")
    for_agents: bool = True
    undocumented: tuple[Field, ...] = ()
    more: tuple[Field, ...] | None = None
    dimensions: tuple[Field, ...] = ()
    titles: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """Name the report's type; by its method, where the catalogue has no type."""
        return self.type or self.method.removeprefix("get.")

    @property
    def is_flat(self) -> bool:
        """Check that it is of the family that takes a report id."""
        return self.family == "flat"

    @property
    def is_list(self) -> bool:
        """Check that it is a list or a single object, and no report."""
        return self.family in {"list", "object"}

    @property
    def words(self) -> str:
        """Return the words of its command."""
        return f"list {self.command}" if self.is_list else self.command

    @property
    def is_one_answer(self) -> bool:
        """Check that one call brings all rows: an object, or a list without paging."""
        return self.family == "object" or not self.paged

    @property
    def is_by_day(self) -> bool:
        """Check that the time of a row is a day."""
        return len(self.time) == 1 and self.field(self.time[0]).format == "YYYY-MM-DD"

    @property
    def known(self) -> tuple[Field, ...]:
        """Every known column: the documented ones, the undocumented ones, the account's own."""
        return (*self.fields, *self.undocumented, *(self.more or ()))

    def default_fields(self) -> tuple[str, ...]:
        """Name the columns of an export without --fields: all, where none is a default one."""
        return tuple(field.name for field in self.fields if field.default) or self.all_fields()

    def all_fields(self) -> tuple[str, ...]:
        """Name all documented columns; where there are none, those that are answered."""
        return tuple(field.name for field in self.fields or self.undocumented)

    def field(self, name: str) -> Field:
        """Return a field by name, or by another of its names; an unknown one has no type."""
        return self.find(name) or Field(name)

    def find(self, name: str) -> Field | None:
        """Return a field by name, or by another of its names, which is then its own."""
        for field in self.known:
            if field.name == name:
                return field
        for field in self.known:
            if name in field.aliases:
                others = (field.name, *(alias for alias in field.aliases if alias != name))
                return msgspec.structs.replace(field, name=name, aliases=others)
        return None

    def filter_fields(self) -> Iterator[Field]:
        """Yield all that can stand in a filter: columns, members of columns, dimensions."""
        yield from self.known
        for field in self.known:
            yield from (Field(each.name, each.type) for each in field.members if each.filter)
        yield from self.dimensions


FIRST_COLUMNS = (
    Field("customer_id", "number"),
    Field("user_id", "number"),
    Field("customer_name", "string"),
)
"""The columns before those of the report, where several customers are exported."""
FIRST_TITLES = {
    "customer_id": ("ID клиента", "Customer ID"),
    "user_id": USER_TITLES,
    "customer_name": ("Название клиента", "Customer name"),
}
"""Their titles, in Russian and English: the service has none."""
CYRILLIC = re.compile(r"[\u0400-\u04ff]")


def name_first_columns(titles: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the titles of `FIRST_COLUMNS`, in the language of the account's `titles`."""
    is_russian = any(CYRILLIC.search(title) for _, title in titles)
    return tuple(
        (name, russian if is_russian else english)
        for name, (russian, english) in FIRST_TITLES.items()
    )


@cache
def reports() -> tuple[ReportType, ...]:
    """Read the reports, in the order of their file: flat ones, then older ones."""
    return _read("reports.json")


@cache
def flat_reports() -> tuple[ReportType, ...]:
    """Return the flat reports."""
    return tuple(report for report in reports() if report.is_flat)


@cache
def lists() -> tuple[ReportType, ...]:
    """Read the lists, in the order of their file: of rows, then of single objects."""
    return _read("lists.json")


def _read(name: str) -> tuple[ReportType, ...]:
    text = files("comagic_cli.query").joinpath(name).read_bytes()
    return msgspec.json.decode(text, type=tuple[ReportType, ...])


class OlderReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The older report that has the rows of a flat one.

    `fields` are those that mean the same under another name: by the name in the flat report. All
    others have their own name, or no equal. `values` are its values for those of the flat report.
    """

    command: str
    fields: dict[str, str]
    values: dict[str, dict[str, str | bool]]


@cache
def older_reports() -> dict[str, OlderReport]:
    """Read which older report has what a flat one has, by the command of the flat one."""
    text = files("comagic_cli.query").joinpath("older.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, OlderReport])


def name_equal(report: ReportType, name: str, option: str = "") -> str:
    """Say under which name a report has a field of the other family; "" if it has none.

    `option` is where the name was typed.
    """
    for flat, pair in older_reports().items():
        if report.command == pair.command and (equal := pair.fields.get(name)):
            values = [f"{old} for {new}" for new, old in _typed(pair.values.get(name, {}))]
        elif report.command == flat:
            equal = next((new for new, old in pair.fields.items() if old == name), "")
            values = [f"{new} for {old}" for new, old in _typed(pair.values.get(equal, {}))]
        else:
            continue
        if equal:
            told = f" ({', '.join(values)})" if values else ""
            is_sortable = option != "--sort" or report.field(equal).sort
            but = "" if is_sortable else ", but rows can't be sorted by it"
            return f"Here it is {equal}{told}{but}."
    return ""


def _typed(values: Mapping[str, str | bool]) -> Iterator[tuple[str, str]]:
    """Yield the values of both reports as they are typed in a filter."""
    for new, old in values.items():
        yield new, str(old).lower() if isinstance(old, bool) else old


def report(command: str) -> ReportType:
    """Return a report by the name of its command. Raises `KeyError`."""
    for entry in reports():
        if entry.command == command:
            return entry
    raise KeyError(command)


def list_named(command: str) -> ReportType:
    """Return a list by the name of its command. Raises `KeyError`."""
    for entry in lists():
        if entry.command == command:
            return entry
    raise KeyError(command)


def find_field(report: ReportType, name: str, option: str) -> Field:
    """Return a column by its name, or by another name of it, which it keeps.

    Raises `UnknownField` with the nearest names; `option` is where the name was typed.
    """
    if field := report.find(name) or report.find(_name_of_title(report, name, option)):
        return field
    raise _unknown(report, name, option, report.known)


def find_filter_field(report: ReportType, name: str, option: str) -> Field:
    """Return what rows can be filtered by. Raises `UnknownField`, as `find_field`."""
    for each in (name, _name_of_title(report, name, option)):
        for field in report.filter_fields():
            if field.name == each:
                return field
        if other := report.find(each):
            return other
    error = _unknown(report, name, option, report.filter_fields())
    error.in_filter = True
    raise error


def _name_of_title(report: ReportType, title: str, option: str) -> str:
    """Return the name of the field with a title; "" if there is none.

    Raises `UnknownField` if several fields have the title.
    """
    names = _fields_titled(report, title)
    if len(names) > 1:
        raise UnknownField(
            f"{option}: {len(names)} fields of {report.command} have the title {title!r}",
            hint=f"Write the name of one: {', '.join(names)}.",
            field=title,
        )
    return names[0] if names else ""


def _fields_titled(report: ReportType, title: str) -> list[str]:
    return [name for known, name in report.titles if _fold(known) == _fold(title)]


def split_list(report: ReportType, text: str) -> list[str]:
    """Split a list at its commas, but not those inside a title of the account, or in quotes."""
    parts, words = text.split(","), list[str]()
    while parts:
        joined = [",".join(parts[:count]) for count in range(len(parts), 0, -1)]
        titles = (each for each in joined if _fields_titled(report, _bare(each)))
        quoted = (each for each in joined if QUOTED.fullmatch(each))
        word = next(titles, None) or next(quoted, parts[0])
        words.append(QUOTED.sub(r"\1\3\4", word).strip())
        parts = parts[word.count(",") + 1 :]
    return words


def _bare(word: str) -> str:
    """Return a name without the minus before it and the order after it."""
    return ORDER.sub("", word.strip().removeprefix("-"))


def _fold(title: str) -> str:
    return " ".join(title.split()).casefold()


def _unknown(report: ReportType, name: str, option: str, known: Iterable[Field]) -> UnknownField:
    others = having(name)[:MAX_OTHERS]
    names = {field.name: field.name for field in known}
    names |= {title: f"{own} ({title})" for title, own in report.titles}
    return UnknownField(
        f"{option}: {report.command} has no field {name!r}",
        hint=(ADDED if name in FIRST_TITLES else "")
        or name_equal(report, name, option)
        or did_you_mean(name, names, ALIKE if others else 0.5)
        or (f"These reports have it: {', '.join(others)}." if others else "")
        or f"See comagic fields {report.command}.",
        field=name,
    )


MAX_OTHERS = 3  # reports that a hint names
ALIKE = 0.8  # how similar a field must be to go before the same one of other reports
ADDED = (
    "customer_id, user_id and customer_name are added by themselves where several customers are "
    "exported; to choose customers, write --user-id."
)
QUOTED = re.compile(r"""\s*(-?)(["'])((?:(?!\2).)+)\2([^"',]*)""")  # a title, and its order
ORDER = re.compile(r"\s*[:\s]\s*(asc|desc)$", re.IGNORECASE)  # of a field to sort by


def having(name: str) -> list[str]:
    """Name the reports that have a field."""
    return [each.command for each in reports() if each.find(name)]


# Descriptions

ANY = "any report"


@cache
def descriptions() -> dict[str, dict[str, str]]:
    """Read what the fields are, by report and name; `ANY` has those that mean the same in all."""
    path = os.path.join(os.path.dirname(__file__), "descriptions.json")  # noqa: PTH118, PTH120 - completion is quicker without pathlib
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - the same
        read: dict[str, dict[str, str]] = json.load(file)
    return read


def about(command: str, name: str) -> str:
    """Describe a report's field in a few words; "" for one of a list, or an unknown one."""
    known = descriptions()
    if command not in {each.command for each in reports()}:
        return ""
    return known.get(command, {}).get(name) or known[ANY].get(name, "")


# What the account adds

CUSTOM = "custom"  # the group of the columns that an account adds
GUESSED = "guessed"  # the group of columns that the account may have
NAME_OF_CUSTOM = re.compile(r"c[cd]_\d+", re.ASCII)


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column of a report, or one dimension of its filters, as the account describes it.

    `id` is the field's name. `data_type` is a column's data type or a filter's format.
    """

    id: str
    name: str = ""
    description: str = ""
    data_type: str = ""
    is_custom: bool = False
    is_dimension: bool = False


_PAIR = Field("", "object", members=(Member("value", "string"), Member("value_id", "")))
_TAGS = (Member("items", "array", (Member("name", "string"),)),)
_DEAL = (
    Member("ext_id", "string"),
    Member("date_time", "iso8601"),
    Member("current_stage", "string"),
)
_DATETIME = Field("", "iso8601", format="YYYY-MM-DD hh:mm:ss")
_DURATION = Field("", "duration")
_FRACTION = Field("", "number", format="fraction")
_TEXT = Field("", "string")
_TYPES = {
    "string": _TEXT,
    "integer": Field("", "number"),
    "float": _FRACTION,
    "datetime": _DATETIME,
    "date": Field("", "iso8601", format="YYYY-MM-DD"),
    "time": _DURATION,
    "list": _PAIR,
    "tag_json_object": Field("", "object", members=_TAGS),
    "employee_list": Field("", "array", members=(Member("employee_full_name", "string"),)),
    "segment_list": Field("", "array", members=(Member("segment_name", "string"),)),
    "deal_list": Field("", "array", members=_DEAL),
    # formats of filters
    "text": _TEXT,
    "numeric": _FRACTION,
    "timestamptz": _DATETIME,
    "duration": _DURATION,
    "system_list": _PAIR,
}
"""The types of the account's data types. The others, such as `json_object`, can be anything."""


def is_name(text: str) -> bool:
    """Check that a text can be a field's name or title, in any alphabet."""
    return bool(text.strip()) and text.isprintable()


def as_field(column: Column) -> Field:
    """Make a field of a column or a dimension of the account."""
    field = _TYPES.get(column.data_type, Field(""))
    group = CUSTOM if column.is_custom else ""
    return msgspec.structs.replace(field, name=column.id, group=group, sort=not column.is_dimension)


def with_more(report: ReportType, columns: Iterable[Column]) -> ReportType:
    """Return the report with the columns and dimensions that its catalogue lacks.

    A number that the account calls a duration is one.
    """
    by_name = {column.id: column for column in columns}
    fields = tuple(_as_called(field, by_name.get(field.name)) for field in report.fields)
    known = (*report.fields, *report.undocumented)
    listed = {name for field in known for name in (field.name, *field.aliases)}
    own = [column for column in by_name.values() if column.id not in listed]
    return msgspec.structs.replace(
        report,
        fields=fields,
        more=tuple(as_field(column) for column in own if not column.is_dimension),
        dimensions=tuple(as_field(column) for column in own if column.is_dimension),
        titles=tuple((column.name, column.id) for column in by_name.values() if column.name),
    )


def _as_called(field: Field, column: Column | None) -> Field:
    if field.type == "number" and column and as_field(column).type == "duration":
        return msgspec.structs.replace(field, type="duration")
    return field


def with_guess(report: ReportType, name: str) -> ReportType:
    """Return the report with a column that the account may have, of no known type."""
    guess = Field(name, group=GUESSED)
    return msgspec.structs.replace(report, more=(*(report.more or ()), guess))


def custom_fields(report: ReportType) -> tuple[str, ...] | None:
    """Name the columns that the account has added; `None` where it was not asked for them."""
    if report.more is None or any(field.group == GUESSED for field in report.more):
        return None
    return tuple(field.name for field in report.more if field.group == CUSTOM)


MOST_ROWS = 10_000
"""The most rows that one page can have; 1000 come where no limit is sent."""


@cache
def _paged_methods() -> frozenset[str]:
    """Return the methods that page; `getobj.` ones need a limit of the caller's choice."""
    rows = (entry for entry in (*reports(), *lists()) if entry.family != "object")
    return frozenset(entry.method for entry in rows if entry.paged)


def page_size_of(method: str) -> int | None:
    """Return the limit to send with each call of a method; `None` if it does not page."""
    return MOST_ROWS if method in _paged_methods() else None
