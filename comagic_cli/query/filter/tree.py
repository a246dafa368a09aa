"""Filter trees, and equal trees of the two levels that the API takes.

A tree is a condition, `{"field", "operator", "value"?}`, or `{"filters": […], "condition"}`. There
is no negation of groups, so `and` and `or` distribute over each other: every tree equals an `or` of
`and`s, and an `and` of `or`s, each of two levels.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

Tree: TypeAlias = Mapping[str, Any]
LEVELS = 2
MAX_CONDITIONS = 99  # of a tree that was rewritten
FLATTER = "Write in ('a', 'b') for values of one field, or make two exports."
_MAX_CLAUSES = 500  # on the way there
_OTHER = {"and": "or", "or": "and"}


class TooDeep(Exception):
    """An equal tree of two levels would have too many conditions; `conditions` says how many."""

    def __init__(self, conditions: str) -> None:
        super().__init__(
            f"the API takes {LEVELS} levels, and as {LEVELS} it would be {conditions} conditions, "
            f"{MAX_CONDITIONS} at most"
        )
        self.conditions = conditions


def is_group(tree: Tree) -> bool:
    """Check that a tree is a group, not a condition."""
    return "filters" in tree


def joined(condition: str, parts: Sequence[Tree]) -> Tree:
    """Join parts by `and` or `or`; parts joined by the same word are merged."""
    flat: list[Tree] = []
    for part in parts:
        flat += part["filters"] if is_group(part) and part["condition"] == condition else [part]
    return flat[0] if len(flat) == 1 else {"filters": flat, "condition": condition}


def merged(tree: Tree) -> Tree:
    """Merge nested groups that are joined by the same word."""
    if not is_group(tree):
        return tree
    return joined(tree["condition"], [merged(part) for part in tree["filters"]])


def levels(tree: Tree) -> int:
    """Count the nested levels: 0 for a condition."""
    return 1 + max(map(levels, tree["filters"])) if is_group(tree) else 0


def conditions(tree: Tree) -> int:
    """Count the conditions."""
    return sum(map(conditions, tree["filters"])) if is_group(tree) else 1


def fields_of(tree: Tree) -> set[str]:
    """Return the names of the fields of a tree."""
    if not is_group(tree):
        return {tree["field"]}
    return {name for part in tree["filters"] for name in fields_of(part)}


def rename_fields(tree: Tree, names: Mapping[str, str]) -> Tree:
    """Return the tree with other names for some fields."""
    if is_group(tree):
        return {**tree, "filters": [rename_fields(part, names) for part in tree["filters"]]}
    return {**tree, "field": names.get(tree["field"], tree["field"])}


def two_levels(tree: Tree) -> Tree:
    """Return an equal tree of at most two levels. Raises `TooDeep`."""
    tree = merged(tree)
    if levels(tree) <= LEVELS:
        return tree
    atoms = _Atoms()
    trees = [one for one in (_rewritten(tree, outer, atoms) for outer in ("or", "and")) if one]
    best = min(trees, key=conditions, default=None)
    if best is None:
        raise TooDeep(f"more than {_MAX_CLAUSES}")
    if (count := conditions(best)) > MAX_CONDITIONS:
        raise TooDeep(str(count))
    return best


class _Atoms:
    """The different conditions of a tree, numbered, so that an integer is a set of them."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._conditions: list[Tree] = []

    def bit(self, condition: Tree) -> int:
        """Return the bit of a condition; equal conditions have the same."""
        name = json.dumps(condition, sort_keys=True)
        if name not in self._numbers:
            self._numbers[name] = len(self._conditions)
            self._conditions.append(condition)
        return 1 << self._numbers[name]

    def of(self, clause: int) -> list[Tree]:
        """Return the conditions of a clause."""
        return [one for place, one in enumerate(self._conditions) if clause >> place & 1]


def _rewritten(tree: Tree, outer: str, atoms: _Atoms) -> Tree | None:
    """Return an equal tree, `outer` outside and the other inside; `None` if it is too large."""
    clauses = _clauses(tree, outer, atoms)
    if clauses is None:
        return None
    in_order = sorted(clauses, key=lambda clause: f"{clause:b}"[::-1], reverse=True)
    return joined(outer, [joined(_OTHER[outer], atoms.of(clause)) for clause in in_order])


def _clauses(tree: Tree, outer: str, atoms: _Atoms) -> list[int] | None:
    if not is_group(tree):
        return [atoms.bit(tree)]
    parts = [_clauses(part, outer, atoms) for part in tree["filters"]]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if tree["condition"] == outer:
        return _least(clause for part in known for clause in part)
    return _crossed(known)


def _crossed(parts: list[list[int]]) -> list[int] | None:
    """Combine the clauses of all parts; small parts first, to keep the result small."""
    crossed = [0]
    for part in sorted(parts, key=len):
        if len(crossed) * len(part) > _MAX_CLAUSES * 4:
            return None
        crossed = _least(one | other for one, other in product(crossed, part))
        if len(crossed) > _MAX_CLAUSES:
            return None
    return crossed


def _least(clauses: Iterable[int]) -> list[int]:
    """Drop every clause that contains another one: it changes nothing."""
    least: list[int] = []
    for clause in sorted(set(clauses), key=int.bit_count):
        if not any(other & clause == other for other in least):
            least.append(clause)
    return least


def to_expression(tree: Tree) -> str:
    """Write a tree as an equal expression."""
    if not is_group(tree):
        return _condition(**tree)
    parts = (
        f"({to_expression(part)})" if is_group(part) else to_expression(part)
        for part in tree["filters"]
    )
    return f" {tree['condition']} ".join(parts)


def _condition(field: str, operator: str, value: Any = None) -> str:
    if value is None:
        return f"{field} is {'not ' * (operator in {'!=', 'is_not_null'})}null"
    values = f"({', '.join(map(_value, value))})" if isinstance(value, list) else _value(value)
    return f"{field} {operator.replace('_', ' ')} {values}"


def _value(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    quote = '"' if "'" in value and '"' not in value else "'"
    return quote + value.replace(quote, quote * 2) + quote
