"""What all databases have in common: the request whose rows a table gets, and how they get there.

A table has the columns of CSV in the types of its database, `_unfit` (see `typed`) and three of
ours. `_key` is the row's key, null where it can repeat or is null. `_time` is the shown time of the
row, else that of the row before it. `_request` is the number of the request in the table of
requests, which says what was asked. New columns are added, none is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec

from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.formats.base import FormatOptions, Sink
from comagic_cli.formats.typed import (
    ROWS_AT_ONCE,
    UNFIT,
    Column,
    Converter,
    Kind,
    TypedColumns,
    Values,
)
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import compact
from comagic_cli.rows.page import PART, Marks, Page, slices, split_key

REQUESTS = "_comagic_requests"
"""The table of requests."""
KEY, TIME, REQUEST = "_key", "_time", "_request"
OURS = (UNFIT, KEY, TIME, REQUEST)
OTHER_TABLE = "Name another with --table."
ROLLED_BACK = "The database is unchanged; --keep-incomplete writes the rows that were read."


@dataclass(frozen=True)
class Request:
    """The request whose rows a table gets.

    `source` is common to all rows of a table: report, service, user, and format options. `rows` are
    the report's number and the filter, which select rows besides the period. Neither has tokens or
    passwords. A list has no `period`: its rows replace those of the same request, so that what the
    account no longer has is gone. `compare` describes the differences between two sources.
    `customer` is a part of each key, where a table has the rows of several.
    """

    table: str
    source: Mapping[str, Any]
    rows: Mapping[str, Any]
    period: tuple[str, str] | None
    version: str
    compare: Callable[[Mapping[str, Any], Mapping[str, Any]], str]
    customer: str = ""

    @property
    def texts(self) -> tuple[str, str]:
        """Return `source` and `rows` as JSON, the same for the same request."""
        return _dump(self.source), _dump(self.rows)

    def check(self, source: str | None, *, exists: bool) -> None:
        """Check that the table is this request's; `source` is the saved one.

        Raises `UsageProblem` if the table has rows of another source, or comagic did not make it.
        """
        if source is None and exists:
            raise UsageProblem(
                f"the database has a table {self.table} that comagic did not make",
                hint=OTHER_TABLE,
            )
        if source and (changes := self.compare(json.loads(source), self.source)):
            raise UsageProblem(
                f"the table {self.table} has other rows: {changes}", hint=OTHER_TABLE
            )


def refuse_requests(hint: str) -> UsageProblem:
    """Return the error for a table of requests that another program made."""
    text = f"the database has a table {REQUESTS} that comagic did not make"
    return UsageProblem(text, hint=hint)


def refuse_changed(table: str) -> UsageProblem:
    """Return the error for a table that lacks something of ours."""
    return UsageProblem(
        f"the table {table} was changed: it lacks one of the columns"
        f" {', '.join(OURS)}, or {KEY} is not unique",
        hint=OTHER_TABLE,
    )


@dataclass(frozen=True)
class SavedRequest:
    """A request as the table of requests has it."""

    number: int
    source: Mapping[str, Any]
    rows: Mapping[str, Any]
    period: tuple[str, str] | None

    @classmethod
    def read(cls, number: Any, source: str, rows: str, *period: str | None) -> SavedRequest:
        """Read the columns `id`, `source`, `request`, `period_from` and `period_till`."""
        first, last = period
        known = (first, last) if first and last else None
        return cls(int(number), json.loads(source), json.loads(rows), known)


Warn = Callable[[str], None]
"""Report something that the user should know."""


class Table(Protocol):
    """The table of one request, in one kind of database."""

    @property
    def converters(self) -> Mapping[Kind, Converter]:
        """Return the converters of values; kinds without one are text."""

    def begin(self, columns: Sequence[Column], fields: frozenset[str]) -> None:
        """Check the table before its first row; `fields` are those that the columns are of.

        Raises `UsageProblem` if it is not this request's.
        """

    def load(self, values: Sequence[Values]) -> None:
        """Take rows, column by column: the columns, `_unfit`, `_key` and `_time`."""

    def end(self, rows: int) -> None:
        """Save the number of rows."""


class Database(Protocol):
    """A database during one export, which is one transaction.

    `published` is its file after the commit, if it has one. `bytes` and `sha256` are those of the
    file, or of what was sent to the server.
    """

    published: Path | None

    @property
    def bytes(self) -> int:
        """Return the number of bytes."""

    @property
    def sha256(self) -> str:
        """Return their hash, in hexadecimal."""

    def make_table(self, request: Request) -> Table:
        """Make the table of a request."""

    def saved_requests(self, table: str) -> list[SavedRequest]:
        """Return the requests whose rows a table has; none if comagic did not make it."""

    def count_rows(self, table: str, numbers: Sequence[int], period: tuple[str, str]) -> int:
        """Count the rows of saved requests whose time is in a period."""

    def commit(self, *, is_complete: bool = True) -> None:
        """Put the rows into their tables for good."""


@contextmanager
def committing(database: Database, *, keep_incomplete: bool) -> Iterator[None]:
    """Commit when the block ends; after `RowsMissing` only with `keep_incomplete`."""
    try:
        yield
        database.commit()
    except RowsMissing as missing:
        if keep_incomplete:
            database.commit(is_complete=False)
        else:
            missing.hint = f"{missing.hint} {ROLLED_BACK}".strip()
        raise


class TableSink(Sink):
    """Write rows to a table; the caller begins and commits the transaction."""

    def __init__(
        self,
        table: Table,
        columns: Sequence[Field],
        format_options: FormatOptions,
        request: Request,
    ) -> None:
        self._table = table
        self._request = request
        converters: Mapping[Kind, Converter] = {**table.converters, "list": compact}
        self._typed = TypedColumns(columns, format_options, converters)
        self._fields = frozenset(field.name for field in columns)
        # That of the last row with a time: rows without one get it.
        self._time = request.period[0] if request.period else None
        self._rows = 0

    def begin(self) -> None:
        """Check the table, and make ready to replace rows without a key."""
        self._table.begin(self._typed.columns, self._fields)

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        marks = Marks.of(page.marks)
        start = 0
        for part in slices(page, ROWS_AT_ONCE):
            some = marks[start : start + part.count]
            typed = self._typed.read(part)
            self._table.load([*typed, self._keys(some.keys), self._times(some.times)])
            start += part.count
        self._rows += start

    def end(self) -> None:
        """Save the number of rows."""
        self._table.end(self._rows)

    def _keys(self, keys: Sequence[str | None]) -> Sequence[str | None]:
        if not self._request.period:
            return [None] * len(keys)
        return keys_of(keys, self._request.customer)

    def _times(self, shown: Iterable[str]) -> list[str | None]:
        times = []
        for time in shown:
            self._time = time or self._time
            times.append(self._time)
        return times


def key_of(key: str | None, customer: str = "") -> str | None:
    """Return a mark's key as text; a key of several parts, or of a customer, as a JSON array."""
    if key is None or (PART not in key and not customer):
        return key
    parts = [customer] if customer else []
    return msgspec.json.encode([*parts, *split_key(key)]).decode()


