"""Runs that are killed between two messages to PostgreSQL: the table is the old one or the new.

COMAGIC_KILLS is the number of kills, each before or after another message.
"""

from __future__ import annotations

import os
import signal

import pytest
from coverage_marks import unmeasured
from program import DAYS, Watched, environment, fault, run, start, stop
from wire import Victim, free_port, proxy, split_postgres, to_socket

FIELDS = "communication_id,communication_date_time,visitor_id,total_duration"
ASKED = ["communications", *DAYS, "--jobs", "1", "--page-size", "50"]
DEALS = ["deals", *DAYS]
KILLED = int(os.environ.get("COMAGIC_KILLS", "5"))
ROWS = "SELECT to_jsonb(t) - '_request' FROM (SELECT * FROM communications ORDER BY _key) AS t"
OLD_DAYS = ["communications", "--from", "2024-10-01", "--till", "2024-10-03"]
FEW = ["--fields", "communication_id,visitor_id"]


def url(pg, port):
    return f"postgresql://postgres@127.0.0.1:{port}/{pg.name}?sslmode=disable"


@pytest.fixture
def night(pg, tmp_path):
    """Return a database with an earlier night, what a run makes of it, and its messages."""
    with Watched(rows=150, port=free_port()) as box:
        home = environment(tmp_path / "home", box)
        old = run([*OLD_DAYS, *FEW, "-o", pg.url], home)
        assert old.code == 0, old.err
        pg.run("UPDATE communications SET visitor_id = -1")
        copy = pg.copy()
        with proxy(to_socket(copy.socket), split_postgres) as between:
            ran = run([*ASKED, "--fields", FIELDS, "-o", url(copy, between.port)], home)
            assert ran.code == 0, ran.err
        yield box, home, copy.rows(ROWS), between.messages


@unmeasured
def test_a_killed_run_leaves_the_old_rows_or_the_new(pg, night):
    _, home, new, messages = night
    old = pg.rows(ROWS)
    assert len(new) == 150 > len(old) > 10
    seen = set()
    for number in range(KILLED):
        # Evenly spread; the last is COMMIT, after which the rows are new.
        at = 1 + number * (len(messages) - 1) // max(1, KILLED - 1)
        copy, after = pg.copy(), number % 2 == 1 or at == len(messages)
        victim = Victim()
        connect = to_socket(copy.socket)
        with proxy(connect, split_postgres, at, victim.kill, after=after) as between:
            typed = [*ASKED, "--fields", FIELDS, "-o", url(copy, between.port)]
            assert victim.run(typed, home).code == -signal.SIGKILL
        found = copy.rows(ROWS)
        assert found in (old, new), (at, after)
        seen.add(found == new)
        again = run([*ASKED, "--fields", FIELDS, "-o", copy.url], home)
        assert (again.code, copy.rows(ROWS) == new) == (0, True), again.err
    assert False in seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_table_as_it_was(pg, tmp_path, number):
    with Watched(rows=150, faults=fault("slow", 3, seconds=60)) as box:
        home = environment(tmp_path / "home", box)
        process = start([*ASKED, "-o", pg.url], home)
        box.await_calls(4)
        ran = stop(process, number)
    assert (ran.code, ran.out, ran.err) == (128 + number, "", "")
    assert pg.rows("SELECT relname FROM pg_class WHERE relname ~ 'communications'") == []


@unmeasured
def test_a_killed_first_run_leaves_no_table(pg, night):
    _, home, _, messages = night
    pg.run("DROP TABLE communications, _comagic_requests")
    for at in range(2, len(messages), max(1, len(messages) * 2 // KILLED)):
        copy, victim = pg.copy(), Victim()
        with proxy(to_socket(copy.socket), split_postgres, at, victim.kill) as between:
            code = victim.run([*DEALS, "-o", url(copy, between.port)], home).code
        tables = copy.rows("SELECT relname FROM pg_class WHERE relname IN ('deals')")
        assert (code, tables) in ((-signal.SIGKILL, []), (0, [("deals",)]))
        assert run([*DEALS, "-o", copy.url], home).code == 0
