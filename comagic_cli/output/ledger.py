"""What a database's tables hold: a record in it of every request whose rows are there."""

# ruff: noqa: S608 - the one name that stands in the SQL is our own constant

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comagic_cli.errors import UsageProblem
from comagic_cli.output.fingerprint import differences

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
    the filter. Keys and passwords are in neither.
    """

    table: str
    source: Mapping[str, Any]
    rows: Mapping[str, Any]
    period: tuple[str, str]
    version: str


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
    if known and (differ := differences(json.loads(known[0]), request.source)):
        raise UsageProblem(
            f"the table {request.table} has other rows: {'; '.join(differ)}",
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
