"""The customers of an agent: a file each, files of days together, one table, one chart."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta

import pytest
from program import DAYS, SPAN, Watched

CALLS = ["calls", *DAYS, "--fields", "communication_id"]
CUSTOMERS = (7001, 7002, 7003)


@pytest.fixture
def agent():
    with Watched(rows=60, agent=True) as box:
        yield box


@pytest.fixture
def denied():
    with Watched(rows=60, agent=True, denied_users=(7002,)) as box:
        yield box


def ids_of(box, user, command="calls"):
    rows = box.truth(command, *SPAN, user_id=user, fields=["communication_id"])
    return [row["communication_id"] for row in rows]


def lines(path):
    return [json.loads(line)["communication_id"] for line in path.read_text().splitlines()]


def files(folder):
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("[!.]*")
        if path.is_file() and path.parent.parent.name != "cache" and path.parent.name != "comagic"
    )


def test_each_customer_has_a_file_of_its_own(comagic, agent, tmp_path):
    ran = comagic(*CALLS, "--user-id", "all", "-o", tmp_path / "{user_id}/x.jsonl", box=agent)
    assert (ran.code, ran.err) == (0, "")
    assert files(tmp_path) == [f"{user}/x.jsonl" for user in CUSTOMERS]
    for user in CUSTOMERS:
        assert lines(tmp_path / f"{user}/x.jsonl") == ids_of(agent, user)


def test_names_of_customers_are_safe_in_file_names(comagic, agent, tmp_path):
    ran = comagic(*CALLS, "--user-id", "all", "-o", tmp_path / "{customer}.jsonl", box=agent)
    assert (ran.code, ran.err) == (0, "")
    assert files(tmp_path) == [
        "Балконы _Восток_, филиал.jsonl",
        "ИП Соколов — окна.jsonl",
        "ООО «Уральские двери».jsonl",
    ]


def test_a_single_customer_can_be_named(comagic, agent, tmp_path):
    ran = comagic(*CALLS, "--user-id", "7003", "-o", tmp_path / "{customer}.jsonl", box=agent)
    assert (ran.code, files(tmp_path)) == (0, ["Балконы _Восток_, филиал.jsonl"])


def test_a_refused_customer_costs_only_its_own_file(comagic, denied, tmp_path):
    ran = comagic(*CALLS, "--user-id", "all", "-o", tmp_path / "{user_id}.jsonl", box=denied)
    assert (ran.code, files(tmp_path)) == (3, ["7001.jsonl", "7003.jsonl"])
    first, last, hint = ran.err.splitlines()
    assert first.startswith("comagic: user 7002 of customer 302: get.reports_list: the user is not")
    assert last == "comagic: 1 of 3 customers failed: users 7002"
    assert hint == "  The files of the others are complete. Run the same command again."


def test_where_all_are_refused_the_first_reason_ends_the_run(comagic, tmp_path):
    with Watched(rows=60, agent=True, denied_users=CUSTOMERS) as box:
        ran = comagic(*CALLS, "--user-id", "all", "-o", tmp_path / "{user_id}.jsonl", box=box)
    assert (ran.code, files(tmp_path)) == (4, [])


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (
            ["--till", "2024-10-05", "-o", "out/x/{user_id}/{month}.csv"],
            2,
            """\
comagic: {month} writes whole months, and the period ends at 2024-10-05 23:59:59
  Let --from be the first second of a month, and --till the last, or say --period 3mo.
""",
        ),
        *(
            (
                ["--report-id", "99", "-o", name],
                5,
                """\
comagic: get.calls: the value of a parameter is not allowed (invalid_parameter_value): Invalid \
value of the parameter "report_id": no such report [report_id = 99]
  Check --report-id.
