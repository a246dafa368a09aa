"""A table of SQLite: rows go in by their keys, so that each is there once, as it is now.

Columns are those of CSV, in the types that the catalogue foresees: INTEGER, REAL and TEXT; times
are text as they came, durations seconds, lists JSON. What does not fit stands in `_unfit`, see
`typed`. Columns that are new are added. A row whose key may repeat or is null has no `_key`: of
those, what the same request brought of the same period before is replaced.
"""

# ruff: noqa: S608 - the names that stand in the SQL are our own, or quoted

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from comagic_cli.errors import UsageProblem
from comagic_cli.output.kinds import Fit, Kind, boolean, real, seconds, whole
from comagic_cli.output.ledger import Request, count, enter, is_there
from comagic_cli.output.sinks import Look
from comagic_cli.output.typed import UNFIT_NAME, Column, Typed, Values
from comagic_cli.request.catalog import Field
from comagic_cli.request.pages import PART, Marks, Page, parts_of, slices
from comagic_cli.request.rows import RowReader, compact

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
        look: Look,
        request: Request,
    ) -> None:
        self._connection = connection
        self._request = request
        self._table = quoted(request.table)
        self._reader = RowReader(tuple(field.name for field in columns))
        self._typed = Typed(columns, look, FITS)
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
    return msgspec.json.encode(parts_of(key)).decode()


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
