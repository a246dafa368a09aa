r"""Tables to look at: a grid where the columns fit the terminal, else a block a record.

Widths follow from the first rows; what is wider later folds. Nothing is ever cut, and nothing in
the data reaches the terminal as a command: what is not printable is shown as `\n`, `\x1b`, …
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import BinaryIO, Protocol
from unicodedata import category

from rich.cells import cell_len

from comagic_cli.output.flatten import Cell, Flattener
from comagic_cli.output.sinks import Look
from comagic_cli.request.catalog import Field
from comagic_cli.request.rows import Digits, Page, RowReader, slices

BETWEEN = " │ "
NARROW = 12  # cells; columns of text may be made as narrow as this: phones, dates still fit
NUMBER = 20  # cells; numbers up to this long are never folded
JOINERS = frozenset("\u200c\u200d")  # unprintable, but parts of emoji and of some scripts
NUMBERS = frozenset({int, Digits})
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})  # controls, formats, line and paragraph separators
WORD = re.compile(r"[^_. ]*[_. ]?")  # what a column's name may be folded after
BOLD, DIM = "1", "2"


class Drawing(Protocol):
    """Draw rows of visible texts that come column by column."""

    def head(self) -> str:
        """Draw what stands above the rows."""

    def body(self, columns: Sequence[Sequence[str]]) -> str:
        """Draw some rows."""

    def foot(self) -> str:
        """Draw what stands below the rows."""


class TableSink:
    """Draw the rows as text; the first of them decide how."""

    def __init__(self, stream: BinaryIO, columns: Sequence[Field], look: Look) -> None:
        self._stream = stream
        self._reader = RowReader(tuple(field.name for field in columns))
        self._flat = Flattener(columns, look)
        self._look = look
        self._drawing: Drawing | None = None

    def begin(self) -> None:
        """Write nothing: the first rows decide how the header looks."""

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        for part in slices(page):
            columns = self._flat.columns(self._reader.plain(part))
            texts = [list(map(visible, cells)) for cells in columns]
            if self._drawing is None:
                self._drawing = self._begun(texts, columns)
            self._stream.write(self._drawing.body(texts).encode())

    def end(self) -> None:
        """Write the header where no row has brought it."""
        nothing: list[list[str]] = [[] for _ in self._flat.names]
        drawing = self._drawing or self._begun(nothing, nothing)
        self._stream.write(drawing.foot().encode())

    def _begun(self, texts: list[list[str]], columns: Sequence[Sequence[Cell]]) -> Drawing:
        right = [are_numbers(cells) for cells in columns]
        drawing = draw([visible(name) for name in self._flat.names], texts, right, self._look)
        self._stream.write(drawing.head().encode())
        return drawing


def draw(
    names: Sequence[str], texts: Sequence[Sequence[str]], right: Sequence[bool], look: Look
) -> Drawing:
    """Choose the drawing that suits the first rows' texts; `right` are the columns of numbers.

    Where the terminal is too narrow names fold first, then texts; too many columns become blocks.
    """
    whole = list(map(size, names))
    folded = [max(map(size, WORD.findall(name))) for name in names]
    cells = [max(map(size, column), default=0) for column in texts]
    wide, narrow = list(map(max, whole, cells)), list(map(max, folded, cells))
    if look.width is None:
        return Grid(names, wide, right, ruled=False, color=look.color)
    room = look.width - len(BETWEEN) * (len(names) - 1)
    if sum(narrow) <= room:
        return Grid(names, fit(wide, narrow, room), right, ruled=False, color=look.color)
    least = [NUMBER if numbers else NARROW for numbers in right]
    floors = list(map(min, narrow, map(max, folded, least)))
    if sum(floors) <= room:
        return Grid(names, fit(narrow, floors, room), right, ruled=True, color=look.color)
    return Blocks(names, look.width, color=look.color)


def fit(wishes: Sequence[int], floors: Sequence[int], room: int) -> list[int]:
    """Narrow the widest columns, none below its floor, until all fit the room; the floors must."""

    def widths(cap: int) -> list[int]:
        return [min(wish, max(floor, cap)) for wish, floor in zip(wishes, floors, strict=True)]

    caps = range(max(wishes, default=0) + 1)
    return widths(bisect_right(caps, room, key=lambda cap: sum(widths(cap))) - 1)


class Grid:
    """Draw columns side by side; `ruled` draws a line between rows, as they may take several."""

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
        self._started = False

    def head(self) -> str:
        """Draw the names and a line under them."""
        folded = self._folded(self._names, breaks="_. ")
        lines = [*(shade(line, BOLD, color=self._color) for line in folded), self._head_line]
        return "".join(f"{line}\n" for line in lines)

    def body(self, columns: Sequence[Sequence[str]]) -> str:
        """Draw some rows."""
        padded = [
            [pad(text, *column) if size(text) <= column[0] else None for text in texts]
            for texts, column in zip(columns, self._columns, strict=True)
        ]
        rows = zip(zip(*padded, strict=True), zip(*columns, strict=True), strict=True)
        drawn = (self._row(cells, texts) for cells, texts in rows)
        text = self._line.join(drawn)
        above, self._started = (self._line if self._started else ""), True
        return above + text

    def foot(self) -> str:
        """Draw nothing."""
        return ""

    def _row(self, cells: tuple[str | None, ...], texts: tuple[str, ...]) -> str:
        if None not in cells:
            return BETWEEN.join(cells).rstrip(" ") + "\n"  # type: ignore[arg-type]  # no None is in them
        return "".join(f"{line}\n" for line in self._folded(texts))

    def _folded(self, texts: Sequence[str], breaks: str = " ") -> Iterator[str]:
        folded = [
            fold(text, width, breaks) for text, (width, _) in zip(texts, self._columns, strict=True)
        ]
        for line in zip_longest(*folded, fillvalue=""):
            cells = map(pad, line, *zip(*self._columns, strict=True))
            yield BETWEEN.join(cells).rstrip(" ")


class Blocks:
    """Draw a record as a block: a numbered line, then a line or more for each column."""

    def __init__(self, names: Sequence[str], width: int, *, color: bool) -> None:
        self._width = max(width, 4)
        self._label = min(max(map(size, names)), (self._width - 2) // 2)
        self._names = [fold(name, self._label, "_. ") for name in names]
        self._color = color
        self._count = 0

    def head(self) -> str:
        """Draw nothing: every block has the names."""
        return ""

    def body(self, columns: Sequence[Sequence[str]]) -> str:
        """Draw some records."""
        return "".join(map(self._block, zip(*columns, strict=True)))

    def foot(self) -> str:
        """Draw the names where there was no block to have them."""
        nothing = ("",) * len(self._names)
        return "" if self._count else "".join(self._lines(nothing))

    def _block(self, texts: tuple[str, ...]) -> str:
        self._count += 1
        title = f"── {self._count} ".ljust(self._width, "─")
        return shade(title, BOLD, color=self._color) + "\n" + "".join(self._lines(texts))

    def _lines(self, texts: tuple[str, ...]) -> Iterator[str]:
        for name, text in zip(self._names, texts, strict=True):
            values = fold(text, self._width - self._label - 2)
            for label, value in zip_longest(name, values, fillvalue=""):
                shown = shade(pad(label, self._label, right=False), DIM, color=self._color)
                yield f"{shown}  {value}".rstrip(" ") + "\n"


def visible(cell: Cell) -> str:
    """Return a cell's text with what is not printable shown as Python would escape it."""
    text = "" if cell is None else str(cell)
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if category(character) not in UNSEEN or character in JOINERS:
        return character
    return character.encode("unicode_escape").decode()


