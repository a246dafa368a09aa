"""Filters as JSON, as the API takes them: given in a file, or saved in the web account."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NoReturn

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.query.catalog import Field, ReportType, find_filter_field
from comagic_cli.query.filter.tree import Tree
from comagic_cli.query.filter.values import ALL, number, operators_of
from comagic_cli.query.query import Sort
from comagic_cli.query.suggest import did_you_mean

SURROGATE = re.compile("[\ud800-\udfff]")
MAX_LEVELS = 50  # of groups in groups; nobody means more
LISTS = frozenset({"in", "not_in"})
LISTS_OR_ONE = frozenset({"overlap", "not_overlap"})
NULL = frozenset({"is_null", "is_not_null"})
NULLABLE = NULL | {"=", "!="}
CONDITION = frozenset({"field", "operator", "value"})
GROUP = frozenset({"filters", "condition"})
SHAPES = 'Write {"field", "operator", "value"}, or {"filters": [...], "condition": "and" or "or"}.'
SAVE_AGAIN = "Save the report again, or omit --as-saved."
NAMES = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}


@dataclass(frozen=True)
class JsonFilter:
    """A tree that is not validated yet. `origin` names it in messages.

    Of a `trusted` tree, which the service itself made, only shape and fields are checked: the
    service knows better than the catalogue which operators and values go with a field.
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
    def text(self) -> str:
        """Return it as a text by which filters can be compared."""
        return json.dumps(self.tree, ensure_ascii=False, sort_keys=True)


