"""Every older report, exported by its command and compared with the sandbox's truth.

COMAGIC_ROWS is the number of communications of two years, of which more than half are calls: 370000
makes 200 000 calls.
"""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest
from coverage_marks import unmeasured
from program import DAYS, SPAN, Watched

from comagic_cli.query.catalog import report, reports

SITE = 30001
COMMUNICATIONS = int(os.environ.get("COMAGIC_ROWS", "20000"))
PAGE = max(300, COMMUNICATIONS // 50)
OLDER = [entry.command for entry in reports() if entry.family == "older"]
SUMS = ["campaign-daily-stat", "ct-summary-report", "ct-ac-summary-report", "employee-stat"]
TIMED = [command for command in OLDER if command not in SUMS]
SWITCHES = [
    {},
    {"till_inclusive": False, "total_items": "absent", "short_pages": 7},
    {"total_items": "one_more_once", "shown": "rounded", "older_days": 2},
    {"key_order": "shuffled", "null_arrays": True, "sort_by_time": True},
]


def export(comagic, box, command, *more):
    ran = comagic(command, *DAYS, "--fields", "@all", *more, box=box)
    assert (ran.code, ran.err) == (0, "")
    return [json.loads(line) for line in ran.out.split("\n")[:-1]]


def counted(rows):
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


@unmeasured
@pytest.mark.parametrize("command", TIMED)
@pytest.mark.parametrize("switches", SWITCHES)
def test_a_period_of_an_older_report_is_the_truth(comagic, command, switches):
    with Watched(rows=150, **switches) as box:
        rows = export(comagic, box, command, "--page-size", 40)
        truth = box.truth(command, *SPAN)
    assert truth
    assert counted(rows) == counted(truth)
    assert list(rows[0]) == [field.name for field in report(command).fields]


@unmeasured
@pytest.mark.parametrize("command", ["ct-summary-report", "ct-ac-summary-report", "employee-stat"])
def test_sums_are_the_truth(comagic, command):
    needed = "site_id" in report(command).params
    with Watched(rows=150) as box:
        rows = export(comagic, box, command, *(("--site-id", SITE) if needed else ()))
        truth = box.every_row(
            report(command).method,
            date_from=SPAN[0],
            date_till=SPAN[1],
            fields=[field.name for field in report(command).fields],
            **({"site_id": SITE} if needed else {}),
        )
    assert counted(rows) == counted(truth)


@unmeasured
def test_years_of_calls_are_read_in_windows_of_the_cap(comagic, tmp_path):
    span = ("2023-01-01 00:00:00", "2024-12-31 23:59:59")
    target = tmp_path / "calls.jsonl"
    line = ["calls-report", "--from", "2023-01-01", "--till", "2024-12-31", "--fields", "id"]
    with Watched(rows=COMMUNICATIONS, span=span, now="2025-01-02 12:00:00") as box:
        ran = comagic(*line, "--page-size", PAGE, "-o", target, box=box)
        truth = [row["id"] for row in box.truth("calls-report", *span, fields=["id"])]
    found = [json.loads(each)["id"] for each in target.read_text().split("\n")[:-1]]
    assert (ran.code, ran.err) == (0, "")
    assert len(set(found)) == len(found) > COMMUNICATIONS // 2
    assert sorted(found) == sorted(truth)
    pages = [call.params for call in box.pages]
    windows = {(params["date_from"], params["date_till"]) for params in pages}
    assert len({start for start, _ in windows}) >= 731 // 90
    assert len(pages) > 2 * len(windows)  # several pages each
