"""`comagic chart`, against a sandbox."""

from __future__ import annotations

import csv
import json
from collections import Counter
from io import StringIO

import openpyxl
import pytest
from program import DAYS, SPAN, Watched, fault

CHART = ["chart", "calls", *DAYS]


@pytest.fixture(scope="module")
def box():
    with Watched(rows=400) as served:
        yield served


@pytest.fixture(scope="module")
def truth(box):
    return box.truth("calls", *SPAN)


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_days_are_counted_as_the_rows_are(comagic, box, truth):
    ran = comagic(*CHART, box=box)
    days = Counter(row["call_start_date"] for row in truth)
    assert (ran.code, ran.err) == (0, "")
    assert rows_of(ran.out) == [
        {"day": f"2024-10-0{day}", "rows": days[f"2024-10-0{day}"]} for day in range(1, 6)
    ]


def test_the_largest_groups(comagic, box, truth):
    ran = comagic(*CHART, "--by", "call_scenario", "--top", 2, box=box)
    counts = Counter(row["call_scenario"] for row in truth)
    sizes = sorted(counts.values(), reverse=True)
    assert (ran.code, ran.err) == (0, "")
    assert [row["rows"] for row in rows_of(ran.out)] == sizes[:2]
    assert [counts[row["call_scenario"]] for row in rows_of(ran.out)] == sizes[:2]
    drawn = comagic(*CHART, "--by", "call_scenario", "--top", 2, "-f", "bars", box=box)
    assert f"other ({len(counts) - 2})" in drawn.out
    assert sum("█" in line for line in drawn.out.splitlines()) == 3  # two, and the rest


@pytest.mark.parametrize("size", [10_000, 7])
def test_pages_make_no_difference(comagic, box, truth, size):
    ran = comagic(*CHART, "--by", "call_status", "-f", "csv", "--page-size", size, box=box)
    statuses = Counter(row["call_status"]["value"] for row in truth)
    assert dict(csv.reader(StringIO(ran.out))) == {
        "call_status": "rows",
        **{status: str(count) for status, count in statuses.items()},
    }


def test_sums_are_those_of_the_rows(comagic, box, truth):
    ran = comagic(*CHART, "--by", "month", "--sum", "call_dialing_duration", box=box)
    whole = sum(row["call_dialing_duration"] for row in truth)
    assert rows_of(ran.out) == [
        {"month": "2024-10", "rows": len(truth), "sum_call_dialing_duration": whole}
    ]


def test_a_filter_is_sent_along(comagic, box, truth):
    ran = comagic(*CHART, "--by", "month", "--where", "call_status = Пропущенный", box=box)
    lost = sum(row["call_status"]["value"] == "Пропущенный" for row in truth)
    assert rows_of(ran.out) == [{"month": "2024-10", "rows": lost}]


# What is typed, and the fields that are asked for.
ASKED = [
    ([], set()),
    (["--by", "tags"], {"tags"}),
    (
        ["--split", "call_status", "--avg", "call_talk_duration"],
        {"call_status", "call_talk_duration"},
    ),
]


@pytest.mark.parametrize(("typed", "fields"), ASKED)
def test_only_what_is_needed_is_asked_for(comagic, typed, fields):
    with Watched(rows=20) as box:
        assert comagic(*CHART, *typed, box=box).code == 0
        [page] = box.pages
    assert set(page.params["fields"]) == fields | {"call_start_date_time", "communication_id"}


def test_bars_in_a_file_are_plain_and_80_wide(comagic, box, tmp_path):
    target = tmp_path / "hours.txt"
    ran = comagic(*CHART, "--by", "hour", "-f", "bars", "-o", target, box=box)
    lines = target.read_text().splitlines()
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert lines[0] == "calls: by hour, 2024-10-01 to 2024-10-05"
    assert [line[:3] for line in lines[1:-1]] == [f"{hour:02} " for hour in range(24)]
    assert max(map(len, lines)) == 80


@pytest.mark.parametrize("form", ["bars", "table", "csv", "tsv", "jsonl", "json"])
def test_every_format_is_of_one_export(comagic, box, form):
    ran = comagic(*CHART, "-f", form, box=box)
    assert ran.code == 0
    assert "2024-10-05" in ran.out


