"""A table of PostgreSQL: rows are inserted or updated by their keys, those that are gone deleted.

Types are bigint, double precision, boolean, timestamp, date, jsonb for lists, and text; durations
are seconds. A value that its type can't hold is in `_unfit`, json. Rows go into temporary tables by
COPY while they are read. The table itself is changed in the end, so that nobody has to wait before;
all is one transaction.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import errors

from comagic_cli.api.redact import Redact, one_line, redactor
from comagic_cli.databases.destination import name_place, secrets_of
from comagic_cli.databases.warehouse import (
    KEY,
    OTHER_TABLE,
    REQUEST,
    REQUESTS,
    TIME,
    Request,
    SavedRequest,
    Table,
    Warn,
    committing,
    escape_cells,
    plain_cells,
    quote,
    refuse_changed,
    refuse_requests,
)
from comagic_cli.errors import CannotWrite, ComagicError, OutputBusy, RowsMissing, UsageProblem
from comagic_cli.formats.typed import (
    MISMATCH,
    UNFIT,
    Column,
    Converter,
    Kind,
    Values,
    to_boolean,
    to_date,
    to_datetime,
    to_float,
    to_integer,
    to_seconds,
)

# ruff: noqa: S608 - names in SQL are constants, or quoted

# It would tell standard error of a COPY that ends with its connection, as it does after an error.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

REQUEST_COLUMNS = {
    "id": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "table": "text NOT NULL",
    "source": "text NOT NULL",
    "request": "text NOT NULL",
    "period_from": "text",
    "period_till": "text",
    "rows": "bigint",
    "comagic": "text",
}
TYPES: Mapping[Kind, str] = {
    "integer": "bigint",
    "seconds": "bigint",
    "float": "double precision",
    "boolean": "boolean",
    "datetime": "timestamp without time zone",
    "date": "date",
    "list": "jsonb",
}
OUR_TYPES = {UNFIT: "json", KEY: "text", TIME: "text", REQUEST: "bigint"}
MAX_NAME = 63  # bytes; the server cuts longer names
LOCK_TIMEOUT = 5  # seconds to wait for another run of comagic that has just been killed
TABLE_TIMEOUT = 60  # seconds to wait in the end until others release the table
NUL = "\0"
ESCAPED_NUL = re.compile(r"((?<!\\)(?:\\\\)*)\\u0000")  # in JSON; shown as six characters


def _text_if(convert: Converter) -> Converter:
    """Return a converter that checks a text and leaves it as it is."""
    return lambda value: MISMATCH if convert(value) is MISMATCH else value


CONVERTERS: Mapping[Kind, Converter] = {
    "integer": to_integer,
    "seconds": to_seconds,
    "float": to_float,
    "boolean": to_boolean,
    "datetime": _text_if(to_datetime),
    "date": _text_if(to_date),
}


class PostgresDatabase:
    """A database and the connection of one export, which is one transaction.

    `bytes` and `sha256` are those of the rows that were sent.
    """

    published: Path | None = None  # a table is not a file

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.digest = hashlib.sha256()
        self.bytes = 0
        self.is_committing = False
        self._connection = connection
        self._tables: list[PostgresTable] = []

    @property
    def sha256(self) -> str:
        """Return the hash of the rows that were sent, in hexadecimal."""
        return self.digest.hexdigest()

    def make_table(self, request: Request) -> PostgresTable:
        """Make the table of a request."""
        table = PostgresTable(self, request, f"comagic_rows_{len(self._tables)}")
        self._tables.append(table)
        return table

    def saved_requests(self, table: str) -> list[SavedRequest]:
        """Return the requests whose rows a table has; none if comagic did not make it."""
        schema, name = split_name(table)
        place = f"{quote(self.find_schema(schema))}.{quote(REQUESTS)}"
        if self.query("SELECT to_regclass($1)", place) == [(None,)]:
            return []
        rows = self.query(
            f"SELECT id, source, request, period_from, period_till FROM {place} "
            'WHERE "table" = $1 ORDER BY id',
            name,
        )
        return [SavedRequest.read(*row) for row in rows]

    def count_rows(self, table: str, numbers: Sequence[int], period: tuple[str, str]) -> int:
        """Count the rows of saved requests whose time is in a period."""
        schema, name = split_name(table)
        [(count,)] = self.query(
            f"SELECT count(*) FROM {quote(self.find_schema(schema))}.{quote(name)} "
            f"WHERE {REQUEST} = ANY ($1) AND {TIME} BETWEEN $2 AND $3",
            *([*numbers], *period),
        )
        return int(count)

    def find_schema(self, typed: str) -> str:
        """Return the schema that is typed, else the current one. Raises `CannotWrite`."""
        [(known,)] = self.query(*(("SELECT current_schema()",) if not typed else (_SCHEMA, typed)))
        if known is None:
            name = f"the schema {typed}" if typed else "a schema of the search_path"
            raise CannotWrite(
                f"{name} does not exist in the database.",
                hint=f"Create it: CREATE SCHEMA {quote(typed or 'comagic')}, or name another with "
                "--table SCHEMA.NAME.",
            )
        return str(known)

    def query(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement with parameters $1, $2, …; return its rows."""
        cursor = self._connection.execute(sql.encode(), params or None)
        return cursor.fetchall() if cursor.description else []

    def copy(self, sql: str) -> Any:
        """Begin a COPY."""
        return self._connection.cursor().copy(sql.encode())

    def abort(self, error: BaseException) -> None:
        """End a COPY that goes on, as the error ends the transaction."""
        for table in self._tables:
            with suppress(psycopg.Error):
                table.abort(error)

    def commit(self, *, is_complete: bool = True) -> None:
        """Put the rows into their tables, and commit the transaction."""
        self.query(f"SET LOCAL lock_timeout = '{TABLE_TIMEOUT}s'")
        for table in self._tables:
            table.merge(is_complete=is_complete)
        self.is_committing = True
        self.query("COMMIT")


