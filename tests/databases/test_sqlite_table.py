"""Exports to SQLite: rows that the service no longer has are deleted, as in the other databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from program import DAYS, NOW, Watched
from wire import free_port

ASKED = ["communications", "--fields", "communication_id,visitor_id", *DAYS]
KEPT = "SELECT communication_id, visitor_id FROM communications ORDER BY 1"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.db"


def row(number, day=1, **more):
    """Make a row of the service."""
    return {
        "communication_id": number,
        "communication_type": {"value": "Звонок", "value_id": "call"},
        "communication_date_time": f"2024-10-0{day} 10:00:00",
        "visitor_id": None,
    } | more


def serve(rows, port):
    """Serve rows; the same port is the same service, which a table remembers."""
    return Watched(data={"communications": rows}, now=NOW, port=port)


def run(path, sql):
    with closing(sqlite3.connect(path)) as made, made:
        return made.execute(sql).fetchall()


def test_a_table_is_what_the_service_has(comagic, path):
    """Twice the same, a changed row, one that is gone, one that has moved, one that is new."""
    port, typed = free_port(), [*ASKED, "-o", path]
    with serve([row(1), row(2, day=2), row(3, day=3)], port) as box:
        for _ in range(2):
            assert comagic(*typed, box=box).code == 0
            assert run(path, KEPT) == [("1", None), ("2", None), ("3", None)]
    with serve([row(1, visitor_id=5), row(3, day=4), row(4, day=3)], port) as box:
        assert comagic(*typed, box=box).code == 0
    assert run(path, KEPT) == [("1", 5), ("3", None), ("4", None)]
    with serve([], port) as box:
        assert comagic(*typed, box=box).code == 0
    assert run(path, KEPT) == []


def test_what_is_gone_outside_of_the_period_or_of_another_request_stays(comagic, path):
    where, port = ["--where", "visitor_id = 7"], free_port()
    with serve([row(1), row(2, day=2), row(3, day=2, visitor_id=7)], port) as box:
        assert comagic(*ASKED, "-o", path, box=box).code == 0
        assert comagic(*ASKED, *where, "-o", path, box=box).code == 0
    with serve([], port) as box:
        assert comagic(*ASKED[:3], "--period", "2024-10-02", "-o", path, box=box).code == 0
    assert run(path, KEPT) == [("1", None), ("3", 7)]


@pytest.mark.parametrize("kept", [False, True])
def test_of_rows_that_are_missing_none_is_taken_for_gone(comagic, path, kept):
    port, typed = free_port(), [*ASKED, "-o", path, *(["--keep-incomplete"] if kept else [])]
    with Watched(rows=50, port=port) as box:
        assert comagic(*typed, box=box).code == 0
    run(
        path,
        "INSERT INTO communications (_key, _time, _request)"
        " VALUES ('missing', '2024-10-02 00:00:00', 1)",
    )
    run(path, "UPDATE communications SET visitor_id = -1")
    with Watched(rows=50, port=port, total_items="three_more") as box:
        assert comagic(*typed, box=box).code == 3
    counts = "SELECT count(*), sum(visitor_id = -1) FROM communications"
    assert run(path, counts) == [(51, 1 if kept else 51)]


def test_a_customer_loses_no_row_of_another(comagic, path):
    port, count = free_port(), "SELECT count(*), count(DISTINCT customer_id) FROM communications"
    with Watched(rows=60, agent=True, port=port) as box:
        assert comagic(*ASKED, "--user-id", "all", "-o", path, box=box).code == 0
        before = run(path, count)
        run(
            path,
            "INSERT INTO communications (_key, _time, _request)"
            " SELECT 'gone ' || _key, _time, _request FROM communications",
        )
        assert comagic(*ASKED, "--user-id", "all", "-o", path, box=box).code == 0
    assert run(path, count) == before
    assert before[0][1] > 1