def test_a_workbook_has_numbers_and_durations(comagic, box, tmp_path):
    target = tmp_path / "statuses.xlsx"
    measure = ["--by", "call_status", "--avg", "call_dialing_duration"]
    ran = comagic(*CHART, *measure, "-o", target, box=box)
    plain = comagic(*CHART, *measure, "-f", "jsonl", box=box)

    assert (ran.code, ran.out) == (0, "")
    head, *rows = openpyxl.load_workbook(target).active.values
    assert head == ("call_status", "rows", "avg_call_dialing_duration")
    expected = [tuple(row.values()) for row in rows_of(plain.out)]
    assert [(name, count) for name, count, _ in rows] == [(name, n) for name, n, _ in expected]
    seconds = [read.total_seconds() for *_, read in rows]
    assert seconds == [round(average) for *_, average in expected]


def test_no_rows(comagic, box):
    ran = comagic(*CHART, "--where", "call_status = Никакой", "-f", "csv", box=box)
    assert ran.out == "day,rows\n" + "".join(f"2024-10-0{day},0\n" for day in range(1, 6))


def test_rows_that_are_missing_are_no_success(comagic, tmp_path):
    with Watched(rows=40, total_items="three_more") as box:
        ran = comagic(*CHART, box=box)
        target = tmp_path / "days.csv"
        to_file = comagic(*CHART, "-o", target, box=box)
    assert (ran.code, len(rows_of(ran.out))) == (3, 5)
    assert "rows are missing" in ran.err
    assert to_file.code == 3
    assert not target.exists()
    assert target.with_name("days.csv.incomplete").read_text().startswith("day,rows\n")


def test_a_failure_writes_nothing(comagic):
    with Watched(rows=40, faults=fault("forbidden", method="get.calls")) as box:
        ran = comagic(*CHART, box=box)
    assert (ran.code, ran.out) == (4, "")


def test_a_dry_run_sends_nothing(comagic):
    with Watched() as box:
        ran = comagic(*CHART, "--by", "tags", "--dry-run", "-q", box=box)
        assert box.methods == []
    assert json.loads(ran.out)["params"]["fields"] == [
        "tags",
        "call_start_date_time",
        "communication_id",
    ]


# What is typed, and what is wrong with it.
MISTAKES = [
    ("calls --by nothing", "--by: calls has no field 'nothing'"),
    ("calls --split call_statu", "--split: calls has no field 'call_statu'"),
    ("calls --sum call_talk_duratio", "--sum: calls has no field 'call_talk_duratio'"),
    ("calls --sum call_status", "--sum: call_status is not a number or a duration"),
    ("calls --avg tags", "--avg: tags is not a number or a duration"),
    ("calls --sum call_talk_duration --avg call_talk_duration", "a chart shows one of them"),
    ("calls --by tags --split tags", "--split tags: it takes another field than --by"),
    ("calls --split hour", "--split hour: it takes a field, not a time"),
    ("nothing", "there is no report 'nothing'"),
    ("person-details --by day", "person-details is exported by ids"),
    ("calls -o calls.parquet", "a chart is not written as parquet"),
    ("calls -o calls.xls", "Did you mean calls.xlsx?"),
    ("calls -f xls -o calls.xls", "Excel does not open calls.xls as xlsx."),
    ("calls --by час", "Write --by hour."),
    ("calls --by call_status --split Неделя", "Write --split week."),
    ("calls -o {date}.csv", "{date}.csv: a chart is one file"),
    (
        "calls -f parquet",
        "'parquet' is not a format of this command. Formats: bars, table, csv, tsv, jsonl, json,",
    ),
    ("calls --fields tags", "No such option '--fields'"),
    ("calls --top 3", "--top: a chart by day shows all of the period"),
    ("calls --by call_status --top 0", "--top"),
    ("calls --max-rows 3", "--top: a chart by day shows all of the period"),
    ("calls -o c.png", "A chart goes to the terminal, or as data to .csv, .tsv, .jsonl, .json"),
    ("", "Missing argument 'REPORT'"),
]


@pytest.mark.parametrize(("typed", "told"), MISTAKES)
def test_mistakes(comagic, typed, told):
    with Watched() as box:
        ran = comagic("chart", *typed.split(), box=box)
        assert (ran.code, ran.out, box.pages) == (2, "", [])
    assert told in ran.err


def test_verbose_sums_it_up(comagic, box):
    ran = comagic(*CHART, "-v", "--tz", "UTC", box=box)
    assert ran.code == 0
    assert ", 2024-10-01 to 2024-10-05, 3 points spent, " in ran.err.splitlines()[-1]
