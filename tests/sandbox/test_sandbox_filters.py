"""Filters of the sandbox, compared with SQLite and with plain predicates."""

import json
import re
import sqlite3

import pytest
from coverage_marks import unmeasured
from sandbox_client import ask, refused, rows, sandbox

from comagic_cli.sandbox.methods.filters import OPERATORS, like

TIME = "communication_date_time"
FIELDS = ["communication_id", "site_name", "total_duration", TIME, "visit_date", "yclid"]
TEXTS = ["Alpha", "alpha", "beta%", "be_ta", "", "O'Brien", 'quo"te', "10", "9", None]


@pytest.fixture(scope="module")
def box():
    given = [
        {
            "communication_id": number,
            "site_name": TEXTS[number % len(TEXTS)],
            "yclid": TEXTS[number // 3 % len(TEXTS)],
            "total_duration": None if number % 4 == 0 else number % 7,
            TIME: f"2026-10-02 {number // 10:02}:00:00",
            "visit_date": f"2026-10-{1 + number % 5:02}",
        }
        for number in range(200)
    ]
    made = sandbox(data={"communications": given})
    yield made
    made.close()


@pytest.fixture(scope="module")
def table(box):
    base = sqlite3.connect(":memory:")
    base.execute("PRAGMA case_sensitive_like = on")
    base.create_function("REGEXP", 2, lambda like_, text: bool(re.search(like_, text or "?")))
    base.execute(f"CREATE TABLE rows ({', '.join(FIELDS)})")
    values = [[row[name] for name in FIELDS] for row in rows(box, fields=FIELDS)]
    base.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(FIELDS))})", values)
    yield base
    base.close()


def leaf(field, operator, *value):
    return {"field": field, "operator": operator, **({"value": value[0]} if value else {})}


def both(*parts):
    return {"filters": list(parts), "condition": "and"}


def either(*parts):
    return {"filters": list(parts), "condition": "or"}


DAY = leaf("visit_date", "=", "2026-10-03")
LONG = leaf("total_duration", ">", 3)
SQL = [
    (leaf("site_name", "=", "Alpha"), "site_name = 'Alpha'"),
    (leaf("site_name", "!=", "Alpha"), "site_name != 'Alpha'"),
    (leaf("site_name", "="), "site_name IS NULL"),
    (leaf("site_name", "!=", None), "site_name IS NOT NULL"),
    (leaf("site_name", "is_null"), "site_name IS NULL"),
    (leaf("site_name", "is_not_null"), "site_name IS NOT NULL"),
    (leaf("site_name", "<", "b"), "site_name < 'b'"),
    (leaf("site_name", ">=", "alpha"), "site_name >= 'alpha'"),
    (leaf("site_name", "like", "%lpha"), "site_name LIKE '%lpha'"),
    (leaf("site_name", "like", "be_ta"), "site_name LIKE 'be_ta'"),
    (leaf("site_name", "like", "be\\_ta"), r"site_name LIKE 'be\_ta' ESCAPE '\'"),
    (leaf("site_name", "like", "beta\\%"), r"site_name LIKE 'beta\%' ESCAPE '\'"),
    (leaf("site_name", "like", "%'%"), "site_name LIKE '%''%'"),
    (leaf("site_name", "not_like", "%a%"), "site_name NOT LIKE '%a%'"),
    (leaf("site_name", "ilike", "ALPHA"), "lower(site_name) LIKE 'alpha'"),
    (leaf("site_name", "not_ilike", "AL%"), "lower(site_name) NOT LIKE 'al%'"),
    (leaf("site_name", "regexp", "^[a-b]"), "site_name REGEXP '^[a-b]' AND site_name NOT NULL"),
    (leaf("site_name", "in", ["Alpha", "9"]), "site_name IN ('Alpha', '9')"),
    (leaf("site_name", "not_in", ["Alpha", "9"]), "site_name NOT IN ('Alpha', '9')"),
    (leaf("site_name", "overlap", ["Alpha"]), "site_name IN ('Alpha')"),
    (leaf("site_name", "overlap", "Alpha"), "site_name IN ('Alpha')"),
    (leaf("site_name", "not_overlap", ["Alpha"]), "site_name NOT IN ('Alpha')"),
    (leaf("total_duration", "=", 3), "total_duration = 3"),
    (leaf("total_duration", "!=", 3), "total_duration != 3"),
    (leaf("total_duration", ">", 2.5), "total_duration > 2.5"),
    (leaf("total_duration", "<=", 2), "total_duration <= 2"),
    (leaf("total_duration", "in", [1, 2]), "total_duration IN (1, 2)"),
    (leaf(TIME, "<", "2026-10-02 05:00:00"), f"{TIME} < '2026-10-02 05:00:00'"),
    (leaf(TIME, ">=", "2026-10-02 05:00:00"), f"{TIME} >= '2026-10-02 05:00:00'"),
    (leaf("visit_date", "=", "2026-10-03 00:00:00"), "visit_date = '2026-10-03'"),
    (leaf("communication_id", ">", "99"), "communication_id > 99"),
    (leaf("communication_id", "=", 100), "communication_id = 100"),
    (leaf("communication_id", "=", "100"), "communication_id = 100"),
    (leaf("communication_id", "<", "5x"), "CAST(communication_id AS TEXT) < '5x'"),
    (both(DAY, LONG), "visit_date = '2026-10-03' AND total_duration > 3"),
    (either(DAY, LONG), "visit_date = '2026-10-03' OR total_duration > 3"),
    (
        either(both(DAY, LONG), leaf("site_name", "is_null")),
        "(visit_date = '2026-10-03' AND total_duration > 3) OR site_name IS NULL",
    ),
    (
        both(either(DAY, LONG), either(leaf("yclid", "like", "%a"), leaf("site_name", "=", ""))),
        "(visit_date = '2026-10-03' OR total_duration > 3) AND (yclid LIKE '%a' OR site_name = '')",
    ),
    ({"filters": [DAY]}, "visit_date = '2026-10-03'"),
    ({"filters": []}, "1"),
    ({}, "1"),
    (None, "1"),
]


