"""--log-format json: every line on stderr is an object, the last one of a failure says all."""

from __future__ import annotations

import json
import os
import signal

import pytest
from program import REPORT, TWO, Watched, environment, fault, run, start, stop

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
    return last


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
    assert {name: told[-1][name] for name in ("rows", "period", "file", "points")} == {
        "rows": 30,
        "period": ["2024-10-01 00:00:00", "2024-10-05 23:59:59"],
        "file": None,
        "points": 2,
    }
    assert told[-1]["bytes"] == len(ran.out.encode())


# A command line, and how its failure is told.
USAGE = [
    ([], failed(2, "no command was given", hint="See comagic --help.")),
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
