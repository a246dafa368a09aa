"""Rows as columns of the kinds that the catalogue foresees, for databases and typed files.

The columns, like those of CSV, follow from the fields alone. What a value has beyond its column's
kind, a text where a number should be or a member nobody documented, does not go into the column:
the value stands whole in one more column, `_unfit`, as JSON under its field's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from comagic_cli.output.flatten import Cell, Flattener, cell
from comagic_cli.output.kinds import UNFIT, Fit, Kind, kind_of
from comagic_cli.output.nested import TEXT, ListReader
from comagic_cli.output.sinks import Look
from comagic_cli.request.catalog import Field, Member
from comagic_cli.request.rows import compact

UNFIT_NAME = "_unfit"
TEXTS = frozenset({str, type(None)})
Values: TypeAlias = Sequence[Any]


class Odd(dict[int, dict[str, Any]]):
    """Values that do not fit, by their row's place and their field's name."""

    def add(self, place: int, name: str, value: Any) -> None:
        """Add a value, unless it is one of the ways to say nothing."""
        if cell(value) is not None:
            self.setdefault(place, {})[name] = value


@dataclass(frozen=True)
class Column:
    """A column: its name, what it holds, the field it is of, and what the items of a list are."""

    name: str
    kind: Kind
    field: str
    item: Member = TEXT


class Typed:
    """Turn plain rows of the fields into typed columns.

    `fits` turn a value of a kind, never null, into what is written, or into `UNFIT`; a kind that
    is not among them is text, as CSV has it. Lists are lists of texts or of dicts.
    """

    def __init__(self, fields: Sequence[Field], look: Look, fits: Mapping[Kind, Fit]) -> None:
        self._readers = [_reader(field, look, fits) for field in fields]
        self.columns = tuple(column for reader in self._readers for column in reader.columns)

    def read(self, rows: Sequence[tuple[Any, ...]]) -> list[Values]:
        """Return the values of some rows column by column, and last those of `_unfit`."""
        odd = Odd()
        read = [
            values
            for reader, came in zip(self._readers, zip(*rows, strict=True), strict=True)
            for values in reader.read(came, odd)
        ]
        return [
            *read,
            [compact(odd[place]) if place in odd else None for place in range(len(rows))],
        ]


class _Lists:
    """Read the one column of a field of lists."""

    def __init__(self, field: Field) -> None:
        self._name = field.name
        self._list = ListReader(field)
        self.columns = [Column(field.name, "list", field.name, self._list.item)]

    def read(self, came: Values, odd: Odd) -> list[Values]:
        """Return the lists, None for what is no list."""
        usual = self._list.usual(came)
        if usual is not None:
            return [usual]
        read = self._list.read
        return [
            [
                None if value is None else read(value, partial(odd.add, place, self._name, value))
                for place, value in enumerate(came)
            ]
        ]


class _Scalars:
    """Read the columns of another field: itself, or what it is flattened to."""

    def __init__(self, field: Field, look: Look, fits: Mapping[Kind, Fit]) -> None:
        self._name = field.name
        typed = kind_of(field) in fits
        self._flat = None if typed else Flattener([field], look)
        names = self._flat.names if self._flat else (field.name,)
        self.columns = [Column(name, kind_in(field, name), field.name) for name in names]
        self._fits = [fits.get(column.kind) for column in self.columns]

    def read(self, came: Values, odd: Odd) -> list[Values]:
        """Return the values of each column."""
        cells = self._flat.columns(zip(came, strict=True)) if self._flat else [came]
        return [
            texts(values) if fit is None else self._fitted(values, fit, came, odd)
            for fit, values in zip(self._fits, cells, strict=True)
        ]

    def _fitted(self, values: Values, fit: Fit, came: Values, odd: Odd) -> Values:
        fitted = [None if value is None else fit(value) for value in values]
        if UNFIT in fitted:
            for place, value in enumerate(fitted):
                if value is UNFIT:
                    fitted[place] = None
                    odd.add(place, self._name, came[place])
        return fitted


def _reader(field: Field, look: Look, fits: Mapping[Kind, Fit]) -> _Lists | _Scalars:
    return _Lists(field) if kind_of(field) == "list" else _Scalars(field, look, fits)


def kind_in(field: Field, name: str) -> Kind:
    """Tell what a flattened column holds: the field, or the member that its name ends in."""
    member = name.removeprefix(f"{field.name}.")
    inner = (each for each in field.members if name != field.name and each.name == member)
    return kind_of(next(inner, field))


def texts(cells: Sequence[Cell]) -> Values:
    """Return cells as text, None as such."""
    if TEXTS.issuperset(map(type, cells)):
        return cells
    return [None if value is None else str(value) for value in cells]
