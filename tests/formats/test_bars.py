"""Pictures of counts, whole."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from comagic_cli.formats.aggregate import CountingSink, Question
from comagic_cli.formats.bars import BarChart
from comagic_cli.formats.base import FormatOptions
from comagic_cli.query.catalog import report
from comagic_cli.query.period import Period
from comagic_cli.rows.page import Mark, Page

PERIOD = Period(*map(datetime.fromisoformat, ("2026-11-01", "2026-11-03 23:59:59")))
KNOWN = report("calls").known
HOSTILE = "[red]:smile:\x1b[2J\u202e"


def row(time, status, tag, seconds=None):
    statuses = {"L": {"value": "Потерянный", "value_id": "lost"}, "F": {"value": "Успешный"}}
    named = {"call_status": statuses[status], "tags": {"items": [{"name": tag}]}}
    return time, named | {"call_talk_duration": seconds}


ROWS = [
    *[row("2026-11-01 10:00:00", "F", "A", 100)] * 6,
    *[row("2026-11-01 11:00:00", "L", HOSTILE, "00:00:00")] * 2,
    *[row("2026-11-03 10:00:00", "F", "👩‍👩‍👧 семья e\u0301", 3700)] * 3,
]


def drawn(question, rows=ROWS, width=40, *, color=False):
    found = []
    sink = CountingSink(question, PERIOD, found.append)
    marks = [Mark(None, time, b"") for time, _ in rows]
    sink.write(Page([json.dumps(members).encode() for _, members in rows], marks=marks))
    sink.end()
    format_options = FormatOptions(width=width, color=color)
    return "\n" + BarChart(found[0], f"calls: by {question.by}", format_options, KNOWN).draw()


BY_DAY = """
calls: by day
2026-11-01 Sun ███████████████████████ 8
2026-11-02 Mon 0
2026-11-03 Tue ████████▋ 3
11 rows
"""
SPLIT = """
calls: by day
█ Успешный  ▓ Потерянный
2026-11-01 Sun █████████████████▓▓▓▓▓▓ 8
2026-11-02 Mon 0
2026-11-03 Tue █████████ 3
11 rows
"""
BY_TAG = r"""
calls: by tags
A              ███████████████████████ 6
👩‍👩‍👧 семья é     ███████████▌ 3
[red]:smile:\x ███████▋ 2
1b[2J\u202e
11 rows
"""
SUM = """
calls: by day
2026-11-01 Sun ▉ 10:00
2026-11-02 Mon 0:00
2026-11-03 Tue █████████████████ 3:05:00
11 rows
"""
AVERAGE = """
calls: by day
2026-11-01 Sun ▎ 1:15
  Успешный     ▍ 1:40
  Потерянный   0:00
2026-11-02 Mon -
2026-11-03 Tue █████████████████ 1:01:40
  Успешный     █████████████████ 1:01:40
11 rows
"""


@pytest.mark.parametrize(
    ("question", "picture"),
    [
        (Question("day"), BY_DAY),
        (Question("day", "call_status"), SPLIT),
        (Question("tags"), BY_TAG),
        (Question("day", measure="sum", of="call_talk_duration"), SUM),
        (Question("day", "call_status", "avg", "call_talk_duration"), AVERAGE),
    ],
)
def test_pictures(question, picture):
    assert drawn(question) == picture.replace("é", "e\u0301")


def test_a_group_of_several_patterns_is_read_without_colours():
    rows = [row("2026-11-01 10:00:00", "F", name) for name in "AAAABBBCCDEF"]
    assert drawn(Question("day", "tags"), rows, 60).splitlines()[2:4] == [
        "█ A  ▓ B  ▒ C  ░ other (3)",
        "2026-11-01 Sun ██████████████▓▓▓▓▓▓▓▓▓▓▓▒▒▒▒▒▒▒░░░░░░░░░░ 12",
    ]


def test_small_groups_of_a_field_are_one_bar_and_no_row_is_lost():
    rows = [
        row("2026-11-01 10:00:00", "F", f"tag {n:02}") for n in range(30) for _ in range(31 - n)
    ]
    lines = drawn(Question("tags"), rows, 60).splitlines()[2:]
    assert len(lines) == 21
    assert lines[0].split() == ["tag", "00", "█" * 18 + "▌", "31"]
    assert lines[-2].split() == ["other", "(11)", "█" * 46, "77"]
    assert lines[-1] == "495 rows"


def test_days_are_never_folded():
    period = Period(*map(datetime.fromisoformat, ("2026-01-01", "2026-12-31")))
    found = []
    CountingSink(Question("day"), period, found.append).end()
    assert BarChart(found[0], "", FormatOptions(), KNOWN).draw().count("\n") == 367


COLORED = """
<1>calls: by call_status</>
Успешный   <32>███████████████████████████</> 9
Потерянный <31>██████</> 2
<2>11 rows</>
"""


def test_bars_are_coloured_by_meaning():
    text = drawn(Question("call_status"), color=True)
    assert re.sub(r"\x1b\[(\d+)m", r"<\1>", text).replace("<0>", "</>") == COLORED


def test_a_row_of_several_values_is_spoken_of():
    several = {"tags": {"items": [{"name": "A"}, {"name": "B"}]}}
    lines = drawn(Question("tags"), [("2026-11-01 10:00:00", several)], 80).splitlines()
    assert lines[-2:] == [
        "1 row",
        "A row with several values is counted once for each of them.",
    ]


def test_sums_below_nothing_have_no_bar():
    rows = [
        row("2026-11-01 10:00:00", "F", "A", "-00:01:00"),
        row("2026-11-02 10:00:00", "F", "A", 60),
    ]
    question = Question("day", "call_status", "sum", "call_talk_duration")
    assert [line for line in drawn(question, rows).splitlines() if "2026" in line] == [
        "2026-11-01 Sun -1:00",
        "2026-11-02 Mon ███████████████████ 1:00",
        "2026-11-03 Tue 0:00",
    ]


def test_numbers_that_are_no_lengths_of_time():
    rows = [("2026-11-01 10:00:00", {"cost": "1234567.125"}), ("2026-11-02 10:00:00", {"cost": 2})]
    text = drawn(Question("day", measure="sum", of="cost"), rows, 60)
    assert text.splitlines()[2].endswith(" 1 234 567.12")
    assert text.splitlines()[3].endswith(" 2")


def test_no_rows():
    assert drawn(Question("tags"), []) == "\ncalls: by tags\n0 rows\n"


LABELS = st.text(st.sampled_from("ab 世👩\u200d\u0301яé\n\x1b│─█"), max_size=60)


@given(
    st.lists(LABELS, min_size=1, max_size=6), st.sampled_from([20, 40, 60, 80, 200]), st.booleans()
)
def test_nothing_is_too_wide_whatever_the_labels(labels, width, split):
    rows = [row("2026-11-01 10:00:00", "F", label) for label in labels]
    for question in (Question("tags"), Question("day", "tags" if split else "")):
        lines = drawn(question, rows, width).split("\n")
        assert max(map(cell_len, lines)) <= width
        assert "\x1b" not in "".join(lines)
