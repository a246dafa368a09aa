"""What all formats have in common: their options and the protocol of a sink."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from comagic_cli.rows.page import Page

RAW = frozenset({"csv", "tsv", "jsonl", "json"})  # formats that write raw values
ZONED = frozenset({"parquet"})  # formats whose times are instants: see `FormatOptions.zone`


class Sink(Protocol):
    """Write rows in one format to a stream of bytes; the caller closes the stream."""

    def begin(self) -> None:
        """Write what comes before the rows: a header, an opening bracket."""

    def write(self, page: Page) -> None:
        """Write a page's rows."""

    def end(self) -> None:
        """Write what comes after the rows."""


@dataclass(frozen=True)
class FormatOptions:
    """Format options: how values are written."""

    coded_values: Literal["value", "id", "both"] = "value"  # what {value, value_id} becomes
    list_separator: str = "; "  # joins lists of plain values
    header: Literal["id", "title", "none"] = "id"
    titles: tuple[tuple[str, str], ...] = ()  # of the account: pairs of a column's id and title
    delimiter: str | None = None  # of CSV, one character; None: the default
    newlines: Literal["keep", "space", "escape"] = "keep"  # what line breaks in texts become
    excel: bool = False  # CSV for spreadsheets
    decimal: Literal[".", ","] = "."  # the decimal separator
    times: Literal["keep", "iso"] = "keep"  # iso: with the offset of `zone`
    zone: str | None = None  # of the account, if times need it
    record_urls: bool = False  # adds the addresses of recordings in the `web` account
    record_host: str | None = None
    record_files: str | None = None  # a manifest of recordings: adds the files of each call
    files_of: Callable[[str], Sequence[str]] | None = None  # by the call's id
    web: str = ""
    flatten: bool = False  # JSON without nested objects
    width: int | None = None  # of the terminal, in cells; None: not a terminal
    color: bool = False  # allows escape sequences
    vertical: bool = False  # each row as a block
    all_columns: bool = True  # else a table shows those that fit
    asked: tuple[str, ...] = ()  # fields that a table shows in any case

    @property
    def change_rows(self) -> bool:
        """Whether rows are changed before they are written: see `TransformSink`."""
        return self.times != "keep" or self.record_urls or self.record_files is not None


RUNTIME_OPTIONS = frozenset({"titles", "web", "files_of", "width", "color", "all_columns", "asked"})
"""Format options that are not part of the request: the terminal or the account decides them."""
