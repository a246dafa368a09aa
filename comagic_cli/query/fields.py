"""What is typed for columns and sorting, held against the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.query.catalog import CUSTOM, ReportType, custom_fields, find_field
from comagic_cli.query.filter.compiler import NO_FILTER, Filter
from comagic_cli.query.period import Now
from comagic_cli.query.query import Sort

if TYPE_CHECKING:
    from comagic_cli.query.filter.json import Given


class Saved(msgspec.Struct, frozen=True):
    """What is saved in the web account, not held against the report; a part may be empty."""

    columns: tuple[str, ...] = ()
    sort: tuple[Sort, ...] = ()
    filters: tuple[Given, ...] = ()


NOTHING_SAVED = Saved()


@dataclass(frozen=True)
class Wish:
    """What is wanted of a report, before the account is asked which one and when.

    `extra` are the report's own parameters. `needed` are fields asked for, yet not written.
    """

    report: ReportType
    columns: tuple[str, ...]
    sort: tuple[Sort, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    filter: Filter = NO_FILTER
    needed: tuple[str, ...] = ()

    @property
    def report_type(self) -> str | None:
        """Name the type to send: only where the method takes it."""
        return self.report.type if "report_type" in self.report.params else None

    @property
    def own_types(self) -> list[str]:
        """Tell the types of the columns that the account has beyond the catalogue: `cc_17 list`.

        Those that are filtered by are among them: a value is sent as its column's type.
        """
        own = (*(self.report.more or ()), *self.report.dimensions)
        more = {each.name: each.type for each in own}
        names = dict.fromkeys((*self.columns, *self.filter.fields(self.report)))
        return [f"{name} {more[name]}".strip() for name in names if name in more]

    def tree(self, now: Now) -> Mapping[str, Any] | None:
        """Return the filter to send, or none; `now` is asked where dates are relative."""
        return self.filter.tree(self.report, now)


def make_wish(
    report: ReportType,
    fields: Iterable[str],
    sort: Iterable[str],
    filter_: Filter = NO_FILTER,
    saved: Saved = NOTHING_SAVED,
) -> Wish:
    """Read what was typed for columns, sorting and filters. Raises `UsageProblem`.

    Columns and sorting that were not typed are the saved ones; filters are joined by `and`.
    """
    typed, order = tuple(fields), tuple(sort)
    filter_ = Filter(filter_.where, (*filter_.given, *saved.filters))
    filter_.check(report)
    columns = choose_columns(report, typed)
    if saved.columns and not typed:
        columns = tuple(_saved(report, name, "columns") for name in saved.columns)
    sorts = choose_sort(report, order)
    if not order:
        sorts = tuple(Sort(_saved(report, one.field, "sort"), one.descending) for one in saved.sort)
    return Wish(report, columns, sorts, filter=filter_)


def _saved(report: ReportType, name: str, part: str) -> str:
    return find_field(report, name, f"--as-saved: the saved {part}").name


def choose_columns(report: ReportType, typed: Iterable[str]) -> tuple[str, ...]:
    """Turn `a,b,@group,-c` into field names, each once, in the order typed.

    What a minus stands before is left out, wherever it stands; none named: the default ones.
    Raises `UsageProblem` for a field or group that there is not, and where nothing is left.
    """
    words = [word for text in typed for word in map(str.strip, text.split(",")) if word]
    added = [word for word in words if not word.startswith("-")] or ["@default"]
    unwanted = [word[1:].lstrip() for word in words if word.startswith("-")]
    left_out = {name for word in unwanted for name in _names(report, word)}
    names = dict.fromkeys(name for word in added for name in _names(report, word))
    columns = tuple(name for name in names if name not in left_out)
    if not columns:
        raise UsageProblem(
            f"--fields: {','.join(words)} leaves no column of {report.command}",
            hint="Name at least one field or group.",
        )
    return columns


def _names(report: ReportType, word: str) -> tuple[str, ...]:
    if not word.startswith("@"):
        return (find_field(report, word, "--fields").name,)
    if word == "@all":
        return tuple(field.name for field in report.fields)
    if word == "@default":
        return report.default_fields()
    if word == f"@{CUSTOM}":
        return _custom(report)
    group = tuple(field.name for field in report.fields if f"@{field.group}" == word)
    if not group or word == "@":
        groups = dict.fromkeys(f"@{field.group}" for field in report.fields if field.group)
        known = ["@default", "@all", *groups, f"@{CUSTOM}"]
        raise UsageProblem(
            f"--fields: there is no group {word}",
            hint=f"Groups of {report.command}: {', '.join(known)}.",
        )
    return group


def _custom(report: ReportType) -> tuple[str, ...]:
    if (names := custom_fields(report)) is not None:
        return names
    raise UnknownField(
        f"--fields: it is not known which columns are @{CUSTOM}",
        hint="Name them: cc_17.",
        field=f"@{CUSTOM}",
    )


def choose_sort(report: ReportType, typed: Iterable[str]) -> tuple[Sort, ...]:
    """Turn `field` and `field:desc` into what to sort by.

    Raises `UsageProblem` for an unknown field, one that can't be sorted by, or another order.
    """
    return tuple(_sort(report, word.strip()) for text in typed for word in text.split(","))


def _sort(report: ReportType, word: str) -> Sort:
    name, colon, order = word.partition(":")
    if (colon and order not in {"asc", "desc"}) or not name:
        raise UsageProblem(
            f"--sort: {word!r} is no sort", hint="Write FIELD, FIELD:asc or FIELD:desc."
        )
    if not find_field(report, name, "--sort").sort:
        able = ", ".join(field.name for field in report.fields if field.sort)
        raise UsageProblem(
            f"--sort: {report.command} can't be sorted by {name}", hint=f"It can be by: {able}."
        )
    return Sort(name, order == "desc")
