"""The columns, the order and the filters of a request, checked by the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.query.catalog import (
    CUSTOM,
    ORDER,
    ReportType,
    custom_fields,
    find_field,
    split_list,
)
from comagic_cli.query.filter.compiler import NO_FILTER, Filter
from comagic_cli.query.filter.json import NOTHING_SAVED, SavedReport
from comagic_cli.query.ids import Id
from comagic_cli.query.period import Now
from comagic_cli.query.query import Sort


@dataclass(frozen=True)
class ExportRequest:
    """What is asked of a report, before the account is asked for its id and its time.

    `extra` are the report's own parameters; `ids` are those of its ids with their customers.
    `needed` are fields that are asked for, but not written.
    """

    report: ReportType
    columns: tuple[str, ...]
    sort: tuple[Sort, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    filter: Filter = NO_FILTER
    needed: tuple[str, ...] = ()
    ids: tuple[Id, ...] = ()

    @property
    def report_type(self) -> str | None:
        """Return the type to send; `None` if the method does not take it."""
        return self.report.type if "report_type" in self.report.params else None

    @property
    def own_types(self) -> list[str]:
        """List the account's own columns and dimensions in use, with their types: `cc_17 list`.

        Those of filters count too: a value is sent as the type of its column.
        """
        own = (*(self.report.more or ()), *self.report.dimensions)
        types = {each.name: each.type for each in own}
        names = dict.fromkeys((*self.columns, *self.filter.fields(self.report)))
        return [f"{name} {types[name]}".strip() for name in names if name in types]

    @property
    def asked(self) -> tuple[str, ...]:
        """Name the fields that rows are sorted by or chosen by."""
        sorted_by = (sort.field for sort in self.sort)
        return tuple(dict.fromkeys((*sorted_by, *self.filter.fields(self.report))))

    def tree(self, now: Now) -> Mapping[str, Any] | None:
        """Return the filter to send, or `None`; `now` is called if there are relative dates."""
        return self.filter.tree(self.report, now)


def build_request(
    report: ReportType,
    fields: Iterable[str],
    sort: Iterable[str],
    filter_: Filter = NO_FILTER,
    saved: SavedReport = NOTHING_SAVED,
) -> ExportRequest:
    """Build a request from what was typed and what is saved. Raises `UsageProblem`.

    Saved columns and sorting are used if none were typed; filters are joined by `and`.
    """
    fields, sort = tuple(fields), tuple(sort)
    filter_ = Filter(filter_.where, (*filter_.given, *saved.filters))
    filter_.check(report)
    columns = choose_columns(report, fields)
    if saved.columns and not fields:
        columns = tuple(_saved(report, name, "columns") for name in saved.columns)
    sorts = choose_sort(report, sort)
    if not sort:
        sorts = tuple(Sort(_saved(report, one.field, "sort"), one.descending) for one in saved.sort)
    return ExportRequest(report, columns, sorts, filter=filter_)


def _saved(report: ReportType, name: str, part: str) -> str:
    return find_field(report, name, f"--as-saved: the saved {part}").name


def choose_columns(report: ReportType, typed: Iterable[str]) -> tuple[str, ...]:
    """Turn `a,b,@group,-c` into field names, each once, in the order typed; default: `@default`.

    A minus excludes a field or group wherever it is typed. Raises `UsageProblem` for an unknown
    field or group, for a list without any, and if no column remains.
    """
    texts = list(typed)
    words = [word for text in texts for word in split_list(report, text) if word]
    if texts and not words:
        raise UsageProblem(
            "--fields: the list is empty", hint="Name fields or groups, for example @default."
        )
    included = [word for word in words if not word.startswith("-")] or ["@default"]
    excluded = {
        name
        for word in words
        if word.startswith("-")
        for typed_name in _names(report, word[1:].lstrip())
        for name in (typed_name, *report.field(typed_name).aliases)
    }
    columns = list[str]()
    for name in (name for word in included for name in _names(report, word)):
        if name not in excluded:
            columns.append(name)
            excluded |= {name, *report.field(name).aliases}
    if not columns and not report.known:
        raise UsageProblem(
            f"the columns of {report.command} are not known",
            hint=f"See what the service answers: comagic api {report.method}",
        )
    if not columns:
        raise UsageProblem(
            f"--fields: {','.join(words)} leaves no column of {report.command}",
            hint="Name at least one field or group.",
        )
    return tuple(columns)


def _names(report: ReportType, word: str) -> tuple[str, ...]:
    if word in ("@all", "all", "*"):
        return report.all_fields()
    if not word.startswith("@"):
        return (find_field(report, word, "--fields").name,)
    if word == "@default":
        return report.default_fields()
    if word == f"@{CUSTOM}":
        return _custom(report)
    groups = dict.fromkeys(f"@{field.group}" for field in report.fields if field.group)
    if word not in groups:
        known = ["@default", "@all", *groups, f"@{CUSTOM}"]
        raise UsageProblem(
            f"--fields: there is no group {word}",
            hint=f"Groups of {report.command}: {', '.join(known)}.",
        )
    return tuple(field.name for field in report.fields if f"@{field.group}" == word)


def _custom(report: ReportType) -> tuple[str, ...]:
    if (names := custom_fields(report)) is not None:
        return names
    raise UnknownField(
        f"--fields: it is not known which columns are @{CUSTOM}",
        hint="Name them: cc_17.",
        field=f"@{CUSTOM}",
    )


def choose_sort(report: ReportType, typed: Iterable[str]) -> tuple[Sort, ...]:
    """Turn `field`, `field:desc` and `-field` into what to sort by.

    Raises `UsageProblem` for an unknown field, one that can't be sorted by, or another order.
    """
    return tuple(_sort(report, word) for text in typed for word in split_list(report, text))


def _sort(report: ReportType, word: str) -> Sort:
    order = ORDER.search(word)
    name = ORDER.sub("", word.removeprefix("-"))
    if not name or ":" in name or (order and word.startswith("-")):
        raise UsageProblem(
            f"--sort: {word!r} is not a sort order", hint="Write FIELD, FIELD:asc or FIELD:desc."
        )
    field = find_field(report, name, "--sort")
    if not field.sort:
        able = ", ".join(field.name for field in report.fields if field.sort)
        raise UsageProblem(
            f"--sort: {report.command} can't be sorted by {name}", hint=f"Fields: {able}."
        )
    is_descending = order is not None and order[1].lower() == "desc"
    return Sort(field.name, word.startswith("-") or is_descending)
