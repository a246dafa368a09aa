"""Compile the filters of a request to one tree that the API takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from comagic_cli.errors import Place, UnknownField, UsageProblem
from comagic_cli.query.catalog import Field, ReportType, find_filter_field
from comagic_cli.query.filter.json import JsonFilter, validate
from comagic_cli.query.filter.parser import Condition, Expression, parse
from comagic_cli.query.filter.tokens import FilterSyntaxError, Token
from comagic_cli.query.filter.tree import (
    FLATTER,
    LEVELS,
    TooDeep,
    Tree,
    fields_of,
    is_group,
    joined,
    two_levels,
)
from comagic_cli.query.filter.values import Span, check_operator, is_span, scalar, span
from comagic_cli.query.period import Now

SURROGATES = re.compile("[\ud800-\udfff]+")  # what Python makes of bytes that are not UTF-8
MIDNIGHT = "00:00:00"  # of fields that are times of day
LISTED = frozenset({"in", "not_in", "overlap", "not_overlap"})


def compile_expression(
    text: str, report: ReportType, now: Now, unknown: list[UnknownField]
) -> Tree:
    """Compile an expression on a report's fields; fields that the report lacks go to `unknown`.

    Raises `UsageProblem`, with the place of the mistake.
    """
    return _Compiler(text, report, now, unknown).tree()


@dataclass(frozen=True)
class _Compiler:
    text: str
    report: ReportType
    now: Now
    unknown: list[UnknownField]

    def tree(self) -> Tree:
        try:
            return self._read()
        except FilterSyntaxError as error:
            place = Place(self.text, error.start, error.end)
            hint = error.hint or "See comagic help filters."
            raise UsageProblem(f"--where: {error.message}", hint=hint, place=place) from None

    def _read(self) -> Tree:
        if surrogates := SURROGATES.search(self.text):
            raise FilterSyntaxError("this is not UTF-8 text", *surrogates.span())
        read = parse(self.text)
        try:
            return two_levels(self._tree(read))
        except TooDeep as deep:
            start, end = next(self._deep(read))
            message = f"this is nested too deeply: {deep}"
            raise FilterSyntaxError(message, start, end, FLATTER) from None

    def _deep(
        self, read: Expression, level: int = 0, around: str = ""
    ) -> Iterator[tuple[int, int]]:
        """Yield the places that are on the third level."""
        tree = self._tree(read)
        if is_group(tree) and tree["condition"] != around:
            level, around = level + 1, tree["condition"]
        if level > LEVELS:
            yield read.start, read.end
        elif not isinstance(read, Condition):
            for part in read.parts:
                yield from self._deep(part, level, around)

    def _tree(self, read: Expression) -> Tree:
        if isinstance(read, Condition):
            return self._condition(read)
        return joined(read.condition, [self._tree(part) for part in read.parts])

    def _condition(self, read: Condition) -> Tree:
        field = self._field(read.field)
        check_operator(field, read.operator, read.typed)
        if not read.values:
            return {"field": field.name, "operator": read.operator}
        if is_span(field):
            spans = [span(field, token, self.now) for token in read.values]
            return _in_spans(field.name, read.operator, spans)
        values = [scalar(field, token) for token in read.values]
        return _leaf(field.name, read.operator, values if read.operator in LISTED else values[0])

    def _field(self, token: Token) -> Field:
        """Find a field that can be filtered by; an unknown one is reported at the end."""
        try:
            field = find_filter_field(self.report, token.text, "--where")
        except UnknownField as unknown:
            unknown.place = Place(self.text, token.start, token.end)
            self.unknown.append(unknown)
            return Field(token.text)
        if not field.filter:
            raise token.error(
                f"{self.report.command} can't be filtered by {field.name}",
                f"See comagic filters {self.report.command}.",
            )
        return field


def _leaf(field: str, operator: str, value: Any) -> Tree:
    return {"field": field, "operator": operator, "value": value}


def _in_spans(field: str, operator: str, spans: list[Span]) -> Tree:
    """Express a condition on a date by the start of the date and the start of what follows it."""
    if operator in {"in", "not_in"}:
        return _among_spans(field, operator, spans)
    [(start, after)] = spans
    if start == after or operator in {"<", ">="}:
        return _leaf(field, operator, start)
    match operator:
        case "=":
            return joined("and", [_leaf(field, ">=", start), _before(field, after)])
        case "!=":
            return joined("or", [_leaf(field, "<", start), _since(field, after)])
    return _since(field, after) if operator == ">" else _before(field, after)


def _before(field: str, after: str) -> Tree:
    return _leaf(field, "<", after) if after else _leaf(field, ">=", MIDNIGHT)  # any time


def _since(field: str, after: str) -> Tree:
    return _leaf(field, ">=", after) if after else _leaf(field, "<", MIDNIGHT)  # no time


def _among_spans(field: str, operator: str, spans: list[Span]) -> Tree:
    """Keep single values, such as days, in one list; give the others conditions of their own."""
    single = [start for start, after in spans if start == after]
    parts = [_leaf(field, operator, single)] if single else []
    each, join = ("=", "or") if operator == "in" else ("!=", "and")
    parts += [_in_spans(field, each, [one]) for one in spans if one[0] != one[1]]
    return joined(join, parts)


class Filter(msgspec.Struct, frozen=True):
    """The filters of a request, joined by `and`, before the account's time is known.

    `where` are expressions as typed; `given` are trees that are not validated yet.
    """

    where: tuple[str, ...] = ()
    given: tuple[JsonFilter, ...] = ()

    def tree(self, report: ReportType, now: Now) -> Mapping[str, Any] | None:
        """Return the tree to send, or `None`; `now` is called once, if there are relative dates.

        Raises `UsageProblem`, with the place of the mistake; `UnknownField` only if there is no
        other.
        """
        if not (self.where or self.given) or not (parts := self._parts(report, cache(now))):
            return None
        try:
            return two_levels(joined("and", parts))
        except TooDeep as deep:
            origins = dict.fromkeys([*(given.origin for given in self.given), "--where"])
            message = f"{', '.join(origins)}: joined by and, it is nested too deeply: "
            raise UsageProblem(f"{message}{deep}", hint=FLATTER) from None

    def _parts(self, report: ReportType, now: Now) -> list[Tree]:
        """Compile and validate each filter."""
        unknown: list[UnknownField] = []
        trees = [validate(given, report, unknown) for given in self.given]
        parts = [tree for tree in trees if tree is not None]
        parts += [compile_expression(text, report, now, unknown) for text in self.where]
        if unknown:
            raise unknown[0]
        return parts

    @property
    def texts(self) -> list[str]:
        """Return the filters as texts; relative dates stay as typed."""
        return [*(given.text for given in self.given if not given.is_empty), *self.where]

    def fields(self, report: ReportType) -> list[str]:
        """Return the names of the fields that are filtered by."""
        tree = self.tree(report, _some_time)
        return sorted(fields_of(tree)) if tree else []

    def check(self, report: ReportType) -> None:
        """Find mistakes without asking for the time. Raises `UsageProblem`."""
        self.tree(report, _some_time)


def _some_time() -> datetime:
    """Return any time, where it does not matter."""
    return datetime(2026, 1, 1, tzinfo=UTC)


NO_FILTER = Filter()
