"""What every format has in common, and which formats there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import BinaryIO, Literal, Protocol, cast

from comagic_cli.errors import UsageProblem
from comagic_cli.request.catalog import Field
from comagic_cli.request.rows import Page

FORMATS = {
    "table": "table:TableSink",
    "csv": "csv:CsvSink",
    "tsv": "csv:TsvSink",
    "jsonl": "jsonl:JsonLinesSink",
    "json": "jsonl:JsonSink",
    "xlsx": "xlsx:XlsxSink",
    "parquet": "parquet:ParquetSink",
}
"""Where each format's class is: `module:class`, imported when it is asked for."""
EXTRAS = {"xlsx": "xlsxwriter", "parquet": "pyarrow"}
"""The package that a format needs beyond those that are always there; its extra is so called."""
ZONED = frozenset({"parquet"})  # formats whose times are instants: see `Look.zone`


class Sink(Protocol):
    """Write rows in one format to a stream of bytes; who opened the stream closes it."""

    def begin(self) -> None:
        """Write what stands before the rows: a header, an opening bracket."""

    def write(self, page: Page) -> None:
        """Write a page's rows."""

    def end(self) -> None:
        """Write what stands after the rows."""


@dataclass(frozen=True)
class Look:
    """How values are shown where a format leaves a choice.

    `enum` is what `{value, value_id}` becomes. `list_separator` joins lists of plain values.
    `header` names columns by their ids, by `titles` (pairs of id and title), or
    not at all. `delimiter` of CSV is a character; `None`: as usual. `newlines` is what line breaks
    in texts become. `excel` is CSV for spreadsheets. `decimal` stands in numbers. `width` is the
    terminal's, in cells; `None` is no terminal. `color` allows escape sequences. `record` asks for
    a block a record. Without `all_columns` a table shows those that fit. `zone` is the
    account's, where a format needs it; `None` leaves times without one.
    """

    enum: Literal["value", "id", "both"] = "value"
    list_separator: str = "; "
    header: Literal["id", "title", "none"] = "id"
    titles: tuple[tuple[str, str], ...] = ()
    delimiter: str | None = None
    newlines: Literal["keep", "space", "escape"] = "keep"
    excel: bool = False
    decimal: Literal[".", ","] = "."
    width: int | None = None
    color: bool = False
    record: bool = False
    all_columns: bool = True
    zone: str | None = None


OF_THE_RUN = frozenset({"titles", "width", "color", "all_columns"})
"""What of a look the request does not decide: the terminal does, or what the account says now."""


def make_sink(format: str, stream: BinaryIO, columns: Sequence[Field], look: Look) -> Sink:  # noqa: A002 - the option's own name
    """Make the sink that writes the columns to the stream in a format of `FORMATS`."""
    return _maker(format)(stream, columns, look)


def check_format(format: str) -> None:  # noqa: A002 - the option's own name
    """Raise `UsageProblem` where there is no such format, or what writes it isn't installed."""
    _maker(format)


def _maker(format_: str) -> Callable[[BinaryIO, Sequence[Field], Look], Sink]:
    if format_ not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageProblem(f"There is no format {format_!r}.", hint=f"The formats are {known}.")
    module, name = FORMATS[format_].split(":")
    package = EXTRAS.get(format_, "")
    if package and find_spec(package) is None:
        raise UsageProblem(
            f"Writing {format_} needs the package {package}.",
            hint=f"pip install 'comagic[{format_}]'",
        )
    made = getattr(import_module(f"comagic_cli.output.{module}"), name)
    return cast("Callable[[BinaryIO, Sequence[Field], Look], Sink]", made)
