"""The older report that has what a flat one has, for accounts without the component of those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from shlex import join
from typing import Any

from comagic_cli.query.catalog import OlderReport, ReportType, older_reports, report
from comagic_cli.query.filter.tree import Tree, is_group, to_expression

COMPONENT = "Data API для настройки"
NO_COMPONENT = "method_component_disabled"  # the refusal of an account without it
DROPPED = frozenset({"--report-id", "--filter-json", "--where"})
DROPPED_FLAGS = frozenset({"--as-saved", "--realtime", "--record-urls"})
OWN_VALUES = frozenset({"-o", "--output", "--table"})  # which may be the name of the report
LISTS = frozenset({"--fields", "--columns", "--sort"})


@dataclass(frozen=True)
class OlderCommand:
    """A command line that exports the same from an older report; `missing` has no equal there."""

    line: str
    missing: tuple[str, ...]

    def __str__(self) -> str:
        lacks = f" (it has no {', '.join(self.missing)})" if self.missing else ""
        return f"{self.line}{lacks}"


def older_command(flat: ReportType, words: Sequence[str], tree: Tree | None) -> OlderCommand | None:
    """Write the command line of an older report for that of a flat one, which has the filter."""
    pair = older_reports().get(flat.command)
    if pair is None:
        return None
    missing = list[str]()
    names = _Names(flat, report(pair.command), pair, missing)
    found = list(_translate(words, names))
    if tree is not None:
        equal = _equal(tree, names)
        found += ["--where", to_expression(equal)] if equal else []
    return OlderCommand(join(["comagic", *found]), tuple(dict.fromkeys(missing)))


@dataclass(frozen=True)
class _Names:
    """The names of fields in the older report; those without one are added to `missing`."""

    flat: ReportType
    older: ReportType
    pair: OlderReport
    missing: list[str]

    def find(self, name: str, use: str = "") -> str:
        """Return the name of a field or a group in the older report; "" if it has none.

        `use` is `sort` or `filter`, where the field must allow that.
        """
        equal = self.pair.fields.get(name, name)
        groups = {f"@{field.group}" for field in self.older.fields} | {"@default", "@all"}
        field = self.older.find(equal)
        if field is not None and not (getattr(field, use) if use else True):
            self.missing.append(f"{use} by {name}")
        elif field is not None or (equal in groups and not use):
            return equal
        else:
            self.missing.append(name)
        return ""


def _translate(words: Sequence[str], names: _Names) -> Iterator[str]:
    """Yield the words of the command line for the older report."""
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if word == names.flat.command:
            yield names.older.command
        elif word in OWN_VALUES:
            yield from (word, next(rest, ""))
        elif word == "--header=title" or option in DROPPED:
            value = value or next(rest, "")
        elif word == "--header":
            value = next(rest, "")
            yield from () if value == "title" else (word, value)
            value = value or next(rest, "")
        elif option in LISTS:
            parts = (value if equals else next(rest, "")).split(",")
            if equal := ",".join(filter(None, (_part(part, names, option) for part in parts))):
                yield f"{option}={equal}"
        elif word not in DROPPED_FLAGS:
            yield word


def _part(part: str, names: _Names, option: str) -> str:
    """Translate one part of a list: a field, `-field`, `@group` or `field:desc`."""
    part = part.strip()
    minus = "-" * part.startswith("-")
    name, colon, order = part.removeprefix("-").partition(":")
    equal = names.find(name, "sort" if option == "--sort" else "")
    return f"{minus}{equal}{colon}{order}" if equal else ""


def _equal(tree: Tree, names: _Names) -> Tree | None:
    """Return an equal filter of the older report; `None`, if it has none."""
    if is_group(tree):
        parts = [_equal(part, names) for part in tree["filters"]]
        known = [part for part in parts if part is not None]
        return {**tree, "filters": known} if len(known) == len(parts) else None
    name = names.find(tree["field"], "filter")
    values = names.pair.values.get(tree["field"]) or _own_values(names.older, name)
    if not name or (values and not _is_coded(tree.get("value"), values)):
        names.missing.extend([f"equal of {to_expression(tree)}"] if name else [])
        return None
    if not values or tree.get("value") is None:
        return {**tree, "field": name}
    value = tree["value"]
    coded = [values[each] for each in value] if isinstance(value, list) else values[value]
    return {**tree, "field": name, "value": coded}


def _own_values(older: ReportType, name: str) -> Mapping[str, Any]:
    """Return the documented values of a field of texts: others would match nothing."""
    field = older.field(name)
    return {value: value for value in field.values} if field.type == "string" else {}


def _is_coded(value: Any, values: Mapping[str, Any]) -> bool:
    each = value if isinstance(value, list) else [value]
    return all(one is None or one in values for one in chain(each))
