"""A table of ClickHouse, partitioned by day: each day that is written is replaced as a whole.

Types are Nullable Int64, Float64, UInt8, DateTime('UTC') with the times as they are shown, Date and
String; durations are seconds, lists JSON. `_day` is the day of `_time`. Rows go into a table of the
run's own, `staging`, and are counted there. Then one day after the other replaces the day of the
table, at once; a run that dies in between is made good by the next. In a first run `staging`
becomes the table.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import time
from urllib.parse import parse_qs, urlsplit

import requests

from comagic_cli.api.certificates import OWN_CERTIFICATE, find_bundle
from comagic_cli.api.proxies import CHECK_PROXY, is_loopback, proxy_of
from comagic_cli.api.redact import one_line, redactor
from comagic_cli.databases.destination import name_place, secrets_of
from comagic_cli.databases.warehouse import (
    KEY,
    OTHER_TABLE,
    OURS,
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
    refuse_requests,
)
from comagic_cli.errors import CannotWrite, OutputBusy, UsageProblem
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

DAY = "_day"
TYPES: Mapping[Kind, str] = {
    "integer": "Nullable(Int64)",
    "seconds": "Nullable(Int64)",
    "float": "Nullable(Float64)",
    "boolean": "Nullable(UInt8)",
    "datetime": "Nullable(DateTime('UTC'))",
    "date": "Nullable(Date)",
}
TEXT = "Nullable(String)"
OUR_TYPES = {UNFIT: TEXT, KEY: TEXT, TIME: TEXT, REQUEST: "UInt64", DAY: "Date"}
ENGINE = f"ENGINE = MergeTree PARTITION BY {DAY} ORDER BY {DAY} SETTINGS old_parts_lifetime = 1"
"""Replaced parts are deleted soon: a restart before that shows them again (ClickHouse 107605)."""
REQUEST_COLUMNS = {
    "id": "UInt64",
    "table": "String",
    "source": "String",
    "request": "String",
    "period_from": TEXT,
    "period_till": TEXT,
    "rows": "UInt64",
    "comagic": "String",
    "saved": "DateTime",
}
YEARS = range(1971, 2105)  # those that every version's Date and DateTime can hold
NO_DAY = "1971-01-01"  # of rows without a time, or of another one
AT_ONCE = 1 << 21  # characters of an INSERT
DAYS_AT_ONCE = 90  # in an INSERT; servers allow 100 partitions
OLD = 86_400  # seconds, after which a staging table of another machine is a dead run's
PORTS = {"https": 8443, "http": 8123}
LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
TIMEOUTS = (30, 3600)  # seconds: to connect, and for a statement
EVENTUAL = (
    "the table {} is not partitioned by {}: rows replace those of the same key when ClickHouse "
    "merges parts (until then: SELECT ... FINAL), and rows that are gone stay"
)


def _in_years(convert: Converter, length: int) -> Converter:
    """Return a converter that leaves a text as it is, if the server can hold all of it."""

    def check(value: object) -> object:
        fits = convert(value) is not MISMATCH and len(str(value)) == length
        return value if fits and int(str(value)[:4]) in YEARS else MISMATCH

    return check


def _to_bit(value: object) -> object:
    return MISMATCH if to_boolean(value) is MISMATCH else int(bool(value))


CONVERTERS: Mapping[Kind, Converter] = {
    "integer": to_integer,
    "seconds": to_seconds,
    "float": to_float,
    "boolean": _to_bit,
    "datetime": _in_years(to_datetime, 19),
    "date": _in_years(to_date, 10),
}


# The connection

BY_CODE = {
    60: "Run the same command again.",
    81: "Create it: CREATE DATABASE, or name another: -o clickhouse://HOST/DATABASE.",
    192: "Set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.",
    193: "Set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.",
    194: "Set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.",
    516: "Set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.",
    497: "Ask for the rights SELECT, INSERT, CREATE TABLE, DROP TABLE and ALTER in the database.",
    164: "The user may only read. Set CLICKHOUSE_USER to one that writes.",
    243: "Free some space on the server's disk.",
}
UNCHANGED = "The table is unchanged. Run the same command again."
CHANGING = "Days that were replaced are whole, others are as they were. Run the same command again."
NO_ANSWER = "Check host and port, whether they are of https (?secure=1), and that the server runs."
CODE = re.compile(r"Code: (\d+)")
MESSAGE = re.compile(r"Exception: (.*?)(?:, e\.what\(\)|\. \(|, Stack trace|$)", re.DOTALL)
WANTED = ("max_partitions_per_insert_block",)
"""Settings that are switched off, where the server knows them."""


class Server:
    """A server over HTTP. Credentials are those of the environment, and so are certificates."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        self.place = name_place(url)
        self.state = UNCHANGED  # of the tables, for messages
        self._address, self._database = read_address(url)
        self._redact = redactor(secrets_of("clickhouse", environ))
        self._session = requests.Session()
        # It names proxies, which are not for this machine.
        self._session.trust_env = not is_loopback(urlsplit(self._address).hostname or "")
        self._session.auth = lambda request: request  # else requests sends that of ~/.netrc
        self._session.verify = find_bundle(environ)
        names = {"X-ClickHouse-User": "CLICKHOUSE_USER", "X-ClickHouse-Key": "CLICKHOUSE_PASSWORD"}
        for header, name in names.items():
            if value := environ.get(name):
                self._session.headers[header] = value.encode()
        self._settings: dict[str, str] = {}

    def connect(self) -> None:
        """Check that the server answers, and which settings it knows."""
        named = ", ".join(map(literal, WANTED))
        known = self.query(f"SELECT name FROM system.settings WHERE name IN ({named})")
        self._settings = {name: "0" for [name] in known}

    def query(self, sql: str) -> list[list[str]]:
        """Run a statement; return its rows as texts."""
        text = self._send(sql.encode(), {})
        return [list(map(unescape, line.split("\t"))) for line in text.split("\n") if line]

    def insert(self, sql: str, data: bytes) -> None:
        """Run an INSERT of rows in the format TabSeparated."""
        self._send(data, {"query": f"{sql} FORMAT TabSeparated"})

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _send(self, body: bytes, params: dict[str, str]) -> str:
        params = {"database": self._database, "wait_end_of_query": "1", **self._settings, **params}
        try:
            answer = self._session.post(
                self._address, params=params, data=body, timeout=TIMEOUTS, allow_redirects=False
            )
        except requests.RequestException as error:
            reason, hint = _reason(error, self._address)
            raise CannotWrite(
                f"{self.place} can't be reached: {self._redact(reason)}.",
                hint=f"{hint} {self.state}",
            ) from error
        text = answer.content.decode("utf-8", "replace")
        if answer.ok and not answer.is_redirect and not text.startswith("Code: "):
            return text
        found, said = CODE.search(text), MESSAGE.search(text)
        shown = self._redact(one_line(said[1] if said else text)) or f"HTTP {answer.status_code}"
        raise CannotWrite(
            f"{self.place} can't be written: {shown.rstrip('.')}.",
            hint=BY_CODE.get(int(found[1]) if found else 0, self.state),
        )


