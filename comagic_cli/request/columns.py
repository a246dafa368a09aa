"""The columns of an account, some of which the catalogue can't know."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from comagic_cli.errors import UnknownField
from comagic_cli.request.catalog import Field, Member, ReportType

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
    from comagic_cli.request.near import meant  # noqa: PLC0415 - only for this hint

    hint = meant(name, [field.name for field in report.known], 0.5)
    raise UnknownField(
        f"{option}: {report.command} has no field {name!r}",
        hint=hint or f"See comagic fields {report.command}.",
        field=name,
    )