class PostgresTable(Table):
    """The table of a request; its rows wait in a temporary table, `staging`."""

    converters: Mapping[Kind, Converter] = CONVERTERS

    def __init__(self, database: PostgresDatabase, request: Request, staging: str) -> None:
        self._database, self._request = database, request
        self._schema, self._name = split_name(request.table)
        self._staging = quote(staging)
        self._copying = ExitStack()
        self._rows: int | None = None  # none has begun

    def begin(self, columns: Sequence[Column], fields: frozenset[str]) -> None:
        """Check the table, lock it for this run, and begin to take rows."""
        self._columns, self._fields = columns, fields
        self._check_names()
        self._schema = self._database.find_schema(self._schema)
        self._lock()
        self._request.check(self._known_source(), exists=self._exists())
        self._check_columns()
        types = {column.name: type_of(column) for column in columns}
        types |= {name: kind for name, kind in OUR_TYPES.items() if name != REQUEST}
        self._database.query(
            f"CREATE TEMPORARY TABLE {self._staging} ({_declare(types)}) ON COMMIT DROP"
        )
        self._copy = self._copying.enter_context(
            self._database.copy(f"COPY {self._staging} FROM STDIN")
        )
        self._rows = 0

    def load(self, values: Sequence[Values]) -> None:
        """Send rows to the temporary table."""
        data = copy_text(self._columns, values)
        self._copy.write(data)
        self._database.digest.update(data)
        self._database.bytes += len(data)

    def end(self, rows: int) -> None:
        """End the COPY."""
        self._copying.close()
        self._rows = rows

    def abort(self, error: BaseException) -> None:
        """End the COPY with an error."""
        self._copying.__exit__(type(error), error, error.__traceback__)

    def merge(self, *, is_complete: bool) -> None:
        """Put the rows into the table. Of an incomplete request no row with a key is deleted."""
        if self._rows is None:
            return
        query, staging = self._database.query, self._staging
        self._make_requests()
        number = self._save_request(self._rows)
        query("SAVEPOINT merging")
        try:
            self._put(number, is_complete=is_complete)
        except (errors.CardinalityViolation, errors.UniqueViolation):
            # A row has come twice, as its time changed meanwhile: the later one counts.
            query("ROLLBACK TO merging")
            query(
                f"DELETE FROM {staging} USING (SELECT {KEY} AS key, max(ctid) AS last "
                f"FROM {staging} WHERE {KEY} IS NOT NULL GROUP BY 1 HAVING count(*) > 1) AS twice "
                f"WHERE {KEY} = key AND ctid <> last"
            )
            self._put(number, is_complete=is_complete)

    def _put(self, number: int, *, is_complete: bool) -> None:
        query, table, staging = self._database.query, self._quoted, self._staging
        names = [quote(column.name) for column in self._columns]
        every = [*names, UNFIT, KEY, TIME]
        insert = (
            f"INSERT INTO {table} AS old ({', '.join([*every, REQUEST])}) "
            f"SELECT {', '.join(every)}, $1 FROM {staging}"
        )
        if not self._exists():
            self._make_table()
            query(insert, number)
            self._make_indexes()  # which is faster than before
            return
        self._add_columns()
        query(f"ANALYZE {staging} ({KEY})")
        which, of_request = [f"{REQUEST} = $1"], [number, *(self._request.period or ())]
        if self._request.period:
            which.append(f"{TIME} BETWEEN $2 AND $3")
        gone = f"NOT EXISTS (SELECT FROM {staging} AS new WHERE new.{KEY} = old.{KEY})"
        which.append(gone if is_complete else f"{KEY} IS NULL")
        query(f"DELETE FROM {table} AS old WHERE {' AND '.join(which)}", *of_request)
        query(
            f"{insert} {self._on_conflict(names)}",
            number,
            sorted({*self._fields, *(column.name for column in self._columns)}),
        )

    def _on_conflict(self, names: Sequence[str]) -> str:
        """Update a row if it changed; keep what did not fit of fields that are not asked for."""
        changed = [f"{name} = excluded.{name}" for name in [*names, TIME, REQUEST]]
        old, new = (
            ", ".join(f"{row}.{name}" for name in [*names, TIME, REQUEST])
            for row in ("old", "excluded")
        )
        return (
            f"ON CONFLICT ({KEY}) DO UPDATE SET {', '.join(changed)}, {UNFIT} = "
            f"CASE WHEN old.{UNFIT} IS NULL THEN excluded.{UNFIT} ELSE "
            "(SELECT json_object_agg(key, value) FROM ("
            f"SELECT * FROM json_each(old.{UNFIT}) WHERE key <> ALL ($2) "
            f"UNION ALL SELECT * FROM json_each(excluded.{UNFIT})) AS merged) END "
            f"WHERE old.{UNFIT} IS NOT NULL OR excluded.{UNFIT} IS NOT NULL "
            f"OR ({old}) IS DISTINCT FROM ({new})"
        )

    # What is there

    @property
    def _quoted(self) -> str:
        return f"{quote(self._schema)}.{quote(self._name)}"

    @property
    def _requests(self) -> str:
        return f"{quote(self._schema)}.{quote(REQUESTS)}"

    def _check_names(self) -> None:
        for name in [self._name, self._schema, *(column.name for column in self._columns)]:
            if len(name.encode()) > MAX_NAME:
                raise UsageProblem(
                    f"the name {name} has more than {MAX_NAME} bytes, which PostgreSQL would cut",
                    hint=OTHER_TABLE if name == self._name else f"Leave it out: --fields -{name}",
                )

    def _lock(self) -> None:
        try:
            self._database.query(
                "SELECT pg_advisory_xact_lock($1)", lock_number(self._schema, self._name)
            )
        except errors.LockNotAvailable as error:
            raise OutputBusy(
                f"the table {self._request.table} is being written by another run.",
                hint="Wait until it has ended, or write to another table.",
            ) from error

    def _known_source(self) -> str | None:
        columns = self._columns_of(REQUESTS)
        if columns and not REQUEST_COLUMNS.keys() <= columns.keys():
            raise refuse_requests("Name a table in another schema: --table SCHEMA.NAME.")
        found = columns and self._database.query(
            f'SELECT source FROM {self._requests} WHERE "table" = $1 LIMIT 1', self._name
        )
        return found[0][0] if found else None

    def _exists(self) -> bool:
        return bool(self._database.query(_RELATION, self._schema, self._name))

    def _columns_of(self, name: str) -> dict[str, str]:
        return dict(self._database.query(_COLUMNS, self._schema, name))

    def _check_columns(self) -> None:
        """Raise `UsageProblem` where another program changed columns or indexes that are needed."""
        if not self._exists():
            return
        there = self._columns_of(self._name)
        is_unique = self._database.query(_UNIQUE, self._schema, self._name, KEY)
        if not there.keys() >= OUR_TYPES.keys() or not is_unique:
            raise refuse_changed(self._request.table)
        for name, kind in (self._ours | OUR_TYPES).items():
            if there.get(name, kind) != kind:
                change = f"ALTER TABLE {self._quoted} ALTER {quote(name)} TYPE {kind}"
                raise UsageProblem(
                    f"the column {name} of the table {self._request.table} is {there[name]}, "
                    f"not {kind}",
                    hint=f"Change it: {change}, or name another table with --table.",
                )

    # What is made

    def _make_requests(self) -> None:
        if self._columns_of(REQUESTS):
            return
        # Two first runs at once for two tables would both make it.
        self._database.query("SELECT pg_advisory_xact_lock(hashtext($1))", self._requests)
        self._database.query(
            f"CREATE TABLE IF NOT EXISTS {self._requests} ({_declare(REQUEST_COLUMNS)}, "
            'UNIQUE ("table", request))'
        )

    @property
    def _ours(self) -> dict[str, str]:
        return {column.name: type_of(column) for column in self._columns}

    def _make_table(self) -> None:
        plain = 'text COLLATE "C"'  # compared byte by byte, which is faster
        types = self._ours | OUR_TYPES | {KEY: plain, TIME: plain}
        self._database.query(f"CREATE TABLE {self._quoted} ({_declare(types)})")

    def _make_indexes(self) -> None:
        self._database.query(f"ALTER TABLE {self._quoted} ADD UNIQUE ({KEY})")
        self._database.query(f"CREATE INDEX ON {self._quoted} ({REQUEST}, {TIME})")

    def _add_columns(self) -> None:
        there = self._columns_of(self._name)
        if new := {name: kind for name, kind in self._ours.items() if name not in there}:
            added = ", ".join(f"ADD {each}" for each in _declared(new))
            self._database.query(f"ALTER TABLE {self._quoted} {added}")

    def _save_request(self, rows: int) -> int:
        request = self._request
        [(number,)] = self._database.query(
            f'INSERT INTO {self._requests} ("table", source, request, period_from, period_till, '
            "rows, comagic) VALUES ($1, $2, $3, $4, $5, $6, $7) "
            'ON CONFLICT ("table", request) DO UPDATE SET period_from = excluded.period_from, '
            "period_till = excluded.period_till, rows = excluded.rows, comagic = excluded.comagic "
            "RETURNING id",
            *(self._name, *request.texts, *(request.period or (None, None)), rows),
            request.version,
        )
        return int(number)


