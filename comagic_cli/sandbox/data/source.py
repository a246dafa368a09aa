"""A report's rows, made out of their numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import Business, Row, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Maker = Callable[[Row], Any]

EXTRA: Final = 10**9  # arrivals are numbered from here


@dataclass
class Source:
    """One report's rows: those numbered `first` to before `last`, made out of their numbers."""

    business: Business
    shift: int
    first: int = 0
    last: int = 0
    place: Callable[[int], int] = int
    stored: Callable[[int], int] = int
    makers: Mapping[str, Maker] = field(default_factory=dict)
    givens: list[tuple[int, Mapping[str, Any]]] | None = None
    mixed: bool = False  # given rows stand among the invented ones

    def row(self, index: int, stored: int | None = None) -> Row:
        """Return the row of a number, at its own or another stored time."""
        if self.givens is not None and index < EXTRA:
            return self.given_row(index, *self.givens[index])
        when = self.stored(index) if stored is None else stored
        return Row(self.business, index, self.place(index), when, self.shift)

    def scan(self, start: int, end: int) -> list[Row] | None:  # noqa: ARG002  # used by parts
        """Return the rows of a period where they have to be looked for; None for most."""
        return None

    def of_ids(self, ids: Sequence[int]) -> list[Row] | None:  # noqa: ARG002  # the same
        """Return the rows of ids where they don't name rows; None for most."""
        return None

    def given_row(self, index: int, stored: int, values: Mapping[str, Any]) -> Row:
        """Return a row of the caller's own values."""
        row = Row(self.business, index, index, stored, self.shift)
        row.given = values
        return row

    def maker(self, name: str) -> Maker:
        """Return what makes a field; custom columns hold a word, a number or nothing."""
        make = self.makers.get(name) or one_of(name, ["да; нет", "=A1", 17, 2.5], nothing=40)
        if self.givens is None and not self.mixed:
            return make
        return lambda row: make(row) if row.given is None else row.given.get(name)
