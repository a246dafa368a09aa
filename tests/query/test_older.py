"""The older command that stands for a flat one: as it is typed, and as it works."""

from __future__ import annotations

import re
import shlex

import pytest
from program import DAYS, Watched

from comagic_cli.query.catalog import report
from comagic_cli.query.older import older_command

OLDER = re.compile(r"does not need it: comagic (.*?)(?: \((it (?:has no|can't be) .*)\))?$")
FILTERED = "it can't be filtered by {}, so more rows come"
OUTER, INNER = "call_direction = Входящий", "call_status = Принятый"
LATER = "call_start_date_time > 2024-10-03"  # what the older report can't be filtered by
LINES = [
    ("calls --fields=call_status,communication_id", "calls-report --fields=is_lost,id", None),
    ("calls --fields @default,-call_status", "calls-report --fields=@default,-is_lost", None),
    ("calls --columns call_status", "calls-report --columns=is_lost", None),
    (
        "calls --sort call_start_date_time:desc --fields communication_id",
        "calls-report --sort=start_time:desc --fields=id",
        None,
    ),
    ("calls --sort -call_talk_duration", "calls-report", "it has no sort by call_talk_duration"),
    ("calls --where 'call_status = Принятый'", "calls-report --where 'is_lost = false'", None),
    (
        "calls --where 'call_status in (Принятый, Пропущенный)'",
        "calls-report --where 'is_lost in (false, true)'",
        None,
    ),
    (
        "calls --where 'call_start_date_time > 2024-10-03'",
        "calls-report",
        FILTERED.format("call_start_date_time >= '2024-10-04 00:00:00'"),
    ),
    ("calls --table calls -o calls.db", "calls-report --table calls -o calls.db", None),
    ("calls --header title -f csv", "calls-report -f csv", "it has no titles"),
    ("calls --header=title -f csv", "calls-report -f csv", "it has no titles"),
    ("calls --header none -f csv", "calls-report --header none -f csv", None),
    (
        "chats --where 'chat_status = Закрытый'",
        "chats-report",
        FILTERED.format("chat_status = 'Закрытый'"),
    ),
    (
        "calls --where 'call_status = Принятый and call_start_date_time > 2024-10-03'",
        "calls-report --where 'is_lost = false'",
        FILTERED.format("call_start_date_time >= '2024-10-04 00:00:00'"),
    ),
    (
        "calls --where 'call_status = Принятый or call_start_date_time > 2024-10-03'",
        "calls-report",
        FILTERED.format(
            "call_status = 'Принятый' or call_start_date_time >= '2024-10-04 00:00:00'"
        ),
    ),
    (
        f"calls --where '{OUTER} and ({INNER} or {LATER})'",
        "calls-report --where 'direction = '\"'\"'in'\"'\"''",
        FILTERED.format(
            "call_status = 'Принятый' or call_start_date_time >= '2024-10-04 00:00:00'"
        ),
    ),
    (
        f"calls --where '{INNER} and {LATER} or {OUTER}'",
        "calls-report --where 'is_lost = false or direction = '\"'\"'in'\"'\"''",
        FILTERED.format("call_start_date_time >= '2024-10-04 00:00:00'"),
    ),
    (
        "calls --where 'call_status = Принятый' --where 'call_direction = Сбоку' --fields cc_1",
        "calls-report --where 'is_lost = false'",
        "it has no cc_1; it can't be filtered by call_direction = 'Сбоку', so more rows come",
    ),
    (
        "chats --where 'employees not overlap (A, B)'",
        "chats-report --where 'employee_full_name not in ('\"'\"'A'\"'\"', '\"'\"'B'\"'\"')'",
        None,
    ),
    ("calls --record-urls --record-host a.b", "calls-report --record-urls --record-host a.b", None),
    (
        "calls --as-saved --fields communication_id",
        "calls-report --fields=id",
        "it has no saved columns, filters and sort",
    ),
    (
        "communications --where 'communication_type = Чаты'",
        "communications-report --where 'communication_type = '\"'\"'chat'\"'\"''",
        None,
    ),
    ("visits --realtime", "visitor-sessions-report", None),
    (
        "visits --sort visit_date_time",
        "visitor-sessions-report",
        "it has no sort by visit_date_time",
    ),
]
PERIOD = "--period 2024-10-01"
OTHER_COMMANDS = [
    (f"chart calls {PERIOD}", f"chart calls-report {PERIOD}", None),
    (
        f"chart calls {PERIOD} --by call_status --split employees --sum call_talk_duration",
        f"chart calls-report {PERIOD} --by=is_lost --split=employees --sum=talk_duration",
        None,
    ),
    (
        f"chart calls {PERIOD} --by=call_start_date --where 'call_status = Принятый'",
        f"chart calls-report {PERIOD} --by=day --where 'is_lost = false'",
        None,
    ),
    (
        f"chart calls {PERIOD} --by cc_17",
        f"chart calls-report {PERIOD}",
        "it has no cc_17",
    ),
    (
        f"chart get.visits {PERIOD} --by hour",
        f"chart visitor-sessions-report {PERIOD} --by=hour",
        None,
    ),
    ("fields calls --live", "fields calls-report", None),
    ("filters calls", "filters calls-report", None),
    ("filters calls call_status", "filters calls-report is_lost", None),
]


@pytest.fixture(scope="module")
def box():
    with Watched(rows=40, flat_reports=False) as service:
        yield service


@pytest.mark.parametrize(("line", "expected", "missing"), LINES)
def test_the_older_command_is_named_and_works(
    comagic, box, line, expected, missing, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ran = comagic(*shlex.split(line)[:1], *DAYS, *shlex.split(line)[1:], box=box)
    assert ran.code == 4
    found = OLDER.search(ran.err.rstrip())
    assert found is not None, ran.err
    typed = shlex.split(expected)
    assert shlex.split(found[1]) == [typed[0], *DAYS, *typed[1:]]
    assert found[2] == missing
    again = comagic(*shlex.split(found[1]), "-q", box=box)
    assert (again.code, again.err) == (0, "")


@pytest.mark.parametrize(("line", "expected", "missing"), OTHER_COMMANDS)
def test_charts_and_lists_of_fields_name_the_older_report_too(
    comagic, box, line, expected, missing
):
    ran = comagic(*shlex.split(line), box=box)
    assert ran.code == 4
    found = OLDER.search(ran.err.rstrip())
    assert found is not None, ran.err
    assert (shlex.split(found[1]), found[2]) == (shlex.split(expected), missing)
    again = comagic(*shlex.split(found[1]), "-q", box=box)
    assert (again.code, again.err) == (0, "")


def test_only_the_name_of_the_report_is_replaced():
    words = ["calls", "--profile", "calls", "--tz", "calls"]
    older = older_command(report("calls"), words, None)
    assert str(older) == "comagic calls-report --profile calls --tz calls"


def test_recordings_that_the_older_report_lacks_are_named():
    words = ["visits", "--record-urls", "--record-host", "a.b", "-f", "csv"]
    older = older_command(report("visits"), words, None)
    assert str(older) == "comagic visitor-sessions-report -f csv (it has no recordings)"


@pytest.mark.parametrize("line", ["calls --dry-run --as-saved", "chart calls --dry-run"])
def test_what_asks_for_nothing_is_not_refused(comagic, box, line):
    assert comagic(*shlex.split(line), *DAYS, "-q", box=box).code == 0


def test_a_report_without_an_older_one_names_the_component(comagic, box):
    ran = comagic("sms", *DAYS, box=box)
    assert ran.code == 4
    assert "component “Data API для настройки”; see comagic list." in ran.err