@pytest.mark.parametrize(("tree", "where"), SQL, ids=[where for _, where in SQL])
def test_filters_do_what_sqlite_does(box, table, tree, where):
    found = [row["communication_id"] for row in rows(box, fields=FIELDS, filter=tree)]
    wanted = [id_ for (id_,) in table.execute(f"SELECT communication_id FROM rows WHERE {where}")]
    assert found == wanted
    assert where == "1" or 0 < len(found) < 200


def names(row, field):
    value = row[field]
    return [] if value["value"] is None else [value["value"], value["value_id"]]


def kind_of(row):
    return row["communication_type"]["value_id"]


MADE = [
    (
        "communications",
        leaf("communication_type", "=", "Звонки"),
        lambda row: kind_of(row) == "call",
    ),
    (
        "communications",
        leaf("communication_type", "in", ["chat", "Цели"]),
        lambda row: kind_of(row) in {"chat", "goal"},
    ),
    (
        "communications",
        leaf("call_status", "!=", "Принятый"),
        lambda row: names(row, "call_status")[:1] == ["Пропущенный"],
    ),
    ("communications", leaf("call_status", "is_null"), lambda row: not names(row, "call_status")),
    (
        "communications",
        leaf("is_communication_with_visit", "=", True),
        lambda row: row["is_communication_with_visit"]["value_id"] is True,
    ),
    (
        "communications",
        leaf("tags", "overlap", ["Спам", "Целевой"]),
        lambda row: bool(
            {tag["name"] for tag in (row["tags"] or {"items": []})["items"]} & {"Спам", "Целевой"}
        ),
    ),
    ("communications", leaf("tags", "is_not_null"), lambda row: row["tags"] is not None),
    (
        "communications",
        leaf("tags", "not_overlap", ["Спам"]),
        lambda row: (
            row["tags"] is not None and "Спам" not in [t["name"] for t in row["tags"]["items"]]
        ),
    ),
    (
        "communications",
        leaf("employees", "ilike", "%громов%"),
        lambda row: any("Громов" in one["employee_full_name"] for one in row["employees"]),
    ),
    ("communications", leaf("employees", "is_null"), lambda row: row["employees"] == []),
    (
        "communications",
        leaf("communication_kinds", "jsquery", '"Целевое"'),
        lambda row: "Целевое" in row["communication_kinds"],
    ),
    (
        "calls",
        leaf("call_talk_duration", ">", "00:10:00"),
        lambda row: row["call_talk_duration"] > "00:10:00",
    ),
    ("calls", leaf("call_total_duration", "<=", 60), lambda row: row["call_total_duration"] <= 60),
    (
        "calls",
        leaf("contact_phone_number", "like", "799%"),
        lambda row: (
            row["contact_phone_number"]["value"]
            if isinstance(row["contact_phone_number"], dict)
            else row["contact_phone_number"]
        ).startswith("799"),
    ),
    ("chats", leaf("chat_is_transfer", "=", True), lambda row: row["chat_is_transfer"]),
    (
        "calls",
        leaf("call_start_time", "<", "12:00:00"),
        lambda row: row["call_start_time"] < "12:00:00",
    ),
    (
        "deals",
        leaf("deal_revenue", ">", 200_000.5),
        lambda row: (row["deal_revenue"] or 0) > 200_000.5,
    ),
    (
        "tags-history",
        leaf("tag_name", "=", "Спам"),
        lambda row: row["tag_name"]["name"] == "Спам",
    ),
    (
        "leads",
        leaf("lead_contact", "ilike", "%а%"),
        lambda row: row["lead_contact"]["value"] and "а" in row["lead_contact"]["value"].lower(),
    ),
]


