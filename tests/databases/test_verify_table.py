"""`comagic verify` of a table: the rows of each day beside what the service counts."""

from __future__ import annotations

import pytest
from program import DAYS, Watched
from wire import free_port

ASKED = ["communications", "--fields", "communication_id,visitor_id", *DAYS]
KINDS = ["pg", "ch"]


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
        assert ran.err.splitlines()[0].endswith(f"days: {', '.join(different)}")
        assert comagic(*ASKED, "-o", database.url, box=box).code == 0
        assert comagic(*verify, box=box).code == 0


def test_each_request_is_verified_by_its_own_filter(comagic, database):
    with Watched(rows=200) as box:
        where = ["--where", "communication_type = Чаты"]
        assert comagic(*ASKED, *where, "-o", database.url, box=box).code == 0
        ran = comagic("verify", database.url, "--table", "communications", box=box)
    assert (ran.code, len(lines(ran))) == (0, 5), ran
    assert 0 < sum(int(there) for _, there, _ in lines(ran)) < 200


def test_several_customers_are_counted_together(comagic, database):
    with Watched(rows=60, agent=True) as box:
        users = ["--user-id", "all"]
        assert comagic(*ASKED, *users, "-o", database.url, box=box).code == 0
        ran = comagic("verify", database.url, "--table", "communications", box=box)
    assert (ran.code, len(lines(ran))) == (0, 5), ran
    assert sum(int(there) for _, there, _ in lines(ran)) > 60


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ([], "Add --table NAME."),
        (["--table", "none"], "no table none that comagic made"),
        (["--table", "employees"], "has no days"),
        (["--table", "t", "--manifest", "m"], "Add --table NAME."),
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


def test_a_table_is_of_a_database(comagic):
    ran = comagic("verify", "calls.csv", "--table", "calls")
    assert (ran.code, "--table is of databases." in ran.err) == (2, True)
