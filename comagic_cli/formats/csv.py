r"""CSV (RFC 4180, UTF-8, lines ended by LF) and TSV (no quotes, but `\t`, `\n`, `\r`, `\\`).

It is written by hand, column by column: most columns have no special characters, and then no cell
needs to be checked. `csv.writer` is slower, because it checks every character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, BinaryIO, ClassVar, TypeAlias

from msgspec import Raw

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.flatten import Cell, Flattener, Plan, cells_of
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import Digits, RowReader, each_of, plain_values
from comagic_cli.rows.page import Page, render_slices

Edit: TypeAlias = Callable[[Sequence[str]], Sequence[str]]

BREAK = re.compile(r"\r\n|\r|\n")
BREAK_ESCAPES = str.maketrans({"\n": r"\n", "\r": r"\r", "\\": r"\\"})
FORMULA_STARTS = frozenset("=+-@\t\r")  # the start of a formula in a spreadsheet
NUMBER = r"[+-]\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?"
PHONE = r"\+\d(?:[ ()-]*\d){4,}"
ONE = f"(?:{NUMBER}|{PHONE})"
HARMLESS = re.compile(f"{ONE}(?:[;,] ?{ONE})*", re.ASCII)  # one, or a list of them


def replace_breaks(texts: Sequence[str]) -> Sequence[str]:
    """Replace each line break (CR LF, CR or LF) by a blank."""
    text_of_all = "".join(texts)
    if "\n" in text_of_all or "\r" in text_of_all:
        return [BREAK.sub(" ", text) for text in texts]
    return texts


def escape_breaks(texts: Sequence[str]) -> Sequence[str]:
    r"""Write line breaks as `\n` and `\r`, and a backslash as `\\`."""
    text_of_all = "".join(texts)
    if "\n" in text_of_all or "\r" in text_of_all or "\\" in text_of_all:
        return [text.translate(BREAK_ESCAPES) for text in texts]
    return texts


def disarm_formulas(texts: Sequence[str]) -> Sequence[str]:
    """Put an apostrophe before formulas; phones and numbers are unchanged."""
    return [
        f"'{text}" if text[:1] in FORMULA_STARTS and not HARMLESS.fullmatch(text) else text
        for text in texts
    ]


def use_decimal_comma(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Write numbers with a decimal comma; texts are unchanged."""
    if Digits in map(type, cells):
        return [cell.replace(".", ",") if isinstance(cell, Digits) else cell for cell in cells]
    return cells


Quote: TypeAlias = Callable[[Sequence[Cell]], Sequence[str]]

NESTED = b"{["
MAX_CACHED = 10_000  # values of a field whose cells are cached


class RawColumn:
    """Write the cells of one field's columns as bytes.

    Values with a character of `special` are decoded and written by `quote`; a value with only the
    `separator` is quoted here.
    """

    def __init__(self, plan: Plan, separator: str, special: str, quote: Quote) -> None:
        self._plan = plan
        self._is_single = len(plan) == 1
        self._separator = separator.encode()
        self._special = tuple(map(str.encode, {*special, "\r"} - {separator, '"', "\n"} | {"\\"}))
        self._special += tuple(map(bytes, zip(NESTED, strict=True)))
        self._quote = quote
        self._cache: dict[bytes, Any] = {}  # decoded values: the cell, or the cells

    def cells(self, values: Sequence[Raw]) -> list[Sequence[bytes]]:
        """Return a field's columns; `values` are its values in some rows, as JSON."""
        joined = b"\n".join(values)
        if self._is_single and not any(map(joined.__contains__, self._special)):
            cells = self._scalars(joined)
            if len(cells) == len(values):  # else a value has a line break
                return [cells]
        return self._decode(each_of(values, joined))

    def _scalars(self, joined: bytes) -> list[bytes]:
        if b"null" in joined:  # twice: adjacent nulls share a line break
            lines = b"\n%s\n" % joined
            lines = lines.replace(b"\nnull\n", b"\n\n").replace(b"\nnull\n", b"\n\n")
            joined = lines[1:-1]
        text = joined.replace(b'"', b"")
        cells = text.split(b"\n")
        if self._separator not in text:
            return cells
        return [b'"%s"' % cell if self._separator in cell else cell for cell in cells]

    def _decode(self, values: Sequence[bytes]) -> list[Sequence[bytes]]:
        try:
            cells = list(map(self._cache.__getitem__, values))
        except KeyError:
            self._fill_cache(values)
            cells = list(map(self._cache.__getitem__, values))
        return [cells] if self._is_single else list(zip(*cells, strict=True))

    def _fill_cache(self, values: Sequence[bytes]) -> None:
        if len(self._cache) > MAX_CACHED:
            self._cache.clear()
        new = [value for value in dict.fromkeys(values) if value not in self._cache]
        columns = cells_of(self._plan, plain_values(new))
        written = [list(map(str.encode, self._quote(cells))) for cells in columns]
        cells = written[0] if self._is_single else zip(*written, strict=True)
        self._cache.update(zip(new, cells, strict=True))


