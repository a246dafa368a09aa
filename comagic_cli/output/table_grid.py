"""A table's drawings: columns side by side, or a block a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat, zip_longest
from typing import Protocol

from comagic_cli.output.table_text import BOLD, DIM, fold, pad, shade, size

BETWEEN = " │ "
TITLE = 60  # cells of the line above a block, where no terminal says

Texts = Sequence[Sequence[str]]
"""Rows of visible texts, column by column; of colours a column may be empty."""


class Drawing(Protocol):
    """Draw rows that come column by column."""

    def head(self) -> str:
        """Draw what stands above the rows."""

    def body(self, columns: Texts, styles: Texts) -> str:
        """Draw some rows."""

    def foot(self) -> str:
        """Draw what stands below the rows."""


class Grid:
    """Draw columns side by side; `ruled` draws a line above and below rows that take several."""

    def __init__(
        self,
        names: Sequence[str],
        widths: Sequence[int],
        right: Sequence[bool],
        *,
        ruled: bool,
        color: bool,
    ) -> None:
        self._names = names
        self._columns = list(zip(widths, right, strict=True))
        self._color = color
        line = "─┼─".join("─" * width for width in widths)
        self._head_line = line.replace("─", "━").replace("┼", "┿") if ruled else line
        self._line = shade(line, DIM, color=color) + "\n" if ruled else ""
        self._before = ""  # the row drawn last

    def head(self) -> str:
        """Draw the names and a line under them."""
        folded = self._folded(self._names, self._plain, breaks="_. ")
        lines = [*(shade(line, BOLD, color=self._color) for line in folded), self._head_line]
        return "".join(f"{line}\n" for line in lines)

    def body(self, columns: Texts, styles: Texts) -> str:
        """Draw some rows."""
        padded = [
            list(map(self._cell, texts, repeat(column), colors or repeat("")))
            for texts, column, colors in zip(columns, self._columns, styles, strict=True)
        ]
        colored = _rows(styles, len(columns[0])) if columns else ()
        rows = zip(*padded, strict=True), zip(*columns, strict=True), colored
        return "".join(map(self._apart, map(self._row, *rows)))

    def foot(self) -> str:
        """Draw nothing."""
        return ""

    def _apart(self, row: str) -> str:
        """Put a line between two rows where one of them takes several lines."""
        before, self._before = self._before, row
        several = row.count("\n") > 1 or before.count("\n") > 1
        return self._line + row if before and several else row

    @property
    def _plain(self) -> tuple[str, ...]:
        return ("",) * len(self._columns)

    def _cell(self, text: str, column: tuple[int, bool], style: str) -> str | None:
        """Fill a cell up to its column's width; `None` for a text that has to fold."""
        return tinted(text, *column, style) if size(text) <= column[0] else None

    def _row(
        self, cells: tuple[str | None, ...], texts: tuple[str, ...], styles: tuple[str, ...]
    ) -> str:
        if None not in cells:
            return BETWEEN.join(cells).rstrip(" ") + "\n"  # type: ignore[arg-type]  # no None is in them
        return "".join(f"{line}\n" for line in self._folded(texts, styles))

    def _folded(
        self, texts: Sequence[str], styles: Sequence[str], breaks: str = " "
    ) -> Iterator[str]:
        folded = [
            fold(text, width, breaks) for text, (width, _) in zip(texts, self._columns, strict=True)
        ]
        for line in zip_longest(*folded, fillvalue=""):
            cells = map(tinted, line, *zip(*self._columns, strict=True), styles)
            yield BETWEEN.join(cells).rstrip(" ")


class Blocks:
    """Draw a record as a block: a numbered line, then a line or more for each column.

    `width` `None` folds nothing. With `bare`, what is empty in a record is left out of its block.
    """

    def __init__(
        self, names: Sequence[str], width: int | None, *, color: bool, bare: bool = False
    ) -> None:
        self._width = None if width is None else max(width, 4)
        longest = max(map(size, names), default=0)
        self._label = longest if self._width is None else min(longest, (self._width - 2) // 2)
        self._names = [fold(name, self._label, "_. ") for name in names]
        self._color = color
        self._bare = bare
        self._count = 0

    def head(self) -> str:
        """Draw nothing: every block has the names."""
        return ""

    def body(self, columns: Texts, styles: Texts) -> str:
        """Draw some records."""
        colored = _rows(styles, len(columns[0])) if columns else ()
        return "".join(map(self._block, zip(*columns, strict=True), colored))

    def foot(self) -> str:
        """Draw the names where there was no block to have them."""
        nothing = ("",) * len(self._names)
        return "" if self._count else "".join(self._lines(nothing, nothing))

    def _block(self, texts: tuple[str, ...], styles: tuple[str, ...]) -> str:
        self._count += 1
        title = f"── {self._count} ".ljust(self._width or TITLE, "─")
        return shade(title, BOLD, color=self._color) + "\n" + "".join(self._lines(texts, styles))

    def _lines(self, texts: tuple[str, ...], styles: tuple[str, ...]) -> Iterator[str]:
        for name, text, style in zip(self._names, texts, styles, strict=True):
            if self._bare and self._count and not text:
                continue
            values = [text] if self._width is None else fold(text, self._width - self._label - 2)
            for label, value in zip_longest(name, values, fillvalue=""):
                shown = shade(pad(label, self._label, right=False), DIM, color=self._color)
                yield f"{shown}  {tinted(value, 0, right=False, style=style)}".rstrip(" ") + "\n"


def tinted(text: str, width: int, right: bool, style: str) -> str:  # noqa: FBT001 - as a column has it
    """Fill a text up to a width with blanks; only the text is coloured."""
    if not style or not text:
        return pad(text, width, right)
    return pad(text, width, right).replace(text, shade(text, style, color=True), 1)


def _rows(styles: Texts, count: int) -> Iterator[tuple[str, ...]]:
    """Turn colours column by column into rows, a column without any being one of none."""
    return zip(*(colors or [""] * count for colors in styles), strict=True)
