"""An expression as typed, read and checked: it becomes a tree that the API takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from comagic_cli.errors import Place, UnknownField, UsageProblem
from comagic_cli.query.catalog import Field, ReportType, find_filter_field
from comagic_cli.query.filter.parser import Condition, Expression, parse
from comagic_cli.query.filter.tokens import Misread, Token
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

if TYPE_CHECKING:
    from comagic_cli.query.filter.json import Given


HALF = re.compile("[\ud800-\udfff]+")  # of a pair: what Python makes of other bytes
MIDNIGHT = "00:00:00"  # of fields that are times of day
LISTED = frozenset({"in", "not_in", "overlap", "not_overlap"})


def read_expression(text: str, report: ReportType, now: Now, unknown: list[UnknownField]) -> Tree:
    """Make a tree of an expression on a report's fields; `unknown` takes those it lacks.

    Raises `UsageProblem`, with the place, for what can't be understood or sent.
    """
    return _Reading(text, report, now, unknown).tree()


@dataclass(frozen=True)
class _Reading:
    """An expression that is read."""

    text: str
    report: ReportType
    now: Now
    unknown: list[UnknownField]

    def tree(self) -> Tree:
        try:
            return self._read()
        except Misread as wrong:
            place = Place(self.text, wrong.start, wrong.end)
            hint = wrong.hint or "See comagic help filters."
            raise UsageProblem(f"--where: {wrong.message}", hint=hint, place=place) from None

    def _read(self) -> Tree:
        if half := HALF.search(self.text):
            raise Misread("this is no UTF-8 text", *half.span())
        read = parse(self.text)
        try:
            return two_levels(self._tree(read))
        except TooDeep as deep:
            start, end = next(self._deep(read))
            message = f"this is nested too deeply: {deep}"
            raise Misread(message, start, end, FLATTER) from None

    def _deep(
        self, read: Expression, level: int = 0, around: str = ""
    ) -> Iterator[tuple[int, int]]:
        """Yield the places that lie on the third level."""
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
        """Find a field that can be filtered by; one that is unknown is told of in the end."""
        try:
            field = find_filter_field(self.report, token.text, "--where")
        except UnknownField as unknown:
            unknown.place = Place(self.text, token.start, token.end)
            self.unknown.append(unknown)
            return Field(token.text)
        if not field.filter:
            raise token.wrong(
                f"{self.report.command} can't be filtered by {field.name}",
                f"See comagic filters {self.report.command}.",
            )
        return field


def _leaf(field: str, operator: str, value: Any) -> Tree:
    return {"field": field, "operator": operator, "value": value}


def _in_spans(field: str, operator: str, spans: list[Span]) -> Tree:
    """Say with where a date begins, and where what is after it does, what is meant by the date."""
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
    """Keep what is a value, as a day is, in one list; the others get conditions of their own."""
    single = [start for start, after in spans if start == after]
    parts = [_leaf(field, operator, single)] if single else []
    each, join = ("=", "or") if operator == "in" else ("!=", "and")
    parts += [_in_spans(field, each, [one]) for one in spans if one[0] != one[1]]
    return joined(join, parts)


class Filter(msgspec.Struct, frozen=True):
    """What rows are wanted, before the account's time is known.

    `where` are expressions as typed; `given` are trees, not checked yet. All are joined by `and`.
    """

    where: tuple[str, ...] = ()
    given: tuple[Given, ...] = ()

    def tree(self, report: ReportType, now: Now) -> Mapping[str, Any] | None:
        """Return the filter to send, or none; `now` is asked for relative dates, once.

        Raises `UsageProblem`, with the place, for what can't be understood or sent; `UnknownField`
        only where there is nothing else.
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
        """Read and check all that are to be joined."""
        # The languages of filters are loaded where there is a filter.
        # moved
        from comagic_cli.query.filter.json import checked  # noqa: PLC0415

        unknown: list[UnknownField] = []
        trees = [checked(given, report, unknown) for given in self.given]
        parts = [tree for tree in trees if tree is not None]
        parts += [read_expression(text, report, now, unknown) for text in self.where]
        if unknown:
            raise unknown[0]
        return parts

    @property
    def asked(self) -> list[str]:
        """Return what was asked: relative dates stay as they were typed."""
        return [*(given.asked for given in self.given if not given.is_empty), *self.where]

    def fields(self, report: ReportType) -> list[str]:
        """Name the fields that are filtered by."""
        tree = self.tree(report, _some_time)
        return sorted(fields_of(tree)) if tree else []

    def check(self, report: ReportType) -> None:
        """Find what is wrong without asking the time. Raises `UsageProblem`."""
        self.tree(report, _some_time)


def _some_time() -> datetime:
    """Stand in for the time where it does not matter."""
    return datetime(2026, 1, 1, tzinfo=UTC)


NO_FILTER = Filter()