def _reason(error: requests.RequestException, url: str) -> tuple[str, str]:
    """Return why no answer came, without the address, and what to do."""
    text = one_line(str(error))
    if isinstance(error, requests.exceptions.ProxyError):
        found = re.search(r"OSError\('([^']+)'|\] ([^\"')]+)", text)
        said = f": {found[1] or found[2]}" if found else ""
        return f"no answer from the proxy {proxy_of(url)}{said}", CHECK_PROXY
    if isinstance(error, requests.Timeout):
        return "it does not answer in time", NO_ANSWER
    if found := re.search(r"certificate verify failed: ([^(]*[^( ])", text):
        return f"its certificate can't be verified: {found[1]}", OWN_CERTIFICATE
    if isinstance(error, requests.exceptions.SSLError):
        return "it does not answer with TLS (https)", "Check host and port: is it that of https?"
    if "RemoteDisconnected" in text or "BadStatusLine" in text:
        return "it closed the connection without an answer", NO_ANSWER
    found = re.search(r"(?:\[Errno -?\d+\] |Error\(\d+, ')([^\"')]+)", text)
    return found[1] if found else text.removesuffix("."), NO_ANSWER


def read_address(url: str) -> tuple[str, str]:
    """Return the address of the server, and the name of the database. Raises `UsageProblem`.

    HTTPS is the default, and HTTP to this machine; `?secure=1` asks for HTTPS there.
    """
    parts, place = urlsplit(url), name_place(url)
    settings = parse_qs(parts.query, keep_blank_values=True)
    example = "Example: clickhouse://host/db; to this machine with https: ?secure=1."
    try:
        port = parts.port
    except ValueError as error:
        raise UsageProblem(f"-o {place}: the port is not a number", hint=example) from error
    if not parts.hostname or settings.keys() - {"secure"}:
        what = f"{min(settings.keys() - {'secure'})}=" if parts.hostname else "a URL without a host"
        raise UsageProblem(f"-o {place}: {what} is not understood", hint=example)
    is_near = LOOPBACK.fullmatch(parts.hostname) is not None
    secure = settings.get("secure", ["0" if is_near else "1"])[-1]
    if secure not in ("0", "1") or (secure == "0" and not is_near):
        raise UsageProblem(
            f"-o {place}: without https the password and the rows could be read on the way",
            hint="Only 127.0.0.1 and localhost are written without: remove secure=.",
        )
    scheme = "https" if secure == "1" else "http"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    database = parts.path.strip("/") or "default"
    return f"{scheme}://{host}:{port or PORTS[scheme]}/", database


