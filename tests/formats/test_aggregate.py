"""Rows counted by groups, as data."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from comagic_cli.errors import RowsMissing
from comagic_cli.formats.aggregate import CountingSink, Question
from comagic_cli.query.period import Period
from comagic_cli.rows.page import Mark, Page

PERIOD = Period(*map(datetime.fromisoformat, ("2026-11-01", "2026-11-03 23:59:59")))


def page_of(*rows):
    """Make a page of times and rows."""
    marks = [Mark(None, time, b"") for time, _ in rows]
    return Page([json.dumps(row).encode() for _, row in rows], marks=marks)


def counted(question, *pages):
    found = []
    sink = CountingSink(question, PERIOD, found.append)
    sink.begin()
    for page in pages:
        sink.write(page)
    sink.end()
    return found[0]


def lines(question, *pages):
    return [json.loads(row) for row in counted(question, *pages).page().rows]


LOST, FINE = {"value": "Потерянный", "value_id": "lost"}, {"value": "Успешный"}
FIRST = page_of(
    ("2026-11-01 10:00:00", {"status": FINE, "seconds": 100, "tags": {"items": [{"name": "A"}]}}),
    ("2026-11-01 11:00:00", {"status": FINE, "seconds": "00:01:40", "tags": None}),
)
SECOND = page_of(
    ("2026-11-03 11:00:00", {"status": LOST, "seconds": None, "tags": {"items": []}}),
    ("2026-11-03 11:59:59", {"status": FINE, "tags": {"items": [{"name": "B"}, {"name": "A"}]}}),
)
PAGES = (FIRST, Page([]), SECOND)


def test_every_day_has_a_line():
    assert lines(Question("day"), *PAGES) == [
        {"day": "2026-11-01", "rows": 2},
        {"day": "2026-11-02", "rows": 0},
        {"day": "2026-11-03", "rows": 2},
    ]


def test_days_split_by_a_field():
    assert lines(Question("day", "status"), *PAGES) == [
        {"day": "2026-11-01", "status": "Успешный", "rows": 2},
        {"day": "2026-11-02", "status": None, "rows": 0},
        {"day": "2026-11-03", "status": "Успешный", "rows": 1},
        {"day": "2026-11-03", "status": "Потерянный", "rows": 1},
    ]


def test_sums_of_seconds_however_they_are_written():
    assert lines(Question("day", measure="sum", of="seconds"), *PAGES) == [
        {"day": "2026-11-01", "rows": 2, "sum_seconds": 200},
        {"day": "2026-11-02", "rows": 0, "sum_seconds": 0},
        {"day": "2026-11-03", "rows": 2, "sum_seconds": 0},
    ]


def test_averages_are_of_the_rows_that_have_a_number():
    assert lines(Question("status", measure="avg", of="seconds"), *PAGES) == [
        {"status": "Успешный", "rows": 3, "avg_seconds": 100},
        {"status": "Потерянный", "rows": 1, "avg_seconds": None},
    ]


def test_groups_of_a_field_come_by_size_and_each_item_counts():
    question = Question("tags")
    assert lines(question, *PAGES) == [
        {"tags": None, "rows": 2},
        {"tags": "A", "rows": 2},
        {"tags": "B", "rows": 1},
    ]
    counts = counted(question, *PAGES)
    assert (counts.rows, counts.several) == (4, True)
    assert not counted(Question("status"), *PAGES).several


def test_a_number_is_one_group_with_its_text_and_keeps_its_digits():
    values = [79, "79", 0, "0", "", None]
    page = page_of(*(("2026-11-01 10:00:00", {"id": value}) for value in values))
    big = Page([b'{"id":%d}' % 10**30, b'{"id":1.10}', b'{"id":-0}'])
    assert counted(Question("id"), page, big).page().rows == [
        b'{"id":null,"rows":2}',
        b'{"id":"0","rows":2}',
        b'{"id":"79","rows":2}',
        b'{"id":-0,"rows":1}',
        b'{"id":1.10,"rows":1}',
        b'{"id":%d,"rows":1}' % 10**30,
    ]


def test_a_number_stays_one_where_only_the_other_field_has_it_as_text():
    page = page_of(("2026-11-01 10:00:00", {"id": 5, "kind": "5"}))
    assert counted(Question("id", "kind"), page).page().rows == [b'{"id":5,"kind":"5","rows":1}']


def test_a_row_without_a_time_is_not_lost():
    pages = page_of(("", {}), ("2026-12-05 00:00:00", {}))
    assert lines(Question("day"), pages)[3:] == [
        {"day": "2026-12-05", "rows": 1},
        {"day": None, "rows": 1},
    ]


def test_a_page_without_marks_is_not_lost():
    assert lines(Question("day"), Page([b"{}"]))[-1] == {"day": None, "rows": 1}


def test_no_rows():
    assert lines(Question("status")) == []
    assert [line["rows"] for line in lines(Question("weekday"))] == [0] * 7


def test_what_is_no_number_is_no_silence():
    question = Question("day", measure="sum", of="seconds")
    found = []
    sink = CountingSink(question, PERIOD, found.append)
    sink.write(page_of(("2026-11-01 10:00:00", {"seconds": "soon"})))
    with pytest.raises(RowsMissing, match=r"^1 values of seconds are not numbers"):
        sink.end()
    assert json.loads(found[0].page().rows[0]) == {"day": "2026-11-01", "rows": 1, "sum_seconds": 0}


@pytest.mark.parametrize(
    ("question", "fields", "columns"),
    [
        (Question("day"), (), ["day", "rows"]),
        (Question("hour", "status"), ("status",), ["hour", "status", "rows"]),
        (
            Question("status", "tags", "sum", "seconds"),
            ("status", "tags", "seconds"),
            ["status", "tags", "rows", "sum_seconds"],
        ),
        (
            Question("seconds", "", "avg", "seconds"),
            ("seconds",),
            ["seconds", "rows", "avg_seconds"],
        ),
    ],
)
def test_what_is_asked_for_and_told(question, fields, columns):
    assert question.fields == fields
    assert [field.name for field in counted(question).fields()] == columns


def test_memory_is_groups():
    question = Question("day", "status")
    page = page_of(*[("2026-11-01 10:00:00", {"status": FINE})] * 2_000)
    counts = counted(question, *[page] * 3)
    assert (counts.rows, len(counts.tallies)) == (6_000, 1)
