"""A database's transaction: all or nothing, whatever ends it."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from interrupted_exports import service
from program import DAYS, environment, fault

from comagic_cli.databases import sqlite as database
from comagic_cli.databases.sqlite import open_database
from comagic_cli.databases.warehouse import ROLLED_BACK
from comagic_cli.errors import CannotWrite, OutputBusy, RowsMissing

# Little is kept in memory, so that a kill finds changes on the disk.
PROGRAM = """
from comagic_cli.databases import sqlite as database
database.CACHE_SIZE = 2
from comagic_cli.cli.main import run
run()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.db"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(database, "BEGIN_TIMEOUT", 0)
    monkeypatch.setattr(database, "COMMIT_TIMEOUT", 0)


def write(path, number=1, error=None, **options):
    with open_database(str(path), **options) as opened:
        opened.connection.execute("CREATE TABLE IF NOT EXISTS t (n)")
        opened.connection.execute("INSERT INTO t VALUES (?)", [number])
        if error:
            raise error
    return opened


def numbers(path):
    with closing(sqlite3.connect(path)) as connection:
        return [number for (number,) in connection.execute("SELECT n FROM t ORDER BY n")]


def names(path):
    return sorted(each.name for each in path.parent.iterdir())


def test_a_database_is_made_and_gone_on_with(path):
    write(path, 1)
    opened = write(path, 2)
    assert numbers(path) == [1, 2]
    assert names(path) == ["rows.db"]
    data = path.read_bytes()
    assert (opened.bytes, opened.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert opened.published == path


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt(), RowsMissing("2 rows")])
def test_after_an_exception_the_database_is_as_it_was(path, error):
    with pytest.raises(type(error)):
        write(path, 1, error)
    assert names(path) == []
    write(path, 1)
    before = path.read_bytes()
    with pytest.raises(type(error)):
        write(path, 2, error)
    assert path.read_bytes() == before
    assert names(path) == ["rows.db"]


def test_missing_rows_say_what_became_of_the_others(path):
    with pytest.raises(RowsMissing) as caught:
        write(path, 1, RowsMissing("2 rows are missing", hint="FormatOptions."))
    assert caught.value.hint == f"FormatOptions. {ROLLED_BACK}"
    with pytest.raises(RowsMissing) as caught:
        write(path, 1, RowsMissing("2 rows are missing"), keep_incomplete=True)
    assert (caught.value.hint, numbers(path)) == ("", [1])


def test_what_another_program_writes_is_left_alone(path):
    write(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CannotWrite) as caught:
            write(path)
        other.execute("ROLLBACK")
    assert caught.value.message == f"{path} is in use by another program."
    assert caught.value.hint == database.BUSY


def test_what_another_program_reads_is_written_in_the_end_or_not(path):
    write(path, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT n FROM t").fetchall() == [(1,)]
        with pytest.raises(CannotWrite, match="in use by another program"):
            write(path, 2)
    assert numbers(path) == [1]


def test_another_run_of_ours_is_told_apart(path):
    with open_database(str(path)), pytest.raises(OutputBusy):
        write(path)


def test_what_is_no_database_is_left_as_it_is(path):
    path.write_bytes(b"rows;of;another;kind\n" * 100)
    before = path.read_bytes()
    with pytest.raises(CannotWrite) as caught:
        write(path)
    assert caught.value.message == f"{path} is not an SQLite database."
    assert path.read_bytes() == before


def test_a_place_that_can_not_be_written(tmp_path):
    with pytest.raises(CannotWrite, match="is a folder"):
        write(tmp_path)
    with pytest.raises(CannotWrite, match="does not exist") as caught:
        write(tmp_path / "none" / "rows.db")
    assert caught.value.hint == f"Create it: mkdir -p '{tmp_path / 'none'}'"


def test_an_error_of_the_database_is_told_by_its_name(path):
    with pytest.raises(CannotWrite) as caught, open_database(str(path)) as opened:
        opened.connection.execute("SELECT * FROM missing")
    assert caught.value.message == f"{path} can't be written: no such table: missing."


def test_a_link_is_followed(tmp_path, path):
    link = tmp_path / "link.db"
    link.symlink_to(path)
    write(link)
    assert (numbers(path), link.is_symlink()) == ([1], True)


def test_a_killed_run_leaves_the_old_rows(comagic, path):
    asked = ["communications", *DAYS, "--fields", "@all", "-o", str(path)]
    with service(rows=400, faults=fault("stall", 12, seconds=60)) as box:
        assert comagic(*asked, "--till", "2024-10-01", box=box).code == 0
        before, calls = snapshot(path), len(box.journal)
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *asked, "--page-size", "20"],
            env=environment(path.parent / "home", box),
            stderr=subprocess.PIPE,
        )
        box.await_calls(calls + 10)
        journal = path.with_name("rows.db-journal")
        while not (journal.exists() and journal.stat().st_size) and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert journal.stat().st_size > 0
        assert snapshot(path) == before
        assert comagic(*asked, "--timeout", "1", box=box).code == 0  # it may stall once
        assert len(snapshot(path)) == 400 > len(before)


def snapshot(path):
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT * FROM communications").fetchall()
