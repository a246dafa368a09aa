"""A table of SQLite: rows are inserted or updated by their keys, those that are gone deleted.

Types are INTEGER, REAL and TEXT; times are unchanged text, durations seconds, lists JSON. A row
without a `_key` is replaced by those that the same request writes for the same period. One with a
key that the period had, and that does not come again, is deleted in the end.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

import msgspec

from comagic_cli.databases.warehouse import (
    OURS,
    REQUESTS,
    Request,
    SavedRequest,
    Table,
    TableSink,
    Warn,
    committing,
    quote,
    refuse_changed,
    refuse_requests,
)
from comagic_cli.errors import CannotWrite
from comagic_cli.files.atomic_file import resolve_target
from comagic_cli.files.lock import lock_file
from comagic_cli.files.stream import write_errors
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.typed import (
    UNFIT,
    Column,
    Converter,
    Kind,
    Values,
    to_boolean,
    to_float,
    to_integer,
    to_seconds,
)
from comagic_cli.query.catalog import Field

# ruff: noqa: S608 - names in SQL are constants, or quoted

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


def save_request(connection: sqlite3.Connection, request: Request) -> int:
    """Save a request and return its number, which is the same in every run.

    Raises `UsageProblem` if the table has rows of another source, or comagic did not make it.
    """
    connection.execute(SCHEMA)
    names = {name for _, name, *_ in connection.execute(f'PRAGMA table_info("{REQUESTS}")')}
    if not names >= COLUMNS:
        raise refuse_requests("Name another file with -o.")
    source, table = connection.execute(
        f'SELECT source, "table" FROM "{REQUESTS}" WHERE "table" = ? COLLATE NOCASE',
        [request.table],
    ).fetchone() or (None, request.table)
    request.check(source, exists=has_table(connection, request.table))
    # The name is the saved one, in its case: else rows without a key would be written twice.
    return _number(connection, request, table)


def save_count(connection: sqlite3.Connection, number: int, rows: int) -> None:
    """Save the number of rows that an export of a request wrote."""
    connection.execute(f'UPDATE "{REQUESTS}" SET rows = ? WHERE id = ?', [rows, number])


def has_table(connection: sqlite3.Connection, table: str) -> bool:
    """Check that the database has a table or a view of that name."""
    query = "SELECT 1 FROM sqlite_master WHERE name = ? COLLATE NOCASE"
    return connection.execute(query, [table]).fetchone() is not None


def _number(connection: sqlite3.Connection, request: Request, table: str) -> int:
    entry = [table, *request.texts]
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
OUR_TYPES = dict(zip(OURS, ("TEXT", "TEXT UNIQUE", "TEXT", "INTEGER"), strict=True))
MERGE = "comagic_merge"
GONE = "comagic_gone"
"""The temporary table of the keys that have not come again yet."""
KEY_COLUMN = -2  # of what is loaded: `_key` stands before `_time`


class SqliteTable(Table):
    """The table of a request in a SQLite database; the caller begins and commits."""

    converters: Mapping[Kind, Converter] = CONVERTERS

    def __init__(self, connection: sqlite3.Connection, request: Request) -> None:
        self._connection = connection
        self._request = request
        self._table = quote(request.table)
        self._has_old = False

    def begin(self, columns: Sequence[Column], fields: frozenset[str]) -> None:
        """Create the table or its missing columns, and delete rows without a key to replace.

        The keys of the others are written down: they may be gone.
        """
        self._columns, self._fields = columns, fields
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
        which = "_request = ?" + (" AND _time BETWEEN ? AND ?" if period else "")
        asked = [self._number, *(period or ())]
        self._connection.execute(f"DELETE FROM {self._table} WHERE _key IS NULL AND {which}", asked)
        self._connection.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS {GONE} (key TEXT PRIMARY KEY) WITHOUT ROWID"
        )
        if exists:
            found = self._connection.execute(
                f"INSERT OR IGNORE INTO {GONE} "
                f"SELECT _key FROM {self._table} WHERE _key IS NOT NULL AND {which}",
                asked,
            )
            self._has_old = found.rowcount > 0

    def load(self, values: Sequence[Values]) -> None:
        """Write rows."""
        numbers = [self._number] * len(values[-1])
        self._connection.executemany(self._insert, zip(*values, numbers, strict=True))
        if self._has_old:
            keys = [(key,) for key in values[KEY_COLUMN] if key is not None]
            self._connection.executemany(f"DELETE FROM {GONE} WHERE key = ?", keys)

    def end(self, rows: int) -> None:
        """Save the number of rows."""
        save_count(self._connection, self._number, rows)

    def drop_gone(self) -> None:
        """Delete the rows that have not come again."""
        if self._has_old:
            self._connection.execute(
                f"DELETE FROM {self._table} WHERE _key IN (SELECT key FROM {GONE})"
            )

    def _make_table(self) -> None:
        types = [f"{quote(column.name)} {type_of(column)}" for column in self._columns]
        ours = [f"{name} {kind}" for name, kind in OUR_TYPES.items()]
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
        if not columns_of(self._connection, self._table).issuperset(OURS) or ["_key"] not in keys:
            raise refuse_changed(self._request.table)

    def _add_columns(self) -> None:
        existing = {name.lower() for name in columns_of(self._connection, self._table)}
        for column in self._columns:
            if column.name.lower() not in existing:
                self._connection.execute(
                    f"ALTER TABLE {self._table} ADD COLUMN {quote(column.name)} {type_of(column)}"
                )

    def _upsert(self) -> str:
        names = [quote(column.name) for column in self._columns]
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


class SqliteSink(TableSink):
    """Write rows to a table of a connection; the caller begins and commits the transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        columns: Sequence[Field],
        format_options: FormatOptions,
        request: Request,
    ) -> None:
        super().__init__(SqliteTable(connection, request), columns, format_options, request)


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the column names of a table; `table` is quoted."""
    return {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}


def type_of(column: Column) -> str:
    """Return the SQL type of a column."""
    return TYPES.get(column.kind, "TEXT")


BEGIN_TIMEOUT = 5  # seconds to wait until another program releases the database
COMMIT_TIMEOUT = 60  # the same at the end, when all rows are read
CACHE_SIZE = -8_000  # negative: KiB; larger changes are written to the disk
BUSY = "Wait until the other program has ended, or let it read a copy."


class SqliteDatabase:
    """A database file and the connection of one export.

    `published` is the file after the commit. `bytes` and `sha256` are then the current ones of the
    file, before those of an empty one.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.published: Path | None = None
        self.connection = connection
        self._path = path
        self._tables: list[SqliteTable] = []

    def make_table(self, request: Request) -> SqliteTable:
        """Make the table of a request."""
        table = SqliteTable(self.connection, request)
        self._tables.append(table)
        return table

    def saved_requests(self, table: str) -> list[SavedRequest]:
        """Return the requests whose rows a table has; none if comagic did not make it."""
        if not has_table(self.connection, REQUESTS):
            return []
        rows = self.connection.execute(
            f'SELECT id, source, request, period_from, period_till FROM "{REQUESTS}" '
            'WHERE "table" = ? COLLATE NOCASE ORDER BY id',
            [table],
        )
        return [SavedRequest.read(*row) for row in rows]

    def count_rows(self, table: str, numbers: Sequence[int], period: tuple[str, str]) -> int:
        """Count the rows of saved requests whose time is in a period."""
        [count] = self.connection.execute(
            f"SELECT count(*) FROM {quote(table)} WHERE _request IN "
            f"({', '.join(map(str, numbers))}) AND _time BETWEEN ? AND ?",
            [*period],
        ).fetchone()
        return int(count)

    def commit(self, *, is_complete: bool = True) -> None:
        """Commit the transaction. Of an incomplete request no row with a key is deleted."""
        if is_complete:
            for table in self._tables:
                table.drop_gone()
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
def open_database(path: str, *, keep_incomplete: bool = False) -> Iterator[SqliteDatabase]:
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
                yield from _transaction(SqliteDatabase(file, connection), keep_incomplete)
        except BaseException:
            if new and file.exists() and not file.stat().st_size:
                file.unlink()
            raise


def open_sqlite(
    path: str, _environ: Mapping[str, str], _warn: Warn, *, keep_incomplete: bool = False
) -> AbstractContextManager[SqliteDatabase]:
    """Open a database; SQLite reads no environment."""
    return open_database(path, keep_incomplete=keep_incomplete)


def _transaction(database: SqliteDatabase, keep_incomplete: bool) -> Iterator[SqliteDatabase]:  # noqa: FBT001 - the only caller names it
    connection = database.connection
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA busy_timeout={COMMIT_TIMEOUT * 1000}")
    try:
        with committing(database, keep_incomplete=keep_incomplete):
            yield database
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
