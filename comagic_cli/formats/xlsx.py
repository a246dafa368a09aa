"""Excel workbooks: typed cells, a header that stays and filters, of any number of rows.

Nothing in a text is taken for a formula, a link or a number. Excel's limits are met with more
sheets: one more for every 1 048 575 rows, and `Long texts` for what is longer than a cell holds.
Rows go to a temporary file until the end, since a workbook begins with what is known last.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO, TypeAlias

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError, FileSizeError

from comagic_cli.errors import CannotWrite
from comagic_cli.files.compression import GuardedStream
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.flatten import Flattener, cell, titled, unwrap
from comagic_cli.formats.typed import (
    CLOCK,
    DAY,
    MISMATCH,
    Kind,
    kind_of,
    kind_of_column,
    to_date,
    to_datetime,
    to_seconds,
)
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import Digits, RowReader
from comagic_cli.rows.page import Page, slices

Shown: TypeAlias = "str | int | float | bool | None"

EXACT = 15  # digits of a number that Excel keeps
ORIGIN = datetime(1899, 12, 30)  # noqa: DTZ001 - times are those of a clock on the wall
EARLIEST = 1901  # before March 1900 Excel counts a day that there was not
ID = re.compile(r"(?:^|[_.])ids?$")
# XML has no place for these. Tab, LF and CR it has, and Excel shows them.
NOT_IN_XML = {n: 0x2400 + n for n in range(32) if n not in {9, 10, 13}} | {
    0xFFFE: 0xFFFD,
    0xFFFF: 0xFFFD,
}
BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def shown(values: Sequence[Any], kind: Kind, name: str) -> Sequence[Shown]:
    """Return what stands in the cells of a column; None for an empty one."""
    show = _text if ID.search(name) else SHOWS.get(kind, _text)
    cells = [None if value is None else show(value) for value in values]
    if BAD.search("".join(text for text in cells if type(text) is str)):
        return [text.translate(NOT_IN_XML) if type(text) is str else text for text in cells]
    return cells


def number(value: Any) -> Shown:
    """Show a number as such where all its digits stay, else as text."""
    if type(value) is int and abs(value) < 10**EXACT:
        return value
    if type(value) is Digits and _is_exact(value):
        return float(value)
    return _text(value)


def _is_exact(digits: Digits) -> bool:
    exact = Decimal(digits)
    told = exact.as_tuple()
    return digits[:2] != "-0" and len(told.digits) <= EXACT and -300 < exact.adjusted() < 300  # noqa: PLR2004 - floats reach a little farther


def _boolean(value: Any) -> Shown:
    return value if type(value) is bool else _text(value)


def _seconds(value: Any) -> Shown:
    fitted = to_seconds(value)
    return _text(value) if fitted is MISMATCH or not 0 <= fitted < 10**9 else fitted / DAY


def _moment(value: Any) -> Shown:
    when = to_datetime(value)
    if when is MISMATCH or when.year < EARLIEST or when.microsecond:
        return _text(value)
    return _days(when)


def _date(value: Any) -> Shown:
    when = to_date(value)
    if when is MISMATCH or when.year < EARLIEST:
        return _text(value)
    return int((when - ORIGIN.date()).days)


def _clock(value: Any) -> Shown:
    if type(value) is not str or not CLOCK.fullmatch(value) or to_seconds(value) >= DAY:
        return _text(value)
    return int(to_seconds(value)) / DAY


def _days(when: datetime) -> float:
    past = when - ORIGIN
    return past.days + past.seconds / DAY


def _text(value: Any) -> Shown:
    text = cell(value)
    return text if text is None else str(text) or None


SHOWS: dict[Kind, Callable[[Any], Shown]] = {
    "integer": number,
    "float": number,
    "seconds": _seconds,
    "boolean": _boolean,
    "datetime": _moment,
    "date": _date,
    "time": _clock,
}


ROWS = 1_048_576  # of a sheet, its header among them
HEAVY = 1 << 30  # bytes of rows on a sheet, which as XML are two to four times as many
LONGEST = 32_767  # UTF-16 units in a cell
PIECE = 16_000  # characters, of which each is one unit or two
FORMATS: dict[Kind, str] = {
    "datetime": "yyyy-mm-dd hh:mm:ss",
    "date": "yyyy-mm-dd",
    "time": "hh:mm:ss",
    "seconds": "[h]:mm:ss",
}
WIDTHS: dict[Kind, int] = {"datetime": 19, "date": 11, "text": 20, "list": 24}
FILTER = 4  # characters that the button of a filter takes
WIDEST = 40


class XlsxSink:
    """Write sheets of rows, and in the end the workbook."""

    def __init__(
        self, stream: BinaryIO, columns: Sequence[Field], format_options: FormatOptions
    ) -> None:
        self._stream = GuardedStream(stream)
        self._reader = RowReader(tuple(field.name for field in columns))
        self._columns = [_Column(field, format_options) for field in columns]
        names = [name for column in self._columns for name in column.names]
        self._names = (
            titled(names, dict(format_options.titles))
            if format_options.header == "title"
            else names
        )
        self._kinds = [kind for column in self._columns for kind in column.kinds]

    def begin(self) -> None:
        """Begin the workbook, and its first sheet."""
        folder = tempfile.mkdtemp(prefix="comagic-")
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        options = {"constant_memory": True, "tmpdir": folder}
        self._book = xlsxwriter.Workbook(self._stream, options)
        # Equal rows make equal files: no file says when it was made.
        self._book.set_properties({"created": datetime(1980, 1, 1)})  # noqa: DTZ001 - it wants none
        self._bold = self._book.add_format({"bold": True})
        self._wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        self._formats = [
            self._book.add_format({"num_format": FORMATS[kind]}) if kind in FORMATS else None
            for kind in self._kinds
        ]
        self._long: _Long | None = None
        self._sheets = 0
        self._add_sheet()

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        for part in slices(page):
            if self._bytes > HEAVY:
                self._end_sheet()
                self._add_sheet()
            self._bytes += len(part.array)
            values = zip(*self._reader.plain(part), strict=True)
            columns = [
                cells
                for column, came in zip(self._columns, values, strict=True)
                for cells in column.shown(came)
            ]
            for row in zip(*columns, strict=True):
                self._write_row(row)

    def end(self) -> None:
        """Write the workbook."""
        self._end_sheet()
        with self._stream.pass_through():
            try:
                self._book.close()
            except FileCreateError as error:  # of XlsxWriter's own making, about another one
                raise error.__context__ or error from None
            except FileSizeError as error:
                raise CannotWrite(
                    "An Excel workbook can't be as large as this.",
                    hint="Write fewer fields or a shorter period, or .csv or .parquet.",
                ) from error
        self._remove()

    def _add_sheet(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(
            "Rows" if self._sheets == 1 else f"Rows {self._sheets}"
        )
        self._sheet.freeze_panes(1, 0)
        for place, (name, kind) in enumerate(zip(self._names, self._kinds, strict=True)):
            self._sheet.set_column(place, place, _width(name, kind))
        for place, name in enumerate(self._names):
            self._sheet.write_string(0, place, name, self._bold)
        self._row = 1
        self._bytes = 0

    def _end_sheet(self) -> None:
        self._sheet.autofilter(0, 0, self._row - 1, len(self._names) - 1)

    def _write_row(self, row: Sequence[Shown]) -> None:
        if self._row == ROWS:
            self._end_sheet()
            self._add_sheet()
        sheet, at = self._sheet, self._row
        for place, value in enumerate(row):
            if type(value) is str:
                self._write_text(at, place, value)
            elif type(value) is bool:
                sheet.write_boolean(at, place, value)
            elif value is not None:
                sheet.write_number(at, place, value, self._formats[place])
        self._row += 1

    def _write_text(self, row: int, place: int, text: str) -> None:
        if len(text) > PIECE and _units(text) > LONGEST:
            self._long = self._long or _Long(self._book, self._bold)
            text = self._long.add(self._sheet.get_name(), row, self._names[place], text)
        write_text(self._sheet, row, place, text)


class _Column:
    """The cells that a field becomes: of its own kind, or text as CSV has it."""

    def __init__(self, field: Field, format_options: FormatOptions) -> None:
        plain = kind_of(field) not in {"text", "list"}
        self._flat = None if plain else Flattener([field], replace(format_options, header="id"))
        self.names: Sequence[str] = self._flat.names if self._flat else (field.name,)
        self.kinds = [kind_of_column(field, name) for name in self.names]

    def shown(self, came: Sequence[Any]) -> list[Sequence[Shown]]:
        """Return the cells of each column."""
        columns = (
            self._flat.columns(zip(came, strict=True)) if self._flat else [list(map(unwrap, came))]
        )
        return [
            shown(values, kind, name)
            for values, kind, name in zip(columns, self.kinds, self.names, strict=True)
        ]


class _Long:
    """The sheet of the texts that no cell holds: each in pieces, one a row."""

    names = ("sheet", "row", "column", "piece", "text")

    def __init__(self, book: Any, bold: Any) -> None:
        self._sheet = book.add_worksheet("Long texts")
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(2, 2, WIDEST)
        self._sheet.set_column(4, 4, WIDEST)
        for place, name in enumerate(self.names):
            self._sheet.write_string(0, place, name, bold)
        self._row = 1

    def add(self, sheet: str, row: int, column: str, text: str) -> str:
        """Write a text; return what stands in its cell, its beginning and where the rest is."""
        first = self._row
        for start in range(0, len(text), PIECE):
            self._sheet.write_string(self._row, 0, sheet)
            self._sheet.write_number(self._row, 1, row + 1)
            self._sheet.write_string(self._row, 2, column)
            self._sheet.write_number(self._row, 3, start // PIECE + 1)
            write_text(self._sheet, self._row, 4, text[start : start + PIECE])
            self._row += 1
        return f"{text[:1000]}… [{len(text)} characters: see Long texts, row {first + 1}]"


def write_text(sheet: Any, row: int, place: int, text: str) -> None:
    """Write a text as such; XlsxWriter takes one between `<r>` and `</r>` for XML of its own."""
    if text.startswith("<r>") and text.endswith("</r>"):
        sheet.write_rich_string(row, place, *text[:2], text[2:])
    else:
        sheet.write_string(row, place, text)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _width(name: str, kind: Kind) -> int:
    return min(WIDEST, max(WIDTHS.get(kind, 10), len(name) + FILTER))
