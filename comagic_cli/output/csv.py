r"""CSV (RFC 4180, UTF-8, lines ended by LF) and TSV (no quotes, but `\t`, `\n`, `\r`, `\\`).

Written by hand, column by column: a column without special characters, which most are, needs no
look at its single cells, and that is faster than `csv.writer`, which looks at every character.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import BinaryIO, ClassVar

from comagic_cli.output.edits import Edit, escaped, guarded, spaced, with_comma
from comagic_cli.output.flatten import Cell, Flattener
from comagic_cli.output.raw_columns import RawColumn
from comagic_cli.output.sinks import Look
from comagic_cli.request.catalog import Field
from comagic_cli.request.pages import Page, rendered
from comagic_cli.request.rows import Digits, RowReader

TEXTS = frozenset({str, Digits, type(None)})
ESCAPES = str.maketrans({"\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\"})


class CsvSink:
    """Write a header, then a line a row; a cell with a separator, quote, CR or LF is quoted."""

    special = '"\n\r'  # and the separator
    line_breaks: ClassVar[Mapping[str, Edit]] = {"space": spaced, "escape": escaped}

    def __init__(self, stream: BinaryIO, columns: Sequence[Field], look: Look) -> None:
        self._stream = stream
        self._reader = RowReader(tuple(field.name for field in columns))
        self._flat = Flattener(columns, look)
        self._look = look
        self._separator = self.separator(look)
        self._special = self.special + self._separator
        self._end = "\r\n" if look.excel else "\n"
        self._escape = self.escape(look)
        self._edits = [self.line_breaks[look.newlines]] if look.newlines in self.line_breaks else []
        self._edits += [guarded] if look.excel else []
        alters = self._edits or look.decimal != "." or len(self._flat.names) == 1
        self._raw = [] if alters else self._raw_columns()

    def begin(self) -> None:
        """Write the header, where there is to be one; before it, for Excel, a byte order mark."""
        mark = "\ufeff" if self._look.excel else ""
        names = self._text([[name] for name in self._flat.names])
        self._stream.write((mark if self._look.header == "none" else mark + names).encode())

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        for text in rendered(page, self.render):
            self._stream.write(text)

    def render(self, page: Page) -> bytes:
        """Return the lines of a page's rows."""
        text = self._plainly(page) if self._raw else self._lines(page)
        return text.replace(page.marker, self._escape) if page.marker else text

    def end(self) -> None:
        """Write nothing: the last row is the end."""

    def separator(self, look: Look) -> str:
        """Return what stands between two cells."""
        return look.delimiter or (";" if look.excel else ",")

    def escape(self, look: Look) -> bytes:
        """Return what a marker of a lone surrogate becomes."""
        return b"\\\\u" if look.newlines == "escape" else b"\\u"

    def quoted(self, texts: Sequence[str]) -> Sequence[str]:
        """Quote the cells of a column that hold something special."""
        separator = self._separator
        return [
            '"' + text.replace('"', '""') + '"'
            if '"' in text or separator in text or "\n" in text or "\r" in text
            else text
            for text in texts
        ]

    def lone(self, texts: Sequence[str]) -> Sequence[str]:
        """Quote the empty cells of an only column, since a blank line is no row to most readers."""
        return [text or '""' for text in texts]

    def _raw_columns(self) -> list[RawColumn]:
        special = self._special
        return [
            RawColumn(plan, self._separator, special, self._column) for plan in self._flat.plans
        ]

    def _plainly(self, page: Page) -> bytes:
        """Return the lines of some rows, most of whose cells are not parsed."""
        fields = map(RawColumn.cells, self._raw, self._reader.raw_columns(page))
        rows = zip(*chain.from_iterable(fields), strict=True)
        end = self._end.encode()
        return end.join(map(self._separator.encode().join, rows)) + end

    def _lines(self, page: Page) -> bytes:
        return self._text(self._flat.columns(self._reader.marked(page))).encode()

    def _text(self, columns: Sequence[Sequence[Cell]]) -> str:
        written = list(map(self._column, columns))
        if len(written) == 1:
            written = [self.lone(written[0])]
        return self._end.join([*map(self._separator.join, zip(*written, strict=True)), ""])

    def _column(self, cells: Sequence[Cell]) -> Sequence[str]:
        texts: Sequence[str] = texts_of(with_comma(cells) if self._look.decimal == "," else cells)
        for edit in self._edits:
            texts = edit(texts)
        together = "".join(texts)
        return self.quoted(texts) if any(map(together.__contains__, self._special)) else texts


class TsvSink(CsvSink):
    """Write a header, then a line a row; a tab, CR, LF or backslash in a cell is escaped."""

    special = "\n\r\\"
    line_breaks: ClassVar[Mapping[str, Edit]] = {"space": spaced}

    def separator(self, look: Look) -> str:  # noqa: ARG002 - TSV has one
        """Return a tab."""
        return "\t"

    def escape(self, look: Look) -> bytes:  # noqa: ARG002 - a backslash is always escaped
        """Return what a marker of a lone surrogate becomes."""
        return b"\\\\u"

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