@pytest.fixture(scope="module")
def made():
    made = sandbox()
    yield made
    made.close()


@unmeasured
@pytest.mark.parametrize(("command", "tree", "test"), MADE)
def test_filters_of_made_rows_do_what_a_predicate_does(made, command, tree, test):
    month = ("2026-09-10 00:00:00", "2026-10-07 23:59:59")
    fields = [tree["field"], "communication_id"]
    whole = rows(made, command, month, fields=fields)
    found = rows(made, command, month, fields=fields, filter=tree)
    assert found == [row for row in whole if test(row)]
    assert 0 < len(found) < len(whole)


BAD = [
    (3, "data_type_error", "filter"),
    ({"filters": 3}, "data_type_error", "filters"),
    ({"condition": "and"}, "required_parameter_missed", "filters"),
    ({"filters": [DAY], "condition": "xor"}, "invalid_parameter_value", "condition"),
    ({"filters": [DAY], "field": "a"}, "unexpected_parameters", "filter.field"),
    ({"filters": [7]}, "data_type_error", "filter"),
    ({"filters": [{}]}, "required_parameter_missed", "field"),
    (both(either(both(DAY))), "invalid_parameter_value", "filter"),
    ({"field": "site_name"}, "required_parameter_missed", "operator"),
    ({"field": 7, "operator": "="}, "data_type_error", "field"),
    ({"operator": "="}, "required_parameter_missed", "field"),
    (leaf("colour", "=", 1), "unexpected_parameters", "filter"),
    (leaf("site_name", "is", "x"), "invalid_parameter_value", "operator"),
    (leaf("total_duration", "like", "1%"), "invalid_parameter_value", "operator"),
    (leaf("tags", "<", "1%"), "invalid_parameter_value", "operator"),
    (leaf("site_name", "=", "x") | {"not": True}, "unexpected_parameters", "filter.not"),
    (leaf("site_name", "=", ["x"]), "data_type_error", "value"),
    (leaf("site_name", "<"), "data_type_error", "value"),
    (leaf("site_name", "in", "x"), "data_type_error", "value"),
    (leaf("site_name", "in"), "data_type_error", "value"),
    (leaf("site_name", "like", 7), "data_type_error", "value"),
    (leaf("site_name", "regexp", "("), "invalid_parameter_value", "value"),
    (leaf("total_duration", "=", "3"), "data_type_error", "value"),
    (leaf("total_duration", "=", True), "data_type_error", "value"),
    (leaf(TIME, "<", 20261001), "data_type_error", "value"),
    (leaf(TIME, "<", "2026-10-01"), "invalid_parameter_value", "value"),
]


@pytest.mark.parametrize(("tree", "mnemonic", "field"), BAD)
def test_filters_that_are_refused(box, tree, mnemonic, field):
    assert refused(ask(box, filter=tree)) == (mnemonic, field)


@pytest.mark.parametrize(
    ("command", "tree"),
    [
        ("chats", leaf("chat_is_transfer", "=", "yes")),
        ("calls", leaf("call_talk_duration", ">", "long")),
    ],
)
def test_values_of_other_types_are_refused(made, command, tree):
    assert refused(ask(made, command, filter=tree)) == ("data_type_error", "value")


def test_value_ids_are_refused_where_the_quirk_says_so():
    strict = sandbox(filter_value_ids=False)
    assert rows(strict, filter=leaf("communication_type", "=", "call")) == []
    assert rows(strict, filter=leaf("communication_type", "=", "Звонки"))
    strict.close()


def test_every_operator_of_the_notes_is_known():
    known = "= != < > <= >= like ilike not_like not_ilike regexp jsquery in not_in overlap"
    known += " not_overlap is_null is_not_null"
    assert {name for names in OPERATORS.values() for name in names} == set(known.split())


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a%", "a\nb", True),
        ("a.c", "abc", False),
        ("100\\%", "100%", True),
        ("\\\\", "\\", True),
        ("_", "é", True),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_like_is_sqls(pattern, text, matches):
    assert bool(re.compile(like(pattern), re.DOTALL).fullmatch(text)) == matches


def test_a_filtered_query_is_evaluated_once_and_paged(made):
    tree = leaf("communication_type", "=", "Чаты")
    whole = rows(made, filter=tree, fields=["communication_id"])
    parts = [
        row
        for offset in range(0, len(whole), 40)
        for row in rows(made, filter=tree, fields=["communication_id"], limit=40, offset=offset)
    ]
    assert parts == whole
    report = made.worlds.report(None, "communications")
    assert len(report._remembered) <= 8
    assert json.dumps(tree, sort_keys=True) in [key[0] for key in report._remembered]
