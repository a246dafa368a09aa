"""A table of SQLite: rows are inserted or updated by their keys.

Columns are those of CSV, of the catalogue's types: INTEGER, REAL and TEXT; times are unchanged
text, durations seconds, lists JSON. Values of another kind are in `_unfit`, see `typed`. New
columns are added. A row whose key can repeat or is null has no `_key`: such rows replace those that
the same request wrote for the same period.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from comagic_cli.errors import CannotWrite, RowsMissing, UsageProblem
from comagic_cli.files.atomic_file import resolve_target
from comagic_cli.files.lock import lock_file
from comagic_cli.files.stream import write_errors
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.typed import (
    UNFIT,
    Column,
    Converter,
    Kind,
    TypedColumns,
    Values,
    to_boolean,
    to_float,
    to_integer,
    to_seconds,
)
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import RowReader, compact
from comagic_cli.rows.page import PART, Marks, Page, slices, split_key

# ruff: noqa: S608 - names in SQL are constants, or quoted

REQUESTS = "_comagic_requests"
SCHEMA = f"""CREATE TABLE IF NOT EXISTS "{REQUESTS}" (
  id INTEGER PRIMARY KEY,
  "table" TEXT NOT NULL,
  source TEXT NOT NULL,
  request TEXT NOT NULL,
  period_from TEXT,
  period_till TEXT,
  rows INTEGER,
  comagic TEXT,
  UNIQUE ("table", request)
)"""
COLUMNS = frozenset(
    {"id", "table", "source", "request", "period_from", "period_till", "rows", "comagic"}
)


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


def save_request(connection: sqlite3.Connection, request: Request) -> int:
    """Save a request and return its number, which is the same in every run.

    Raises `UsageProblem` if the table has rows of another source, or comagic did not make it.
    """
    connection.execute(SCHEMA)
    names = {name for _, name, *_ in connection.execute(f'PRAGMA table_info("{REQUESTS}")')}
    if not names >= COLUMNS:
        raise UsageProblem(
            f"the database has a table {REQUESTS} that comagic did not make",
            hint="Name another file with -o.",
        )
    known = connection.execute(
        f'SELECT source, "table" FROM "{REQUESTS}" WHERE "table" = ? COLLATE NOCASE',
        [request.table],
    ).fetchone()
    if known is None and has_table(connection, request.table):
        raise UsageProblem(
            f"the database has a table {request.table} that comagic did not make",
            hint="Name another with --table.",
        )
    if known and (changes := request.compare(json.loads(known[0]), request.source)):
        raise UsageProblem(
            f"the table {request.table} has other rows: {changes}",
            hint="Name another with --table.",
        )
    # The name is the saved one, in its case: else rows without a key would be written twice.
    return _number(connection, request, known[1] if known else request.table)


def save_count(connection: sqlite3.Connection, number: int, rows: int) -> None:
    """Save the number of rows that an export of a request wrote."""
    connection.execute(f'UPDATE "{REQUESTS}" SET rows = ? WHERE id = ?', [rows, number])


def has_table(connection: sqlite3.Connection, table: str) -> bool:
    """Check that the database has a table or a view of that name."""
    query = "SELECT 1 FROM sqlite_master WHERE name = ? COLLATE NOCASE"
    return connection.execute(query, [table]).fetchone() is not None


def _number(connection: sqlite3.Connection, request: Request, table: str) -> int:
    entry = [table, _dump(request.source), _dump(request.rows)]
    connection.execute(
        f'INSERT INTO "{REQUESTS}" ("table", source, request, period_from, period_till, comagic) '
        'VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT ("table", request) DO UPDATE SET '
        "period_from = excluded.period_from, period_till = excluded.period_till, "
        "comagic = excluded.comagic",
        [*entry, *(request.period or (None, None)), request.version],
    )
    [number] = connection.execute(
        f'SELECT id FROM "{REQUESTS}" WHERE "table" = ? AND request = ?', [entry[0], entry[2]]
    ).fetchone()
    return int(number)


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, sort_keys=True)


CONVERTERS: dict[Kind, Converter] = {
    "integer": to_integer,
    "seconds": to_seconds,
    "float": to_float,
    "boolean": to_boolean,
}
TYPES: dict[Kind, str] = {
    "integer": "INTEGER",
    "seconds": "INTEGER",
    "boolean": "INTEGER",
    "float": "REAL",
}
OURS = {UNFIT: "TEXT", "_key": "TEXT UNIQUE", "_time": "TEXT", "_request": "INTEGER"}
MERGE = "comagic_merge"


class SqliteSink:
    """Write rows to a table; the caller begins and commits the transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        columns: Sequence[Field],
        format_options: FormatOptions,
        request: Request,
    ) -> None:
        self._connection = connection
        self._request = request
        self._table = quote(request.table)
        self._reader = RowReader(tuple(field.name for field in columns))
        self._typed = TypedColumns(columns, format_options, CONVERTERS)
        self._fields = frozenset(field.name for field in columns)
        # That of the last row with a time: rows without one get it.
        self._time = request.period[0] if request.period else None
        self._rows = 0

    def begin(self) -> None:
        """Create the table or its missing columns, and delete rows without a key to replace."""
        exists = has_table(self._connection, self._request.table)
        self._number = save_request(self._connection, self._request)
        if exists:
            self._check_table()
            self._add_columns()
        else:
            self._make_table()
        self._connection.create_function(MERGE, 2, self._merge_unfit, deterministic=True)
        self._insert = self._upsert()
        period = self._request.period
        self._connection.execute(
            f"DELETE FROM {self._table} WHERE _key IS NULL AND _request = ?"
            + (" AND _time BETWEEN ? AND ?" if period else ""),
            [self._number, *(period or ())],
        )

    def write(self, page: Page) -> None:
        """Write a page's rows."""
        marks = Marks.of(page.marks)
        start = 0
        for part in slices(page):
            rows = self._reader.plain(part)
            *columns, unfit = self._typed.read(rows)
            cells = [
                _cells(column, values)
                for column, values in zip(self._typed.columns, columns, strict=True)
            ]
            some = marks[start : start + len(rows)]
            keys = [self._key(key) for key in some.keys]
            ours = [unfit, keys, self._times(some.times), [self._number] * len(rows)]
            self._connection.executemany(self._insert, zip(*cells, *ours, strict=True))
            start += len(rows)
        self._rows += start

    def end(self) -> None:
        """Save the number of rows."""
        save_count(self._connection, self._number, self._rows)

    def _key(self, key: str | None) -> str | None:
        return key_of(key, self._request.customer) if self._request.period else None

    def _times(self, shown: Iterable[str]) -> list[str | None]:
        times = []
        for time in shown:
            self._time = time or self._time
            times.append(self._time)
        return times

    def _make_table(self) -> None:
        types = [f"{quote(column.name)} {type_of(column)}" for column in self._typed.columns]
        ours = [f"{name} {kind}" for name, kind in OURS.items()]
        self._connection.execute(f"CREATE TABLE {self._table} ({', '.join([*types, *ours])})")
        self._connection.execute(
            f"CREATE INDEX {quote(self._request.table + ' without a key')} "
            f"ON {self._table} (_request, _time) WHERE _key IS NULL"
        )

    def _check_table(self) -> None:
        """Raise `UsageProblem` if another program removed columns or indexes that are needed."""
        indexes = self._connection.execute(f"PRAGMA index_list({self._table})").fetchall()
        once = [f"PRAGMA index_info({quote(name)})" for _, name, unique, *_ in indexes if unique]
        keys = [[name for _, _, name in self._connection.execute(each)] for each in once]
        if OURS.keys() <= columns_of(self._connection, self._table) and ["_key"] in keys:
            return
        raise UsageProblem(
            f"the table {self._request.table} was changed: it lacks one of the columns"
            f" {', '.join(OURS)}, or _key is not unique",
            hint="Name another with --table.",
        )

    def _add_columns(self) -> None:
        existing = {name.lower() for name in columns_of(self._connection, self._table)}
        for column in self._typed.columns:
            if column.name.lower() not in existing:
                self._connection.execute(
                    f"ALTER TABLE {self._table} ADD COLUMN {quote(column.name)} {type_of(column)}"
                )

    def _upsert(self) -> str:
        names = [quote(column.name) for column in self._typed.columns]
        every = [*names, *OURS]
        changed = [f"{name} = excluded.{name}" for name in [*names, "_time", "_request"]]
        changed.append(
            f"{UNFIT} = CASE WHEN {UNFIT} IS NULL THEN excluded.{UNFIT} "
            f"ELSE {MERGE}({UNFIT}, excluded.{UNFIT}) END"
        )
        return (
            f"INSERT INTO {self._table} ({', '.join(every)}) "
            f"VALUES ({', '.join('?' * len(every))}) "
            f"ON CONFLICT (_key) DO UPDATE SET {', '.join(changed)}"
        )

    def _merge_unfit(self, old: str, new: str | None) -> str | None:
        """Merge `_unfit`: keep the values of fields that this export does not write."""
        saved = msgspec.json.decode(old, type=dict[str, msgspec.Raw])
        merged = {name: value for name, value in saved.items() if name not in self._fields}
        if new is not None:
            merged |= msgspec.json.decode(new, type=dict[str, msgspec.Raw])
        return msgspec.json.encode(merged).decode() if merged else None


