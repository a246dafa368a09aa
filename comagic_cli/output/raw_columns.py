"""Columns of JSON as it came become cells of CSV, most of them without being parsed.

A column of texts, numbers and nulls without a backslash holds its cells already: between line
breaks, less the quotes. What is nested or escaped is parsed and flattened, each value that differs
once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from msgspec import Raw

from comagic_cli.output.flatten import Cell, Plan, cells_of
from comagic_cli.request.rows import each_of, plain_values

Quote: TypeAlias = Callable[[Sequence[Cell]], Sequence[str]]

NESTED = b"{["
KEPT = 10_000  # values of a field that are remembered, with their cells


class RawColumn:
    """Make the cells of one field's columns, as bytes.

    `quote` writes cells of plain values. A text with one of `special` is left to it, but for
    `separator`, which quotes are put around here.
    """

    def __init__(self, plan: Plan, separator: str, special: str, quote: Quote) -> None:
        self._plan = plan
        self._is_single = len(plan) == 1
        self._separator = separator.encode()
        self._special = tuple(map(str.encode, {*special, "\r"} - {separator, '"', "\n"} | {"\\"}))
        self._special += tuple(map(bytes, zip(NESTED, strict=True)))
        self._quote = quote
        self._known: dict[bytes, Any] = {}  # values that were parsed: the cell, or all of them

    def cells(self, values: Sequence[Raw]) -> list[Sequence[bytes]]:
        """Return a field's columns; `values` are its values in some rows, as JSON."""
        joined = b"\n".join(values)
        if self._is_single and not any(map(joined.__contains__, self._special)):
            cells = self._scalars(joined)
            if len(cells) == len(values):  # else a line break stands where JSON allows none
                return [cells]
        return self._parsed(each_of(values, joined))

    def _scalars(self, joined: bytes) -> list[bytes]:
        if b"null" in joined:  # twice, since neighbours share a line break
            lines = b"\n%s\n" % joined
            lines = lines.replace(b"\nnull\n", b"\n\n").replace(b"\nnull\n", b"\n\n")
            joined = lines[1:-1]
        text = joined.replace(b'"', b"")
        cells = text.split(b"\n")
        if self._separator not in text:
            return cells
        return [b'"%s"' % cell if self._separator in cell else cell for cell in cells]

    def _parsed(self, values: Sequence[bytes]) -> list[Sequence[bytes]]:
        try:
            found = list(map(self._known.__getitem__, values))
        except KeyError:
            self._learn(values)
            found = list(map(self._known.__getitem__, values))
        return [found] if self._is_single else list(zip(*found, strict=True))

    def _learn(self, values: Sequence[bytes]) -> None:
        if len(self._known) > KEPT:
            self._known.clear()
        new = [value for value in dict.fromkeys(values) if value not in self._known]
        columns = cells_of(self._plan, plain_values(new))
        written = [list(map(str.encode, self._quote(cells))) for cells in columns]
        cells = written[0] if self._is_single else zip(*written, strict=True)
        self._known.update(zip(new, cells, strict=True))