@contextmanager
def open_clickhouse(
    url: str, environ: Mapping[str, str], warn: Warn, *, keep_incomplete: bool = False
) -> Iterator[ClickHouseDatabase]:
    """Connect to a database; rows are put into their tables when the block ends.

    After an exception the tables are unchanged, after `RowsMissing` too, except with
    `keep_incomplete`. A run that dies while days are replaced leaves each of them old or new.
    Raises `OutputBusy` if another run of this machine writes a table, and `CannotWrite`.
    """
    with closing(Server(url, environ)) as server:
        server.connect()
        database = ClickHouseDatabase(server, warn)
        try:
            with committing(database, keep_incomplete=keep_incomplete):
                yield database
        finally:
            database.drop_staging()


class ClickHouseDatabase:
    """A database of a server during one export.

    `bytes` and `sha256` are those of the rows that were sent.
    """

    published: Path | None = None  # a table is not a file

    def __init__(self, server: Server, warn: Warn) -> None:
        self.server, self.warn = server, warn
        self.digest = hashlib.sha256()
        self.bytes = 0
        self.since = int(time())
        self._tables: list[ClickHouseTable] = []

    @property
    def sha256(self) -> str:
        """Return the hash of the rows that were sent, in hexadecimal."""
        return self.digest.hexdigest()

    def make_table(self, request: Request) -> ClickHouseTable:
        """Make the table of a request."""
        table = ClickHouseTable(self, request, len(self._tables))
        self._tables.append(table)
        return table

    def saved_requests(self, table: str) -> list[SavedRequest]:
        """Return the requests whose rows a table has; none if comagic did not make it."""
        if self.server.query(f"EXISTS TABLE {quote(REQUESTS)}") == [["0"]]:
            return []
        rows = self.server.query(
            "SELECT id, source, request, ifNull(period_from, ''), ifNull(period_till, '') "
            f"FROM {quote(REQUESTS)} WHERE `table` = {literal(table)} ORDER BY saved, rows"
        )
        latest = {row[0]: SavedRequest.read(*row) for row in rows}
        return list(latest.values())

    def count_rows(self, table: str, numbers: Sequence[int], period: tuple[str, str]) -> int:
        """Count the rows of saved requests whose time is in a period."""
        final = " FINAL" if "Replacing" in self.engine(table)[0] else ""  # not merged yet
        [[count]] = self.server.query(
            f"SELECT count() FROM {quote(table)}{final} "
            f"WHERE {REQUEST} IN ({', '.join(map(str, numbers))})"
            f" AND {TIME} >= {literal(period[0])} AND {TIME} <= {literal(period[1])}"
        )
        return int(count)

    def engine(self, table: str) -> tuple[str, str]:
        """Return the engine of a table and what it is partitioned by."""
        rows = self.server.query(
            "SELECT engine, partition_key FROM system.tables"
            f" WHERE database = currentDatabase() AND name = {literal(table)}"
        )
        engine, by = rows[0] if rows else ("", "")
        return engine, by

    def commit(self, *, is_complete: bool = True) -> None:
        """Put the rows into their tables, day by day."""
        self.server.state = CHANGING
        for table in self._tables:
            table.merge(is_complete=is_complete)

    def drop_staging(self) -> None:
        """Drop what this run needed; what stays, the next run drops."""
        with suppress(CannotWrite):
            for table in self._tables:
                table.drop_staging()