_SCHEMA = "SELECT (SELECT nspname FROM pg_namespace WHERE nspname = $1)"
_RELATION = """SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = $1 AND relname = $2"""
_COLUMNS = """SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = $1 AND relname = $2 AND attnum > 0 AND NOT attisdropped"""
_UNIQUE = """SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
WHERE nspname = $1 AND relname = $2 AND attname = $3
AND indisunique AND indisvalid AND indnkeyatts = 1 AND indpred IS NULL"""


def split_name(table: str) -> tuple[str, str]:
    """Split `SCHEMA.NAME`; the schema is "" where none is named."""
    schema, dot, name = table.partition(".")
    return (schema, name) if dot else ("", table)


def lock_number(schema: str, table: str) -> int:
    """Return the number of the lock that a run holds while it writes a table."""
    name = f"comagic {schema}.{table}".encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True)


def type_of(column: Column) -> str:
    """Return the SQL type of a column."""
    return TYPES.get(column.kind, "text")


def _declare(types: Mapping[str, str]) -> str:
    return ", ".join(_declared(types))


def _declared(types: Mapping[str, str]) -> list[str]:
    return [f"{quote(name)} {kind}" for name, kind in types.items()]


# Rows as COPY takes them


def copy_text(columns: Sequence[Column], values: Sequence[Values]) -> bytes:
    """Return rows in the text format of COPY.

    `values` are the columns, `_unfit`, `_key` and `_time`.
    """
    cells, [unfit, keys, times] = list(values[:-3]), list(values[-3:])
    for place, column in enumerate(columns):
        if column.kind in TYPES and column.kind not in _TEXTS:
            cells[place] = plain_cells(cells[place])
            continue
        if _has_nul(cells[place], column.kind):
            cells[place], unfit = _move_nul(column, cells[place], unfit)
        cells[place] = escape_cells(cells[place])
    if _has_nul(unfit, "list"):  # no function of json reads it
        unfit = [text and ESCAPED_NUL.sub(r"\1\\\\u0000", text) for text in unfit]
    if _has_nul(keys, "text"):
        keys = [(key or "").replace(NUL, r"\u0000") if key else key for key in keys]
    rows = zip(*cells, *map(escape_cells, (unfit, keys, times)), strict=True)
    return "\n".join([*map("\t".join, rows), ""]).encode()


