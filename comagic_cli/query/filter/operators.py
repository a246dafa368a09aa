"""Equal forms of filters for services that do not take every operator."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, TypeAlias

from comagic_cli.query.catalog import Field
from comagic_cli.query.filter.tree import (
    MAX_CONDITIONS,
    TooDeep,
    Tree,
    conditions,
    is_group,
    joined,
    two_levels,
)
from comagic_cli.query.filter.values import ALL

Use: TypeAlias = tuple[str, str]
"""A field and an operator."""

DAY_FORMAT = "YYYY-MM-DD"
REPLACEABLE = frozenset({"in", "not_in", "<=", ">=", "is_null", "is_not_null"})


def uses_of(tree: Tree) -> Iterator[Use]:
    """Yield the field and the operator of every condition."""
    if is_group(tree):
        for part in tree["filters"]:
            yield from uses_of(part)
    else:
        yield tree["field"], tree["operator"]


def unlisted(tree: Tree, listed: Mapping[str, Collection[str]]) -> set[Use]:
    """Return the uses of operators that the account does not list for the field.

    `listed` are the operators of each field; a field that is not in it takes all of them.
    """
    return {
        (name, operator)
        for name, operator in uses_of(tree)
        if operator not in listed.get(name, ALL)
    }


def avoid_refused(
    tree: Tree, refused: Collection[Use], field: Callable[[str], Field]
) -> tuple[Tree, set[Use]] | None:
    """Return an equal tree without the uses that a refusal may mean, and those that it replaces.

    `None` where no equal form is known.
    """
    replaceable = {use for use in refused if use[1] in REPLACEABLE}
    with suppress(TooDeep):
        return (replace_operators(tree, replaceable, field), replaceable) if replaceable else None
    return None


def replace_operators(tree: Tree, refused: Collection[Use], field: Callable[[str], Field]) -> Tree:
    """Return an equal tree of two levels without the refused uses that have an equal form.

    The others stay as they are. Raises `TooDeep` where the equal tree would be too large.
    """
    equal = two_levels(_replaced(tree, refused, field))
    if (count := conditions(equal)) > max(MAX_CONDITIONS, conditions(tree)):
        raise TooDeep(str(count))
    return equal


def _replaced(tree: Tree, refused: Collection[Use], field: Callable[[str], Field]) -> Tree:
    if is_group(tree):
        parts = [_replaced(part, refused, field) for part in tree["filters"]]
        return joined(tree["condition"], parts)
    if (tree["field"], tree["operator"]) not in refused:
        return tree
    name, value = tree["field"], tree.get("value")
    match tree["operator"]:
        case "is_null":
            return _condition(name, "=", None)
        case "is_not_null":
            return _condition(name, "!=", None)
        case "in" | "not_in" as operator:
            join, each = ("or", "=") if operator == "in" else ("and", "!=")
            return joined(join, [_condition(name, each, one) for one in value or ()])
        case "<=" | ">=" as operator:
            return _strict(
                tree, operator[0], _next(field(name), value, 1 if operator == "<=" else -1)
            )
    return tree


def _strict(tree: Tree, operator: str, neighbour: Any) -> Tree:
    """Compare with the neighbour of a value; without one, with the value itself, or equal to it."""
    name, value = tree["field"], tree.get("value")
    if neighbour is not None:
        return _condition(name, operator, neighbour)
    return joined("or", [_condition(name, operator, value), _condition(name, "=", value)])


def _next(field: Field, value: Any, step: int) -> Any:
    """Return the next value after, or before, one of a type that has no values between.

    Times and durations have none: stored ones have fractions of a second.
    """
    if field.type == "number" and field.format != "fraction" and type(value) is int:
        return value + step
    if field.format == DAY_FORMAT and isinstance(value, str):
        try:
            return str(date.fromisoformat(value) + timedelta(days=step))
        except (ValueError, OverflowError):
            return None
    return None


def _condition(field: str, operator: str, value: Any) -> Tree:
    return {"field": field, "operator": operator, "value": value}
