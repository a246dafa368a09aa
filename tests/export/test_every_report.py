"""Every report of the catalogue, exported by its command and compared with the truth."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from coverage_marks import unmeasured
from program import DAYS, SPAN, Watched
from sandbox_client import call

from comagic_cli.query.catalog import report, reports

NAMED = ["call-details", "person-details"]
COMMANDS = [entry.command for entry in reports()]
SITE = "30001"
OF_SITE = ["--site-id", SITE]
PARAMS = {"campaign-daily-stat": OF_SITE, "ct-ac-summary-report": OF_SITE}
SUMS = ["ct-summary-report", "ct-ac-summary-report", "employee-stat", "campaign-daily-stat"]
PERIODIC = [name for name in COMMANDS if name not in {*NAMED, *SUMS}]
UNSORTED = {"offline-messages-report", "goals-report", "visitor-sessions-report"}
ROWS = 70  # communications; every other report has its share of them
SWITCHES = [
    {},
    {"till_inclusive": False, "total_items": "absent", "short_pages": 7},
    {"total_items": "one_more_once", "shown": "rounded", "max_days": 2},
    {"communication_id": "text", "key_order": "shuffled", "null_arrays": True},
]


def export(comagic, box, command, *more):
    ran = comagic(command, *PARAMS.get(command, ()), *DAYS, "--fields", "@all", *more, box=box)
    assert (ran.code, ran.err) == (0, "")
    return [json.loads(line) for line in ran.out.split("\n")[:-1]]


def counted(rows):
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def times(command, rows):
    return [[row[name] for name in report(command).time] for row in rows]


def test_there_are_thirteen_of_each_family():
    assert [
        *("communications", "calls", "chats", "leads", "deals", "visits", "sms", "tags-history"),
        *("notifications", "api-requests", "mgf-calls", "call-details", "person-details"),
        *("calls-report", "call-legs-report", "financial-call-legs-report"),
        *("communications-report", "chats-report", "chat-messages-report"),
        *("offline-messages-report", "goals-report", "visitor-sessions-report"),
        *("campaign-daily-stat", "ct-summary-report", "ct-ac-summary-report", "employee-stat"),
    ] == COMMANDS


@unmeasured
@pytest.mark.parametrize("command", PERIODIC)
@pytest.mark.parametrize("switches", SWITCHES)
def test_a_period_of_a_report_is_the_truth(comagic, command, switches):
    with Watched(rows=ROWS, **switches) as box:
        rows = export(comagic, box, command, "--page-size", 40)
        truth = box.truth(command, *SPAN)
    assert truth
    assert counted(rows) == counted(truth)
    if command not in UNSORTED:  # those come as the service orders them
        assert times(command, rows) == times(command, truth)
    assert list(rows[0]) == [field.name for field in report(command).fields]


@pytest.mark.parametrize("command", NAMED)
@pytest.mark.parametrize("switches", SWITCHES)
def test_what_ids_name_is_the_truth(comagic, command, switches, tmp_path):
    if not report(command).time:  # then a period can't be cut: see below
        switches = switches | {"max_days": None}
    with Watched(rows=ROWS, **switches) as box:
        truth = box.truth(command, *SPAN)
        key = report(command).key[0]
        ids = tmp_path / "ids.txt"
        ids.write_text("".join(f"{row[key]}\n" for row in truth))
        rows = export(comagic, box, command, "--ids", ids)
    assert truth
    assert counted(rows) == counted(truth)


@pytest.mark.parametrize(("more", "sent"), [((), False), (("--realtime",), True)])
def test_visits_are_asked_for_as_they_are_or_as_they_were(comagic, more, sent):
    with Watched() as box:
        ran = comagic("visits", "--from", "2024-10-05", *more, box=box)
    assert ran.code == 0
    assert {call.params["is_realtime"] for call in box.pages} == {sent}


def test_a_longer_period_than_a_report_takes_is_cut_by_its_own_cap(comagic):
    span = ("2024-08-01 00:00:00", "2024-10-05 23:59:59")
    with Watched(rows=200, span=span) as box:
        ran = comagic("visits", "--from", "2024-08-01", "--till", "2024-10-05", box=box)
        truth = box.truth("visits", *span)
    assert len({call.params["date_from"] for call in box.pages}) == 3
    assert (ran.code, ran.out.count("\n")) == (0, len(truth))


def test_rows_without_a_time_are_not_cut(comagic):
    asked = ["person-details", "--from", "2023-01-01", "--ids", "1"]
    with Watched() as box:
        ran = comagic(*asked, box=box)
    assert ran.code == 5
    hint = "  person-details has sums over the period, which can't be cut: shorten it.\n"
    assert ran.err.endswith(hint)


@pytest.mark.parametrize("command", SUMS)
def test_sums_are_asked_for_once_and_of_the_period_alone(comagic, command):
    with Watched(rows=ROWS) as box:
        rows = export(comagic, box, command)
        params = {"date_from": SPAN[0], "date_till": SPAN[1], "fields": list(rows[0])}
        params |= {"site_id": int(SITE)} if command in PARAMS else {}
        (page,) = box.pages
        answer = call(box, report(command).method, **params)
    assert (page.params["date_from"], page.params["date_till"]) == SPAN
    assert counted(rows) == counted(answer["result"]["data"])
    assert rows


def test_sums_of_a_day_are_the_same_wherever_a_period_is_cut(comagic):
    found = []
    for days in (None, 2):
        with Watched(rows=ROWS, max_days=days) as box:
            found.append(export(comagic, box, "campaign-daily-stat"))
            spans = [(page.params["date_from"], page.params["date_till"]) for page in box.pages]
    assert found[0] == found[1]
    assert spans[1:] == [  # the first was refused
        ("2024-10-01 00:00:00", "2024-10-02 23:59:59"),
        ("2024-10-03 00:00:00", "2024-10-04 23:59:59"),
        ("2024-10-05 00:00:00", "2024-10-05 23:59:59"),
    ]
