"""One file a day or month, over real HTTP: every row once, and no call for what is there."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from outputs import names
from partitioned_sandbox import ASKED, COLUMNS, DAYS, TEN, Box, box_of, exact, lines, truth, visible
from program import Watched, environment, fault, run, start

from comagic_cli.query.catalog import reports

COMMANDS = [
    entry.command
    for entry in reports()
    if entry.time and not any(param.required for param in entry.params.values())
]
UNSORTED = {"offline-messages-report", "goals-report", "visitor-sessions-report"}
TWO_DAYS = ("2024-10-01 00:00:00", "2024-10-02 23:59:59")
NOW = datetime(2024, 10, 8, 12, tzinfo=ZoneInfo("Europe/Moscow"))


@pytest.fixture
def out(tmp_path):
    """Name a folder that is not there yet."""
    return tmp_path / "out"


@pytest.fixture(scope="module")
def box():
    with box_of() as served:
        yield served


@pytest.fixture
def calls(box):
    """Return the calls that have come since this was asked for last."""

    def new():
        came = box.methods
        box.journal.clear()
        return came

    new()
    return new


@pytest.fixture
def at_noon(comagic):
    """Stop the program's clock at noon of 8 October in Moscow."""
    comagic.stop_clock(NOW)


# What is written


@pytest.mark.parametrize(
    "quirks",
    [
        {},
        {"shown": "rounded", "till_inclusive": False},
        {"short_pages": 7, "total_items": "absent", "unstable_ties": True},
        {"max_days": 3, "shown": "rounded", "gzip": True},
        {"max_days": 2, "till_inclusive": False, "total_items": "one_more_once"},
    ],
)
def test_every_day_equals_the_truth(comagic, out, quirks):
    with box_of(**quirks) as odd:
        ran = comagic(*TEN, "--page-size", 40, "-o", f"{out}/a/{{date}}.jsonl.gz", box=odd)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        assert visible(out / "a") == [f"{day}.jsonl.gz" for day in DAYS]
        assert exact(odd, out / "a", suffix="jsonl.gz")


def test_a_row_belongs_to_the_day_it_shows(comagic, out):
    stored = ["2024-10-01 23:59:59.4", "2024-10-01 23:59:59.6", "2024-10-02 23:59:59.9"]
    times = list(map(datetime.fromisoformat, stored))
    with Watched(3, times=times.__getitem__, shown="rounded") as small:
        asked = [*ASKED, "--from", DAYS[0], "--till", DAYS[1], "-o", f"{out}/{{date}}.csv"]
        assert comagic(*asked, box=small).code == 0
        assert comagic(*asked, "--till", DAYS[2], box=small).code == 0
        assert [call.params["date_from"] for call in small.pages] == [
            "2024-09-30 23:59:59",
            "2024-10-02 23:59:59",
        ]
    shown = [[line[-19:] for line in lines(out / f"{day}.csv")[1:]] for day in DAYS[:3]]
    assert shown == [["2024-10-01 23:59:59"], ["2024-10-02 00:00:00"], ["2024-10-03 00:00:00"]]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_file_has_its_rows_in_the_order_asked_for(comagic, box, out, order):
    sort = ["--sort", f"communication_date_time:{order}"]
    assert comagic(*TEN, *sort, "-o", f"{out}/{{date}}.jsonl", box=box).code == 0
    for day in DAYS:
        times = [json.loads(line)[COLUMNS[1]] for line in lines(out / f"{day}.jsonl")]
        assert times == sorted(times, reverse=order == "desc")
    assert exact(box, out)


def test_months_and_folders_of_the_hive_kind(comagic, out):
    with Box(400, span=("2024-08-01 00:00:00", "2024-10-07 00:00:00")) as long:
        months = [*ASKED, "--from", "2024-08-01", "--till", "2024-09-30"]
        assert comagic(*months, "-o", f"{out}/{{month}}.jsonl", box=long).code == 0
        hive = f"{out}/deep/er/date={{date}}/part.jsonl"
        assert comagic(*months, "-o", hive, box=long).code == 0
        assert sorted(lines(out / "2024-09.jsonl")) == truth(long, "2024-09-01", "2024-09-30")
        assert len(long.pages) == 2
    folders = visible(out / "deep/er")
    assert len(folders) == 61
    hive_lines = [lines(out / f"deep/er/{name}/part.jsonl") for name in folders]
    both = [*lines(out / "2024-08.jsonl"), *lines(out / "2024-09.jsonl")]
    assert [line for some in hive_lines for line in some] == both


