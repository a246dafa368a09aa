"""A table of SQLite: rows go in by their keys, so that each is there once, as it is now.

Columns are those of CSV, in the types that the catalogue foresees: INTEGER, REAL and TEXT; times
are text as they came, durations seconds, lists JSON. What does not fit stands in `_unfit`, see
`typed`. Columns that are new are added. A row whose key may repeat or is null has no `_key`: of
those, what the same request brought of the same period before is replaced.
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
    UNFIT_NAME,
    Column,
    Fit,
    Kind,
    Typed,
    Values,
    boolean,
    real,
    seconds,
    whole,
)
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import RowReader, compact
from comagic_cli.rows.page import PART, Marks, Page, slices, split_key

# ruff: noqa: S608 - the names that stand in the SQL are our own, or quoted

LEDGER = "_comagic_requests"
SCHEMA = f"""CREATE TABLE IF NOT EXISTS "{LEDGER}" (
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
    """Whose rows go to a table.

    `source` is what all rows of a table have in common: report, service, user, and how values are
    written. `rows` is what decides, besides the period, which rows come: the report's number and
    the filter. Tokens and passwords are in neither. `compare` lists what differs between two
    sources.
    """

    table: str
    source: Mapping[str, Any]
    rows: Mapping[str, Any]
    period: tuple[str, str]
    version: str
    compare: Callable[[Mapping[str, Any], Mapping[str, Any]], str]


def enter(connection: sqlite3.Connection, request: Request) -> int:
    """Enter a request, and return its number, the same each time.

    Raises `UsageProblem` where the table has rows of another source, or is not ours.
    """
    connection.execute(SCHEMA)
    names = {name for _, name, *_ in connection.execute(f'PRAGMA table_info("{LEDGER}")')}
    if not names >= COLUMNS:
        raise UsageProblem(
            f"the database has a table {LEDGER} that comagic did not make",
            hint="Name another file with -o.",
        )
    known = connection.execute(
        f'SELECT source, "table" FROM "{LEDGER}" WHERE "table" = ? COLLATE NOCASE', [request.table]
    ).fetchone()
    if known is None and is_there(connection, request.table):
        raise UsageProblem(
            f"the database has a table {request.table} that comagic did not make",
            hint="Name another with --table.",
        )
    if known and (changes := request.compare(json.loads(known[0]), request.source)):
        raise UsageProblem(
            f"the table {request.table} has other rows: {changes}",
            hint="Name another with --table.",
        )
    # A table has one name, however it is typed: else its rows without a key would be there twice.
    return _number(connection, request, known[1] if known else request.table)


def count(connection: sqlite3.Connection, number: int, rows: int) -> None:
    """Enter how many rows an export of a request brought."""
    connection.execute(f'UPDATE "{LEDGER}" SET rows = ? WHERE id = ?', [rows, number])


def is_there(connection: sqlite3.Connection, table: str) -> bool:
    """Tell whether the database has a table, or a view, of that name."""
    found = "SELECT 1 FROM sqlite_master WHERE name = ? COLLATE NOCASE"
    return connection.execute(found, [table]).fetchone() is not None


def _number(connection: sqlite3.Connection, request: Request, table: str) -> int:
    entry = [table, _dumped(request.source), _dumped(request.rows)]
    connection.execute(
        f'INSERT INTO "{LEDGER}" ("table", source, request, period_from, period_till, comagic) '
        'VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT ("table", request) DO UPDATE SET '
        "period_from = excluded.period_from, period_till = excluded.period_till, "
        "comagic = excluded.comagic",
        [*entry, *request.period, request.version],
    )
    [number] = connection.execute(
        f'SELECT id FROM "{LEDGER}" WHERE "table" = ? AND request = ?', [entry[0], entry[2]]
    ).fetchone()
    return int(number)


def _dumped(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, sort_keys=True)


FITS: dict[Kind, Fit] = {"whole": whole, "seconds": seconds, "real": real, "boolean": boolean}
TYPES: dict[Kind, str] = {
    "whole": "INTEGER",
    "seconds": "INTEGER",
    "boolean": "INTEGER",
    "real": "REAL",
}
OURS = {UNFIT_NAME: "TEXT", "_key": "TEXT UNIQUE", "_time": "TEXT", "_request": "INTEGER"}
KEPT = "comagic_kept"


class SqliteSink:
    """Put rows into a table, in the transaction that is open; who opened it ends it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        columns: Sequence[Field],
        format_options: FormatOptions,
        request: Request,
    ) -> None:
        self._connection = connection
        self._request = request
        self._table = quoted(request.table)
        self._reader = RowReader(tuple(field.name for field in columns))
        self._typed = Typed(columns, format_options, FITS)
        self._fields = frozenset(field.name for field in columns)
        self._time = request.period[0]  # of a row that shows none: that of the row before it
        self._rows = 0

    def begin(self) -> None:
        """Make the table, or add what columns it lacks, and make room for rows without a key."""
        made = is_there(self._connection, self._request.table)
        self._number = enter(self._connection, self._request)
        if made:
            self._check_table()
            self._add_columns()
        else:
            self._make_table()
        self._connection.create_function(KEPT, 2, self._kept, deterministic=True)
        self._insert = self._upsert()
        self._connection.execute(
            f"DELETE FROM {self._table} "
            "WHERE _key IS NULL AND _request = ? AND _time BETWEEN ? AND ?",
            [self._number, *self._request.period],
        )

    def write(self, page: Page) -> None:
        """Put in a page's rows."""
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
            keys = list(map(key_of, some.keys))
            ours = [unfit, keys, self._times(some.times), [self._number] * len(rows)]
            self._connection.executemany(self._insert, zip(*cells, *ours, strict=True))
            start += len(rows)
        self._rows += start

    def end(self) -> None:
        """Enter how many rows came."""
        count(self._connection, self._number, self._rows)

    def _times(self, shown: Iterable[str]) -> list[str]:
        times = []
        for time in shown:
            self._time = time or self._time
            times.append(self._time)
        return times

    def _make_table(self) -> None:
        types = [f"{quoted(column.name)} {type_of(column)}" for column in self._typed.columns]
        ours = [f"{name} {kind}" for name, kind in OURS.items()]
        self._connection.execute(f"CREATE TABLE {self._table} ({', '.join([*types, *ours])})")
        self._connection.execute(
            f"CREATE INDEX {quoted(self._request.table + ' without a key')} "
            f"ON {self._table} (_request, _time) WHERE _key IS NULL"
        )

    def _check_table(self) -> None:
        """Raise `UsageProblem` where another program made the table anew without what is needed."""
        indexes = self._connection.execute(f"PRAGMA index_list({self._table})").fetchall()
        once = [f"PRAGMA index_info({quoted(name)})" for _, name, unique, *_ in indexes if unique]
        keys = [[name for _, _, name in self._connection.execute(each)] for each in once]
        if OURS.keys() <= columns_of(self._connection, self._table) and ["_key"] in keys:
            return
        raise UsageProblem(
            f"the table {self._request.table} was changed: its columns {', '.join(OURS)} are not"
            f" there, or _key is not unique",
            hint="Name another with --table.",
        )

    def _add_columns(self) -> None:
        there = {name.lower() for name in columns_of(self._connection, self._table)}
        for column in self._typed.columns:
            if column.name.lower() not in there:
                self._connection.execute(
                    f"ALTER TABLE {self._table} ADD COLUMN {quoted(column.name)} {type_of(column)}"
                )

    def _upsert(self) -> str:
        names = [quoted(column.name) for column in self._typed.columns]
        every = [*names, *OURS]
        changed = [f"{name} = excluded.{name}" for name in [*names, "_time", "_request"]]
        changed.append(
            f"{UNFIT_NAME} = CASE WHEN {UNFIT_NAME} IS NULL THEN excluded.{UNFIT_NAME} "
            f"ELSE {KEPT}({UNFIT_NAME}, excluded.{UNFIT_NAME}) END"
        )
        return (
            f"INSERT INTO {self._table} ({', '.join(every)}) "
            f"VALUES ({', '.join('?' * len(every))}) "
            f"ON CONFLICT (_key) DO UPDATE SET {', '.join(changed)}"
        )

    def _kept(self, old: str, new: str | None) -> str | None:
        """Keep what did not fit of fields that are not asked for this time."""
        held = msgspec.json.decode(old, type=dict[str, msgspec.Raw])
        kept = {name: value for name, value in held.items() if name not in self._fields}
        if new is not None:
            kept |= msgspec.json.decode(new, type=dict[str, msgspec.Raw])
        return msgspec.json.encode(kept).decode() if kept else None


def key_of(key: str | None) -> str | None:
    """Return a mark's key as text, a JSON array where it is of several parts."""
    if key is None or PART not in key:
        return key
    return msgspec.json.encode(split_key(key)).decode()


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of the columns of a table, whose name is quoted."""
    return {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def type_of(column: Column) -> str:
    """Return the type that a column is declared with."""
    return TYPES.get(column.kind, "TEXT")


def _cells(column: Column, values: Values) -> Values:
    if column.kind != "list":
        return values
    return [None if value is None else compact(value) for value in values]


PATIENCE = 5  # seconds that another program may take to let go of the database
AT_LAST = 60  # the same in the end, when all rows are there
CACHE = -8_000  # KiB, as SQLite says it: what is changed beyond waits on the disk
BUSY = "Wait until the other program has ended, or let it read a copy."
ROLLED_BACK = "The database is as it was; --keep-incomplete puts in what came."


class Database:
    """A database's file, and the connection that one export writes it by.

    `published` is the file once the export is in it. `bytes` and `sha256` are then the file's, as
    it is when they are asked for; before they are those of nothing.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.published: Path | None = None
        self.connection = connection
        self._path = path

    def commit(self) -> None:
        """End the transaction for good."""
        self.connection.execute("COMMIT")
        self.published = self._path

    @property
    def bytes(self) -> int:
        """Return the size of the file."""
        return self.published.stat().st_size if self.published else 0

    @property
    def sha256(self) -> str:
        """Return the hash of the file, as hexadecimal text."""
        if self.published is None:
            return hashlib.sha256().hexdigest()
        with self.published.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def open_database(path: str, *, keep_incomplete: bool = False) -> Iterator[Database]:
    """Open a database, or make one, for one transaction that ends with the block.

    After an exception, the killing of the process included, the database is as it was; after
    `RowsMissing` too, unless `keep_incomplete` says so. A file that was made is removed then.
    Raises `OutputBusy` where another run of ours writes it, and `CannotWrite`.
    """
    with write_errors(path):
        real = resolve_target(path)
    with lock_file(real, path):
        new = not real.exists()
        try:
            with _named(path), closing(_connected(real)) as connection:
                yield from _transaction(Database(real, connection), keep_incomplete)
        except BaseException:
            if new and real.exists() and not real.stat().st_size:
                real.unlink()
            raise


def _transaction(database: Database, keep_incomplete: bool) -> Iterator[Database]:  # noqa: FBT001 - the only caller names it
    connection = database.connection
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA busy_timeout={AT_LAST * 1000}")
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


def _connected(real: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(real, PATIENCE, isolation_level=None)  # no BEGIN of its own
    connection.execute(f"PRAGMA cache_size={CACHE}")
    return connection


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Turn SQLite's errors into `CannotWrite` of that name."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise CannotWrite(f"{path} is in use by another program.", hint=BUSY) from error
        if code == sqlite3.SQLITE_NOTADB:
            hint = "Name another file, or a new one."
            raise CannotWrite(f"{path} is no SQLite database.", hint=hint) from error
        raise CannotWrite(f"{path} can't be written: {error}.") from error