def key_of(key: str | None, customer: str = "") -> str | None:
    """Return a mark's key as text; a key of several parts, or of a customer, as a JSON array."""
    if key is None or (PART not in key and not customer):
        return key
    parts = [customer] if customer else []
    return msgspec.json.encode([*parts, *split_key(key)]).decode()


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the column names of a table; `table` is quoted."""
    return {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}


def quote(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def type_of(column: Column) -> str:
    """Return the SQL type of a column."""
    return TYPES.get(column.kind, "TEXT")


def _cells(column: Column, values: Values) -> Values:
    if column.kind != "list":
        return values
    return [None if value is None else compact(value) for value in values]


BEGIN_TIMEOUT = 5  # seconds to wait until another program releases the database
COMMIT_TIMEOUT = 60  # the same at the end, when all rows are read
CACHE_SIZE = -8_000  # negative: KiB; larger changes are written to the disk
BUSY = "Wait until the other program has ended, or let it read a copy."
ROLLED_BACK = "The database is unchanged; --keep-incomplete writes the rows that were read."


class Database:
    """A database file and the connection of one export.

    `published` is the file after the commit. `bytes` and `sha256` are then the current ones of the
    file, before those of an empty one.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.published: Path | None = None
        self.connection = connection
        self._path = path

    def commit(self) -> None:
        """Commit the transaction."""
        self.connection.execute("COMMIT")
        self.published = self._path

    @property
    def bytes(self) -> int:
        """Return the size of the file."""
        return self.published.stat().st_size if self.published else 0

    @property
    def sha256(self) -> str:
        """Return the hash of the file, in hexadecimal."""
        if self.published is None:
            return hashlib.sha256().hexdigest()
        with self.published.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def open_database(path: str, *, keep_incomplete: bool = False) -> Iterator[Database]:
    """Open or create a database for one transaction, which ends with the block.

    After an exception, or if the process is killed, the database is unchanged; after `RowsMissing`
    too, except with `keep_incomplete`. A new file is deleted then. Raises `OutputBusy` if another
    run of comagic writes the database, and `CannotWrite`.
    """
    with write_errors(path):
        file = resolve_target(path)
    with lock_file(file, path):
        new = not file.exists()
        try:
            with _sqlite_errors(path), closing(_connect(file)) as connection:
                yield from _transaction(Database(file, connection), keep_incomplete)
        except BaseException:
            if new and file.exists() and not file.stat().st_size:
                file.unlink()
            raise


def _transaction(database: Database, keep_incomplete: bool) -> Iterator[Database]:  # noqa: FBT001 - the only caller names it
    connection = database.connection
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA busy_timeout={COMMIT_TIMEOUT * 1000}")
    try:
        yield database
        database.commit()
    except RowsMissing as missing:
        if keep_incomplete:
            database.commit()
        else:
            missing.hint = f"{missing.hint} {ROLLED_BACK}".strip()
        raise
    finally:
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # closing it does the same
                connection.execute("ROLLBACK")


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, BEGIN_TIMEOUT, isolation_level=None)  # no BEGIN of its own
    connection.execute(f"PRAGMA cache_size={CACHE_SIZE}")
    return connection


@contextmanager
def _sqlite_errors(path: str) -> Iterator[None]:
    """Turn SQLite's errors into `CannotWrite` with the name."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise CannotWrite(f"{path} is in use by another program.", hint=BUSY) from error
        if code == sqlite3.SQLITE_NOTADB:
            hint = "Name another file, or a new one."
            raise CannotWrite(f"{path} is not an SQLite database.", hint=hint) from error
        raise CannotWrite(f"{path} can't be written: {error}.") from error
