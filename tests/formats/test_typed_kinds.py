"""What fits a column of a kind, and as what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from comagic_cli.formats import typed as kinds
from comagic_cli.formats.typed import MISMATCH, kind_of, microseconds_in
from comagic_cli.query.catalog import Column, Member, as_field, report
from comagic_cli.rows.decode import Digits

MOST = 2**63 - 1
LONG = Digits("9" * 5000)

WHOLE = [
    (5, 5),
    (-MOST, -MOST),
    (MOST, MOST),
    ("79", 79),
    ("-7", -7),
    (Digits("5.0"), 5),
    (MOST + 1, MISMATCH),
    (str(MOST + 1), MISMATCH),
    (LONG, MISMATCH),
    ("007", MISMATCH),
    ("-0", MISMATCH),
    (Digits("-0"), MISMATCH),
    (Digits("-0.0"), MISMATCH),
    (" 7", MISMATCH),
    ("7\n", MISMATCH),
    ("٧", MISMATCH),
    ("", MISMATCH),
    ("n/a", MISMATCH),
    ("1_000", MISMATCH),
    (Digits("1.5"), MISMATCH),
    (Digits("1e3"), MISMATCH),
    (True, MISMATCH),
    ([5], MISMATCH),
    ({"value": 5}, MISMATCH),
]


@pytest.mark.parametrize(("value", "fitted"), WHOLE)
def test_a_whole_number_is_of_64_bits(value, fitted):
    assert kinds.to_integer(value) == fitted
    assert type(kinds.to_integer(value)) is type(fitted)


REAL = [
    (Digits("1.10"), 1.1),
    (Digits("20247.41"), 20247.41),
    (5, 5.0),
    ("1.10", 1.1),
    (2**53, float(2**53)),
    (2**53 + 1, MISMATCH),
    (Digits("0.1234567890123456789"), MISMATCH),
    (Digits("1e400"), MISMATCH),
    (Digits("-0.0"), MISMATCH),
    (LONG, MISMATCH),
    (10**400, MISMATCH),
    ("1,5", MISMATCH),
    (True, MISMATCH),
]


@pytest.mark.parametrize(("value", "fitted"), REAL)
def test_a_real_number_keeps_its_value(value, fitted):
    assert kinds.to_float(value) == fitted


SECONDS = [
    (86400, 86400),
    ("24:00:00", 86400),
    ("00:00:53", 53),
    ("123:59:59", 446399),
    ("90", 90),
    (Digits("12.5"), MISMATCH),
    ("1:2:3", MISMATCH),
    ("00:60:00", MISMATCH),
    ("-1:00:00", MISMATCH),
]


@pytest.mark.parametrize(("value", "fitted"), SECONDS)
def test_a_duration_is_seconds(value, fitted):
    assert kinds.to_seconds(value) == fitted


@pytest.mark.parametrize(
    ("value", "fitted"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("2023-02-29", MISMATCH),
        ("20240229", MISMATCH),
        ("2024-02-29 00:00:00", MISMATCH),
        ("0000-00-00", MISMATCH),
        (5, MISMATCH),
    ],
)
def test_a_date(value, fitted):
    assert kinds.to_date(value) == fitted


@pytest.mark.parametrize(
    ("value", "fitted"),
    [
        (True, True),
        (False, False),
        ("true", True),  # as a cell of a member has it
        ("false", False),
        ("True", MISMATCH),
        (1, MISMATCH),
    ],
)
def test_a_truth_value(value, fitted):
    assert kinds.to_boolean(value) is fitted


MOMENTS = [
    ("Europe/Moscow", "2024-10-01 00:00:00", "2024-09-30T21:00:00"),
    ("Europe/Moscow", "2024-10-01 23:59:59.6", "2024-10-01T20:59:59.600000"),
    ("Europe/Moscow", "2010-07-01 12:00:00", "2010-07-01T08:00:00"),
    ("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27T00:30:00"),  # shown twice: the first
    ("Asia/Kathmandu", "2024-01-01 00:00:00", "2023-12-31T18:15:00"),
    ("Europe/Moscow", "1950-01-01 00:00:00", "1949-12-31T21:00:00"),
]


@pytest.mark.parametrize(("zone", "text", "instant"), MOMENTS)
def test_a_time_is_an_instant_of_the_zone(zone, text, instant):
    fitted = microseconds_in(ZoneInfo(zone))(text)
    there = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=fitted)
    assert there == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2024-03-31 02:30:00",  # clocks leap over it
        "2024-10-01",
        "2024-10-01T00:00:00",
        "2024-10-01 00:00:00+03:00",
        "2024-10-01 24:00:00",
        "0000-00-00 00:00:00",
        "",
        1712345678,
        None,
        [],
    ],
)
def test_what_is_no_time_of_the_zone(value):
    assert microseconds_in(ZoneInfo("Europe/Berlin"))(value) is MISMATCH


@pytest.mark.parametrize(
    ("command", "name", "kind"),
    [
        ("communications", "communication_id", "text"),
        ("communications", "visitor_id", "integer"),
        ("communications", "total_duration", "seconds"),
        ("communications", "tags", "list"),
        ("communications", "employees", "list"),
        ("communications", "communication_type", "text"),
        ("communications", "visit_date", "date"),
        ("communications", "cc_12", "text"),
        ("calls", "call_start_date_time", "datetime"),
        ("calls", "call_start_time", "time"),
        ("calls", "call_talk_duration", "seconds"),
        ("chats", "chat_is_transfer", "boolean"),
        ("deals", "deal_revenue", "float"),
    ],
)
def test_the_kind_follows_from_the_catalogue(command, name, kind):
    assert kind_of(report(command).field(name)) == kind


def test_a_column_of_the_account_has_a_fraction_where_it_says_so():
    kinds_ = [kind_of(as_field(Column("cc_1", data_type=name))) for name in ("float", "integer")]
    assert kinds_ == ["float", "integer"]


def test_a_member_has_a_kind_too():
    assert [kind_of(Member("id", "number")), kind_of(Member("at", "iso8601"))] == [
        "integer",
        "text",
    ]
