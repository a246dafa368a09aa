r"""CSV (RFC 4180, UTF-8, lines ended by LF) and TSV (no quotes, but `\t`, `\n`, `\r`, `\\`).

Written by hand, column by column: a column without special characters, which most are, needs no
look at its single cells, and that is faster than `csv.writer`, which looks at every character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from comagic_cli.output.flatten import Cell, Flattener
from comagic_cli.output.sinks import Look
from comagic_cli.request.catalog import Field
from comagic_cli.request.rows import Digits, Page, RowReader, slices

TEXTS = frozenset({str, Digits, type(None)})
ESCAPES = str.maketrans({"\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\"})


class CsvSink:
    """Write a header, then a line a row; a cell with a comma, quote, CR or LF is quoted."""

    separator = ","
    special = ',"\n\r'
    escape = b"\\u"  # what a marker of a lone surrogate becomes

    def __init__(self, stream: BinaryIO, columns: Sequence[Field], look: Look) -> None:
        self._stream = stream
        self._reader = RowReader(tuple(field.name for field in columns))
        self._flat = Flattener(columns, look)

    def begin(self) -> None:
        """Write the header."""
        self._stream.write(self._text([[name] for name in self._flat.names]).encode())

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        for part in slices(page):
            text = self._text(self._flat.columns(self._reader.marked(part))).encode()
            self._stream.write(text.replace(part.marker, self.escape) if part.marker else text)

    def end(self) -> None:
        """Write nothing: the last row is the end."""

    def quoted(self, texts: Sequence[str]) -> Sequence[str]:
        """Quote the cells of a column that hold something special."""
        return [
            '"' + text.replace('"', '""') + '"'
            if '"' in text or "," in text or "\n" in text or "\r" in text
            else text
            for text in texts
        ]

    def lone(self, texts: Sequence[str]) -> Sequence[str]:
        """Quote the empty cells of an only column, since a blank line is no row to most readers."""
        return [text or '""' for text in texts]

    def _text(self, columns: Sequence[Sequence[Cell]]) -> str:
        written = list(map(self._column, columns))
        if len(written) == 1:
            written = [self.lone(written[0])]
        return "\n".join([*map(self.separator.join, zip(*written, strict=True)), ""])

    def _column(self, cells: Sequence[Cell]) -> Sequence[str]:
        texts = texts_of(cells)
        together = "".join(texts)
        return self.quoted(texts) if any(map(together.__contains__, self.special)) else texts


class TsvSink(CsvSink):
    """Write a header, then a line a row; a tab, CR, LF or backslash in a cell is escaped."""

    separator = "\t"
    special = "\t\n\r\\"
    escape = b"\\\\u"

    def quoted(self, texts: Sequence[str]) -> Sequence[str]:
        """Escape what is special in the cells of a column."""
        return [text.translate(ESCAPES) for text in texts]

    def lone(self, texts: Sequence[str]) -> Sequence[str]:
        """Leave an only column as it is: TSV has no quotes."""
        return texts


def texts_of(cells: Sequence[Cell]) -> list[str]:
    """Return the cells of a column as text, None as empty."""
    if TEXTS.issuperset(map(type, cells)):
        return [cell or "" for cell in cells]  # type: ignore[misc]  # no cell is a number here
    return ["" if cell is None else str(cell) for cell in cells]