def read_json_filter(text: str, origin: str) -> JsonFilter:
    """Read a tree that is written as JSON. Raises `UsageProblem`."""
    try:
        tree = json.loads(
            text,
            object_pairs_hook=_read_object,
            parse_int=number,
            parse_float=number,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageProblem(f"{origin}: not JSON: {error.msg} at {place}", hint=SHAPES) from None
    except RecursionError:
        raise UsageProblem(f"{origin}: nested too deeply") from None
    except ValueError as error:
        raise UsageProblem(f"{origin}: {error}") from None
    read = JsonFilter(origin, tree)
    if SURROGATE.search(read.text):
        raise UsageProblem(f"{origin}: half a surrogate pair is not a text")
    return read


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {twice!r} twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def validate(given: JsonFilter, report: ReportType, unknown: list[UnknownField]) -> Tree | None:
    """Return the tree, or `None` if it is empty; fields that the report lacks go to `unknown`.

    Raises `UsageProblem`, which names the place, such as `filters[1].operator`.
    """
    return None if given.is_empty else _Validator(given, report, unknown).tree(given.tree, "")


@dataclass(frozen=True)
class _Validator:
    given: JsonFilter
    report: ReportType
    unknown: list[UnknownField]

    def tree(self, tree: Any, path: str) -> Tree:
        if not isinstance(tree, dict):
            raise self._error(path, f"must be an object, not {_kind(tree)}", SHAPES)
        if "field" in tree and tree.get("filters") in ([], None):
            # The web account saves a condition with an empty list beside it.
            tree = {name: value for name, value in tree.items() if name not in GROUP}
        if not tree.keys().isdisjoint(GROUP):
            return self._group(tree, path)
        return self._condition(tree, path)

    def _group(self, tree: Mapping[str, Any], path: str) -> Tree:
        self._check_members(tree, GROUP, path)
        parts, join = tree.get("filters"), tree.get("condition")
        place = _member(path, "filters")
        if not isinstance(parts, list) or not parts:
            raise self._error(place, "must be a list of filters", SHAPES)
        if join not in {"and", "or"} and not (join is None and len(parts) == 1):
            raise self._error(_member(path, "condition"), "must be 'and' or 'or'", SHAPES)
        if path.count("[") == MAX_LEVELS:
            raise self._error(place, "nested too deeply")
        filters = [self.tree(part, f"{place}[{at}]") for at, part in enumerate(parts)]
        return {"filters": filters, "condition": join or "and"}

    def _condition(self, tree: Mapping[str, Any], path: str) -> Tree:
        self._check_members(tree, CONDITION, path)
        for name in ("field", "operator"):
            if not isinstance(tree.get(name), str):
                raise self._error(_member(path, name), "must be a text", SHAPES)
        operator = tree["operator"]
        if operator not in ALL:
            hint = did_you_mean(operator.lower().replace(" ", "_"), ALL)
            message = f"{operator!r} is not an operator"
            raise self._error(
                _member(path, "operator"), message, hint or f"Operators: {', '.join(ALL)}."
            )
        self._check_field(tree["field"], operator, path)
        self._check_value(operator, tree.get("value"), path)
        return tree

    def _check_field(self, name: str, operator: str, path: str) -> None:
        place = _member(path, "field")
        try:
            field = find_filter_field(self.report, name, f"{self.given.origin}: {place}")
        except UnknownField as unknown:
            self.unknown.append(unknown)
            return
        if not self.given.trusted:
            self._check_operator(field, operator, path)

    def _check_operator(self, field: Field, operator: str, path: str) -> None:
        if not field.filter:
            hint = f"See comagic filters {self.report.command}."
            message = f"{self.report.command} can't be filtered by {field.name}"
            raise self._error(_member(path, "field"), message, hint)
        if operator not in operators_of(field):
            message = f"{operator} does not go with {field.name}"
            hint = f"Operators: {', '.join(operators_of(field))}."
            raise self._error(_member(path, "operator"), message, hint)

    def _check_value(self, operator: str, value: Any, path: str) -> None:
        is_list = isinstance(value, list)
        values = value if is_list else [value]
        if operator in NULL and value is not None:
            wanted = "no value"
        elif is_list and operator not in LISTS | LISTS_OR_ONE:
            wanted = "one value, not a list"
        elif (is_list and not values) or (operator in LISTS and not is_list):
            wanted = "a list of values"
        elif any(isinstance(one, dict | list) for one in values):
            wanted = "texts, numbers or booleans" if is_list else "a text, number or boolean"
        elif None in values and (is_list or operator not in NULLABLE):
            wanted = "a value"
        else:
            return
        raise self._error(_member(path, "value"), f"{operator} takes {wanted}")

    def _check_members(self, tree: Mapping[str, Any], known: AbstractSet[str], path: str) -> None:
        for name in tree:
            if name not in known:
                raise self._error(_member(path, name), "the API takes no such member here", SHAPES)

    def _error(self, path: str, message: str, hint: str = "") -> UsageProblem:
        place = f"{self.given.origin}: {path}".rstrip(": ")
        hint = SAVE_AGAIN if self.given.trusted else hint  # the user did not type it
        return UsageProblem(f"{place}: {message}", hint=hint)


def _member(path: str, name: str) -> str:
    return f"{path}.{name}".lstrip(".")


def _kind(value: Any) -> str:
    return NAMES.get(type(value), "a number")


# Saved reports


@dataclass(frozen=True)
class SavedReport:
    """What is saved in the web account, not validated yet; a part may be empty."""

    columns: tuple[str, ...] = ()
    sort: tuple[Sort, ...] = ()
    filters: tuple[JsonFilter, ...] = ()


NOTHING_SAVED = SavedReport()
FILTERS = ("filter", "rapid_filter")


def read_saved(state: Mapping[str, Any]) -> SavedReport:
    """Read the data of `getobj.report_state`, without its dates.

    Raises `UsageProblem`, which names the part that is not of the API's shape.
    """
    columns = _list(state, "columns")
    for at, name in enumerate(columns):
        if not isinstance(name, str) or not name:
            raise _shape_error(f"columns[{at}]", "must be the name of a column")
    sort = [_sort(item, f"sort[{at}]") for at, item in enumerate(_list(state, "sort"))]
    filters = [JsonFilter(_origin(name), state.get(name), trusted=True) for name in FILTERS]
    return SavedReport(tuple(dict.fromkeys(columns)), tuple(sort), tuple(filters))


def _list(state: Mapping[str, Any], name: str) -> list[Any]:
    part = state.get(name)
    if part is None:
        return []
    if not isinstance(part, list):
        raise _shape_error(name, "must be a list")
    return part


def _sort(item: Any, place: str) -> Sort:
    if not isinstance(item, dict) or not isinstance(item.get("field"), str):
        raise _shape_error(place, 'must be an object with a "field"')
    if more := sorted(set(item) - {"field", "order"}):
        raise _shape_error(f"{place}.{more[0]}", "the API takes no such member here")
    order = item.get("order") or "asc"
    if order not in ("asc", "desc"):
        raise _shape_error(f"{place}.order", "must be asc or desc")
    return Sort(item["field"], order == "desc")


def _origin(part: str) -> str:
    return f"--as-saved: the saved {part}"


def _shape_error(place: str, message: str) -> UsageProblem:
    return UsageProblem(f"{_origin(place)}: {message}", hint=SAVE_AGAIN)
