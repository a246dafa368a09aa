from __future__ import annotations

import json

import pytest
from program import DAYS, Watched, fault

CALLS = ["calls", *DAYS, "--fields", "communication_id", "--report-id"]
LIST, ROWS = "get.reports_list", "get.calls"


@pytest.mark.parametrize(
    ("typed", "number", "methods"),
    [
        ("Звонки", 1002, [LIST, ROWS]),
        ("ЗВОНКИ (2)", 2002, [LIST, ROWS]),
        ("2002", 2002, [ROWS]),
        ("0001002", 1002, [ROWS]),
    ],
)
def test_a_report_is_exported_by_number_or_name(comagic, typed, number, methods):
    with Watched(rows=3, reports_per_type=2) as box:
        ran = comagic(*CALLS, typed, "-v", box=box)
        assert (ran.code, box.methods) == (0, methods)
        assert {call.params["report_id"] for call in box.pages} == {number}
    assert (f"report {number} Звонки" in ran.err) == (LIST in methods)


def test_the_environment_may_name_a_report(comagic):
    with Watched(rows=3, reports_per_type=2) as box:
        assert comagic(*CALLS[:-1], box=box).code == 2
        assert comagic(*CALLS[:-1], box=box, COMAGIC_REPORT_ID="звонки").code == 0


def test_a_name_that_is_not_there_is_told_with_those_that_are(comagic):
    with Watched(rows=3, reports_per_type=2) as box:
        ran = comagic(*CALLS, "Чаты", box=box)
        assert (ran.code, ran.out, box.pages) == (2, "", [])
    assert ran.err == (
        "comagic: --report-id: no report of the type calls is named 'Чаты'; "
        "there are: 1002 Звонки; 2002 Звонки (2)\n  See comagic reports.\n"
    )


def test_a_dry_run_does_not_ask_for_the_number(comagic):
    ran = comagic(*CALLS, "Звонки", "--dry-run")
    assert json.loads(ran.out)["params"]["report_id"] == "(asked of the account: Звонки)"


def test_a_number_that_is_not_there_is_told_with_those_that_are(comagic):
    with Watched(rows=3, reports_per_type=2) as box:
        ran = comagic(*CALLS, "9999", box=box)
        assert box.methods == [ROWS, LIST]
    assert (ran.code, ran.out, ran.err) == (
        2,
        "",
        (
            "comagic: --report-id: no report of the type calls has the id '9999'; "
            "there are: 1002 Звонки; 2002 Звонки (2)\n  See comagic reports.\n"
        ),
    )


def test_a_number_that_is_not_there_is_refused_where_the_reports_are_not_told(comagic):
    with Watched(rows=3, faults=fault("forbidden", method=LIST)) as box:
        ran = comagic(*CALLS, "9999", box=box)
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.endswith("[report_id = 9999]\n  Check --report-id.\n")
