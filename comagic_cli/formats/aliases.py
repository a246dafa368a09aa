"""Names that differ: columns that rows carry under another name, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from comagic_cli.query.catalog import Field


def fill_aliases(row: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    """Return a row with each field under its own name, where it came under one of its aliases."""
    names = {alias: field.name for field in fields for alias in field.aliases}
    renamed = {names[name]: value for name, value in row.items() if name in names}
    return renamed | {name: value for name, value in row.items() if name not in names}


def compare_members(
    rows: Iterable[Mapping[str, Any]], fields: Sequence[Field], expected: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Return the asked columns that no row has, and the unasked members that came.

    `expected` are members that the service adds unasked, such as the key.
    """
    came = dict.fromkeys(name for row in rows for name in fill_aliases(row, fields))
    asked = {field.name: None for field in fields}
    missing = [name for name in asked if name not in came] if came else []
    return missing, [name for name in came if name not in asked and name not in expected]
