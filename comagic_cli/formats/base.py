"""What every format has in common, and which formats there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import BinaryIO, Literal, Protocol, cast, runtime_checkable

from comagic_cli.errors import UsageProblem
from comagic_cli.query.catalog import Field
from comagic_cli.rows.page import Page

FORMATS = {
    "table": "table:TableSink",
    "csv": "csv:CsvSink",
    "tsv": "csv:TsvSink",
    "jsonl": "json:JsonLinesSink",
    "json": "json:JsonSink",
    "xlsx": "xlsx:XlsxSink",
    "parquet": "parquet:ParquetSink",
}
"""Where each format's class is: `module:class`, imported when it is asked for."""
DATABASE = "sqlite"
"""The format that is no stream of bytes: see `SqliteSink`."""
EXTRAS = {"xlsx": "xlsxwriter", "parquet": "pyarrow"}
"""The package that a format needs beyond those that are always there; its extra is so called."""
ZONED = frozenset({"parquet"})  # formats whose times are instants: see `FormatOptions.zone`


class Sink(Protocol):
    """Write rows in one format to a stream of bytes; who opened the stream closes it."""

    def begin(self) -> None:
        """Write what stands before the rows: a header, an opening bracket."""

    def write(self, page: Page) -> None:
        """Write a page's rows."""

    def end(self) -> None:
        """Write what stands after the rows."""


@runtime_checkable
class Rendering(Protocol):
    """A sink that writes rows as they came, cut into columns."""

    def render(self, page: Page, /) -> bytes:
        """Return what is written of a page's rows."""


@dataclass(frozen=True)
class FormatOptions:
    """How values are shown where a format leaves a choice."""

    coded_values: Literal["value", "id", "both"] = "value"  # what {value, value_id} becomes
    list_separator: str = "; "  # joins lists of plain values
    header: Literal["id", "title", "none"] = "id"
    titles: tuple[tuple[str, str], ...] = ()  # of the account: pairs of a column's id and title
    delimiter: str | None = None  # of CSV, one character; None: as usual
    newlines: Literal["keep", "space", "escape"] = "keep"  # what line breaks in texts become
    excel: bool = False  # CSV for spreadsheets
    decimal: Literal[".", ","] = "."  # stands in numbers
    times: Literal["keep", "iso"] = "keep"  # iso: with the offset of `zone`
    zone: str | None = None  # the account's, where times need it
    record_urls: bool = False  # adds the addresses of recordings in the `web` account
    record_host: str | None = None
    web: str = ""
    flatten: bool = False  # JSON without nested objects
    width: int | None = None  # of the terminal, in cells; None: there is none
    color: bool = False  # allows escape sequences
    vertical: bool = False  # each row as a block
    all_columns: bool = True  # else a table shows those that fit


RUNTIME_OPTIONS = frozenset({"titles", "web", "width", "color", "all_columns"})
"""Format options that are not part of the request: the terminal or the account decides them."""


def make_sink(
    format: str,  # noqa: A002 - the option's own name
    stream: BinaryIO,
    columns: Sequence[Field],
    format_options: FormatOptions,
) -> Sink:
    """Make the sink that writes the columns to the stream in a format of `FORMATS`."""
    make = _maker(format)
    if format_options.times == "keep" and not format_options.record_urls:
        return make(stream, columns, format_options)
    from comagic_cli.formats.transforms import EditedSink  # noqa: PLC0415 - it imports this module

    return EditedSink(lambda all_: make(stream, all_, format_options), columns, format_options)


def check_format(format: str) -> None:  # noqa: A002 - the option's own name
    """Raise `UsageProblem` where there is no such format, or what writes it isn't installed."""
    if format != DATABASE:
        _maker(format)


def _maker(format_: str) -> Callable[[BinaryIO, Sequence[Field], FormatOptions], Sink]:
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
    made = getattr(import_module(f"comagic_cli.formats.{module}"), name)
    return cast("Callable[[BinaryIO, Sequence[Field], FormatOptions], Sink]", made)