_TEXTS = frozenset({"text", "time", "datetime", "date", "list"})


def _has_nul(values: Values, kind: str) -> bool:
    """Check for the character that no text of PostgreSQL can have."""
    sought = r"\u0000" if kind == "list" else NUL
    return sought in " ".join(filter(None, values))


def _move_nul(column: Column, values: Values, unfit: Values) -> tuple[Values, Values]:
    """Move values with that character to `_unfit`."""
    left, more = list(values), list(unfit)
    sought = r"\u0000" if column.kind == "list" else NUL
    for place, value in enumerate(values):
        if value is not None and sought in value:
            old = msgspec.json.decode(more[place] or "{}", type=dict[str, msgspec.Raw])
            raw = value.encode() if column.kind == "list" else msgspec.json.encode(value)
            name = column.name if column.kind != "list" else column.field
            more[place] = msgspec.json.encode(old | {name: msgspec.Raw(raw)}).decode()
            left[place] = None
    return left, more


# The connection

CONNECT = "Check it with psql: host, port, database, user and rights are those that libpq finds."
HINTS = {
    "password": "Set PGPASSWORD, or write the password to ~/.pgpass (chmod 600).",
    "does not exist": "Create it, or name another: -o postgresql://HOST/DATABASE.",
    "refused": "Check host and port, and that the server runs and accepts connections.",
    "resolve host": "Check the name of the host.",
    "not known": "Check the name of the host.",
}
UNKNOWN_STATE = "The table has either the old rows or the new ones. Run the same command again."
UNCHANGED = "The table is unchanged. Run the same command again."
BY_STATE = {
    "42501": "Ask the owner for the right: GRANT CREATE, USAGE ON SCHEMA, and SELECT, INSERT, "
    "UPDATE, DELETE ON ALL TABLES IN SCHEMA; new columns need the owner of the table.",
    "55P03": "Another program holds the table locked. Wait until it has ended.",
    "57014": "A limit of the server, or a person, stopped it; see statement_timeout.",
    "25006": "The server or the user only reads: name the primary server.",
    "53100": "Free some space on the server's disk.",
}


