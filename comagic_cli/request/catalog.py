"""The catalogue: every report of the Data API and every field of it, from `reports.json`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec


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
    text = files("comagic_cli.request").joinpath("reports.json").read_bytes()
    return msgspec.json.decode(text, type=tuple[ReportType, ...])


def report(command: str) -> ReportType:
    """Find a report by its command's name; `KeyError` where there is none."""
    for entry in reports():
        if entry.command == command:
            return entry
    raise KeyError(command)