class ClickHouseTable(Table):
    """The table of a request."""

    converters: Mapping[Kind, Converter] = CONVERTERS

    def __init__(self, database: ClickHouseDatabase, request: Request, place: int) -> None:
        self._database, self._request = database, request
        self._server = database.server
        self._table = quote(request.table)
        self._staging = Staging.make(request.table, database.since, place)
        self._rows: int | None = None  # none has begun
        self._lines: list[str] = []
        self._size, self._days = 0, set[str]()

    def begin(self, columns: Sequence[Column], fields: frozenset[str]) -> None:  # noqa: ARG002 - a day has no older values
        """Check the table, and begin to take rows."""
        self._columns = columns
        there = self._types(self._request.table)
        self._request.check(self._known_source(), exists=bool(there) and not self._is_own())
        self._is_eventual = bool(there) and self._check(there)
        ours = {column.name: TYPES.get(column.kind, TEXT) for column in columns} | OUR_TYPES
        self._types_of_staging = there | ours
        for name, kind in ours.items():
            if there.get(name, kind) != kind and not self._is_eventual:
                raise UsageProblem(
                    f"the column {name} of the table {self._request.table} is {there[name]}, "
                    f"not {kind}",
                    hint=f"Change it: ALTER TABLE {self._table} MODIFY COLUMN {quote(name)} {kind},"
                    " or name another table with --table.",
                )
        if (unasked := there.keys() - ours.keys()) and not self._is_eventual:
            raise UsageProblem(
                f"the table {self._request.table} has columns that are not asked for: "
                f"{', '.join(sorted(unasked))}; days that are replaced would lose their values",
                hint="Add them to --fields, or name another table with --table.",
            )
        self._drop_dead()
        self._server.query(
            f"CREATE TABLE {self._staging.quoted} ({_declare(self._types_of_staging)}) {ENGINE}"
        )
        self._insert = self._into(self._staging.quoted, [*(c.name for c in columns), *OUR_TYPES])
        self._number = number_of(self._request)
        self._rows = 0

    def load(self, values: Sequence[Values]) -> None:
        """Send rows to the staging table, many at once."""
        *cells, unfit, keys, times = values
        texts = [
            (escape_cells if column.kind not in TYPES or column.kind in _TEXTS else plain_cells)(
                some
            )
            for column, some in zip(self._columns, cells, strict=True)
        ]
        days = list(map(day_of, times))
        texts += map(escape_cells, (unfit, keys, times))
        texts += [[str(self._number)] * len(days), days]
        for line, day in zip(map("\t".join, zip(*texts, strict=True)), days, strict=True):
            if self._size > AT_ONCE or (day not in self._days and len(self._days) >= DAYS_AT_ONCE):
                self._flush()
            self._lines.append(line)
            self._size += len(line)
            self._days.add(day)

    def end(self, rows: int) -> None:
        """Send the last rows, and check that all have come."""
        self._flush()
        [[count]] = self._server.query(f"SELECT count() FROM {self._staging.quoted}")
        if int(count) != rows:
            raise CannotWrite(
                f"{self._server.place} has taken {count} of {rows} rows.", hint=UNCHANGED
            )
        self._rows = rows

    def merge(self, *, is_complete: bool) -> None:
        """Put the rows into the table. Of an incomplete request no row with a key is dropped."""
        if self._rows is None:
            return
        self._save_request(self._rows)
        if not self._is_eventual:
            self._drop_twice()
        there = self._types(self._request.table)
        if not there:  # it may be there by now: another customer's rows came first
            self._server.query(f"RENAME TABLE {self._staging.quoted} TO {self._table}")
            return
        self._add_columns(there)
        if self._is_eventual:
            self._append()
            return
        days = self._add_rest(is_complete=is_complete)
        filled = self._days_in(f"SELECT DISTINCT {DAY} FROM {self._staging.quoted}")
        for day in sorted(days | filled):
            source = f" FROM {self._staging.quoted}" if day in filled else ""
            way = "REPLACE" if day in filled else "DROP"
            self._server.query(f"ALTER TABLE {self._table} {way} PARTITION {literal(day)}{source}")

    def drop_staging(self) -> None:
        """Drop the staging table."""
        self._server.query(f"DROP TABLE IF EXISTS {self._staging.quoted}")

    def _flush(self) -> None:
        if self._lines:
            data = "\n".join([*self._lines, ""]).encode()
            self._server.insert(self._insert, data)
            self._database.digest.update(data)
            self._database.bytes += len(data)
        self._lines, self._size, self._days = [], 0, set()

    # What is there

    def _types(self, table: str) -> dict[str, str]:
        """Return the columns of a table with their types, in order."""
        rows = self._server.query(
            "SELECT name, type FROM system.columns"
            f" WHERE database = currentDatabase() AND table = {literal(table)}"
        )
        return {name: kind for name, kind in rows}  # noqa: C416 - a list of lists

    def _is_own(self) -> bool:
        """Check if the table is somebody's own, made to replace rows by our key."""
        return "Replacing" in self._database.engine(self._request.table)[0] and KEY in self._types(
            self._request.table
        )

    def _known_source(self) -> str | None:
        columns = self._types(REQUESTS)
        if columns and not REQUEST_COLUMNS.keys() <= columns.keys():
            raise refuse_requests("Name another database with -o.")
        rows = columns and self._server.query(
            f"SELECT source FROM {quote(REQUESTS)} WHERE `table` = {literal(self._request.table)}"
            " ORDER BY saved DESC LIMIT 1"
        )
        return rows[0][0] if rows else None

    def _check(self, there: Mapping[str, str]) -> bool:
        """Check that days can be replaced; return whether rows replace others only by and by."""
        engine, by = self._database.engine(self._request.table)
        if by == DAY and there.keys() >= OUR_TYPES.keys():
            return False
        if "Replacing" in engine and KEY in there:
            self._database.warn(EVENTUAL.format(self._request.table, DAY))
            return True
        raise UsageProblem(
            f"the table {self._request.table} was changed: it lacks one of the columns"
            f" {', '.join([*OURS, DAY])}, or is not partitioned by {DAY}",
            hint=f"{OTHER_TABLE} A table of your own must be a ReplacingMergeTree ORDER BY {KEY}.",
        )

    def _days_in(self, sql: str) -> set[str]:
        return {day for [day] in self._server.query(sql)}

    # What is made

    def _drop_dead(self) -> None:
        """Drop the staging tables of dead runs. Raises `OutputBusy` for that of a living one."""
        names = self._server.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase()"
            f" AND name LIKE {literal(PREFIX.replace('_', chr(92) + '_') + '%')}"
        )
        for [name] in names:
            other = Staging.read(name)
            if other is None or other.table != self._staging.table or other == self._staging:
                continue
            if other.is_of(self._staging):
                continue
            if other.is_alive:
                raise OutputBusy(
                    f"the table {self._request.table} is being written by another run "
                    f"(process {other.process}).",
                    hint="Wait until it has ended, or write to another table.",
                )
            if other.is_dead:
                self._server.query(f"DROP TABLE IF EXISTS {other.quoted}")

    def _save_request(self, rows: int) -> None:
        request, requests_ = self._request, quote(REQUESTS)
        self._server.query(
            f"CREATE TABLE IF NOT EXISTS {requests_} ({_declare(REQUEST_COLUMNS)}) "
            "ENGINE = ReplacingMergeTree(saved) ORDER BY (`table`, request)"
        )
        values = [request.table, *request.texts, *(request.period or (None, None))]
        texts = ", ".join("NULL" if value is None else literal(value) for value in values)
        self._server.query(
            f"INSERT INTO {requests_} ({', '.join(map(quote, REQUEST_COLUMNS))}) SELECT "
            f"{self._number}, {texts}, {rows}, {literal(request.version)}, now()"
        )

    def _add_columns(self, there: Mapping[str, str]) -> None:
        new = {name: kind for name, kind in self._types_of_staging.items() if name not in there}
        if new:
            added = ", ".join(f"ADD COLUMN {each}" for each in _declared(new))
            self._server.query(f"ALTER TABLE {self._table} {added}")

    def _append(self) -> None:
        """Add the rows to a table that replaces rows by their keys, by and by."""
        names = list(self._types_of_staging)
        [[keyless]] = self._server.query(
            f"SELECT countIf({KEY} IS NULL) FROM {self._staging.quoted}"
        )
        if int(keyless):
            raise CannotWrite(
                f"{keyless} rows have no key: the table {self._request.table} can't replace them.",
                hint=f"{OTHER_TABLE} comagic makes one that is partitioned by {DAY}.",
            )
        self._server.query(
            f"{self._into(self._table, names)} SELECT {_names(names)} FROM {self._staging.quoted}"
        )

    def _drop_twice(self) -> None:
        """Keep the later of two rows with a key: one may come twice if its time changed."""
        staging, keyed = self._staging.quoted, f"{KEY} IS NOT NULL"
        [[twice]] = self._server.query(
            f"SELECT count() - uniqExact(ifNull({KEY}, '')) FROM {staging} WHERE {keyed}"
        )
        if not int(twice):
            return
        names = list(self._types_of_staging)
        old, self._staging = staging, self._staging.next()
        self._server.query(
            f"CREATE TABLE {self._staging.quoted} ({_declare(self._types_of_staging)}) {ENGINE}"
        )
        for which in (f"{KEY} IS NULL", f"{keyed} ORDER BY {TIME} DESC LIMIT 1 BY {KEY}"):
            self._server.query(
                f"{self._into(self._staging.quoted, names)} "
                f"SELECT {_names(names)} FROM {old} WHERE {which}"
            )
        self._server.query(f"DROP TABLE {old}")

    def _add_rest(self, *, is_complete: bool) -> set[str]:
        """Add what stays of the days to replace; return the days that have something to go."""
        names, staging = list(self._types_of_staging), self._staging.quoted
        gone = f"{REQUEST} = {self._number}"
        if period := self._request.period:
            gone += f" AND {TIME} >= {literal(period[0])} AND {TIME} <= {literal(period[1])}"
        if not is_complete:
            gone += f" AND {KEY} IS NULL"
        again = f"{KEY} IN (SELECT {KEY} FROM {staging} WHERE {KEY} IS NOT NULL)"
        goes = f"(ifNull({gone}, 0) OR ifNull({again}, 0))"
        days = self._days_in(f"SELECT DISTINCT {DAY} FROM {self._table} WHERE {goes}")
        every = days | self._days_in(f"SELECT DISTINCT {DAY} FROM {staging}")
        if every:
            self._server.query(
                f"{self._into(staging, names)} SELECT {_names(names)} FROM {self._table} "
                f"WHERE {DAY} IN ({', '.join(map(literal, sorted(every)))}) AND NOT {goes}"
            )
        return days

    @staticmethod
    def _into(table: str, names: Sequence[str]) -> str:
        return f"INSERT INTO {table} ({_names(names)})"