def are_numbers(cells: Sequence[Cell]) -> bool:
    """Tell whether a column holds numbers and nothing else."""
    kinds = set(map(type, cells)) - {type(None)}
    return bool(kinds) and kinds <= NUMBERS


def size(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def pad(text: str, width: int, right: bool) -> str:  # noqa: FBT001 - as a column has it
    """Fill a text up to a width with blanks, before it or after it."""
    blanks = " " * (width - size(text))
    return blanks + text if right else text + blanks


def fold(text: str, width: int, breaks: str = " ") -> list[str]:
    """Cut a text into lines of at most `width` cells, after one of `breaks` where it can be.

    A blank where a line is full hangs over. A character wider than the width has its own line.
    """
    if size(text) <= width:
        return [text]
    lines = []
    start = cut = used = 0
    for begin, end in _clusters(text):
        cells = size(text[begin:end])
        if used + cells > width and begin > start and text[begin:end] != " ":
            stop = cut if cut > start else begin
            lines.append(text[start:stop].rstrip(" "))
            start, used = stop, size(text[stop:begin])
        used += cells
        cut = end if text[end - 1] in breaks else cut
    return [*lines, text[start:].rstrip(" ")]


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Find the characters as they are seen: with what combines with or is joined to them."""
    start = 0
    for place in range(1, len(text)):
        if text[place - 1] != "\u200d" and size(text[place]):
            yield start, place
            start = place
    yield start, len(text)


def shade(line: str, style: str, *, color: bool) -> str:
    """Make a line bold or dim where escape sequences are allowed."""
    return f"\x1b[{style}m{line}\x1b[0m" if color else line
