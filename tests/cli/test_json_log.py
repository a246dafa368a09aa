"""--log-format json: every line on stderr is an object, the last one of a failure says all."""

from __future__ import annotations

import json
import os
import re
import signal

import pytest
from program import PATIENCE, REPORT, SPAN, TWO, Watched, environment, fault, run, start, stop

JSON = ["--log-format", "json"]
ASKED = [*REPORT, "--report-id", "1001", *JSON]


@pytest.fixture(scope="module")
def box():
    with Watched(rows=30) as served:
        yield served


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def failure(ran):
    """Return the last line, which says how it failed."""
    *_, last = lines(ran.err)
    assert last.pop("time")
    assert last.pop("level") == "error"
    assert [name for name in OUTCOME if name not in last] == []
    return {name: value for name, value in last.items() if name not in OUTCOME}


OUTCOME = (*("rows", "period", "output", "bytes", "points", "points_left", "seconds", "warnings"),)


def failed(code, message, **more):
    usual = {"mnemonic": "", "field": "", "hint": ""}
    return {"exit_code": code, "message": message} | usual | more


def test_success_is_one_line(comagic, box):
    ran = comagic(*ASKED, box=box)
    [told] = lines(ran.err)
    assert (ran.code, told["level"], told["rows"]) == (0, "info", 30)


def test_each_call_and_the_end_are_lines_by_verbose(comagic, box):
    ran = comagic(*ASKED, "-v", box=box)
    told = lines(ran.err)
    assert {line["level"] for line in told} == {"info"}
    assert told[0]["message"] == "period 2024-10-01 00:00:00 … 2024-10-05 23:59:59"
    assert {name: told[-1][name] for name in ("rows", "period", "output", "points")} == {
        "rows": 30,
        "period": ["2024-10-01 00:00:00", "2024-10-05 23:59:59"],
        "output": None,
        "points": 2,
    }
    assert told[-1]["bytes"] == len(ran.out.encode())


# A command line, and how its failure is told.
USAGE = [
    (
        ["nonsense", *JSON],
        failed(2, "No such command 'nonsense'.", hint="See comagic --help."),
    ),
    (
        ["calls", *JSON, "--page-size", "0"],
        failed(
            2,
            "Invalid value for '--page-size': '0': it must be a whole number, from 1 to 10000.",
            hint="See comagic calls --help.",
        ),
    ),
    (
        ["--log-format=json", "calls", "--qqqqqq"],
        failed(2, "No such option '--qqqqqq'.", hint="See comagic calls --help."),
    ),
    (
        ["verify", *JSON, "nothing\x1b[2J"],
        failed(
            2,
            "nothing [2J can't be read: No such file or directory.",
        ),
    ),
]


@pytest.mark.parametrize(("words", "told"), USAGE)
def test_usage_errors_too(comagic, words, told):
    ran = comagic(*words, COMAGIC_LOG_FORMAT="" if words else "json")
    assert (ran.code, ran.out) == (2, "")
    assert failure(ran) == told


def test_a_format_that_there_is_not(comagic):
    ran = comagic("calls", "--log-format", "xml")
    assert ran.code == 2
    assert ran.err.startswith("comagic: Invalid value for '--log-format': 'xml' is not one of")


def test_what_the_api_says_is_told_in_members(comagic):
    refused = fault("invalid_parameter_value")
    with Watched(faults=refused) as box:
        ran = comagic(*ASKED, box=box)
    told = failure(ran)
    assert (ran.code, told["exit_code"], told["mnemonic"]) == (5, 5, "invalid_parameter_value")
    assert set(told) == {"exit_code", "message", "mnemonic", "field", "hint"}


