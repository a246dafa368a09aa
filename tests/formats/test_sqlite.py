"""Rows in a table: each once, as it is now, in the types of the catalogue."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from sinks import members

from comagic_cli.databases.sqlite import SqliteSink
from comagic_cli.databases.warehouse import Request, key_of
from comagic_cli.errors import UsageProblem
from comagic_cli.export.fingerprint import differences
from comagic_cli.formats.base import FormatOptions
from comagic_cli.query.catalog import Field, reports
from comagic_cli.rows.page import Mark, Page, rows_of

DAY = ("2024-10-01 00:00:00", "2024-10-01 23:59:59")
NEXT = ("2024-10-02 00:00:00", "2024-10-02 23:59:59")
BOTH = (DAY[0], NEXT[1])
REQUEST = Request("calls", {"report": "calls"}, {"--report-id": 5}, DAY, "1", differences)
ID = Field("id", "string")
NAME = Field("name", "string")
NUMBER = Field("visits", "number")
MONEY = Field("deal_revenue", "number")
YES = Field("yes", "boolean")
LENGTH = Field("call_duration", "duration")
LIST = Field("list", "array")
TAGS = Field("tags", "object")
ENUM = Field("kind", "object", members=members("value", "value_id"))
AT = Field("at", "iso8601", format="YYYY-MM-DD hh:mm:ss")


@pytest.fixture
def db():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def page(*rows, key="id", times=None):
    """Make a page of rows, marked by a member; `None` is no key."""
    marks = [
        Mark(str(row[key]) if key else None, times[place] if times else DAY[0], b"")
        for place, row in enumerate(rows)
    ]
    return Page(rows_of(json.dumps(rows).encode()), marks=marks)


def put(db, fields, *pages, request=REQUEST, **format_options):
    sink = SqliteSink(db, fields, FormatOptions(**format_options), request)
    sink.begin()
    for each in pages:
        sink.write(each)
    sink.end()


def rows(db, names="*", table="calls"):
    return db.execute(f"SELECT {names} FROM {table} ORDER BY rowid").fetchall()


def test_a_row_is_there_once_as_it_came_last(db):
    put(db, [ID, NAME], page({"id": 1, "name": "a"}, {"id": 2, "name": "b"}))
    put(db, [ID, NAME], page({"id": 3, "name": "c"}, {"id": 2, "name": None}))
    assert rows(db) == [
        ("1", "a", None, "1", DAY[0], 1),
        ("2", None, None, "2", DAY[0], 1),
        ("3", "c", None, "3", DAY[0], 1),
    ]


def test_columns_are_added_and_others_stay(db):
    put(db, [ID, NAME], page({"id": 1, "name": "a"}))
    put(db, [ID, NUMBER], page({"id": 1, "visits": 5}, {"id": 2, "visits": 6}))
    assert rows(db, "id, name, visits") == [("1", "a", 5), ("2", None, 6)]


@pytest.mark.parametrize(("second", "left"), [(DAY, "bc"), (NEXT, "abc"), (BOTH, "bc")])
def test_rows_without_a_key_are_replaced_by_period(db, second, left):
    put(db, [NAME], page({"name": "a"}, key=None))
    new = page({"name": "b"}, {"name": "c"}, key=None, times=[second[0], second[0]])
    for _ in range(2):
        put(db, [NAME], new, request=replace(REQUEST, period=second))
    assert "".join(name for (name,) in rows(db, "name")) == left


def test_rows_without_a_key_of_another_request_stay(db):
    put(db, [NAME], page({"name": "a"}, key=None))
    other = replace(REQUEST, rows={"--report-id": 5, "--where": ["x = 1"]})
    for _ in range(2):
        put(db, [NAME], page({"name": "b"}, key=None), request=other)
    assert rows(db, "name, _request") == [("a", 1), ("b", 2)]


def test_a_table_is_the_same_however_its_name_is_typed(db):
    for table in ("calls", "Calls", "CALLS"):
        put(db, [NAME], page({"name": "a"}, key=None), request=replace(REQUEST, table=table))
    assert rows(db, "name, _request") == [("a", 1)]
    assert rows(db, '"table"', "_comagic_requests") == [("calls",)]


@pytest.mark.parametrize(
    "change",
    ["CREATE TABLE calls AS SELECT * FROM old", "CREATE TABLE calls (id TEXT, _key TEXT UNIQUE)"],
)
def test_a_table_that_was_made_anew_is_left_alone(db, change):
    put(db, [ID], page({"id": 1}))
    db.execute("ALTER TABLE calls RENAME TO old")
    db.execute(change)
    before = rows(db)
    with pytest.raises(UsageProblem) as caught:
        put(db, [ID], page({"id": 1}))
    assert caught.value.message == (
        "the table calls was changed: it lacks one of the columns"
        " _unfit, _key, _time, _request, or _key is not unique"
    )
    assert rows(db) == before


def test_a_ledger_of_another_program_is_left_alone(db):
    db.execute("CREATE TABLE _comagic_requests (x)")
    with pytest.raises(UsageProblem) as caught:
        put(db, [ID], page({"id": 1}))
    told = "the database has a table _comagic_requests that comagic did not make"
    assert (caught.value.message, caught.value.hint) == (told, "Name another file with -o.")


def test_a_row_that_shows_no_time_belongs_to_the_one_before_it(db):
    times = ["", NEXT[0], ""]
    put(db, [NAME], page(*[{"name": name} for name in "abc"], key=None, times=times))
    assert rows(db, "name, _time") == [("a", DAY[0]), ("b", NEXT[0]), ("c", NEXT[0])]


# Field, value as JSON, what the cell holds, its class, what does not fit.
VALUES = [
    (NUMBER, "9223372036854775807", 9223372036854775807, "integer", None),
    (NUMBER, "9223372036854775808", None, "null", "9223372036854775808"),
    (NUMBER, '"007"', None, "null", '"007"'),
    (NUMBER, '"1.10"', None, "null", '"1.10"'),
    (MONEY, "1.10", 1.1, "real", None),
    (MONEY, "5", 5.0, "real", None),
    (MONEY, "0.12345678901234567890", None, "null", "0.12345678901234567890"),
    (NAME, "1.10", "1.10", "text", None),
    (NAME, "99999999999999999999", "99999999999999999999", "text", None),
    (NAME, '"007"', "007", "text", None),
    (NAME, '"a\\u0000b"', "a\0b", "text", None),
    (YES, "true", 1, "integer", None),
    (YES, '"yes"', None, "null", '"yes"'),
    (LENGTH, '"24:00:00"', 86400, "integer", None),
    (AT, '"2024-10-01 10:00:00"', "2024-10-01 10:00:00", "text", None),
    (AT, '"0000-00-00 00:00:00"', "0000-00-00 00:00:00", "text", None),
    (LIST, '["a",7]', '["a","7"]', "text", None),
    (LIST, "[]", "[]", "text", None),
    (LIST, "null", None, "null", None),
    (TAGS, '{"items":[{"id":1,"name":"я"}]}', '[{"id":1,"name":"я"}]', "text", None),
]


@pytest.mark.parametrize(("field", "value", "cell", "kind", "unfit"), VALUES)
def test_a_value_keeps_its_digits_and_its_class(db, field, value, cell, kind, unfit):
    data = f'[{{"{field.name}":{value}}}]'.encode()
    put(db, [field], Page(rows_of(data), marks=[Mark("1", DAY[0], b"")]))
    expected = None if unfit is None else f'{{"{field.name}":{unfit}}}'
    assert rows(db, f"{field.name}, typeof({field.name}), _unfit") == [(cell, kind, expected)]


def test_what_did_not_fit_of_other_fields_stays(db):
    put(db, [NUMBER, LENGTH], page({"id": 1, "visits": "x", "call_duration": 1.5}))
    put(db, [NUMBER], page({"id": 1, "visits": "y"}))
    assert rows(db, "_unfit") == [('{"call_duration":1.5,"visits":"y"}',)]
    put(db, [NUMBER], page({"id": 1, "visits": 5}))
    assert rows(db, "_unfit, visits") == [('{"call_duration":1.5}', 5)]
    put(db, [LENGTH], page({"id": 1, "call_duration": 2}))
    assert rows(db, "_unfit, call_duration") == [(None, 2)]


@pytest.mark.parametrize(
    ("enum", "names"), [("value", ["kind"]), ("id", ["kind"]), ("both", ["kind", "kind.id"])]
)
def test_enums_are_as_asked(db, enum, names):
    put(db, [ENUM], page({"id": 1, "kind": {"value": "A", "value_id": "a"}}), coded_values=enum)
    columns = [name for _, name, *_ in db.execute("PRAGMA table_info(calls)")]
    assert columns == [*names, "_unfit", "_key", "_time", "_request"]


def test_the_types_are_those_of_the_catalogue(db):
    for report in reports():
        request = replace(REQUEST, table=report.command)
        put(db, report.fields, request=request)
    declared = {
        name: kind
        for report in reports()
        for _, name, kind, *_ in db.execute(f'PRAGMA table_info("{report.command}")')
    }
    assert set(declared.values()) == {"TEXT", "INTEGER", "REAL"}
    told = {name: declared[name] for name in ("visitor_id", "deal_revenue", "call_talk_duration")}
    assert told == {
        "visitor_id": "INTEGER",
        "deal_revenue": "REAL",
        "call_talk_duration": "INTEGER",
    }


def test_a_table_and_a_column_may_have_any_name(db):
    name = "order; \"by\" 'я'"
    asked = replace(REQUEST, table=name)
    put(db, [Field("a b.c-d")], page({"id": 1, "a b.c-d": 5}), request=asked)
    assert rows(db, "_key", '"order; ""by"" \'я\'"') == [("1",)]


def test_rows_of_another_source_are_refused(db):
    put(db, [ID], page({"id": 1}))
    with pytest.raises(UsageProblem) as caught:
        put(db, [ID], request=replace(REQUEST, source={"report": "chats"}))
    assert caught.value.message == ("the table calls has other rows: report was calls and is chats")


@pytest.mark.parametrize("made", ["TABLE calls (a)", "VIEW Calls AS SELECT 1 AS a"])
def test_a_table_of_another_program_is_left_alone(db, made):
    db.execute(f"CREATE {made}")
    with pytest.raises(UsageProblem, match="comagic did not make"):
        put(db, [ID], page({"id": 1}))


def test_the_ledger_tells_of_the_last_export_of_each_request(db):
    put(db, [ID], page({"id": 1}, {"id": 2}))
    put(db, [ID], page({"id": 3}), request=replace(REQUEST, period=NEXT, version="2"))
    assert rows(db, "*", "_comagic_requests") == [
        (1, "calls", '{"report": "calls"}', '{"--report-id": 5}', *NEXT, 1, "2"),
    ]


@pytest.mark.parametrize(
    ("key", "text"),
    [(None, None), ("7", "7"), ("7\x1fзвонок", '["звонок","7"]'), ('\x1fa"', '["a\\"",""]')],
)
def test_a_key_is_text_that_tells_its_parts(key, text):
    assert key_of(key) == text
