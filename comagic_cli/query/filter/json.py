"""Filters that are trees already, as the API takes them: read, and checked before they are sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.query.catalog import Field, ReportType, find_filter_field
from comagic_cli.query.fields import Saved
from comagic_cli.query.filter.tree import Tree
from comagic_cli.query.filter.values import ALL, number, operators_of
from comagic_cli.query.query import Sort

HALF = re.compile("[\ud800-\udfff]")
DEEPEST = 50  # levels; nobody means more
LISTS = frozenset({"in", "not_in"})
LISTS_OR_ONE = frozenset({"overlap", "not_overlap"})
NULL = frozenset({"is_null", "is_not_null"})
GROUP = frozenset({"filters", "condition"})  # the members of a group
MAY_BE_NULL = NULL | {"=", "!="}
SHAPES = 'Write {"field", "operator", "value"}, or {"filters": [...], "condition": "and" or "or"}.'
SAVE_AGAIN = "Save the report again, or leave --as-saved out."
NAMES = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}


@dataclass(frozen=True)
class Given:
    """A tree as it was given, not checked yet. `origin` names it in messages.

    A `trusted` one was made by the service itself, which knows better than the catalogue what goes
    with what: only its shape and its fields are checked.
    """

    origin: str
    tree: Any
    trusted: bool = False

    @property
    def is_empty(self) -> bool:
        """Check that it has neither a field nor filters."""
        tree = self.tree
        if isinstance(tree, dict) and "filters" in tree:
            return tree.keys() <= GROUP and tree["filters"] in ([], None)
        return tree in ({}, []) or (self.trusted and tree is None)

    @property
    def asked(self) -> str:
        """Return it as a text that tells trees apart."""
        return json.dumps(self.tree, ensure_ascii=False, sort_keys=True)


def read_given(text: str, origin: str) -> Given:
    """Read a tree that is written as JSON. Raises `UsageProblem`."""
    try:
        tree = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=number,
            parse_float=number,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as wrong:
        where = f"line {wrong.lineno}, column {wrong.colno}"
        raise UsageProblem(f"{origin}: no JSON: {wrong.msg} at {where}", hint=SHAPES) from None
    except RecursionError:
        raise UsageProblem(f"{origin}: it is nested too deeply") from None
    except ValueError as wrong:
        raise UsageProblem(f"{origin}: {wrong}") from None
    given = Given(origin, tree)
    if HALF.search(given.asked):
        raise UsageProblem(f"{origin}: it has half a surrogate pair, which is no text")
    return given


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in one object")
    return members


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def checked(given: Given, report: ReportType, unknown: list[UnknownField]) -> Tree | None:
    """Return the tree, or none where it is empty; fields that the report lacks go to `unknown`.

    Raises `UsageProblem`, which names the place, as `filters[1].operator`.
    """
    return None if given.is_empty else _Check(given, report, unknown).tree(given.tree, "")


@dataclass(frozen=True)
class _Check:
    given: Given
    report: ReportType
    unknown: list[UnknownField] = field(default_factory=list)

    def tree(self, tree: Any, path: str) -> Tree:
        if not isinstance(tree, dict):
            raise self._wrong(path, f"an object was expected, not {_kind(tree)}", SHAPES)
        if "field" in tree and tree.get("filters") in (
            [],
            None,
        ):  # as the web account saves a condition
            tree = {name: value for name, value in tree.items() if name not in GROUP}
        if not tree.keys().isdisjoint(GROUP):
            return self._group(tree, path)
        return self._condition(tree, path)

    def _group(self, tree: Mapping[str, Any], path: str) -> Tree:
        self._only(tree, GROUP, path)
        parts, join = tree.get("filters"), tree.get("condition")
        place = _member(path, "filters")
        if not isinstance(parts, list) or not parts:
            raise self._wrong(place, "a list of filters was expected", SHAPES)
        if join not in {"and", "or"} and not (join is None and len(parts) == 1):
            raise self._wrong(_member(path, "condition"), "it must be and or or", SHAPES)
        if path.count("[") == DEEPEST:
            raise self._wrong(place, "it is nested too deeply")
        filters = [self.tree(part, f"{place}[{at}]") for at, part in enumerate(parts)]
        return {"filters": filters, "condition": join or "and"}

    def _condition(self, tree: Mapping[str, Any], path: str) -> Tree:
        self._only(tree, {"field", "operator", "value"}, path)
        for name in ("field", "operator"):
            if not isinstance(tree.get(name), str):
                raise self._wrong(_member(path, name), "a text was expected", SHAPES)
        operator = self._operator(tree["operator"], path)
        self._field(tree["field"], operator, path)
        self._value(operator, tree.get("value"), path)
        return tree

    def _operator(self, operator: str, path: str) -> str:
        if operator not in ALL:
            near = get_close_matches(operator.lower().replace(" ", "_"), ALL, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Operators: {', '.join(ALL)}."
            raise self._wrong(_member(path, "operator"), f"{operator!r} is no operator", hint)
        return operator

    def _field(self, name: str, operator: str, path: str) -> None:
        where = _member(path, "field")
        try:
            found = find_filter_field(self.report, name, f"{self.given.origin}: {where}")
        except UnknownField as unknown:
            self.unknown.append(unknown)
            return
        if not self.given.trusted:
            self._fits(found, operator, path)

    def _fits(self, found: Field, operator: str, path: str) -> None:
        if not found.filter:
            see = f"See comagic filters {self.report.command}."
            message = f"{self.report.command} can't be filtered by {found.name}"
            raise self._wrong(_member(path, "field"), message, see)
        if operator not in operators_of(found):
            message = f"{operator} does not go with {found.name}"
            hint = f"Operators: {', '.join(operators_of(found))}."
            raise self._wrong(_member(path, "operator"), message, hint)

    def _value(self, operator: str, value: Any, path: str) -> None:
        listed = isinstance(value, list)
        values = value if listed else [value]
        if listed and (not values or operator not in LISTS | LISTS_OR_ONE):
            wanted = "no empty list" if not values else "no list"
        elif operator in LISTS and not listed:
            wanted = "a list"
        elif any(isinstance(one, dict | list) for one in values):
            wanted = "texts, numbers or booleans" if listed else "a text, number or boolean"
        elif None in values and (listed or operator not in MAY_BE_NULL):
            wanted = "a value"
        elif operator in NULL and value is not None:
            wanted = "no value"
        else:
            return
        raise self._wrong(_member(path, "value"), f"{operator} takes {wanted}")

    def _only(self, tree: Mapping[str, Any], known: AbstractSet[str], path: str) -> None:
        for name in tree:
            if name not in known:
                raise self._wrong(_member(path, name), "the API takes no such member here", SHAPES)

    def _wrong(self, path: str, message: str, hint: str = "") -> UsageProblem:
        where = f"{self.given.origin}: {path}".rstrip(": ")
        hint = SAVE_AGAIN if self.given.trusted else hint  # nobody typed it
        return UsageProblem(f"{where}: {message}", hint=hint)


def _member(path: str, name: str) -> str:
    return f"{path}.{name}".lstrip(".")


def _kind(value: Any) -> str:
    return NAMES.get(type(value), "a number")


FILTERS = ("filter", "rapid_filter")


def read_saved(state: Mapping[str, Any]) -> Saved:
    """Read the data of `getobj.report_state`; its dates and other parts are not ours.

    Raises `UsageProblem`, which names the part that is not of the API's shape.
    """
    columns = _list(state, "columns")
    for at, name in enumerate(columns):
        if not isinstance(name, str) or not name:
            raise _odd(f"columns[{at}]", "a column's name was expected")
    sort = [_sort(item, f"sort[{at}]") for at, item in enumerate(_list(state, "sort"))]
    filters = [Given(_named(name), state.get(name), trusted=True) for name in FILTERS]
    return Saved(tuple(dict.fromkeys(columns)), tuple(sort), tuple(filters))


def _list(state: Mapping[str, Any], name: str) -> list[Any]:
    part = state.get(name)
    if part is None:
        return []
    if not isinstance(part, list):
        raise _odd(name, "a list was expected")
    return part


def _sort(item: Any, place: str) -> Sort:
    if not isinstance(item, dict) or not isinstance(item.get("field"), str):
        raise _odd(place, 'an object with a "field" was expected')
    if more := sorted(set(item) - {"field", "order"}):
        raise _odd(f"{place}.{more[0]}", "the API takes no such member here")
    order = item.get("order") or "asc"
    if order not in ("asc", "desc"):
        raise _odd(f"{place}.order", "asc or desc was expected")
    return Sort(item["field"], order == "desc")


def _named(part: str) -> str:
    return f"--as-saved: the saved {part}"


def _odd(place: str, message: str) -> UsageProblem:
    return UsageProblem(f"{_named(place)}: {message}", hint=SAVE_AGAIN)
