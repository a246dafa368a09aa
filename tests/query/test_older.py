"""The older command that stands for a flat one: as it is typed, and as it works."""

from __future__ import annotations

import re
import shlex

import pytest
from program import DAYS, Watched

OLDER = re.compile(r"does not need it: comagic (.*?)(?: \(it has no (.*)\))?$")
LINES = [
    ("calls --fields=call_status,communication_id", "calls-report --fields=is_lost,id", None),
    ("calls --fields @default,-call_status", "calls-report --fields=@default,-is_lost", None),
    ("calls --columns call_status", "calls-report --columns=is_lost", None),
    (
        "calls --sort call_start_date_time:desc --fields communication_id",
        "calls-report --sort=start_time:desc --fields=id",
        None,
    ),
    ("calls --sort -call_talk_duration", "calls-report", "sort by call_talk_duration"),
    ("calls --where 'call_status = Принятый'", "calls-report --where 'is_lost = false'", None),
    (
        "calls --where 'call_status in (Принятый, Пропущенный)'",
        "calls-report --where 'is_lost in (false, true)'",
        None,
    ),
    (
        "calls --where 'call_start_date_time > 2024-10-03'",
        "calls-report",
        "filter by call_start_date_time",
    ),
    ("calls --table calls -o calls.db", "calls-report --table calls -o calls.db", None),
    ("calls --header title -f csv", "calls-report -f csv", None),
    ("calls --header none -f csv", "calls-report --header none -f csv", None),
    ("chats --where 'chat_status = Закрытый'", "chats-report", "equal of chat_status = 'Закрытый'"),
    (
        "communications --where 'communication_type = Чаты'",
        "communications-report --where 'communication_type = '\"'\"'chat'\"'\"''",
        None,
    ),
    ("visits --realtime", "visitor-sessions-report", None),
    (
        "visits --sort visit_date_time",
        "visitor-sessions-report",
        "sort by visit_date_time",
    ),
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


def test_a_report_without_an_older_one_names_the_component(comagic, box):
    ran = comagic("sms", *DAYS, box=box)
    assert ran.code == 4
    assert "component “Data API для настройки”; see comagic list." in ran.err