@pytest.mark.parametrize("command", COMMANDS)
def test_the_files_of_every_report_are_one_export_cut_in_days(comagic, box, tmp_path, out, command):
    days = [command, "--from", DAYS[2], "--till", DAYS[4]]
    assert comagic(*days, "-o", f"{out}/{{date}}.tsv", box=box).code == 0
    assert comagic(*days, "-o", f"{tmp_path}/one.tsv", box=box).code == 0
    header, *rows = lines(tmp_path / "one.tsv")
    parts = [lines(out / f"{day}.tsv") for day in DAYS[2:5]]
    assert [part[0] for part in parts] == [header] * 3
    found = [row for part in parts for row in part[1:]]
    if command in UNSORTED:  # the service orders them, and one file can mix the days
        found, rows = sorted(found), sorted(rows)
    assert found == rows
    assert rows


def test_a_year_of_empty_days_costs_one_call(comagic, box, calls, out):
    target = ["-o", f"{out}/{{date}}.csv"]
    days = ["--from", "2023-01-01", "--till", "2023-12-30"]
    assert comagic(*ASKED, *days, *target, box=box).code == 0
    assert calls() == ["get.communications"]
    assert len(visible(out)) == 364
    assert {path.read_text() for path in out.glob("2*")} == {",".join(COLUMNS) + "\n"}


# What is there already


def test_a_second_run_over_finished_days_costs_no_call(comagic, box, calls, out):
    days = ["communications", "--from", DAYS[0], "--till", DAYS[2]]
    target = ["--fields", "communication_id", "-o", f"{out}/{{date}}.jsonl"]
    assert comagic(*days, *target, box=box).code == 0
    assert calls() == ["get.reports_list", "get.communications"]
    before = {path: path.stat().st_ino for path in out.iterdir()}
    ran = comagic(*days, *target, "-v", box=box)
    assert (ran.code, calls()) == (0, [])
    assert "0 to write, 3 exist already" in ran.err
    assert {path: path.stat().st_ino for path in out.iterdir()} == before


def test_missing_days_are_written_neighbours_in_one_call(comagic, box, calls, out):
    target = ["-o", f"{out}/{{date}}.jsonl"]
    assert comagic(*TEN, *target, box=box).code == 0
    gone = [DAYS[place] for place in (2, 3, 7)]
    for day in gone:
        (out / f"{day}.jsonl").unlink()
    calls()
    assert comagic(*TEN, *target, box=box).code == 0
    assert calls() == ["get.communications"] * 2
    assert exact(box, out)


@pytest.mark.usefixtures("at_noon")
def test_a_nightly_run_writes_the_new_day_alone(comagic, box, calls, out):
    target = ["-o", f"{out}/{{date}}.jsonl"]
    week = [*ASKED, "--from", "-7d", *target]
    ran = comagic(*week, "-v", box=box)
    assert ran.code == 0
    assert calls() == ["get.account", "get.communications"]
    assert "not yet  2024-10-08 has not ended" in ran.err
    assert visible(out) == [f"{day}.jsonl" for day in DAYS[:7]]
    (out / f"{DAYS[6]}.jsonl").unlink()
    assert comagic(*week, box=box).code == 0
    assert calls() == ["get.communications"]
    assert comagic(*week, box=box).code == 0
    assert calls() == []


