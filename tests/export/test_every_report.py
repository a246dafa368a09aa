"""Every report of the catalogue, exported by its command and compared with the truth."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from coverage_marks import unmeasured
from program import DAYS, SPAN, Watched

from comagic_cli.query.catalog import report, reports

NAMED = ["call-details", "person-details"]
COMMANDS = [entry.command for entry in reports()]
PERIODIC = [name for name in COMMANDS if name not in NAMED]
ROWS = 70  # communications; every other report has its share of them
SWITCHES = [
    {},
    {"till_inclusive": False, "total_items": "absent", "short_pages": 7},
    {"total_items": "one_more_once", "shown": "rounded", "max_days": 2},
    {"communication_id": "text", "key_order": "shuffled", "null_arrays": True},
]


def export(comagic, box, command, *more):
    ran = comagic(command, *DAYS, "--fields", "@all", *more, box=box)
    assert (ran.code, ran.err) == (0, "")
    return [json.loads(line) for line in ran.out.split("\n")[:-1]]


def counted(rows):
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def times(command, rows):
    return [[row[name] for name in report(command).time] for row in rows]


def test_there_are_thirteen():
    assert [
        *("communications", "calls", "chats", "leads", "deals", "visits", "sms", "tags-history"),
        *("notifications", "api-requests", "mgf-calls", "call-details", "person-details"),
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
    assert ran.code == 2
    assert "longer than 365 days" in ran.err
