"""Groups by time and by value, and numbers that are added up."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comagic_cli.formats.aggregate import (
    TIMES,
    NotANumber,
    add,
    digits,
    group_of_time,
    groups_of_period,
    groups_of_value,
    mean,
    number_of,
)
from comagic_cli.query.period import Period
from comagic_cli.rows.decode import Digits

TIME = "2026-11-01 09:30:00"  # a Sunday

OF_TIME = [
    ("hour", TIME, "09"),
    ("day", TIME, "2026-11-01"),
    ("week", TIME, "2026-10-26"),
    ("week", "2027-01-01 00:00:00", "2026-12-28"),
    ("month", TIME, "2026-11"),
    ("quarter", TIME, "2026-Q4"),
    ("quarter", "2026-03-31 23:59:59", "2026-Q1"),
    ("quarter", "2026-13-31 23:59:59", None),
    ("weekday", TIME, "Sunday"),
    ("day", "", None),
    ("day", "2026-02-30 00:00:00", None),
    ("week", "2026-02-30 00:00:00", None),
]


@pytest.mark.parametrize(("kind", "time", "group"), OF_TIME)
def test_the_group_of_a_time(kind, time, group):
    assert group_of_time(kind, time) == group


HOURS = [f"{hour:02}" for hour in range(24)]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

# The first and last day, the kind, and all groups.
OF_PERIOD = [
    ("2026-10-30", "2026-11-02", "day", ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"]),
    ("2026-10-30", "2026-11-02", "week", ["2026-10-26", "2026-11-02"]),
    ("2026-10-30", "2027-01-01", "month", ["2026-10", "2026-11", "2026-12", "2027-01"]),
    ("2026-10-30", "2026-10-30", "hour", HOURS),
    ("2026-09-30", "2027-01-01", "quarter", ["2026-Q3", "2026-Q4", "2027-Q1"]),
    ("2026-10-30", "2026-10-30", "weekday", DAYS),
]


@pytest.mark.parametrize(("first", "last", "kind", "groups"), OF_PERIOD)
def test_all_groups_of_a_period(first, last, kind, groups):
    start, end = datetime.fromisoformat(first), datetime.fromisoformat(f"{last} 23:59:59")
    assert groups_of_period(kind, Period(start, end)) == groups


MOMENTS = st.datetimes(*map(datetime.fromisoformat, ("2020-01-01", "2030-01-01")))


@given(st.sampled_from(TIMES), st.lists(MOMENTS, min_size=3, max_size=3))
def test_a_time_of_a_period_is_in_one_of_its_groups(kind, moments):
    start, time, end = sorted(moments)
    shown = time.isoformat(" ", "seconds")
    assert group_of_time(kind, shown) in groups_of_period(kind, Period(start, end))


# A plain value, and its groups.
OF_VALUE = [
    (None, (None,)),
    ("", (None,)),
    ("Авито", ("Авито",)),
    (5, (5,)),
    (Digits("1.50"), ("1.50",)),
    (True, ("true",)),
    (False, ("false",)),
    ({"value": "Чат", "value_id": "chat"}, ("Чат",)),
    ({"value": True, "value_id": 1}, ("true",)),
    ({"value": None, "value_id": None}, (None,)),
    ({}, (None,)),
    ([], (None,)),
    (["a", "b", "a"], ("a", "b")),
    ([{"employee_full_name": "Ли"}, {"employee_full_name": "Ли"}], ("Ли",)),
    ([{"id": 1, "name": "VIP"}], ("VIP",)),
    (
        {"items": [{"id": 1, "name": "VIP"}, {"id": 2, "name": None}], "communication_id": 1},
        ("VIP", None),
    ),
    ({"items": None, "communication_id": 1}, ('{"items":null,"communication_id":1}',)),
    ({"a": 1, "b": "ё"}, ('{"a":1,"b":"ё"}',)),
    ({"value": ["a"]}, ('{"value":["a"]}',)),
    ({"value": [Digits("1.10")]}, ('{"value":[1.10]}',)),
    ([["a"], {}], ('["a"]', None)),
]


@pytest.mark.parametrize(("value", "groups"), OF_VALUE)
def test_the_groups_of_a_value(value, groups):
    assert groups_of_value(value) == groups


NUMBERS = [
    (None, None),
    ("", None),
    ({}, None),
    (5, 5),
    ("5", 5),
    (Digits("1.50"), Decimal("1.5")),
    (Digits("1e3"), 1000),
    (Digits("-0"), 0),
    ("00:05:12", 312),
    ("100:00:01", 360_001),
    ("-00:00:05", -5),
    ("00:00:01.5", Decimal("1.5")),
    ({"value": 7, "value_id": None}, 7),
]


@pytest.mark.parametrize(("value", "number"), NUMBERS)
def test_numbers_and_lengths_of_time(value, number):
    assert number_of(value) == number


@pytest.mark.parametrize(
    "value", ["abc", "1:2", "00:99:00", True, [1], {"a": 1}, "0x10", "١", "1e9999"]
)
def test_what_is_no_number(value):
    with pytest.raises(NotANumber):
        number_of(value)


def test_sums_are_exact():
    assert digits(add(Decimal("0.1"), Decimal("0.2"))) == "0.3"
    assert digits(add(add(10**30, Decimal("0.01")), 1)) == f"{10**30 + 1}.01"
    assert digits(add(Decimal("0.5"), Decimal("0.5"))) == "1"


@pytest.mark.parametrize(
    ("total", "count", "told"),
    [(10, 4, "2.5"), (10, 3, "3.333333"), (6, 3, "2"), (0, 5, "0"), (Decimal("-1.5"), 2, "-0.75")],
)
def test_means(total, count, told):
    assert digits(mean(total, count)) == told
