"""Times and durations in short, and what columns have in common."""

from __future__ import annotations

import pytest
from sinks import page_of, written

from comagic_cli.formats.display import common_prefix, is_duration, shorten_duration
from comagic_cli.query.catalog import Field
from comagic_cli.rows.decode import Digits

# A length of time as it came, and in short.
BRIEF = [
    (0, "0:00"),
    (7, "0:07"),
    (312, "5:12"),
    (3600, "1:00:00"),
    ("00:05:12", "5:12"),
    ("01:05:12", "1:05:12"),
    ("123:05:12", "123:05:12"),
    ("00:99:12", "00:99:12"),
    (-5, "-5"),
    (Digits("1.50"), "1.50"),
    ("soon\n", r"soon\n"),
    (None, ""),
]


@pytest.mark.parametrize(("cell", "text"), BRIEF)
def test_a_length_of_time_in_short(cell, text):
    assert shorten_duration(cell) == text


# What several times begin with.
DAY = "2026-10-05 "
COMMON = [
    ([], ""),
    ([f"{DAY}10:00:00"], ""),
    ([f"{DAY}10:00:00", "", f"{DAY}23:59:59"], DAY),
    ([f"{DAY}10:00:00", "2026-10-06 10:00:00"], "2026-"),
    (["2025-12-31 23:59:59", "2026-01-01 00:00:00"], ""),
    ([f"{DAY}10:00:00", "2026-10-06"], ""),
    ([f"{DAY}10:00:00", f"{DAY}soon"], ""),
]


@pytest.mark.parametrize(("times", "beginning"), COMMON)
def test_what_times_have_in_common(times, beginning):
    assert common_prefix(times) == beginning


@pytest.mark.parametrize(
    ("field", "lasts"),
    [
        (Field("call_talk_duration", "duration"), True),
        (Field("wait", "duration"), True),
        (Field("total_duration", "number"), True),
        (Field("duration_note", "string"), False),
        (Field("cost", "number"), False),
    ],
)
def test_which_fields_are_lengths_of_time(field, lasts):
    assert is_duration(field) is lasts


FIELDS = [Field("at", "iso8601"), Field("total_duration", "number")]
PAGE = page_of(
    '{"at": "2026-10-05 10:00:00", "total_duration": 312}',
    '{"at": "2026-10-05 10:00:01", "total_duration": null}',
    '{"at": null, "total_duration": 7}',
)
ON_A_TERMINAL = """
at 2026-10-05 │ total_duration
──────────────┼───────────────
10:00:00      │           5:12
10:00:01      │
              │           0:07
"""
IN_A_FILE = """
at                  │ total_duration
────────────────────┼───────────────
2026-10-05 10:00:00 │            312
2026-10-05 10:00:01 │
                    │              7
"""


@pytest.mark.parametrize(("width", "drawn"), [(80, ON_A_TERMINAL), (None, IN_A_FILE)])
def test_times_are_short_on_a_terminal_only(width, drawn):
    assert "\n" + written("table", FIELDS, PAGE, width=width) == drawn


PHONES = page_of('{"phone": {"value": "79001234567", "extra": {"is_new": true}}}', '{"phone": "7"}')
WRAPPED = """\
phone
───────────
79001234567
7
"""


@pytest.mark.parametrize("width", [80, None])
def test_a_phone_that_the_service_wraps_is_shown_by_itself(width):
    assert written("table", [Field("phone", "string")], PHONES, width=width) == WRAPPED


def test_a_later_time_of_another_day_is_whole():
    first = page_of(*['{"at": "2026-10-05 10:00:00", "total_duration": 1}'] * 1000)
    later = page_of('{"at": "2026-10-06 10:00:00", "total_duration": 2}')
    text = written("table", FIELDS, first, later, width=80)
    assert text.splitlines()[-2:] == ["2026-10-06    │           0:02", "10:00:00      │"]
