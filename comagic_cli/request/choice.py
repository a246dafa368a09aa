"""What is typed for columns and sorting, held against the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from comagic_cli.errors import UsageProblem
from comagic_cli.request.catalog import ReportType
from comagic_cli.request.query import Sort

CUSTOM = re.compile(r"cc_\d+")  # columns that an account adds


@dataclass(frozen=True)
class Wish:
    """What is wanted of a report, before the account is asked which one and when.

    `extra` are the report's own parameters.
    """

    report: ReportType
    columns: tuple[str, ...]
    sort: tuple[Sort, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def report_type(self) -> str | None:
        """Name the type to send: only where the method takes it."""
        return self.report.type if "report_type" in self.report.params else None


def make_wish(report: ReportType, fields: Iterable[str], sort: Iterable[str]) -> Wish:
    """Read what was typed for columns and sorting. Raises `UsageProblem`."""
    return Wish(report, choose_columns(report, fields), choose_sort(report, sort))


def choose_columns(report: ReportType, typed: Iterable[str]) -> tuple[str, ...]:
    """Turn `a,b,@group` into field names, each once, in the order typed; none typed: the default.

    Raises `UsageProblem` for a field or group that there is not.
    """
    words = [word for text in typed for word in map(str.strip, text.split(",")) if word]
    if not words:
        return report.default_fields()
    names = [name for word in words for name in _names(report, word)]
    return tuple(dict.fromkeys(names))


def _names(report: ReportType, word: str) -> tuple[str, ...]:
    if not word.startswith("@"):
        return (_known(report, word, "--fields"),)
    if word == "@all":
        return tuple(field.name for field in report.fields)
    if word == "@default":
        return report.default_fields()
    group = tuple(field.name for field in report.fields if f"@{field.group}" == word)
    if not group or word == "@":
        groups = dict.fromkeys(f"@{field.group}" for field in report.fields if field.group)
        known = ["@default", "@all", *groups]
        raise UsageProblem(
            f"--fields: there is no group {word}",
            hint=f"Groups of {report.command}: {', '.join(known)}.",
        )
    return group


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
    if not report.field(_known(report, name, "--sort")).sort:
        able = ", ".join(field.name for field in report.fields if field.sort)
        raise UsageProblem(
            f"--sort: {report.command} can't be sorted by {name}", hint=f"It can be by: {able}."
        )
    return Sort(name, order == "desc")


def _known(report: ReportType, name: str, option: str) -> str:
    names = [field.name for field in report.fields]
    if name in names or CUSTOM.fullmatch(name):
        return name
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    raise UsageProblem(
        f"{option}: {report.command} has no field {name!r}",
        hint=f"Did you mean {' or '.join(near)}?" if near else f"Fields: {', '.join(names)}.",
    )
