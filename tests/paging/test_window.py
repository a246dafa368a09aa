"""Windows: their spans, seams and cuts."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comagic_cli.errors import Refused
from comagic_cli.paging.window import (
    SECOND,
    Window,
    parse_time,
    read_day_limit,
    repeated_hours,
    split_by_days,
    window_around,
)
from comagic_cli.query.catalog import report
from comagic_cli.query.period import Period

CALLS = report("calls")  # its time is one field


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def window(start: str, end: str) -> Window:
    return Window(at(start), at(end))


DAY = window("2026-10-05 00:00:00", "2026-10-05 23:59:59")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("person-details", "2026-10-05 00:00:00 … 2026-10-05 23:59:59"),
        ("ct-summary-report", "2026-10-05 00:00:00 … 2026-10-05 23:59:59"),
        ("campaign-daily-stat", "2026-10-05 00:00:00 … 2026-10-05 23:59:59"),
        ("calls", "2026-10-04 23:59:59 … 2026-10-06 00:00:00"),
        ("mgf-calls", "2026-10-04 23:59:58 … 2026-10-06 00:00:01"),
    ],
)
def test_a_period_is_widened_at_its_two_ends_unless_rows_are_sums(command, expected):
    assert str(window_around(Period(DAY.start, DAY.end), report(command))) == expected


def test_sums_are_not_cut():
    year = window("2026-01-01 00:00:00", "2026-12-31 23:59:59")
    assert split_by_days(year, 90, report("employee-stat")) == [year]


def test_sums_of_a_day_are_cut_at_midnight():
    days = window("2026-01-01 00:00:00", "2026-07-01 23:59:59")
    parts = split_by_days(days, 90, report("campaign-daily-stat"))
    assert list(map(str, parts)) == [
        "2026-01-01 00:00:00 … 2026-03-31 23:59:59",
        "2026-04-01 00:00:00 … 2026-06-29 23:59:59",
        "2026-06-30 00:00:00 … 2026-07-01 23:59:59",
    ]


@pytest.mark.parametrize(
    ("days", "seconds", "max_days", "parts"),
    [
        (1, 0, 366, 1),
        (365, 0, 366, 1),
        (365, 1, 366, 2),
        (366, 0, 366, 2),
        (730, 0, 366, 3),  # two of 365 days would leave no second to overlap by
        (729, 0, 366, 2),
        (30, 0, 31, 1),
        (31, 0, 31, 2),
        (2, 0, 2, 3),
        (2, 0, 1, 3),
    ],
)
def test_a_window_is_cut_by_the_cap_of_days(days, seconds, max_days, parts):
    start = at("2026-01-01")
    whole = Window(start, start + timedelta(days=days, seconds=seconds))
    assert len(split_by_days(whole, max_days, CALLS)) == parts


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 - wall clock
    st.integers(1, 3000 * 86_400),
    st.integers(1, 400),
)
def test_parts_cover_all_and_fit_the_cap_counted_either_way(start, seconds, max_days):
    whole = Window(start, start + timedelta(seconds=seconds))
    parts = split_by_days(whole, max_days, CALLS)
    assert (parts[0].start, parts[-1].end) == (whole.start, whole.end)
    for part, after in pairwise(parts):
        assert after.start == part.end - SECOND
        assert part.start < after.start
    for part in parts:
        assert part.span <= timedelta(days=max_days)
        if max_days > 1:  # a window of less than a day may still touch two dates
            assert (part.end.date() - part.start.date()).days + 1 <= max_days


YEAR = window("2026-01-01", "2026-12-31")


@pytest.mark.parametrize(
    ("message", "cap"),
    [
        ("the interval must not exceed 90 days", 90),
        ("Максимальный период 31 день", 31),
        ("не более 92 дней", 92),
        ("limit 100", 100),
        ("from 2026-01-01 till 2026-12-31 is over 30 days", 30),
        ("366 days at most, 10 days for you", 10),
        ("too long", 182),
        ("Max value of requested date interval is 3 months", 89),
        ("не более 2 недель", 14),
        ("не более 3 месяцев", 89),
        ("at most 1 month", 29),
        ("at most 1000 days", 182),
        ("the interval is 1 day too long; the maximum is 3 months", 89),
        ("The maximum is 3 months, and the interval is 10 days longer", 89),
        ("the interval is 1 day too long", 182),
        ("период больше на 1 день, максимум 90 дней", 90),
        ("период от 1 до 90 дней", 90),
        ("1 month and more: up to 3 months for you", 89),
        ("365 days are more than 31 days", 31),
        ("a week (7 days) at least, 90 days at most", 90),
        ("error 42: limit 90", 90),
        ("maximum 90 days; for this report at most 31 days", 31),
        ("one request is for 2 to 60 days", 60),
    ],
)
def test_the_cap_that_a_refusal_names(message, cap):
    assert read_day_limit(message, YEAR) == cap


def test_a_short_window_that_is_refused():
    with pytest.raises(Refused, match=r"seems not to keep data that old \(too long\)"):
        read_day_limit("too long", DAY)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-10-05 12:30:00", at("2026-10-05 12:30:00")),
        ("2026-02-30 12:30:00", None),
        ("", None),
    ],
)
def test_times(text, time):
    assert parse_time(text) == time


@pytest.mark.parametrize(
    ("first", "last", "zone", "spans"),
    [
        (
            "2026-10-20",
            "2026-10-27",
            "Europe/Berlin",
            "2026-10-25 02:00:00 … 2026-10-25 02:59:59",
        ),
        (
            "2026-10-20",
            "2026-11-03",
            "America/New_York",
            "2026-11-01 01:00:00 … 2026-11-01 01:59:59",
        ),
        (
            "2014-10-20",
            "2014-10-28",
            "Europe/Moscow",
            "2014-10-26 01:00:00 … 2014-10-26 01:59:59",
        ),
        ("2026-03-20", "2026-04-02", "Europe/Berlin", ""),
        ("2026-10-01", "2026-10-31", "Europe/Moscow", ""),
        ("2026-10-19", "2026-10-26", None, "2026-10-24 23:00:00 … 2026-10-25 03:59:59"),
        ("2026-06-01", "2026-06-30", None, ""),
    ],
)
def test_hours_that_clocks_repeat(first, last, zone, spans):
    period = Period(at(first), at(last))
    assert "".join(f"{span.first} … {span.last}" for span in repeated_hours(period, zone)) == spans
