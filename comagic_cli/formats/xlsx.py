"""Excel workbooks: typed cells, a fixed header and filters, for any number of rows.

No text becomes a formula or a number; only addresses of recordings become links. More sheets avoid
Excel's limits: one for every 1 048 575 rows, and `Long texts` for texts that are too long for a
cell. Rows are in a temporary file until the end, because the start of a workbook depends on all
rows.
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
from comagic_cli.formats.transforms import COLUMN, FILES
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

CellValue: TypeAlias = "str | int | float | bool | None"

EXACT = 15  # digits of a number that Excel keeps
ORIGIN = datetime(1899, 12, 30)  # noqa: DTZ001 - times are those of a clock on the wall
EARLIEST = 1901  # Excel counts a 29 February 1900, which did not exist
ID = re.compile(r"(?:^|[_.])ids?$")
# XML does not allow these characters, except tab, LF and CR, which Excel shows.
NOT_IN_XML = {n: 0x2400 + n for n in range(32) if n not in {9, 10, 13}} | {
    0xFFFE: 0xFFFD,
    0xFFFF: 0xFFFD,
}
BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def cell_values(values: Sequence[Any], kind: Kind, name: str) -> Sequence[CellValue]:
    """Return the cells of a column; `None` is an empty cell."""
    convert = _text if ID.search(name) else CONVERTERS.get(kind, _text)
    cells = [None if value is None else convert(value) for value in values]
    if BAD.search("".join(text for text in cells if type(text) is str)):
        return [text.translate(NOT_IN_XML) if type(text) is str else text for text in cells]
    return cells


def number(value: Any) -> CellValue:
    """Return a number if Excel keeps all its digits, else its text."""
    if type(value) is int and abs(value) < 10**EXACT:
        return value
    if type(value) is Digits and _is_exact(value):
        return float(value)
    return _text(value)


def _is_exact(digits: Digits) -> bool:
    exact = Decimal(digits)
    parts = exact.as_tuple()
    return digits[:2] != "-0" and len(parts.digits) <= EXACT and -300 < exact.adjusted() < 300  # noqa: PLR2004 - floats reach a little farther


def _boolean(value: Any) -> CellValue:
    return value if type(value) is bool else _text(value)


def _seconds(value: Any) -> CellValue:
    number_of_seconds = to_seconds(value)
    return (
        _text(value)
        if number_of_seconds is MISMATCH or not 0 <= number_of_seconds < 10**9
        else number_of_seconds / DAY
    )


def _moment(value: Any) -> CellValue:
    when = to_datetime(value)
    if when is MISMATCH or when.year < EARLIEST or when.microsecond:
        return _text(value)
    return _days(when)


def _date(value: Any) -> CellValue:
    when = to_date(value)
    if when is MISMATCH or when.year < EARLIEST:
        return _text(value)
    return int((when - ORIGIN.date()).days)


def _clock(value: Any) -> CellValue:
    if type(value) is not str or not CLOCK.fullmatch(value) or to_seconds(value) >= DAY:
        return _text(value)
    return int(to_seconds(value)) / DAY


def _days(when: datetime) -> float:
    past = when - ORIGIN
    return past.days + past.seconds / DAY


def _text(value: Any) -> CellValue:
    text = cell(value)
    return text if text is None else str(text) or None


CONVERTERS: dict[Kind, Callable[[Any], CellValue]] = {
    "integer": number,
    "float": number,
    "seconds": _seconds,
    "boolean": _boolean,
    "datetime": _moment,
    "date": _date,
    "time": _clock,
}


ROWS = 1_048_576  # of a sheet, including its header
MAX_LINKS = 65_530  # of a sheet, as Excel takes them
LINK = re.compile(r"https?://[^\s;]{1,2000}")  # a single address
FILE = re.compile(r"(?!.*; |s3:|gs:|az:)[^\n]{1,250}")  # the path of a single file
# XlsxWriter escapes nothing where a % with two digits stands in a name, and cuts it at #.
IN_LINK = {ord(char): f"%{ord(char):02x}" for char in '%# "<>[]^`{}'}
HEAVY = 1 << 30  # bytes of rows on a sheet; as XML they are two to four times as large
LONGEST = 32_767  # UTF-16 units in a cell
PIECE = 16_000  # characters, each of one or two units
FORMATS: dict[Kind, str] = {
    "datetime": "yyyy-mm-dd hh:mm:ss",
    "date": "yyyy-mm-dd",
    "time": "hh:mm:ss",
    "seconds": "[h]:mm:ss",
}
WIDTHS: dict[Kind, int] = {"datetime": 19, "date": 11, "text": 20, "list": 24}
FILTER = 4  # characters that the button of a filter covers
WIDEST = 40


class XlsxSink:
    """Write sheets of rows, and at the end the workbook."""

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
        self._links = {place for place, name in enumerate(names) if name == COLUMN}
        self._files = {place for place, name in enumerate(names) if name == FILES}

    def begin(self) -> None:
        """Begin the workbook, and its first sheet."""
        folder = tempfile.mkdtemp(prefix="comagic-")
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        options = {"constant_memory": True, "tmpdir": folder}
        self._book = xlsxwriter.Workbook(self._stream, options)
        # Equal rows make equal files, so no file has its creation time.
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
                for column, plain_values in zip(self._columns, values, strict=True)
                for cells in column.cells(plain_values)
            ]
            for row in zip(*columns, strict=True):
                self._write_row(row)

    def end(self) -> None:
        """Write the workbook."""
        self._end_sheet()
        with self._stream.pass_through():
            try:
                self._book.close()
            except FileCreateError as error:  # it hides the original error
                raise error.__context__ or error from None
            except FileSizeError as error:
                raise CannotWrite(
                    "The rows are too large for an Excel workbook.",
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
        self._rest = MAX_LINKS

    def _end_sheet(self) -> None:
        self._sheet.autofilter(0, 0, self._row - 1, len(self._names) - 1)

    def _write_row(self, row: Sequence[CellValue]) -> None:
        if self._row == ROWS:
            self._end_sheet()
            self._add_sheet()
        sheet, at = self._sheet, self._row
        for place, value in enumerate(row):
            if type(value) is str:
                if place in self._links and self._rest and LINK.fullmatch(value):
                    self._rest -= 1
                    sheet.write_url(at, place, value, string=value)
                elif place in self._files and self._rest and FILE.fullmatch(value):
                    self._rest -= 1
                    sheet.write_url(at, place, f"external:{value.translate(IN_LINK)}", string=value)
                else:
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
    """The columns of a field: of its own kind, or text as in CSV."""

    def __init__(self, field: Field, format_options: FormatOptions) -> None:
        plain = kind_of(field) not in {"text", "list"}
        self._flat = None if plain else Flattener([field], replace(format_options, header="id"))
        self.names: Sequence[str] = self._flat.names if self._flat else (field.name,)
        self.kinds = [kind_of_column(field, name) for name in self.names]

    def cells(self, plain_values: Sequence[Any]) -> list[Sequence[CellValue]]:
        """Return the cells of each column."""
        columns = (
            self._flat.columns(zip(plain_values, strict=True))
            if self._flat
            else [list(map(unwrap, plain_values))]
        )
        return [
            cell_values(values, kind, name)
            for values, kind, name in zip(columns, self.kinds, self.names, strict=True)
        ]


class _Long:
    """The sheet of texts that are too long for a cell, in pieces, one per row."""

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
        """Write a text; return the text for its cell: the start, and where the rest is."""
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
    """Write a text; XlsxWriter would write one between `<r>` and `</r>` as its own XML."""
    if text.startswith("<r>") and text.endswith("</r>"):
        sheet.write_rich_string(row, place, *text[:2], text[2:])
    else:
        sheet.write_string(row, place, text)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _width(name: str, kind: Kind) -> int:
    return min(WIDEST, max(WIDTHS.get(kind, 10), len(name) + FILTER))
