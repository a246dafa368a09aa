"""The older report that has what a flat one has, for accounts without the component of those."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from shlex import join
from typing import Any

from comagic_cli.errors import NotAllowed
from comagic_cli.query.catalog import Field, OlderReport, ReportType, older_reports, report
from comagic_cli.query.filter.tree import Tree, is_group, joined, to_expression
from comagic_cli.query.filter.values import operators_of

COMPONENT = "Data API для настройки"
NO_COMPONENT = "method_component_disabled"  # the refusal of an account without it
GENERAL = "Ask the service to switch it on. Older reports, as calls-report, do not need it."
OF_ONE = {"overlap": "in", "not_overlap": "not_in"}
DROPPED = frozenset({"--report-id", "--filter-json", "--where"})
DROPPED_FLAGS = {"--realtime": "", "--live": "", "--as-saved": "saved columns, filters and sort"}
"""Flags that the older report does not take, each with what it then lacks."""
OWN_VALUES = frozenset({"-o", "--output", "--table", "--profile", "--record-files"})
"""Options whose value may be the report's name."""
LISTS = frozenset({"--fields", "--columns", "--sort"})
OF_CHARTS = frozenset({"--by", "--split", "--sum", "--avg"})  # each takes one field
RECORDS = frozenset({"--record-urls", "--record-host"})
VALUED = DROPPED | OWN_VALUES | LISTS | OF_CHARTS | {"--header", "--record-host"}
RECORD = "call_records"  # the field that a report with recordings has


@dataclass(frozen=True)
class OlderCommand:
    """A command line that exports the same from an older report.

    `missing` has no equal there. `left_out` are the parts of the filter without an equal: they are
    joined to the rest by `and`, so that the line without them brings more rows.
    """

    line: str
    missing: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        lacks = [f"it has no {', '.join(self.missing)}"] if self.missing else []
        if self.left_out:
            parts = "; ".join(self.left_out)
            lacks.append(f"it can't be filtered by {parts}, so more rows come")
        return f"{self.line} ({'; '.join(lacks)})" if lacks else self.line


@contextmanager
def naming_older(
    flat: ReportType, words: Sequence[str], tree: Callable[[], Tree | None] = lambda: None
) -> Iterator[None]:
    """Let the refusal of a flat report say what to type for the same of the older one."""
    try:
        yield
    except NotAllowed as error:
        if error.mnemonic == NO_COMPONENT and flat.is_flat:
            hint = f"Ask the service to switch on the component “{COMPONENT}”; see comagic list."
            if older := older_command(flat, words, tree()):
                hint = f"The older report does not need it: {older}"
            error.hint = error.hint.replace(GENERAL, hint)
        raise


def older_command(flat: ReportType, words: Sequence[str], tree: Tree | None) -> OlderCommand | None:
    """Write the command line of an older report for that of a flat one, which has the filter."""
    pair = older_reports().get(flat.command)
    if pair is None:
        return None
    missing, left_out = list[str](), list[str]()
    names = _Names(flat, report(pair.command), pair, missing)
    found = list(_translate(words, names))
    if tree is not None:
        equal = _equal(tree, names.older, pair, left_out)
        found += ["--where", to_expression(equal)] if equal else []
    known = (tuple(dict.fromkeys(each)) for each in (missing, left_out))
    return OlderCommand(join(["comagic", *found]), *known)


def older_filter(flat: ReportType, tree: Tree) -> tuple[Tree | None, tuple[str, ...]]:
    """Return an equal filter of the older report, and the parts that have no equal there."""
    pair, left_out = older_reports()[flat.command], list[str]()
    equal = _equal(tree, report(pair.command), pair, left_out)
    return equal, tuple(dict.fromkeys(left_out))


@dataclass(frozen=True)
class _Names:
    """The names of fields in the older report; those without one are added to `missing`."""

    flat: ReportType
    older: ReportType
    pair: OlderReport
    missing: list[str]

    def find(self, name: str, *, to_sort: bool = False) -> str:
        """Return the name of a field or a group in the older report; "" if it has none.

        `to_sort` is for a field to sort by, which must allow that.
        """
        equal = self.pair.fields.get(name, name)
        groups = {f"@{field.group}" for field in self.older.fields} | {"@default", "@all"}
        field = self.older.find(equal)
        if field is not None and to_sort and not field.sort:
            self.missing.append(f"sort by {name}")
        elif field is not None or (equal in groups and not to_sort):
            return equal
        else:
            self.missing.append(name)
        return ""

    def find_group(self, name: str, option: str) -> str:
        """Return what a chart of the older report counts by, or adds up; "" if it has none."""
        if self.flat.find(name) is None:  # a time, as `hour`, or what tells customers apart
            return name
        if option == "--by" and name.endswith("_date") and self._is_time(name):
            return "day"  # a group per second would not be the same
        if option in {"--by", "--split"} and self._is_time(name):
            self.missing.append(name)
            return ""
        return self.find(name)

    def _is_time(self, name: str) -> bool:
        return self.pair.fields.get(name, name) in self.older.time