# What is typed, and the last line: those members that are not null.
SAME = {"level": "info", "warnings": 0, "exit_code": 0}
ENDS = [
    (
        ASKED,
        {
            "message": "30 rows, 2024-10-01 to 2024-10-05, 2 points spent, 4 998 left today, N s.",
            "rows": 30,
            "period": [*SPAN],
            "bytes": 2400,
            "points": 2,
            "points_left": 4998,
        },
    ),
    (
        [*ASKED, "--count"],
        {"message": "30 rows", "rows": 30, "period": [*SPAN], "points": 1, "points_left": 4999},
    ),
    ([*ASKED, "--dry-run"], {"message": "done"}),
    (
        [*ASKED, "-o", "x.csv"],
        {
            "message": "30 rows, 2024-10-01 to 2024-10-05, x.csv (971 bytes), "
            "2 points spent, 4 998 left today, N s.",
            "rows": 30,
            "period": [*SPAN],
            "output": "x.csv",
            "bytes": 971,
            "points": 2,
            "points_left": 4998,
        },
    ),
    (
        [*ASKED, "-o", "{date}.csv"],
        {
            "message": "30 rows, 2024-10-01 to 2024-10-05, 5 files of {date}.csv, "
            "2 points spent, 4 998 left today, N s.",
            "rows": 30,
            "period": [*SPAN],
            "output": "{date}.csv",
            "bytes": 1135,
            "files": 5,
            "points": 2,
            "points_left": 4998,
        },
    ),
    (
        [*ASKED[:1], "--period", "2023-01-05", "--report-id", "1001", *JSON],
        {
            "message": "no rows, 2023-01-05, 1 point spent, 4 999 left today, N s.",
            "rows": 0,
            "period": ["2023-01-05 00:00:00", "2023-01-05 23:59:59"],
            "bytes": 0,
            "points": 1,
            "points_left": 4999,
            "warnings": 1,
        },
    ),
    (
        ["chart", *REPORT[:5], *JSON, "-o", "x.csv"],
        {
            "message": "30 rows, 2024-10-01 to 2024-10-05, 3 points spent, 4 997 left today, N s.",
            "rows": 30,
            "period": [*SPAN],
            "output": "x.csv",
            "points": 3,
            "points_left": 4997,
        },
    ),
    (
        ["reports", "-o", "r.csv", *JSON],
        {
            "message": "13 rows",
            "rows": 13,
            "output": "r.csv",
            "points": 2,
            "points_left": 4998,
        },
    ),
    (["fields", "sms", *JSON], {"message": "5 rows", "rows": 5}),
    (
        ["fields", "sms", *JSON, "--search", "nothing"],
        {"message": "no rows", "rows": 0, "warnings": 1},
    ),
    (["profiles", *JSON], {"message": "done"}),
    (["help", "dates", *JSON], {"message": "done"}),
    (["calls", "--help", *JSON], {"message": "done"}),
    (["completion", "bash", *JSON], {"message": "done"}),
]


@pytest.mark.parametrize(("typed", "told"), ENDS)
@pytest.mark.parametrize("quiet", [False, True])
def test_the_last_line_says_what_came(comagic, tmp_path, monkeypatch, typed, told, quiet):
    takes_quiet = "points" in told or typed[0] == "fields"
    monkeypatch.chdir(tmp_path)
    with Watched(rows=30) as box:
        ran = comagic(*typed, *["-q"] * (quiet and takes_quiet), box=box)
    *_, last = lines(ran.err)
    assert [*last][:3] == ["time", "level", "message"]
    assert [name for name in (*OUTCOME, "exit_code") if name not in last] == []
    assert (last.pop("seconds") < PATIENCE, bool(last.pop("time"))) == (True, True)
    last["message"] = re.sub(r"\d+\.\d s", "N s", last["message"])
    told = SAME | told | {"warnings": 0 if quiet else told.get("warnings", 0)}
    assert {name: value for name, value in last.items() if value is not None} == told
    assert ran.code == 0


def test_nothing_to_write_is_told_too(comagic, box, tmp_path):
    typed = [*ASKED, "-o", tmp_path / "{date}.csv"]
    assert comagic(*typed, box=box).code == 0
    *_, last = lines(comagic(*typed, box=box).err)
    assert (last["message"], last["rows"]) == ("nothing to write", 0)
    assert (last["points"], last["output"]) == (0, str(tmp_path / "{date}.csv"))


def test_a_failed_export_tells_what_came_before(comagic):
    with Watched(faults=fault("internal_error", 3)) as box:
        ran = comagic(*ASKED, "--page-size", 10, "--max-wait", 0, box=box)
    *_, last = lines(ran.err)
    assert (last["level"], last["exit_code"]) == ("error", ran.code)
    assert last["rows"] >= 10
    assert last["points"] >= 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_told(tmp_path, number, code):
    with Watched(faults=fault("slow", 2, seconds=60)) as box:
        process = start([*ASKED, "--page-size", 10], environment(tmp_path, box))
        box.await_calls(2)
        ran = stop(process, number)
    assert (ran.code, failure(ran)) == (code, failed(code, f"stopped by {number.name}"))


def test_a_reader_that_is_gone_is_told(box, tmp_path):
    ours, theirs = os.pipe()
    os.close(ours)
    ran = run(ASKED, environment(tmp_path, box), stdout=theirs)
    os.close(theirs)
    assert (ran.code, failure(ran)) == (
        141,
        failed(141, "the reader of standard output closed the pipe"),
    )


def test_the_variable_is_as_good(box, tmp_path):
    environ = environment(tmp_path, box, COMAGIC_LOG_FORMAT="json")
    ran = run([*REPORT, *TWO, "--report-id", "7"], environ)
    assert failure(ran)["exit_code"] == ran.code != 0