@pytest.mark.usefixtures("at_noon")
def test_a_day_that_has_not_ended_is_not_written(comagic, box, calls, out):
    for folder, zone in (("a", "Europe/Moscow"), ("b", "Pacific/Kiritimati")):
        target = ["-o", f"{out}/{folder}/{{date}}.jsonl", "--tz", zone]
        assert comagic(*ASKED, "--period", "today", *target, box=box).code == 0
    assert calls() == []
    assert not out.exists()


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize(
    ("refresh", "name", "again"),
    [
        ("1d", "{date}", ["2024-10-07"]),
        ("3d", "{date}", ["2024-10-05", "2024-10-06", "2024-10-07"]),
        ("1w", "{date}", DAYS[:7]),
        ("1mo", "{date}", [f"2024-09-{day:02}" for day in range(8, 31)] + DAYS[:7]),
        ("3d", "{month}", []),
        ("2w", "{month}", ["2024-09"]),
        ("all", "{month}", ["2024-08", "2024-09"]),
    ],
)
def test_the_last_days_are_written_again(comagic, box, out, refresh, name, again):
    template = f"{out}/{name}.jsonl"
    asked = [*ASKED, "--from", "2024-08-01", "-o", template, "--tz", "Europe/Moscow"]
    assert comagic(*asked, box=box).code == 0
    for path in out.glob("2*"):
        path.write_text("old\n")
    assert comagic(*asked, "--refresh", refresh, box=box).code == 0
    written = [path for path in sorted(out.glob("2*")) if path.read_text() != "old\n"]
    assert [path.stem for path in written] == again
    if name == "{date}":
        assert exact(box, out, again)


# Runs that end early, or at once


def test_a_killed_run_is_continued_by_running_it_again(comagic, out):
    halt = fault("stall", 7, seconds=30.0)
    with box_of(max_days=3, faults=halt) as box:
        target = ["--page-size", "40", "-o", f"{out}/a/{{date}}.jsonl.gz"]
        process = start([*TEN, *target], environment(out.parent, box))
        box.await_calls(7)
        busy = comagic(*TEN, *target, box=box)
        assert (busy.code, f"(process {process.pid})" in busy.err) == (9, True)
        assert f"{out}/a/{{date}}.jsonl.gz is being written by another run" in busy.err
        process.kill()
        process.communicate()
        done = visible(out / "a")
        assert 0 < len(done) < 10
        inodes = [(out / "a" / name).stat().st_ino for name in done]
        box.journal.clear()
        again = run([*TEN, *target], environment(out.parent, box))
        assert (again.code, again.out, again.err) == (0, "", "")
        assert [(out / "a" / name).stat().st_ino for name in done] == inodes
        cost = len(box.journal)
        assert box.journal[0].params["date_from"] == f"{DAYS[len(done) - 1]} 23:59:59"
        undisturbed = comagic(*TEN, *target[:-1], f"{out}/b/{{date}}.jsonl.gz", box=box)
        assert undisturbed.code == 0
        assert cost < len(box.journal) - cost
    assert visible(out / "a") == visible(out / "b") == [f"{day}.jsonl.gz" for day in DAYS]
    for day in DAYS:
        assert lines(out / f"a/{day}.jsonl.gz") == lines(out / f"b/{day}.jsonl.gz")
    assert [name for name in names(out / "a") if not name.startswith("2")] == [
        name for name in names(out / "b") if not name.startswith("2")
    ]


def test_a_failure_leaves_the_days_that_were_counted(comagic, out):
    with box_of(max_days=3, faults=fault("forbidden", 5)) as box:
        ran = comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", box=box)
        assert ran.code == 4
        done = visible(out)
        assert done == [f"{day}.jsonl" for day in DAYS[: len(done)]]
        assert 0 < len(done) < 10
        assert comagic(*TEN, "-o", f"{out}/{{date}}.jsonl", box=box).code == 0
        assert exact(box, out)


def test_rows_that_are_missing_keep_the_days_back(comagic, out):
    target = ["-o", f"{out}/{{date}}.csv"]
    with box_of(max_days=3) as box:
        comagic(*TEN, box=box)
        windows = [call.params for call in box.pages if call.outcome == "ok"]
        bad = windows[2]
        box.lie = bad["date_from"]
        ran = comagic(*TEN, "--page-size", 20, *target, box=box)  # several pages a window
        assert ran.code == 3
        assert "2 of " in ran.err
        hint = "What came is in NAME.incomplete. Run the same command again: it writes the rest."
        assert hint in " ".join(ran.err.split())
        kept = [name for name in visible(out) if name.endswith(".incomplete")]
        short = [day for day in DAYS if bad["date_from"][:10] <= day]  # nothing after is proven
        assert kept == [f"{day}.csv.incomplete" for day in short]
        assert all(f"{day}.csv" in ran.err for day in short[:3])
        for day in set(DAYS) - set(short):
            assert len(lines(out / f"{day}.csv")) == 1 + len(truth(box, day))
        assert not any((out / f"{day}.csv").exists() for day in short)
        box.lie = "no window"
        box.journal.clear()
        assert comagic(*TEN, *target, box=box).code == 0
        assert box.pages[0].params["date_from"][:10] < short[0]
    assert visible(out) == [f"{day}.csv" for day in DAYS]


