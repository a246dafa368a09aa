"""Rows of nested values become rows of cells, by what the catalogue says of each field.

The columns follow from the fields alone, never from the data. Values that do not match the
catalogue (an object instead of a text, an undocumented member) are written whole, as compact JSON
in the field's (first) column, so that nothing is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from comagic_cli.formats.base import FormatOptions
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import Digits, compact

Cell: TypeAlias = "str | int | None"
Take: TypeAlias = Callable[[Any], Cell]
Plan: TypeAlias = "list[tuple[str, Take]]"

ENUM = frozenset({"value", "value_id"})
WRAPPERS = {
    frozenset({"value", "extra"}): "value",  # a phone, with the status of its call
    frozenset({"comment", "communication_id", "communication_type"}): "comment",
}
"""Objects that the service puts around a plain value: their members, and which one is the value."""
TAG_NAME = "tag_name"  # the member of a tag of the older reports
READY = frozenset({str, int, Digits, type(None)})  # types that are cells as they are


class Flattener:
    """Turn plain rows of the fields into cells.

    `names` are the columns that come out, by their ids, or by their titles; `plans` say for
    each field which of them are its own.
    """

    def __init__(self, fields: Sequence[Field], format_options: FormatOptions) -> None:
        self.plans = [plan(field, format_options) for field in fields]
        ids = [name for columns in self.plans for name, _ in columns]
        self.names = tuple(
            titled(ids, dict(format_options.titles)) if format_options.header == "title" else ids
        )

    def columns(self, rows: Iterable[tuple[Any, ...]]) -> list[Sequence[Cell]]:
        """Return the cells column by column; no columns for no rows."""
        return [
            cells
            for columns, values in zip(self.plans, zip(*rows, strict=True), strict=False)
            for cells in cells_of(columns, values)
        ]


def titled(names: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    """Name columns by their titles, members by `title.member`; a title of several has the id."""
    found = []
    for name in names:
        column, dot, member = name.partition(".")
        found.append((titles.get(column) or column) + dot + member)
    often = {title for title, times in Counter(found).items() if times > 1}
    return [
        f"{title} ({name})" if title in often else title
        for name, title in zip(names, found, strict=True)
    ]


def plan(field: Field, format_options: FormatOptions) -> Plan:
    """Name the columns of a field, each with the function that takes its cell from a value."""
    if any(member.name == TAG_NAME for member in field.members):
        return [(field.name, _tags(format_options.list_separator, TAG_NAME))]
    if field.type == "array":
        return [(field.name, _array(field, format_options.list_separator))]
    if field.type == "":
        return [(field.name, _unknown(format_options))]
    members = tuple(member.name for member in field.members)
    if field.type != "object" or is_wrapped(field):
        has_extra = format_options.coded_values == "both" and "extra" in members
        extra = [(f"{field.name}.extra", _other_member("extra"))] if has_extra else []
        return [(field.name, cell), *extra]
    if field.name == "tags" or "items" in members:
        return [(field.name, _tags(format_options.list_separator))]
    if ENUM.issuperset(members):
        return _enum(field.name, format_options.coded_values)
    return _members(members, [f"{field.name}.{member}" for member in members])


def is_wrapped(field: Field) -> bool:
    """Return whether the catalogue says that a field is an object around a plain value."""
    return frozenset(member.name for member in field.members) in WRAPPERS


def unwrap(value: Any) -> Any:
    """Return the value inside one of `WRAPPERS`, any other value as it is."""
    if type(value) is not dict:
        return value
    member = WRAPPERS.get(frozenset(value))
    return value if member is None else value[member]


def cell(value: Any) -> Cell:
    """Return a plain value as it is, an empty one as None, any other as compact JSON."""
    if type(value) not in READY:
        value = unwrap(value)
    if type(value) in READY:
        return value  # type: ignore[no-any-return]  # it is a cell as it is
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if _empty(value) else compact(value)


def cells_of(columns: Plan, values: Sequence[Any]) -> list[Sequence[Cell]]:
    """Return the cells of a field's columns."""
    if len(columns) == 1 and READY.issuperset(map(type, values)):
        return [values]
    return [list(map(take, values)) for _, take in columns]


def _empty(value: dict[str, Any] | list[Any]) -> bool:
    """Tell whether it is one of the service's ways to say nothing: `[]`, `{}`, `{value: null}`."""
    if isinstance(value, list):
        return not value
    return value.keys() <= ENUM and all(member is None for member in value.values())


def _enum(name: str, kind: str) -> Plan:
    if kind == "both":
        return _members(("value", "value_id"), [name, f"{name}.id"])
    return [(name, _member("value_id" if kind == "id" else "value", ENUM))]


def _members(members: Sequence[str], names: Sequence[str]) -> Plan:
    known = frozenset(members)
    takes = [_member(members[0], known), *map(_other_member, members[1:])]
    return list(zip(names, takes, strict=True))


def _member(name: str, known: frozenset[str]) -> Take:
    """Take a member; what is no object of the known members is taken whole."""

    def take(value: Any) -> Cell:
        if type(value) is dict and known.issuperset(value):  # the most common case first, for speed
            value = value.get(name)
        return value if type(value) in READY else cell(value)

    return take


def _other_member(name: str) -> Take:
    return lambda value: cell(value.get(name)) if isinstance(value, dict) else None


def _tags(separator: str, name: str = "name") -> Take:
    def take(value: Any) -> Cell:
        items = value.get("items", value) if isinstance(value, dict) else value
        if items is None or _named(items, name):
            return separator.join(_text(item[name]) for item in items or ())
        return cell(value)

    return take


def _named(items: Any, name: str) -> bool:
    return isinstance(items, list) and all(
        isinstance(item, dict) and not isinstance(item.get(name, []), (dict, list))
        for item in items
    )


def _array(field: Field, separator: str) -> Take:
    """Join an array of plain values or of one-member objects; take any other whole."""
    if len(field.members) > 1:
        return cell
    documented = frozenset(member.name for member in field.members)

    def take(value: Any) -> Cell:
        return _join(value, documented, separator) if isinstance(value, list) else cell(value)

    return take


def _join(items: list[Any], documented: frozenset[str], separator: str) -> Cell:
    items = list(map(unwrap, items))
    names = documented.union(*(item for item in items if isinstance(item, dict)))
    if len(names) > 1:
        return compact(items)
    plain = [next(iter(item.values()), None) if isinstance(item, dict) else item for item in items]
    if any(isinstance(item, (dict, list)) for item in plain):
        return compact(items)
    return separator.join(map(_text, plain))


def _unknown(format_options: FormatOptions) -> Take:
    """Take the value of a field that the catalogue lacks, by its shape."""
    member = _member("value_id" if format_options.coded_values == "id" else "value", ENUM)
    array = _array(Field(""), format_options.list_separator)
    return lambda value: array(value) if isinstance(value, list) else member(value)


def _text(value: Any) -> str:
    plain = cell(value)
    return "" if plain is None else str(plain)