@contextmanager
def open_postgres(
    url: str,
    environ: Mapping[str, str],
    warn: Warn,  # noqa: ARG001 - there is nothing to warn of
    *,
    keep_incomplete: bool = False,
) -> Iterator[PostgresDatabase]:
    """Connect to a database for one transaction, which ends with the block.

    After an exception, or if the process is killed, the database is unchanged; after `RowsMissing`
    too, except with `keep_incomplete`. Messages show no password. Raises `OutputBusy` if another
    run of comagic writes the table, and `CannotWrite`.
    """
    place, secrets = name_place(url), secrets_of("postgresql", environ)
    with closing(_connect(url, place, redactor(secrets))) as connection:
        redact = redactor((*secrets, connection.info.password))
        database = PostgresDatabase(connection)
        try:
            database.query("BEGIN")
            database.query("SET LOCAL idle_in_transaction_session_timeout = 0")
            database.query(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'")
            yield from _transaction(database, keep_incomplete)
        except psycopg.Error as error:
            raise _explain(error, place, redact, database, connection) from error


def _transaction(
    database: PostgresDatabase,
    keep_incomplete: bool,  # noqa: FBT001 - the only caller names it
) -> Iterator[PostgresDatabase]:
    try:
        with committing(database, keep_incomplete=keep_incomplete):
            yield database
    except RowsMissing:  # each COPY has ended
        raise
    except BaseException as error:
        database.abort(error)
        raise


def _connect(url: str, place: str, redact: Redact) -> psycopg.Connection[Any]:
    try:
        known = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        text = redact(one_line(str(error)))
        raise UsageProblem(f"-o {place}: {text}", hint="Example: postgresql://host/db") from error
    more = {"client_encoding": "UTF8"}
    if "keepalives_idle" not in known:
        more["keepalives_idle"] = "30"  # seconds: the service may be waited for longer
    if "fallback_application_name" not in known:
        more["fallback_application_name"] = "comagic"
    try:
        return psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor, **more)  # type: ignore[arg-type]  # parameters of libpq are any texts
    except psycopg.Error as error:
        text = redact(one_line(str(error)))
        hint = next((HINTS[word] for word in HINTS if word in text), CONNECT)
        raise CannotWrite(f"{place} can't be reached: {text}", hint=hint) from error


def _explain(
    error: psycopg.Error,
    place: str,
    redact: Redact,
    database: PostgresDatabase,
    connection: psycopg.Connection[Any],
) -> ComagicError:
    text = redact(one_line(error.diag.message_primary or str(error))).rstrip(".")
    if connection.broken:
        hint = UNKNOWN_STATE if database.is_committing else UNCHANGED
        return CannotWrite(f"The connection to {place} was lost: {text}.", hint=hint)
    hint = BY_STATE.get(error.sqlstate or "", UNCHANGED)
    return CannotWrite(f"{place} can't be written: {text}.", hint=hint)