def keys_of(keys: Sequence[str | None], customer: str = "") -> Sequence[str | None]:
    """Return marks' keys as `key_of` does, many at once."""
    if None in keys:
        return [key_of(key, customer) for key in keys]
    texts = cast("Sequence[str]", keys)
    if not customer and PART not in "".join(texts):
        return texts
    first = [customer] if customer else []
    lines = _encoder.encode_lines([[*first, *split_key(key)] for key in texts])
    return lines.decode().split("\n")[:-1]


_encoder = msgspec.json.Encoder()


# Rows in the text format of COPY and TabSeparated

NULL, NUL = r"\N", "\0"
ESCAPES = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))


def plain_cells(values: Values) -> list[str]:
    """Return values without special characters, such as numbers, as cells."""
    return [NULL if value is None else str(value) for value in values]


def escape_cells(values: Values) -> list[str]:
    """Return texts as cells."""
    texts = ["" if value is None else value for value in values]
    joined = NUL.join(texts)
    if joined.count(NUL) >= len(texts):
        cells = [_escape(text) for text in texts]
    else:
        cells = _escape(joined).split(NUL)
    if None in values:
        return [NULL if value is None else cell for value, cell in zip(values, cells, strict=True)]
    return cells


def _escape(text: str) -> str:
    for char, escape in ESCAPES:
        if char in text:
            text = text.replace(char, escape)
    return text


def quote(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, sort_keys=True)
