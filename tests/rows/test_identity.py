"""Marks: keys and times as services write them."""

from __future__ import annotations

import msgspec
import pytest
from coverage_marks import unmeasured
from hypothesis import given
from hypothesis import strategies as st
from sinks import page_of

from comagic_cli.query.catalog import report
from comagic_cli.rows.identity import MOST_KNOWN, MarkReader, shown_time
from comagic_cli.rows.page import Marks

TIME = "2026-10-05 12:30:00"


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ([TIME], TIME),
        (["2026-10-05T12:30:00"], TIME),
        (["2026-10-05 12:30:00.6"], TIME),
        (["2026-10-05T12:30:00.123456+03:00"], TIME),
        (["2026-10-05 12:30:00Z"], TIME),
        (["2026-10-05 9:30:00"], "2026-10-05 09:30:00"),
        (["2026-10-05", "12:30:00"], TIME),
        (["0000-00-00 00:00:00"], ""),
        (["2026-13-05 12:30:00"], ""),
        (["2026-10-05 24:30:00"], ""),
        (["05.10.2026 12:30:00"], ""),
        (["2026-10-05"], ""),
        ([None], ""),
        ([12345], ""),
        ([None, "12:30:00"], ""),
        ([{}], ""),
    ],
)
def test_shown_times(parts, shown):
    assert shown_time(parts) == shown


def marks(command: str, *rows: str, asked: tuple[str, ...] = ()) -> list[tuple[str | None, str]]:
    reader = MarkReader(report(command), asked)
    found = reader.read(page_of(*rows))
    return [(mark.key, mark.time) for mark in found]


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ('{"communication_type":{"value_id":"call"},"communication_id":7}', "7\x1fcall"),
        ('{"communication_type":{"value_id":"call"},"communication_id":"7"}', "7\x1fcall"),
        ('{"communication_type":{"value_id":3},"communication_id":7}', "7\x1f3"),
        ('{"communication_type":"call","communication_id":7}', "7\x1fcall"),
        ('{"communication_type":["call"],"communication_id":7}', '7\x1f["call"]'),
        (
            '{"communication_type":{"value_id":"c"},"communication_id":123456789012345678901234}',
            "123456789012345678901234\x1fc",
        ),
        ('{"communication_type":{"value_id":"c"},"communication_id":1.50}', "1.50\x1fc"),
        ('{"communication_type":{"value_id":null},"communication_id":7}', None),
        ('{"communication_type":{},"communication_id":7}', None),
        ('{"communication_type":null,"communication_id":7}', None),
        ('{"communication_type":{"value_id":"call"},"communication_id":""}', None),
        ('{"communication_type":{"value_id":"call"}}', None),
        ("{}", None),
    ],
)
def test_keys(row, key):
    assert marks("communications", row) == [(key, "")]


def test_two_fields_make_a_time():
    row = '{"communication_id":1,"call_start_date":"2026-10-05","call_start_time":"12:30:00"}'
    assert marks("mgf-calls", row) == [("1", TIME)]


def test_a_key_that_can_repeat_is_none():
    row = '{"lead_ext_id":"a","lead_date_time":"2026-10-05 12:30:00"}'
    assert marks("leads", row, row) == [(None, TIME)] * 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (
            '{"lead_name":{"value":1,"value_url":2}}',
            '{"lead_name":{"value_url":2,"value":1}}',
            True,
        ),
        ('{"lead_name":1.10}', '{"lead_name": 1.10}', True),
        ('{"lead_name":1.10}', '{"lead_name":1.1}', False),
        ('{"lead_name":{"value":[1.10]}}', '{"lead_name":{"value":["1.10"]}}', False),
        ('{"lead_name":"a","unasked":1}', '{"unasked":2,"lead_name": "a"}', True),
        ('{"lead_name":"1"}', '{"lead_name":1}', False),
        ('{"lead_name":"a"}', '{"lead_name":"b"}', False),
        ('{"lead_name":null}', "{}", True),
    ],
)
def test_whole_rows_are_told_apart_by_the_asked_values(one, other, same):
    reader = MarkReader(report("leads"), ("lead_name",))
    first, second = reader.read(page_of(one, other))
    assert (first.digest == second.digest) is same
    assert len(first.digest) == 16


