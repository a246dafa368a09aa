"""What works for flat reports works for the older ones and for lists: the options of exports."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from coverage_marks import unmeasured
from program import DAYS, PATIENCE, SPAN, Watched, environment, fault, start

from comagic_cli.export import resume
from comagic_cli.query.catalog import report

REPORTS = {
    "calls-report": "id,start_time,is_lost",
    "chat-messages-report": "id,date_time,text",
    "visitor-sessions-report": "id,date_time,visitor_id",
    "call-legs-report": "id,start_time,call_session_id",
}
USERS = (7001, 7002)
MONTHS = ("2024-08-01", "2024-09-30")


@pytest.fixture(scope="module")
def box():
    with Watched(rows=150) as service:
        yield service


def asked(command, *more):
    return [command, *DAYS, "--fields", REPORTS[command], *more]


def truth(box, command, **more):
    return box.truth(command, *SPAN, fields=REPORTS[command].split(","), **more)


def counted(rows):
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def read(path):
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


PARTITIONS = [("{date}", 10, "2024-09-12", "2024-09-14", 3), ("{month}", 7, *MONTHS, 2)]


@unmeasured
@pytest.mark.parametrize("command", REPORTS)
@pytest.mark.parametrize(("name", "length", "first", "last", "files"), PARTITIONS)
def test_partitions_hold_the_days_they_are_named_for(
    comagic, tmp_path, command, name, length, first, last, files
):
    folder, time = tmp_path / "parts", report(command).time[0]
    line = [command, "--from", first, "--till", last, "--fields", REPORTS[command]]
    span = (f"{first} 00:00:00", f"{last} 23:59:59")
    with Watched(rows=600, span=(f"{MONTHS[0]} 00:00:00", f"{MONTHS[1]} 23:59:59")) as box:
        ran = comagic(*line, "-o", folder / f"{name}.jsonl", box=box)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        expected = box.truth(command, *span, fields=REPORTS[command].split(","))
        calls = len(box.journal)
        assert comagic(*line, "-o", folder / f"{name}.jsonl", "-q", box=box).code == 0
        assert len(box.journal) == calls  # the files are there
    paths = list(folder.glob("[!.]*.jsonl"))
    rows = {path.stem: read(path) for path in paths}
    assert len(paths) == files
    assert all({row[time][:length] for row in own} <= {stem} for stem, own in rows.items())
    assert expected
    assert counted(row for own in rows.values() for row in own) == counted(expected)


PROGRAM = """
from comagic_cli.export import resume
resume.MAX_SHARE = float("inf")  # a checkpoint with each page
from comagic_cli.cli.main import run
run()
"""


@unmeasured
@pytest.mark.parametrize("command", REPORTS)
def test_a_killed_export_is_continued_to_the_same_bytes(comagic, tmp_path, command):
    whole, target = tmp_path / "whole.csv", tmp_path / "rows.csv"
    line = asked(command, "--page-size", "20")
    with Watched(rows=300) as box:
        assert comagic(*line, "-o", whole, box=box).code == 0
        calls = len(box.journal)
    with Watched(rows=300) as box:  # another one, which has all points of the minute
        process = start([*line, "-o", target], environment(tmp_path / "home", box), code=PROGRAM)
        box.await_calls(calls // 2)
        process.kill()
        process.communicate(timeout=PATIENCE)
        assert process.returncode == -signal.SIGKILL
        assert not target.exists()
        box.journal.clear()
        ran = comagic(*line, "-o", target, "--resume", box=box)
    assert (ran.code, ran.err) == (0, "")
    lines = [path.read_text().splitlines() for path in (target, whole)]
    assert lines[0] == lines[1] if report(command).field(report(command).time[0]).sort else True
    assert Counter(lines[0]) == Counter(lines[1])  # visits come in any order
    assert len(box.journal) <= calls


@pytest.mark.parametrize("number", [2, 5, 9, 12])
def test_rows_in_any_order_are_continued_at_a_window(comagic, tmp_path, monkeypatch, number):
    """The service sorts no visits by time: a run that is resumed repeats a whole window."""
    monkeypatch.setattr(resume, "MAX_SHARE", float("inf"))
    command, target = "visitor-sessions-report", tmp_path / "rows.jsonl"
    down = fault("internal_error", *range(number, number + 40), method=report(command).method)
    with Watched(rows=150, older_days=2, faults=down) as box:
        line = asked(command, "--page-size", 20, "-o", target)
        stopped = comagic(*line, box=box)
        resumed = comagic(*line, *["--resume"] * ("--resume" in stopped.err), box=box)
        while resumed.code == 6:
            resumed = comagic(*line, *["--resume"] * ("--resume" in resumed.err), box=box)
        expected = counted(truth(box, command))
    assert (stopped.code, resumed.code, resumed.err) == (6, 0, "")
    assert counted(read(target)) == expected


@unmeasured
@pytest.mark.parametrize("command", REPORTS)
def test_the_manifest_of_an_older_report_is_verified(comagic, box, tmp_path, command):
    target = tmp_path / "rows.csv"
    manifest = tmp_path / "rows.csv.manifest.json"
    assert comagic(*asked(command), "-o", target, "--manifest", manifest, box=box).code == 0
    told = json.loads(manifest.read_bytes())
    assert (told["state"], told["rows"]) == ("complete", len(truth(box, command)))
    assert comagic("verify", target).code == 0
    target.write_bytes(target.read_bytes()[:-3] + b"9\r\n")
    assert comagic("verify", target).code == 3


@unmeasured
@pytest.mark.parametrize("command", REPORTS)
def test_a_database_has_each_row_once_after_two_exports(comagic, box, tmp_path, command):
    path = tmp_path / "rows.db"
    for _ in range(2):
        assert comagic(*asked(command), "-o", path, box=box).code == 0
    table, time = command.replace("-", "_"), report(command).time[0]
    with closing(sqlite3.connect(path)) as db:
        found = db.execute(f'SELECT id, "{time}" FROM "{table}"').fetchall()
    expected = [(row["id"], row[time]) for row in truth(box, command)]
    assert sorted((int(id_), moment) for id_, moment in found) == sorted(expected)


@unmeasured
def test_a_list_in_a_database_is_as_it_is_now(comagic, box, tmp_path):
    path = tmp_path / "rows.db"
    for _ in range(2):
        assert comagic("list", "employees", "-o", path, box=box).code == 0
    with closing(sqlite3.connect(path)) as db:
        found = [id_ for (id_,) in db.execute("SELECT id FROM employees")]
    expected = [row["id"] for row in box.every_row("get.employees")]
    assert sorted(map(int, found)) == sorted(expected)


@unmeasured
@pytest.mark.parametrize("command", ["calls-report", "visitor-sessions-report"])
def test_two_customers_are_exported_one_after_the_other(comagic, command):
    with Watched(rows=60, agent=True, denied_users=()) as box:
        ran = comagic(*asked(command), "--user-id", "7001,7002", box=box)
        expected = {user: counted(truth(box, command, user_id=user)) for user in USERS}
        all_ = comagic(*asked(command, "--max-rows", 1), "--user-id", "all", box=box)
    assert (ran.code, ran.err) == (0, "")
    found = {user: [] for user in USERS}
    for line in ran.out.split("\n")[:-1]:
        row = json.loads(line)
        assert list(row)[:3] == ["customer_id", "user_id", "customer_name"]
        own = {name: row[name] for name in REPORTS[command].split(",")}
        found[row["user_id"]].append(own)
    assert {user: counted(rows) for user, rows in found.items()} == expected
    assert all(expected.values())
    assert all_.code == 0


@unmeasured
def test_lists_of_two_customers(comagic):
    with Watched(rows=60, agent=True) as box:
        ran = comagic("list", "employees", "--user-id", "all", "--fields", "id", box=box)
    rows = [json.loads(line) for line in ran.out.split("\n")[:-1]]
    assert (ran.code, ran.err) == (0, "")
    assert len({row["user_id"] for row in rows}) > 1
    assert max(Counter((row["user_id"], row["id"]) for row in rows).values()) == 1


@unmeasured
def test_rows_that_match_a_filter(comagic, box):
    line = asked("calls-report", "--where", "is_lost = true")
    ran = comagic(*line, box=box)
    expected = [row for row in truth(box, "calls-report") if row["is_lost"]]
    found = [json.loads(each) for each in ran.out.split("\n")[:-1]]
    assert (ran.code, ran.err) == (0, "")
    assert 0 < len(expected) < 150
    assert counted(found) == counted(expected)
    count = comagic(*line, "--count", box=box)
    assert (count.code, count.out) == (0, f"{len(expected)}\n")


@unmeasured
@pytest.mark.parametrize("command", REPORTS)
def test_counts_and_plans_of_older_reports(comagic, box, command):
    rows = truth(box, command)
    count = comagic(*asked(command), "--count", box=box)
    assert (count.code, count.out, count.err) == (0, f"{len(rows)}\n", "")
    calls = len(box.journal)
    plan = comagic(*asked(command), "--dry-run", box=box)
    sent = json.loads(plan.out)
    assert (plan.code, len(box.journal)) == (0, calls)
    assert sent["method"] == report(command).method
    assert sent["params"].keys() & {"report_id", "report_type"} == set()
    first = comagic(*asked(command), "--max-rows", 7, box=box)
    assert first.code == 0
    shown = counted(map(json.loads, first.out.split("\n")[:-1]))
    assert (shown.total(), shown - counted(rows)) == (7, Counter())


@unmeasured
def test_counts_plans_and_first_rows_of_lists(comagic, box):
    rows = box.every_row("get.employees", fields=["id", "full_name"])
    line = ["list", "employees", "--fields", "id,full_name"]
    count = comagic(*line, "--count", box=box)
    assert (count.code, count.out, count.err) == (0, f"{len(rows)}\n", "")
    plan = comagic(*line, "--dry-run", box=box)
    assert json.loads(plan.out)["method"] == "get.employees"
    first = comagic(*line, "--max-rows", 2, box=box)
    found = [json.loads(each) for each in first.out.split("\n")[:-1]]
    assert (first.code, len(found)) == (0, 2)
    one = comagic(*line, "--where", f"id = {rows[0]['id']}", box=box)
    assert (one.code, json.loads(one.out)) == (0, rows[0])


@pytest.fixture(scope="module")
def chats():
    with Watched(rows=600) as service:
        yield service


@pytest.mark.parametrize("size", [10_000, 7])
def test_messages_of_named_chats_come_whole_and_without_a_period(comagic, chats, size):
    messages = chats.truth("chat-messages-report", *SPAN, fields=["chat_id"])
    named = list(dict.fromkeys(str(row["chat_id"]) for row in messages))[:3]
    fields = ["id", "chat_id", "date_time"]
    line = ["chat-messages-report", "--chat-ids", ",".join(named), "--fields", ",".join(fields)]
    ran = comagic(*line, "-f", "jsonl", "--page-size", size, box=chats)
    expected = chats.every_row(
        "get.chat_messages_report", fields=fields, chat_ids=list(map(int, named))
    )
    got = [json.loads(row) for row in ran.out.splitlines()]
    assert (ran.code, ran.err) == (0, "")
    assert len({row["chat_id"] for row in expected}) == len(named)
    assert counted(got) == counted(expected)
    assert [row["date_time"] for row in got] == sorted(row["date_time"] for row in got)
    counts = comagic(*line, "--count", box=chats)
    assert (counts.code, counts.out) == (0, f"{len(expected)}\n")


def test_more_chats_than_a_call_names_are_asked_for_in_batches(comagic, chats, tmp_path):
    ids = "\n".join(str(row["id"]) for row in chats.truth("chats-report", *SPAN, fields=["id"]))
    (tmp_path / "ids").write_text(ids)
    line = ["chat-messages-report", "--chat-ids", tmp_path / "ids", "--fields", "id"]
    ran = comagic(*line, "-f", "jsonl", box=chats)
    expected = chats.truth("chat-messages-report", *SPAN, fields=["id"])
    got = {json.loads(row)["id"] for row in ran.out.splitlines()}
    assert (ran.code, ran.err, len(ids.splitlines()) > 100) == (0, "", True)
    assert {row["id"] for row in expected} <= got
    assert len(got) == len(ran.out.splitlines())


def test_a_chat_without_messages_is_told(comagic, chats):
    ran = comagic("chat-messages-report", "--chat-ids", "1", "-f", "jsonl", box=chats)
    assert (ran.code, ran.out, ran.err) == (0, "", "comagic: no rows are in these chats\n")