""",
            )
            for name in (
                "out/{user_id}/{date}/x.csv",
                "out/{user_id}/x.csv",
                "{customer}/{date}.csv",
            )
        ),
    ],
)
def test_a_mistake_that_is_the_same_for_all_is_reported_once_and_leaves_nothing(
    comagic, agent, tmp_path, monkeypatch, more, code, told
):
    monkeypatch.chdir(tmp_path)
    ran = comagic(*CALLS, *more, "--user-id", "all", box=agent)
    assert (ran.code, ran.out, ran.err) == (code, "", told)
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []


def test_folders_of_days_have_no_folder_of_the_placeholder(comagic, agent, tmp_path):
    name = tmp_path / "{user_id}/{date}/x.csv"
    assert comagic(*CALLS, "--user-id", "7001", "-o", name, box=agent).code == 0
    assert sorted(path.name for path in (tmp_path / "7001").iterdir() if path.is_dir()) == [
        f"2024-10-0{day}" for day in range(1, 6)
    ]


@pytest.mark.parametrize(("name", "count"), [("{user_id}/{date}.csv", 10), ("{user_id}.csv", 2)])
def test_where_a_customer_fails_the_last_line_adds_up_the_others(
    comagic, denied, tmp_path, monkeypatch, name, count
):
    monkeypatch.chdir(tmp_path)
    ran = comagic(*CALLS, "--user-id", "all", "-o", name, "--log-format", "json", box=denied)
    told = json.loads(ran.err.splitlines()[-1])
    rows = sum(len(ids_of(denied, user)) for user in (7001, 7003))
    assert (ran.code, told["rows"], told["files"], told["period"]) == (3, rows, count, [*SPAN])
    assert told["bytes"] == sum(path.stat().st_size for path in tmp_path.rglob("*.csv"))


@pytest.mark.parametrize(("name", "count"), [("{user_id}/{date}.csv", 15), ("{user_id}.csv", 3)])
def test_the_summary_adds_up_the_files_of_all(comagic, agent, tmp_path, monkeypatch, name, count):
    monkeypatch.chdir(tmp_path)
    words = ["--user-id", "all", "-o", name, "--log-format", "json"]
    ran = comagic(*CALLS, *words, box=agent)
    told = json.loads(ran.err.splitlines()[-1])
    rows = sum(len(ids_of(agent, user)) for user in CUSTOMERS)
    assert told["message"].startswith(
        f"{rows} rows, 2024-10-01 to 2024-10-05, {count} files of {name}, "
    )
    assert (told["rows"], told["files"], told["customers"]) == (rows, count, 3)
    assert told["period"] == [*SPAN]
    assert told["bytes"] == sum(path.stat().st_size for path in tmp_path.rglob("*.csv"))


def test_the_order_of_customers_is_not_another_request(comagic, agent, tmp_path):
    words = [*CALLS, "-o", tmp_path / "{date}.csv", "--user-id"]
    assert comagic(*words, "7003,7001", box=agent).code == 0
    agent.journal.clear()
    assert comagic(*words, "7001,7003", box=agent).code == 0
    assert agent.pages == []
    assert "--user-id was 7003,7001 and is 7002,7001" in comagic(*words, "7002,7001", box=agent).err


@pytest.mark.parametrize("period", [DAYS, ["--from", "2024-09-01", "--till", "2024-09-05"]])
def test_where_no_file_is_complete_another_request_begins_anew(comagic, agent, tmp_path, period):
    words = ["calls", "--fields", "communication_id", "-o", tmp_path / "{date}.csv"]
    assert comagic(*words, *DAYS, "--user-id", "all", box=agent).code == 0
    assert comagic(*words, *period, "--user-id", "7001", box=agent).code == 2
    for path in tmp_path.glob("*.csv"):
        path.unlink()
    assert comagic(*words, *period, "--user-id", "7001", box=agent).code == 0
    assert len([*tmp_path.glob("*.csv")]) == 5


@pytest.mark.parametrize("name", ["{customer}.csv", "{user_id}.csv"])
def test_an_account_that_names_no_customers_needs_them(comagic, agent, tmp_path, name):
    ran = comagic(*CALLS, "-o", tmp_path / name, box=agent)
    assert (ran.code, agent.journal) == (2, [])
    assert "names customers, and there are none\n  Choose them with --user-id N" in ran.err


def test_each_customer_has_days_of_its_own_zone(comagic, tmp_path):
    zones = ("Pacific/Kiritimati", "Pacific/Pago_Pago")  # never on the same day
    name = tmp_path / "{user_id}/{date}.jsonl"
    with Watched(rows=0, agent=True, client_timezones=zones) as box:
        asked = ("calls", "--period", "yesterday", "--user-id", "7001,7002", "-o", name)
        assert comagic(*asked, box=box).code == 0
    days = [date.fromisoformat(name[5:15]) for name in files(tmp_path)]
    assert len(days) == 2
    assert days[0] - days[1] in {timedelta(days=1), timedelta(days=2)}


def test_a_manifest_is_named_like_its_file(comagic, agent, tmp_path):
    names = ["-o", tmp_path / "{user_id}.csv", "--manifest", tmp_path / "{user_id}.json"]
    assert comagic(*CALLS, "--user-id", "7001,7003", *names, box=agent).code == 0
    assert files(tmp_path) == ["7001.csv", "7001.json", "7003.csv", "7003.json"]
    told = json.loads((tmp_path / "7003.json").read_text())
    assert (told["rows"], told["state"]) == (len(ids_of(agent, 7003)), "complete")


def test_a_dry_run_names_the_outputs_and_asks_nothing(comagic, agent, tmp_path):
    name = tmp_path / "{user_id}/{month}.csv"
    asked = ("calls", "--period", "3mo", "--user-id", "7001,7003", "-o", name)
    ran = comagic(*asked, "--dry-run", box=agent)
    assert (ran.code, agent.journal, files(tmp_path)) == (0, [], [])
    assert f"would write {tmp_path}/{{user_id}}/" in ran.err


# Files of days that hold all customers


def test_files_of_days_hold_all_customers(comagic, agent, tmp_path):
    asked = (*CALLS, "--user-id", "all", "-o", tmp_path / "{date}.csv")
    ran = comagic(*asked, box=agent)
    assert (ran.code, ran.err) == (0, "")
    found = []
    for path in sorted(tmp_path.glob("*.csv")):
        with path.open(newline="") as file:
            found += [
                (int(row["user_id"]), int(row["communication_id"])) for row in csv.DictReader(file)
            ]
    expected = [(user, id_) for user in CUSTOMERS for id_ in ids_of(agent, user)]
    assert sorted(found) == sorted(expected)
    before = len(agent.pages)
    assert comagic(*asked, box=agent).code == 0
    assert len(agent.pages) == before  # all files exist


def test_files_of_days_that_lack_a_customer_are_incomplete(comagic, denied, tmp_path):
    ran = comagic(*CALLS, "--user-id", "all", "-o", tmp_path / "{date}.csv", box=denied)
    assert ran.code == 3
    assert {path.rsplit(".", 1)[1] for path in files(tmp_path)} == {"incomplete"}
    assert "1 of 3 customers is incomplete: user 7002; not written: " in ran.err


def test_a_day_has_ended_once_it_has_for_all(comagic, tmp_path):
    zones = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
    with Watched(rows=0, agent=True, client_timezones=zones) as box:
        asked = ("calls", "--from", "-3d", "--user-id", "7001,7002", "-o", tmp_path / "{date}.csv")
        assert comagic(*asked, box=box).code == 0
        last = max(files(tmp_path))[:10]
        west = comagic(
            "calls", "--from", "-3d", "--user-id", 7002, "-o", tmp_path / "w/{date}.csv", box=box
        )
    assert west.code == 0
    assert last == max(files(tmp_path / "w"))[:10]


# One table


def table(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_a_table_holds_each_row_of_each_customer_once(comagic, agent, tmp_path):
    base = tmp_path / "x.db"
    for users in ("all", "7001,7002", "all"):
        ran = comagic(*CALLS, "--user-id", users, "-o", base, box=agent)
        assert (ran.code, ran.err) == (0, "")
    rows = table(base, "SELECT user_id, communication_id FROM calls")
    assert sorted(rows) == sorted(
        (user, str(id_)) for user in CUSTOMERS for id_ in ids_of(agent, user)
    )
    [key] = table(base, "SELECT _key FROM calls WHERE user_id = 7001 LIMIT 1")[0]
    assert json.loads(key)[0] == "301"


def test_rows_without_a_key_are_replaced_for_each_customer(comagic, agent, tmp_path):
    base, asked = tmp_path / "x.db", ("leads", *DAYS)
    count = "SELECT user_id, count(*) FROM leads GROUP BY user_id"
    assert comagic(*asked, "--user-id", "all", "-o", base, box=agent).code == 0
    first = table(base, count)
    assert comagic(*asked, "--user-id", "7002,7001", "-o", base, box=agent).code == 0
    assert table(base, count) == first
    assert len(first) == 3


def test_a_table_of_several_takes_no_single_customer(comagic, agent, tmp_path):
    base = tmp_path / "x.db"
    assert comagic(*CALLS, "--user-id", "all", "-o", base, box=agent).code == 0
    ran = comagic(*CALLS, "--user-id", "7001", "-o", base, box=agent)
    assert ran.code == 2
    assert "--user-id was several customers and is 7001" in ran.err


def test_a_refused_customer_leaves_the_table_as_it_was(comagic, denied, tmp_path):
    base = tmp_path / "x.db"
    ran = comagic(*CALLS, "--user-id", "all", "-o", base, box=denied)
    assert (ran.code, files(tmp_path)) == (3, [])
    kept = comagic(*CALLS, "--user-id", "all", "-o", base, "--keep-incomplete", box=denied)
    assert kept.code == 3
    assert table(base, "SELECT DISTINCT user_id FROM calls") == [(7001,), (7003,)]


# A chart


@pytest.mark.parametrize("by", ["user_id", "customer_id", "customer_name"])
def test_a_chart_can_count_customers(comagic, agent, by):
    ran = comagic("chart", "calls", *DAYS, "--user-id", "all", "--by", by, box=agent)
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert sorted(row["rows"] for row in rows) == sorted(
        len(ids_of(agent, user)) for user in CUSTOMERS
    )


def test_a_chart_adds_up_customers(comagic, agent):
    ran = comagic("chart", "calls", *DAYS, "--user-id", "all", "--by", "day", box=agent)
    rows = [json.loads(line)["rows"] for line in ran.out.splitlines()]
    assert (ran.code, sum(rows)) == (0, sum(len(ids_of(agent, user)) for user in CUSTOMERS))


def test_customers_are_fields_of_a_chart_of_several_alone(comagic, agent):
    ran = comagic("chart", "calls", *DAYS, "--user-id", "7001", "--by", "customer_name", box=agent)
    assert ran.code == 2
    assert "customer_name" in ran.err


# Ids of customers


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv"])
def test_ids_are_asked_only_of_their_customer(comagic, agent, tmp_path, form):
    calls = tmp_path / f"calls.{form}"
    wanted = ("call-details", *DAYS, "--user-id", "all", "--fields", "communication_id")
    asked = (*CALLS, "--user-id", "7001,7003", "--max-rows", 30, "-o", calls)
    assert comagic(*asked, box=agent).code == 0
    ran = comagic(*wanted, "--ids", calls, box=agent)
    found = [json.loads(line) for line in ran.out.splitlines()]
    kept = comagic(*CALLS, "--user-id", "7001,7003", "--max-rows", 30, box=agent)
    calls_kept = map(json.loads, kept.out.splitlines())
    pairs = {(row["user_id"], row["communication_id"]) for row in calls_kept}
    details = {(user, id_) for user in CUSTOMERS for id_ in ids_of(agent, user, "call-details")}
    assert ran.code == 0
    assert {(row["user_id"], row["communication_id"]) for row in found} == pairs & details
    listed = ",".join(str(id_) for _, id_ in sorted(pairs))
    every = comagic(*wanted, "--ids", listed, box=agent)  # ids alone are asked of all
    assert {row["user_id"] for row in map(json.loads, every.out.splitlines())} >= {7001, 7003}