def test_what_is_no_row_is_refused():
    with pytest.raises(msgspec.DecodeError):
        marks("communications", "7")


DIGITS = st.text("0123456789", min_size=14, max_size=14)
DATES = st.datetimes().map(lambda when: f"{when:%Y%m%d%H%M%S}".rjust(14, "0"))


def as_time(digits: str) -> str:
    year, *pairs = digits[:4], *(digits[place : place + 2] for place in range(4, 14, 2))
    return f"{year}-{pairs[0]}-{pairs[1]} {pairs[2]}:{pairs[3]}:{pairs[4]}"


@unmeasured
@given(st.lists(DATES | DIGITS, min_size=1, max_size=4))
def test_times_read_together_are_those_read_one_by_one(numbers):
    times = [as_time(number) for number in numbers]
    rows = (f'{{"communication_date_time":"{time}"}}' for time in times)
    assert [time for _, time in marks("communications", *rows)] == [shown_time([t]) for t in times]


BOUNDS = [
    *(f"{year}-10-05 12:30:00" for year in ("0999", "1000", "2999", "3000")),
    *(f"2026-{month}-05 12:30:00" for month in ("00", "01", "12", "13")),
    *(f"2026-10-{day} 12:30:00" for day in ("00", "01", "31", "32")),
    *(f"2026-10-05 {hour}:30:00" for hour in ("00", "23", "24")),
    *(f"2026-10-05 12:{minute}:00" for minute in ("00", "59", "60")),
    *(f"2026-10-05 12:30:{second}" for second in ("00", "59", "60")),
]


@pytest.mark.parametrize("time", BOUNDS)
def test_bounds_of_times_that_are_read_together(time):
    rows = [f'{{"communication_date_time":"{each}"}}' for each in (TIME, time, TIME)]
    assert [each for _, each in marks("communications", *rows)] == [TIME, shown_time([time]), TIME]


def test_ids_of_several_kinds_in_one_column():
    ids = ["7", '"8"', "1.50", "-9", "null", '"a,b"']
    rows = [f'{{"communication_type":"call","communication_id":{each}}}' for each in ids]
    keys = ["7\x1fcall", "8\x1fcall", "1.50\x1fcall", "-9\x1fcall", None, "a,b\x1fcall"]
    assert [key for key, _ in marks("communications", *rows)] == keys


@pytest.mark.parametrize("number", ["-0", "7" * 5000])
def test_numbers_beyond_python_s_in_an_object_of_a_key(number):
    row = f'{{"communication_type":{{"z":{number},"value_id":{number}}},"communication_id":7}}'
    assert marks("communications", row) == [(f"7\x1f{number}", "")]


def test_marks_of_parts_stand_for_the_rows_of_all():
    """Some rows have keys and some have none; the digests stand where those are."""
    reader = MarkReader(report("communications"), ("communication_id", "utm_source"))
    keyed = '{"communication_type":"call","communication_id":7,"utm_source":"a"}'
    keyless = '{"communication_id":null,"utm_source":"a"}'
    parts = [reader.read(page_of(*rows)) for rows in ((keyed, keyed), (keyless, keyed), (keyless,))]
    together = Marks.joined(parts)
    assert list(together) == [mark for part in parts for mark in part]
    assert [len(mark.digest) for mark in together] == [0, 0, 16, 0, 16]


def test_objects_in_a_key_are_known_in_bounds():
    rows = [
        f'{{"communication_type":{{"value_id":"{n}"}},"communication_id":{n}}}'
        for n in range(2 * MOST_KNOWN)
    ]
    reader = MarkReader(report("communications"), ())
    found = [mark.key for mark in reader.read(page_of(*rows))]
    assert found == [f"{n}\x1f{n}" for n in range(2 * MOST_KNOWN)]
    assert len(reader._known["value_id"]) <= MOST_KNOWN


def test_line_breaks_within_an_object_of_a_key():
    row = '{"communication_type":{\n"value_id":"call"\n},"communication_id":7}'
    assert marks("communications", row) == [("7\x1fcall", "")]