def _translate(words: Sequence[str], names: _Names) -> Iterator[str]:
    """Yield the words of the command line for the older report."""
    flat, typed = names.flat, iter(words)
    called = {flat.command, flat.kind, flat.method}  # a chart takes them all
    for word in typed:
        option, equals, value = word.partition("=")
        if option in VALUED:
            value = value if equals else next(typed, "")
            written = [word] if equals else [word, value]
            yield from _translate_option(option, value, written, names)
        elif word in called:
            yield names.older.command
            called = set()
        elif words[0] == "filters" and flat.find(word):
            yield from filter(None, [names.find(word)])
        elif word in DROPPED_FLAGS:
            names.missing.extend(filter(None, [DROPPED_FLAGS[word]]))
        else:
            yield from _translate_option(word, "", [word], names)


def _translate_option(option: str, value: str, written: list[str], names: _Names) -> Iterator[str]:
    """Yield the words of one option, which is `written` so for the flat report."""
    if option in LISTS | OF_CHARTS:
        if equal := _equal_names(value, names, option):
            yield f"{option}={equal}"
    elif option in RECORDS and names.older.find(RECORD) is None:
        names.missing.append("recordings")
    elif (option, value) == ("--header", "title"):
        names.missing.append("titles")
    elif option not in DROPPED:
        yield from written


def _equal_names(text: str, names: _Names, option: str) -> str:
    """Translate the value of an option: a list of fields, or the one field of a chart."""
    if option in OF_CHARTS:
        return names.find_group(text, option)
    return ",".join(filter(None, (_part(part, names, option) for part in text.split(","))))


def _part(part: str, names: _Names, option: str) -> str:
    """Translate one part of a list: a field, `-field`, `@group` or `field:desc`."""
    part = part.strip()
    minus = "-" * part.startswith("-")
    name, colon, order = part.removeprefix("-").partition(":")
    equal = names.find(name, to_sort=option == "--sort")
    return f"{minus}{equal}{colon}{order}" if equal else ""


def _equal(tree: Tree, older: ReportType, pair: OlderReport, left_out: list[str]) -> Tree | None:
    """Return an equal filter of the older report, or one of more rows; `None`, if it has none.

    What is joined by `and` can be left out, and is added to `left_out`. Of what is joined by `or`
    nothing can be: rows would be missing.
    """
    if not is_group(tree):
        if (condition := _equal_condition(tree, older, pair)) is None:
            left_out.append(to_expression(tree))
        return condition
    lost = list[str]()
    parts = [_equal(part, older, pair, lost) for part in tree["filters"]]
    known = [part for part in parts if part is not None]
    if not known or (tree["condition"] == "or" and len(known) < len(parts)):
        left_out.append(to_expression(tree))
        return None
    left_out += lost
    return joined(tree["condition"], known)


def _equal_condition(tree: Tree, older: ReportType, pair: OlderReport) -> Tree | None:
    """Return the condition of the older report; `None` if it can't be filtered so."""
    name: str = tree["field"]
    field = older.find(pair.fields.get(name, name))
    if field is None or not field.filter:
        return None
    operator, value = tree["operator"], tree.get("value")
    if field.type == "string":  # one text instead of several
        operator = OF_ONE.get(operator, operator)
    if operator not in operators_of(field):
        return None
    equal = {**tree, "field": field.name, "operator": operator}
    values = pair.values.get(tree["field"]) or _own_values(field)
    if not values or value is None:
        return equal
    if not _is_coded(value, values):
        return None
    coded = [values[each] for each in value] if isinstance(value, list) else values[value]
    return {**equal, "value": coded}


def _own_values(field: Field) -> Mapping[str, Any]:
    """Return the documented values of a field of texts: others would match nothing."""
    return {value: value for value in field.values} if field.type == "string" else {}


def _is_coded(value: Any, values: Mapping[str, Any]) -> bool:
    each = value if isinstance(value, list) else [value]
    return all(one in values for one in each)
