"""A SQLite database that is updated in place: all of an export goes in, or nothing of it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from comagic_cli.errors import CannotWrite, RowsMissing
from comagic_cli.output.lock import held
from comagic_cli.output.stream import naming

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
    real = _real(path)
    with held(real, path):
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


def _real(path: str) -> Path:
    real = Path(os.path.realpath(path))
    with naming(path):
        if real.is_dir():
            raise CannotWrite(f"{path} is a folder.", hint="Name a file in it.")
        if not real.parent.is_dir():
            hint = f"Make it first: mkdir -p '{real.parent}'"
            raise CannotWrite(
                f"{path} can't be written: there's no folder {real.parent}.", hint=hint
            )
    return real


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