_TEXTS = frozenset({"datetime", "date"})
PREFIX = "_comagic_load_"


@dataclass(frozen=True)
class Staging:
    """The name of a staging table: of which table it is, and which run's."""

    table: str  # a hash of its name
    machine: str
    process: int
    since: int
    place: int

    @classmethod
    def make(cls, table: str, since: int, place: int) -> Staging:
        """Name a staging table of this run."""
        return cls(_hash(table), _hash(platform.node()), os.getpid(), since, place)

    @classmethod
    def read(cls, name: str) -> Staging | None:
        """Read a name; `None` if it is not one of ours."""
        found = re.fullmatch(PREFIX + r"([0-9a-f]+)_([0-9a-f]+)_(\d+)_(\d+)_(\d+)", name)
        if not found:
            return None
        return cls(found[1], found[2], *map(int, found.groups()[2:]))

    @property
    def quoted(self) -> str:
        """Return the name, quoted."""
        numbers = f"{self.process}_{self.since}_{self.place}"
        return quote(f"{PREFIX}{self.table}_{self.machine}_{numbers}")

    def next(self) -> Staging:
        """Name another table of the same run."""
        return Staging(self.table, self.machine, self.process, self.since, self.place + 1_000_000)

    def is_of(self, other: Staging) -> bool:
        """Check that both are the same run's."""
        return (self.machine, self.process, self.since) == (
            other.machine,
            other.process,
            other.since,
        )

    @property
    def is_alive(self) -> bool:
        """Check that the run is one of this machine, and goes on."""
        if self.machine != _hash(platform.node()) or self.process == os.getpid():
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except OSError:  # somebody else's
            return True
        return True

    @property
    def is_dead(self) -> bool:
        """Check that the run has ended: on another machine only the time tells."""
        return self.machine == _hash(platform.node()) or time() - self.since > OLD


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()


def number_of(request: Request) -> int:
    """Return the number of a request, the same in every run."""
    text = "\0".join([request.table, request.texts[1]]).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) >> 1


def day_of(shown: str | None) -> str:
    """Return the day of a shown time, as the partition that the row is in."""
    day = (shown or "")[:10]
    try:
        return day if date.fromisoformat(day).year in YEARS else NO_DAY
    except ValueError:
        return NO_DAY


def quote(name: str) -> str:
    """Quote a name."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}


def unescape(cell: str) -> str:
    """Return a cell of TabSeparated without escapes."""
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), cell)


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(quote, names))


def _declare(types: Mapping[str, str]) -> str:
    return ", ".join(_declared(types))


def _declared(types: Mapping[str, str]) -> list[str]:
    return [f"{quote(name)} {kind}" for name, kind in types.items()]
