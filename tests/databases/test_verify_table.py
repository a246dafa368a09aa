"""`comagic verify` of a table: the rows of each day beside what the service counts."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from program import DAYS, Watched
from wire import free_port

ASKED = ["communications", "--fields", "communication_id,visitor_id", *DAYS]
KINDS = ["pg", "ch", "sqlite"]
DAYS_OF_ALL = ["2024-10-01", "2024-10-02", "2024-10-03", "2024-10-04"]


@dataclass
class File:
    """A database of SQLite."""

    url: str


@pytest.fixture
def sqlite(tmp_path):
    return File(str(tmp_path / "calls.db"))


@pytest.fixture(params=KINDS)
def database(request):
    return request.getfixturevalue(request.param)


def lines(ran):
    return [line.split() for line in ran.out.splitlines()]


def test_days_that_differ_are_named(comagic, database):
    port = free_port()
    verify = ["verify", database.url, "--table", "communications"]
    with Watched(rows=200, port=port) as box:
        assert comagic(*ASKED, "-o", database.url, box=box).code == 0
        calls = len(box.journal)
        ran = comagic(*verify, "--tz", "Europe/Moscow", box=box)
        assert (ran.code, ran.err, len(lines(ran))) == (0, "", 5)
        assert sum(int(there) for _, there, _ in lines(ran)) == 200
        assert len(box.journal) - calls <= 5 + 2  # a call a day, and the report's id
        days = comagic(*verify, "--from", "2024-10-02", "--till", "2024-10-03", box=box)
        assert (days.code, lines(days)) == (0, lines(ran)[1:3])
    with Watched(rows=205, port=port, seed=1) as box:
        ran = comagic(*verify, box=box)
        different = [line[0] for line in lines(ran) if line[-1] == "differs"]
        assert (ran.code, bool(different)) == (3, True)
        assert ran.err.splitlines()[0].endswith(f": {', '.join(different)}")
        assert comagic(*ASKED, "-o", database.url, box=box).code == 0
        assert comagic(*verify, box=box).code == 0


def test_each_request_is_verified_by_its_own_filter(comagic, database):
    with Watched(rows=200) as box:
        where = ["--where", "communication_type = Чаты"]
        assert comagic(*ASKED, *where, "-o", database.url, box=box).code == 0
        ran = comagic("verify", database.url, "--table", "communications", box=box)
    assert (ran.code, len(lines(ran))) == (0, 5), ran
    assert 0 < sum(int(there) for _, there, _ in lines(ran)) < 200


@pytest.mark.parametrize("users", [[], ["--user-id", "all"]])
def test_a_part_by_a_filter_is_verified_among_all_rows(comagic, database, users):
    """A row is of the request that wrote it last, and both have it."""
    where = ["--where", "communication_type = Чаты"]
    verify = ["verify", database.url, "--table", "communications"]
    with Watched(rows=60, agent=bool(users)) as box:
        assert comagic(*ASKED, *users, *where, "-o", database.url, box=box).code == 0
        assert comagic(*ASKED, *users, "-o", database.url, box=box).code == 0
        ran = comagic(*verify, box=box)
        assert (ran.code, len(lines(ran))) == (0, 5), ran
        assert comagic(*ASKED, *users, *where, "-o", database.url, box=box).code == 0
        assert comagic(*verify, box=box) == ran


@pytest.mark.parametrize("users", [[], ["--user-id", "all"]])
def test_filters_that_share_rows_are_verified_by_what_any_of_them_matches(comagic, database, users):
    """A row is of the request that wrote it last, but the service counts it for both."""
    asked = [*ASKED, *users, "-o", database.url]
    verify = ["verify", database.url, "--table", "communications"]
    filters = ["communication_type = Чаты", "total_duration > 0 or communication_type = Чаты"]
    filters += ["communication_id > 0 and visitor_id != 1"]
    with Watched(rows=60, agent=bool(users)) as box:
        for where in filters:
            one = ["--where", where, "--where", "communication_id is not null"]
            assert comagic(*asked, *one, box=box).code == 0
            ran = comagic(*verify, box=box)
            assert (ran.code, ran.err, len(lines(ran))) == (0, "", 5)
        asked = [*asked, "--where", filters[0], "--from", "2024-10-02", "--till", "2024-10-02"]
        assert comagic(*asked, box=box).code == 0
        assert comagic(*verify, *DAYS, box=box).out == ran.out


@pytest.mark.parametrize("code", [0, 3])
def test_the_last_line_of_a_json_log_says_what_was_counted(comagic, database, code):
    port = free_port()
    verify = ["verify", database.url, "--table", "communications", "--log-format", "json"]
    with Watched(rows=200, port=port) as box:
        assert comagic(*ASKED, "-o", database.url, box=box).code == 0
    with Watched(rows=200 + code, port=port) as box:
        ran = comagic(*verify, box=box)
    last = json.loads(ran.err.splitlines()[-1])
    told = {name: last[name] for name in ("rows", "period", "output", "exit_code")}
    period = ["2024-10-01 00:00:00", "2024-10-05 23:59:59"]
    table = "communications"
    assert told == {"rows": 200, "period": period, "output": table, "exit_code": code}


def test_several_customers_are_counted_together(comagic, database):
    with Watched(rows=60, agent=True) as box:
        users = ["--user-id", "all"]
        assert comagic(*ASKED, *users, "-o", database.url, box=box).code == 0
        ran = comagic("verify", database.url, "--table", "communications", box=box)
    assert (ran.code, len(lines(ran))) == (0, 5), ran
    assert sum(int(there) for _, there, _ in lines(ran)) > 60


def test_each_customer_is_verified_in_its_own_days(comagic, database):
    """In the evening of Moscow the last days of a customer in the east are others."""
    comagic.stop_clock(datetime(2024, 10, 4, 19, tzinfo=UTC))
    verify = ["verify", database.url, "--table", "communications"]
    with Watched(rows=200, agent=True) as box:
        asked = [*ASKED[:3], "--period", "3d", "--user-id", "all", "-o", database.url]
        assert comagic(*asked, box=box).code == 0
        ran = comagic(*verify, box=box)
        assert (ran.code, [line[0] for line in lines(ran)]) == (0, DAYS_OF_ALL), ran
        assert comagic(*verify, "--period", "3d", box=box).out == ran.out
        one = comagic(*verify, "--user-id", "7001", box=box)
    assert (one.code, [line[0] for line in lines(one)]) == (0, DAYS_OF_ALL[:-1])


def test_another_user_than_that_of_the_rows_is_refused(comagic, database):
    with Watched(rows=20, agent=True) as box:
        assert comagic(*ASKED, "--user-id", "7001", "-o", database.url, box=box).code == 0
        verify = ["verify", database.url, "--table", "communications"]
        ran = comagic(*verify, "--user-id", "7002", box=box)
        assert (ran.code, "the rows are of user 7001, not of 7002\n" in ran.err) == (2, True)
        assert comagic(*verify, box=box).code == 0


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--table", "none"], "no table none that comagic made"),
        (["--table", "employees"], "has no days"),
        (["--table", "t", "--manifest", "m"], "Omit --manifest."),
    ],
)
def test_what_can_not_be_verified(comagic, database, typed, words):
    with Watched(rows=5) as box:
        assert comagic("list", "employees", "-o", database.url, box=box).code == 0
        ran = comagic("verify", database.url, *typed, box=box)
    assert (ran.code, words in ran.err) == (2, True), ran.err


def test_rows_of_another_service_are_told_apart(comagic, database):
    with Watched(rows=5) as box:
        assert comagic(*ASKED, "-o", database.url, box=box).code == 0
    with Watched(rows=5) as box:
        ran = comagic("verify", database.url, "--table", "communications", box=box)
    assert (ran.code, "the rows are of http://127.0.0.1:" in ran.err) == (2, True)


@pytest.mark.parametrize("kind", ["pg", "ch"])
def test_the_table_of_a_server_is_named(comagic, request, kind):
    ran = comagic("verify", request.getfixturevalue(kind).url)
    assert (ran.code, "Add --table NAME." in ran.err) == (2, True)


def test_a_row_deleted_from_sqlite_is_missed(comagic, sqlite):
    verify = ["verify", sqlite.url, "--table", "communications"]
    with Watched(rows=200) as box:
        assert comagic(*ASKED, "-o", sqlite.url, box=box).code == 0
        before = lines(comagic(*verify, box=box))
        with closing(sqlite3.connect(sqlite.url)) as made, made:
            made.execute(
                "DELETE FROM communications WHERE rowid = (SELECT min(rowid) FROM communications "
                "WHERE _time LIKE ?)",
                [f"{before[2][0]}%"],
            )
        ran = comagic(*verify, box=box)
    day, there, counted = before[2]
    changed = [day, str(int(there) - 1), counted, "differs"]
    assert (ran.code, lines(ran)) == (3, [*before[:2], changed, *before[3:]])
    assert f"on 1 day: {day}\n" in ran.err


def test_a_file_that_is_not_there_is_not_created(comagic, sqlite):
    ran = comagic("verify", sqlite.url, "--table", "calls")
    assert (ran.code, "can't be read: there is no such file." in ran.err) == (2, True)
    assert not os.path.exists(sqlite.url)  # noqa: PTH110 - a URL in other tests


def test_a_table_is_of_a_database(comagic):
    for name in ("calls.csv", "s3://bucket/calls.db"):
        ran = comagic("verify", name, "--table", "calls")
        assert (ran.code, "--table is of databases." in ran.err) == (2, True)