TEXTS = frozenset({str, Digits, type(None)})
ESCAPES = str.maketrans({"\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\"})


class CsvSink:
    """Write a header, then one line per row; a cell with a separator, quote, CR or LF is quoted."""

    special = '"\n\r'  # and the separator
    line_breaks: ClassVar[Mapping[str, Edit]] = {"space": replace_breaks, "escape": escape_breaks}

    def __init__(
        self, stream: BinaryIO, columns: Sequence[Field], format_options: FormatOptions
    ) -> None:
        self._stream = stream
        self._reader = RowReader(tuple(field.name for field in columns))
        self._flat = Flattener(columns, format_options)
        self._format_options = format_options
        self._separator = self.separator(format_options)
        self._special = self.special + self._separator
        self._end = "\r\n" if format_options.excel else "\n"
        self._escape = self.escape(format_options)
        self._edits = (
            [self.line_breaks[format_options.newlines]]
            if format_options.newlines in self.line_breaks
            else []
        )
        self._edits += [disarm_formulas] if format_options.excel else []
        alters = self._edits or format_options.decimal != "." or len(self._flat.names) == 1
        self._raw = [] if alters else self._raw_columns()

    def begin(self) -> None:
        """Write the header, if any, and for Excel a byte order mark before it."""
        mark = "\ufeff" if self._format_options.excel else ""
        names = self._text([[name] for name in self._flat.names])
        self._stream.write(
            (mark if self._format_options.header == "none" else mark + names).encode()
        )

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        for text in render_slices(page, self.render):
            self._stream.write(text)

    def render(self, page: Page) -> bytes:
        """Return the lines of a page's rows."""
        text = self._raw_lines(page) if self._raw else self._lines(page)
        return text.replace(page.marker, self._escape) if page.marker else text

    def end(self) -> None:
        """Write nothing: the last row is the end."""

    def separator(self, format_options: FormatOptions) -> str:
        """Return the separator of cells."""
        return format_options.delimiter or (";" if format_options.excel else ",")

    def escape(self, format_options: FormatOptions) -> bytes:
        """Return the replacement for the marker of a lone surrogate."""
        return b"\\\\u" if format_options.newlines == "escape" else b"\\u"

    def quote_cells(self, texts: Sequence[str]) -> Sequence[str]:
        """Quote the cells of a column that need quotes."""
        separator = self._separator
        return [
            '"' + text.replace('"', '""') + '"'
            if '"' in text or separator in text or "\n" in text or "\r" in text
            else text
            for text in texts
        ]

    def quote_empty(self, texts: Sequence[str]) -> Sequence[str]:
        """Quote the empty cells of a single column, because most readers skip blank lines."""
        return [text or '""' for text in texts]

    def _raw_columns(self) -> list[RawColumn]:
        special = self._special
        return [
            RawColumn(plan, self._separator, special, self._column) for plan in self._flat.plans
        ]

    def _raw_lines(self, page: Page) -> bytes:
        """Return the lines of a page without decoding most of its cells."""
        fields = map(RawColumn.cells, self._raw, self._reader.raw_columns(page))
        rows = zip(*chain.from_iterable(fields), strict=True)
        end = self._end.encode()
        return end.join(map(self._separator.encode().join, rows)) + end

    def _lines(self, page: Page) -> bytes:
        return self._text(self._flat.columns(self._reader.marked(page))).encode()

    def _text(self, columns: Sequence[Sequence[Cell]]) -> str:
        written = list(map(self._column, columns))
        if len(written) == 1:
            written = [self.quote_empty(written[0])]
        return self._end.join([*map(self._separator.join, zip(*written, strict=True)), ""])

    def _column(self, cells: Sequence[Cell]) -> Sequence[str]:
        texts: Sequence[str] = texts_of(
            use_decimal_comma(cells) if self._format_options.decimal == "," else cells
        )
        for edit in self._edits:
            texts = edit(texts)
        text_of_all = "".join(texts)
        return (
            self.quote_cells(texts) if any(map(text_of_all.__contains__, self._special)) else texts
        )


class TsvSink(CsvSink):
    """Write a header, then one line per row; a tab, CR, LF or backslash in a cell is escaped."""

    special = "\n\r\\"
    line_breaks: ClassVar[Mapping[str, Edit]] = {"space": replace_breaks}

    def separator(self, format_options: FormatOptions) -> str:  # noqa: ARG002 - TSV has one
        """Return a tab."""
        return "\t"

    def escape(self, format_options: FormatOptions) -> bytes:  # noqa: ARG002 - a backslash is always escaped
        """Return the replacement for the marker of a lone surrogate."""
        return b"\\\\u"

    def quote_cells(self, texts: Sequence[str]) -> Sequence[str]:
        """Escape special characters in the cells of a column."""
        return [text.translate(ESCAPES) for text in texts]

    def quote_empty(self, texts: Sequence[str]) -> Sequence[str]:
        """Return a single column unchanged: TSV has no quotes."""
        return texts


def texts_of(cells: Sequence[Cell]) -> list[str]:
    """Return the cells of a column as text; `None` becomes empty."""
    if TEXTS.issuperset(map(type, cells)):
        return [cell or "" for cell in cells]  # type: ignore[misc]  # no cell is a number here
    return ["" if cell is None else str(cell) for cell in cells]
