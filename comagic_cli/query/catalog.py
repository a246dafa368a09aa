"""The catalogue: every report of the Data API and every field of it, from `reports.json`."""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from comagic_cli.errors import UnknownField


class Member(msgspec.Struct, frozen=True):
    """One member of an object, or of an array's items."""

    name: str
    type: str
    members: tuple[Member, ...] = ()


class Field(msgspec.Struct, frozen=True):
    """One column of a report.

    `type` is one of string, number, boolean, iso8601, duration, object, array, or "" for a field
    the catalogue lacks. `members` are those of the object, or of an array's items.
    """

    name: str
    type: str = ""
    filter: bool = True
    sort: bool = True
    default: bool = False
    group: str = ""
    format: str = ""
    members: tuple[Member, ...] = ()


class ReportType(msgspec.Struct, frozen=True):
    """One report that can be exported, and what an exporter must know of it.

    `key` tells rows apart, as paths (`communication_type.value_id`); `time` dates a row: one field,
    or a date and a time field, or none where rows are sums over the period. `more` are the columns
    that the account has beyond the catalogue; `None` where it was not asked.
    """

    command: str
    method: str
    title: str
    type: str | None
    max_days: int
    key: tuple[str, ...]
    key_is_unique: bool
    time: tuple[str, ...]
    fields: tuple[Field, ...]
    params: dict[str, Any] = {}
    more: tuple[Field, ...] | None = None

    @property
    def kind(self) -> str:
        """Name the report's type; where the catalogue has none, its method tells."""
        return self.type or self.method.removeprefix("get.")

    def default_fields(self) -> tuple[str, ...]:
        """Name the fields asked for when the user names none."""
        return tuple(field.name for field in self.fields if field.default)

    def field(self, name: str) -> Field:
        """Find a field by name; one that is not known is made up, of no type."""
        return next((field for field in self.known if field.name == name), Field(name))

    @property
    def known(self) -> tuple[Field, ...]:
        """Every field that is known: the catalogue's, then the account's own."""
        return (*self.fields, *(self.more or ()))


@cache
def reports() -> tuple[ReportType, ...]:
    """Read the catalogue, in the order of its file."""
    text = files("comagic_cli.query").joinpath("reports.json").read_bytes()
    return msgspec.json.decode(text, type=tuple[ReportType, ...])


def report(command: str) -> ReportType:
    """Find a report by its command's name; `KeyError` where there is none."""
    for entry in reports():
        if entry.command == command:
            return entry
    raise KeyError(command)


ANY = "any report"


@cache
def descriptions() -> dict[str, dict[str, str]]:
    """Read what the fields are, by report and name; `ANY` has those that mean the same in all."""
    path = os.path.join(os.path.dirname(__file__), "descriptions.json")  # noqa: PTH118, PTH120 - completion is quicker without pathlib
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - the same
        read: dict[str, dict[str, str]] = json.load(file)
    return read


def about(command: str, name: str) -> str:
    """Say in a few words what a report's field is; "" for one that the catalogue lacks."""
    known = descriptions()
    return known.get(command, {}).get(name) or known[ANY].get(name, "")


CUSTOM = "custom"  # the group of the columns that an account adds
GUESSED = "guessed"  # the group of those that are not known to be there
NAME_OF_CUSTOM = re.compile(r"cc_\d+", re.ASCII)


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column of a report, as the account describes it; `id` is the field's name."""

    id: str
    name: str = ""
    description: str = ""
    data_type: str = ""
    is_custom: bool = False


_PAIR = (Member("value", "string"), Member("value_id", ""))
_TAGS = (Member("items", "array", (Member("name", "string"),)),)
_TYPES = {
    "string": Field("", "string"),
    "integer": Field("", "number"),
    "float": Field("", "number", format="fraction"),
    "datetime": Field("", "iso8601", format="YYYY-MM-DD hh:mm:ss"),
    "time": Field("", "duration"),
    "list": Field("", "object", members=_PAIR),
    "tag_json_object": Field("", "object", members=_TAGS),
    "employee_list": Field("", "array", members=(Member("employee_full_name", "string"),)),
}
"""What the data types are to us; those not here, `json_object` among them, tell no shape."""


def is_name(text: str) -> bool:
    """Tell whether a text may be a field's name at all, in whatever alphabet."""
    return bool(text) and text.isprintable() and not any(map(str.isspace, text))


def as_field(column: Column) -> Field:
    """Make a field of an account's column, of the type that its data type stands for."""
    kind = _TYPES.get(column.data_type, Field(""))
    group = CUSTOM if column.is_custom else ""
    return msgspec.structs.replace(kind, name=column.id, group=group)


def with_more(report: ReportType, columns: Iterable[Column]) -> ReportType:
    """Return the report with the columns that its catalogue lacks."""
    names = {field.name for field in report.fields}
    more = {column.id: as_field(column) for column in columns if column.id not in names}
    return msgspec.structs.replace(report, more=tuple(more.values()))


def with_guess(report: ReportType, name: str) -> ReportType:
    """Return the report with a column that the account may have, of no known type."""
    guess = Field(name, group=GUESSED)
    return msgspec.structs.replace(report, more=(*(report.more or ()), guess))


def custom_fields(report: ReportType) -> tuple[str, ...] | None:
    """Name the columns that the account has added; `None` where it was not asked for them."""
    if report.more is None or any(field.group == GUESSED for field in report.more):
        return None
    return tuple(field.name for field in report.more if field.group == CUSTOM)


def find_field(report: ReportType, name: str, option: str) -> Field:
    """Find a field of the catalogue or of the account.

    Raises `UnknownField`, with the nearest names of both; `option` is where it was typed.
    """
    for field in report.known:
        if field.name == name:
            return field
    from comagic_cli.query.suggest import meant  # noqa: PLC0415 - only for this hint

    hint = meant(name, [field.name for field in report.known], 0.5)
    raise UnknownField(
        f"{option}: {report.command} has no field {name!r}",
        hint=hint or f"See comagic fields {report.command}.",
        field=name,
    )
