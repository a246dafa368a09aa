"""Exports to a database as they are typed: every night the same command."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from program import DAYS, NOW, SPAN, Watched, fault

FIELDS = ["--fields", "communication_id,communication_date_time,communication_type,visitor_id"]
ASKED = ["communications", *FIELDS]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.db"


def rows(path, sql):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_a_look_back_every_night_leaves_one_row_a_communication(comagic, path):
    with Watched(rows=200) as box:
        for day in range(1, 6):
            first = f"2024-10-{max(1, day - 2):02}"
            night = ["--from", first, "--till", f"2024-10-{day:02}", "--page-size", "30"]
            ran = comagic(*ASKED, *night, "-o", path, box=box)
            assert (ran.code, ran.out, ran.err) == (0, "", "")
        truth = box.truth("communications", *SPAN)
    found = rows(
        path, "SELECT communication_id, communication_date_time, visitor_id FROM communications"
    )
    expected = [
        (str(row["communication_id"]), row["communication_date_time"], row["visitor_id"])
        for row in truth
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert rows(path, "SELECT count(*), count(DISTINCT _key) FROM communications") == [(200, 200)]


def test_what_changed_since_is_as_it_is_now(comagic, path):
    row = {
        "communication_id": 7,
        "communication_type": {"value": "Звонок", "value_id": "call"},
        "communication_date_time": "2024-10-01 10:00:00",
        "visitor_id": None,
    }
    with Watched(data={"communications": [row]}, now=NOW) as box:
        assert comagic(*ASKED, *DAYS, "-o", path, box=box).code == 0
        row["visitor_id"] = 5
        assert comagic(*ASKED, *DAYS, "-o", path, box=box).code == 0
    assert rows(path, "SELECT communication_id, visitor_id FROM communications") == [("7", 5)]


def test_rows_whose_key_may_repeat_are_replaced(comagic, path):
    asked = ["deals", "--fields", "deal_date_time,deal_ext_id,deal_revenue", "-o", path]
    with Watched(rows=300) as box:
        for days in (["2024-10-01", "2024-10-03"], ["2024-10-02", "2024-10-05"]):
            ran = comagic(*asked, "--from", days[0], "--till", days[1], box=box)
            assert (ran.code, ran.err) == (0, "")
        truth = box.truth("deals", *SPAN)
    found = rows(path, "SELECT deal_date_time, deal_ext_id, deal_revenue FROM deals")
    expected = [(row["deal_date_time"], row["deal_ext_id"], row["deal_revenue"]) for row in truth]
    assert len(truth) > 5
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert rows(path, "SELECT count(_key) FROM deals") == [(0,)]


def test_reports_share_a_database(comagic, path):
    with Watched(rows=40) as box:
        assert comagic(*ASKED, *DAYS, "-o", path, box=box).code == 0
        assert comagic("tags-history", *DAYS, "-o", path, box=box).code == 0
        assert comagic("calls", *DAYS, "-o", path, "--table", "my calls", box=box).code == 0
        other = comagic("chats", *DAYS, "-o", path, "--table", "my calls", box=box)
    assert (other.code, "report was calls and is chats" in other.err) == (2, True)
    tables = rows(path, 'SELECT "table" FROM _comagic_requests ORDER BY id')
    assert tables == [("communications",), ("tags_history",), ("my calls",)]


def test_another_way_to_write_enums_is_refused(comagic, path):
    with Watched(rows=10) as box:
        assert comagic(*ASKED, *DAYS, "-o", path, box=box).code == 0
        before = path.read_bytes()
        ran = comagic(*ASKED, *DAYS, "-o", path, "--coded-values", "id", box=box)
    assert (ran.code, "--coded-values was not given and is id" in ran.err) == (2, True)
    assert path.read_bytes() == before


def test_the_secret_is_not_in_the_database(comagic, path):
    with Watched(rows=10) as box:
        assert comagic(*ASKED, *DAYS, "-o", path, box=box).code == 0
        assert box.token.encode() not in path.read_bytes()


@pytest.mark.parametrize("kept", [False, True])
def test_missing_rows_are_kept_out_unless_told(comagic, path, tmp_path, kept):
    asked = [*ASKED, *DAYS, "-o", path, "--manifest", tmp_path / "m.json"]
    with Watched(rows=50, total_items="three_more") as box:
        ran = comagic(*asked, *(["--keep-incomplete"] if kept else []), box=box)
    assert (ran.code, "The database is unchanged" in ran.err) == (3, not kept)
    told = json.loads((tmp_path / "m.json").read_text())
    assert told["state"] == "incomplete"
    assert told["output"] == ("rows.db" if kept else None)
    assert path.exists() == kept


def test_a_failed_run_leaves_no_new_database(comagic, path):
    with Watched(rows=60, faults=fault("forbidden", 3)) as box:
        ran = comagic(*ASKED, *DAYS, "--page-size", 20, "-o", path, box=box)
    assert (ran.code, sorted(each.name for each in path.parent.iterdir())) == (4, [])


def test_the_manifest_is_of_the_file_as_it_was_left(comagic, path):
    manifest = path.with_name("rows.db.manifest.json")
    with Watched(rows=30) as box:
        assert comagic(*ASKED, *DAYS, "-o", path, "--manifest", manifest, box=box).code == 0
        told = json.loads(manifest.read_text())
        assert (told["rows"], told["output"]) == (30, "rows.db")
        assert comagic("verify", path).code == 0
        assert comagic("sms", *DAYS, "-o", path, box=box).code == 0
    changed = comagic("verify", path)
    assert (changed.code, "not what its manifest says" in changed.err) == (3, True)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["-f", "sqlite"], "sqlite goes to a file"),
        (["-f", "sqlite", "-o", "-"], "sqlite goes to a file"),
        (["-f", "sqlite", "-o", "/dev/null"], "sqlite goes to a file"),
        (["-o", "rows.db.gz"], "rows.db.gz"),
        (["-o", "{date}.db"], "one database takes all days"),
        (["-o", "rows.db", "--max-rows", "5"], "--max-rows can't be used with -f sqlite"),
        (["-o", "rows.db", "--resume"], "--resume can't be used with -f sqlite"),
        (["-o", "rows.db", "--header", "title"], "--header can't be used with -f sqlite"),
        (["-o", "rows.db", "--table", ""], "'' can't be a table's name"),
        (["-o", "rows.db", "--table", "sqlite_x"], "can't be a table's name"),
        (["-o", "rows.db", "--table", "_comagic_requests"], "can't be a table's name"),
        (["-o", "rows.csv", "--table", "x"], "--table can be used only with -f sqlite"),
    ],
)
def test_what_does_not_go_together(comagic, tmp_path, monkeypatch, typed, words):
    monkeypatch.chdir(tmp_path)
    ran = comagic(*ASKED, *DAYS, *typed, COMAGIC_TOKEN="unused")
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_touches_nothing(comagic, path):
    assert comagic(*ASKED, *DAYS, "-o", path, "--dry-run").code == 0
    assert not path.exists()
