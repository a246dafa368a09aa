"""An expression as typed, read and checked: it becomes a tree that the API takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from comagic_cli.errors import Place, UnknownField, UsageProblem
from comagic_cli.request.catalog import Field, ReportType
from comagic_cli.request.columns import find_field
from comagic_cli.request.grammar import Condition, Expression, parse
from comagic_cli.request.operands import Span, check_operator, is_span, scalar, span
from comagic_cli.request.periods import Now
from comagic_cli.request.tokens import Misread, Token
from comagic_cli.request.trees import FLATTER, LEVELS, TooDeep, Tree, is_group, joined, two_levels

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
            field = find_field(self.report, token.text, "--where")
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
