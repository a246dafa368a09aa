from __future__ import annotations

import pytest

from comagic_cli.errors import UsageProblem
from comagic_cli.query.catalog import Column, Field, report, reports
from comagic_cli.query.listing import (
    ACCOUNT,
    FIELDS,
    FILTERS,
    LIVE_FIELDS,
    account_rows,
    as_fields,
    field_rows,
    filter_rows,
    find_command,
    fitting,
    report_rows,
    search,
)

CALLS = report("calls")


@pytest.mark.parametrize("entry", reports(), ids=lambda entry: entry.command)
def test_a_report_is_found_by_its_command_type_or_method(entry):
    assert find_command(entry.command) is find_command(entry.kind) is find_command(entry.method)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("cals", "Did you mean calls?"),
        ("visit", "Did you mean visits, visitor-sessions-report or visitors?"),
        ("", f"Reports: {', '.join(entry.command for entry in reports())}."),
    ],
)
def test_a_report_that_there_is_not(typed, hint):
    with pytest.raises(UsageProblem) as caught:
        find_command(typed)
    assert (caught.value.message, caught.value.hint) == (f"there is no report {typed!r}", hint)


# Reports


def test_reports_are_listed_with_the_commands_that_export_them():
    told = [
        {"id": 1, "type": "person_summary", "name": "a", "x": 1},
        {"id": 2, "type": "dashboard"},
        {"id": 3},
        {"id": 4, "type": "visits"},
    ]
    rows = report_rows(told, None)
    assert [(row["id"], row["command"]) for row in rows] == [
        (1, "person-details"),
        (2, None),
        (3, None),
        (4, "visits"),
    ]
    assert report_rows(told, "dashboard") == [rows[1]]
    assert report_rows(told, "calls") == []


# Fields


def test_a_field_is_told_whole():
    rows = {row["name"]: row for row in field_rows(report("communications"))}
    assert rows["tags"] == {
        "name": "tags",
        "title": None,
        "about": "Tags put on the communication",
        "type": "object",
        "group": "tags",
        "filterable": True,
        "sortable": False,
        "default": True,
        "documented": True,
        "custom": False,
    }
    undocumented = report("communications").undocumented
    assert len(rows) == len(report("communications").fields) + len(undocumented)
    assert {name for name, row in rows.items() if not row["documented"]} == {
        *("communication_hour", "communication_weekday", "communication_month"),
        *("communication_year", "chat_type", "offline_message_form_name"),
    }


def test_the_columns_of_the_account_are_told_where_it_is_asked():
    columns = [
        Column("cc_1", "Отдел", "Кто звонил", "list", is_custom=True),
        Column("call_type", "Тип", "Тип звонка"),
        Column("rank", data_type="json_object"),
    ]
    rows = field_rows(CALLS, columns)
    assert [row["title"] for row in rows if row["name"] in {"call_type", "tags"}] == ["Тип", None]
    unknown = {"filterable": None, "sortable": None, "default": False, "documented": None}
    assert rows[len(CALLS.known) :] == [
        {
            "name": "cc_1",
            "title": "Отдел",
            "about": "Кто звонил",
            "type": "object",
            "group": "custom",
            "custom": True,
        }
        | unknown,
        {
            "name": "rank",
            "title": None,
            "about": None,
            "type": None,
            "group": None,
            "custom": False,
        }
        | unknown,
    ]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", ["call_type", "cc_1", "tags"]),
        ("TYPE", ["call_type"]),
        ("отдел", ["cc_1"]),
        ("tags call", ["tags"]),
        (" put  tags ", ["tags"]),
        ("звонок", []),
        ("none", []),
    ],
)
def test_fields_are_searched_by_name_title_and_description(words, names):
    known = [row for row in field_rows(CALLS) if row["name"] in {"call_type", "tags"}]
    own = field_rows(CALLS, [Column("cc_1", "ОТДЕЛ")])[-1:]
    assert [row["name"] for row in search([known[0], *own, known[1]], words)] == names


# Filters


def test_what_a_report_can_be_filtered_by():
    told = [
        {
            "id": "call_type",
            "name": "Тип",
            "format": "list",
            "operators": [{"id": "=", "name": "равно", "is_default": True}, {"id": "!="}],
            "values": ["Входящий", {"id": 1, "name": "x"}],
            "is_custom_dimension": False,
            "description": None,
        },
        {"id": "tags", "operators": ["=", 5, {"name": "равно"}], "values": None},
        {"id": "odd", "operators": "any", "values": 7},
        {},
    ]
    rows = filter_rows(told, None, CALLS)
    assert [tuple(row.values()) for row in rows] == [
        ("call_type", ["=", "!="], told[0]["values"], "list", "Тип", False),
        ("tags", ["=", 5, {"name": "равно"}], None, None, None, None),
        ("odd", "any", 7, None, None, None),
        (None, [], None, None, None, None),
    ]
    assert all(list(row) == list(FILTERS) for row in rows)
    assert filter_rows(told, "odd", CALLS) == [rows[2]]


@pytest.mark.parametrize(
    ("field", "hint"),
    [("call_typ", "Did you mean call_type?"), ("zzz", "It can be by: call_type.")],
)
def test_a_field_that_a_report_cannot_be_filtered_by(field, hint):
    with pytest.raises(UsageProblem) as caught:
        filter_rows([{"id": "call_type"}, {"id": None}], field, CALLS)
    assert caught.value.message == f"calls can't be filtered by {field!r}"
    assert caught.value.hint == hint


# Account


@pytest.mark.parametrize(
    ("told", "id_"),
    [({"app_id": 7, "id": 8}, 7), ({"id": 8}, 8), ({}, None)],
)
def test_an_account_is_told_with_its_points(told, id_):
    [row] = account_rows([told | {"name": "x"}], {"day_limit": 5, "day_remaining": 0, "x": 1})
    assert {name: row.get(name) for name in ACCOUNT} == dict.fromkeys(ACCOUNT) | {
        "id": id_,
        "name": "x",
        "day_points": 5,
        "day_points_left": 0,
    }


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (1, ["a", "many"]),
        (41, ["a", "many"]),
        (42, ["a", "many", "c"]),
        (84, ["a", "many", "c"]),
        (85, ["a", "many", "c", "long"]),
    ],
)
def test_the_first_columns_that_fit_a_width(width, names):
    columns = {"a": "number", "many": "array", "c": "string", "long": "string"}
    rows = [
        {"a": 1, "many": ["x" * 30], "c": None, "long": "x" * 99},
        {"a": None, "many": ["x" * 15, 17], "c": False},
    ]
    assert list(fitting(columns, rows, width)) == names
    assert list(fitting(columns, [], 80)) == list(columns)


def test_the_columns_of_a_list_are_fields_that_a_sink_can_write():
    assert as_fields({"id": "number", "name": "string"}) == (
        Field("id", "number"),
        Field("name", "string"),
    )
    assert list(LIVE_FIELDS) == ["name", "title", *list(FIELDS)[1:], "custom"]