def test_the_last_line_says_what_an_incomplete_export_wrote(comagic, out):
    with box_of(max_days=3) as box:
        comagic(*TEN, box=box)
        windows = [call.params for call in box.pages if call.outcome == "ok"]
        box.lie = windows[2]["date_from"]
        words = ["--page-size", 20, "-o", f"{out}/{{date}}.csv", "--log-format", "json"]
        ran = comagic(*TEN, *words, box=box)
    whole = [out / name for name in visible(out) if name.endswith(".csv")]
    told = json.loads(ran.err.splitlines()[-1])
    assert (ran.code, told["exit_code"], told["output"]) == (3, 3, f"{out}/{{date}}.csv")
    assert (told["files"], told["bytes"]) == (len(whole), sum(x.stat().st_size for x in whole))
    assert 0 < len(whole) < len(DAYS)


def test_runs_go_on_after_one_with_missing_rows_and_all_are_named(comagic, out):
    target = ["-o", f"{out}/{{date}}.csv"]
    with box_of() as box:
        assert comagic(*TEN, *target, box=box).code == 0
        for day in DAYS[0::2]:
            (out / f"{day}.csv").unlink()
        box.lie = "2024"
        ran = comagic(*TEN, *target, box=box)
        assert ran.code == 3
        first, second, third = (f"{out}/{day}.csv" for day in DAYS[0:5:2])
        assert f"not written: {first}, {second}, {third} and 2 more\n" in ran.err


@pytest.mark.parametrize("name", ["{date}", "{month}"])
@pytest.mark.parametrize("max_days", [366, 3])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_no_file_is_written_where_all_rows_are_of_another_period(
    comagic, out, name, max_days, order
):
    days = ["--from", "2024-11-01", "--till", "2024-11-30"]
    sort = ["--sort", f"communication_date_time:{order}"]
    with box_of(max_days=max_days) as box:
        box.period = TWO_DAYS
        for _ in range(2):
            ran = comagic(*ASKED, *days, *sort, "-o", f"{out}/{name}.csv", box=box)
            assert (ran.code, out.exists()) == (3, False)
            assert f"not written: {out}/2024-11" in ran.err
            assert "check --tz" in ran.err
            assert "incomplete" not in ran.err
        box.period = None
        assert comagic(*ASKED, *days, *sort, "-o", f"{out}/{name}.csv", box=box).code == 0
        assert visible(out)[-1] == ("2024-11-30.csv" if name == "{date}" else "2024-11.csv")


def test_days_are_held_back_until_a_row_of_the_period_came(comagic, out):
    with box_of(max_days=3) as box:
        box.period, box.until = TWO_DAYS, "2024-10-04"
        days = ["--from", "2024-09-20", "--till", DAYS[-1]]
        ran = comagic(*ASKED, *days, "-o", f"{out}/{{date}}.jsonl", box=box)
        assert ran.code == 0
        assert "outside of the period" in ran.err
        assert len(visible(out)) == 21


@pytest.mark.parametrize("more", [(), ("--resume",)])
def test_a_file_is_not_written_where_all_rows_are_of_another_period(comagic, tmp_path, more):
    days = ["--from", "2024-11-01", "--till", "2024-11-30", "--page-size", "20"]
    with box_of(max_days=15) as box:
        box.period = TWO_DAYS
        for _ in range(2):
            ran = comagic(*ASKED, *days, "-o", f"{tmp_path}/x.csv", *more, box=box)
            assert (ran.code, visible(tmp_path)) == (3, ["x.csv.incomplete"])
            assert "rows that came are outside the period" in ran.err
            assert "check --tz" in ran.err
            assert "rows may have changed" not in ran.err


def test_totals_one_too_large_are_believed_in_all_runs(comagic, out):
    with box_of(total_items="one_more") as box:
        target = ["-o", f"{out}/{{date}}.csv"]
        assert comagic(*TEN, *target, box=box).code == 0
        for place in (2, 6):
            (out / f"{DAYS[place]}.csv").unlink()
        assert comagic(*TEN, *target, box=box).code == 0
    assert visible(out) == [f"{day}.csv" for day in DAYS]
