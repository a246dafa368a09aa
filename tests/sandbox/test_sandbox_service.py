"""How the sandbox answers what the documentation and other clients show of the real service."""

from __future__ import annotations

import http.client
import json
import re

import pytest
from sandbox_client import ask, call, envelope, post, refused, rows, sandbox

from comagic_cli.query.catalog import flat_reports
from comagic_cli.sandbox.methods.discovery import type_of

USERS = "get.customer_users"
EQUAL = ("=", "!=", "is_null", "is_not_null")
ORDER = ("=", "!=", "<", ">", "is_null", "is_not_null")
TEXT = ("=", "!=", "ilike", "not_ilike", "is_null", "is_not_null")


@pytest.fixture
def make():
    made = []

    def one(**more):
        made.append(sandbox(**more))
        made[-1].__enter__()
        return made[-1]

    yield one
    for box in made:
        box.close()


def error_of(answer):
    error = answer["error"]
    return error["message"], error["data"]["field"], error["data"]["value"]


@pytest.mark.parametrize(
    ("params", "message", "field", "value"),
    [
        ({"colour": 1}, "Unexpected method parameter(s)", "colour", "1"),
        ({"fields": ["colour"]}, "Unexpected method parameter(s)", "fields", "colour"),
        (
            {"filter": {"field": "colour", "operator": "=", "value": 1}},
            "Unexpected method parameter(s)",
            "filter",
            "colour",
        ),
        ({"sort": [{"field": "colour"}]}, "Unexpected method parameter(s)", "sort", "colour"),
    ],
)
def test_what_is_unknown_is_unexpected(make, params, message, field, value):
    assert error_of(ask(make(), **params)) == (message, field, value)


@pytest.mark.parametrize(
    ("quirks", "text"),
    [
        ({}, "366 days"),
        ({"interval_text": "1 year"}, "1 year"),
        ({"max_days": 90, "interval_text": "3 months"}, "3 months"),
    ],
)
def test_the_cap_of_days_is_told_in_words(make, quirks, text):
    long = ("2024-01-01 00:00:00", "2026-01-01 00:00:00")
    message, *_ = error_of(ask(make(**quirks), period=long))
    assert message == f"Max value of requested date interval is {text}"


def test_old_days_are_refused_or_empty_whatever_the_length(make):
    day = ("2025-01-02 00:00:00", "2025-01-02 23:59:59")
    kept = make(retention_days=366)
    assert refused(ask(kept, period=day))[0] == "date_interval_limit_reached"
    assert rows(kept)
    assert rows(make(retention_days=366, retention="empty"), period=day) == []
    assert rows(make(), period=day)


def test_points_are_refused_in_the_words_of_the_documentation(make):
    box = make(minute_limit=1)
    call(box, "get.account")
    error = call(box, "get.account")["error"]
    assert error["message"] == (
        "Limit per minute has been exceeded. Value of current limit per minute is 1"
    )
    assert error["data"]["params"] == {"limit_type": "minute", "limit_max_value": 1}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("get.account", {}),
        ("getobj.account", {}),
        ("get.reports_list", {}),
        ("get.report_types", {}),
        ("getobj.columns_tree", {"report_type": "calls"}),
        ("get.report_filters", {"report_type": "calls"}),
        ("getobj.report_state", {"report_id": 1002}),
    ],
)
def test_metadata_have_a_version_of_null_and_no_api_version(make, method, params):
    box = make()
    for answer in (call(box, method, **params), ask(box, limit=1)):
        metadata = answer["result"]["metadata"]
        assert (metadata["version"], "api_version" in metadata) == (None, False)


def test_a_session_and_the_list_of_customers_have_a_version_of_null(make):
    login = envelope("login.user", {"login": "sandbox", "password": "sandbox"})
    session = json.loads(post(make(), login).body)
    for answer in (session, call(make(agent=True), USERS)):
        assert answer["result"]["metadata"]["version"] is None


def test_the_columns_tree_is_like_the_front_ends(make):
    box = make(columns=("cc_1",))
    tree = call(box, "getobj.columns_tree", report_type="communications")["result"]["data"]
    assert {type(group["id"]) for group in tree["columns_groups"]} == {int, type(None)}
    assert {column["type"] for column in tree["columns"]} == {"base"}
    ids = {column["id"]: column for column in tree["columns"]}
    assert ids["visitor_id"]["filter"]["format"] == "text"
    assert ids["visitor_id"]["data_type"] == "string"
    assert ids["segments"]["data_type"] == "segment_list"
    assert ids["deals"]["filter"] is None
    operators = [one["id"] for one in ids["total_duration"]["filter"]["operators"]]
    assert operators == ["=", "!=", "<", ">", "is_null", "is_not_null"]


@pytest.mark.parametrize("report", flat_reports(), ids=lambda report: report.command)
def test_titles_are_russian(make, report):
    box = make(columns=("cc_1",))
    tree = call(box, "getobj.columns_tree", report_type=type_of(report))["result"]["data"]
    names = [one["name"] for one in (*tree["columns_groups"], *tree["columns"])]
    assert [name for name in names if not re.search("[а-яё]", name, re.IGNORECASE)] in (
        [],
        ["Openstat"],
    )


@pytest.mark.parametrize(
    ("name", "data_type", "format_", "operators"),
    [
        ("visitor_id", "string", "text", TEXT),
        ("communication_type", "list", "system_list", EQUAL),
        ("call_status", "list", "list", TEXT),
        ("communication_date_time", "datetime", "timestamptz", ORDER),
        ("visit_date", "date", "date", ORDER),
        ("total_duration", "time", "duration", ORDER),
        ("communication_number", "integer", "numeric", ORDER),
        ("employees", "employee_list", "text_list", TEXT),
    ],
)
def test_each_format_lists_its_operators(make, name, data_type, format_, operators):
    box = make()
    tree = call(box, "getobj.columns_tree", report_type="communications")["result"]["data"]
    (column,) = (column for column in tree["columns"] if column["id"] == name)
    filters = call(box, "get.report_filters", report_type="communications")["result"]["data"]
    (listed,) = (one for one in filters if one["id"] == name)
    expected = [{"id": one, "name": one, "is_default": one == "="} for one in operators]
    assert column["data_type"] == data_type
    assert column["filter"] == {"format": format_, "operators": expected}
    assert (listed["format"], listed["operators"]) == (format_, expected)


def test_undocumented_columns_are_listed_and_answered(make):
    box = make()
    tree = call(box, "getobj.columns_tree", report_type="calls")["result"]["data"]
    assert "employee_rating" in {column["id"] for column in tree["columns"]}
    assert "employee_rating" in rows(box, "calls", fields=["employee_rating"])[0]


@pytest.mark.parametrize(
    ("command", "asked", "answered"),
    [
        ("person-details", "communicatons_count", "communications_count"),
        ("call-details", "redirection_info", "call_redirection_info"),
    ],
)
def test_two_fields_come_under_another_name(make, command, asked, answered):
    box = make()
    ids = [row["communication_id"] for row in rows(box, "calls")][:3]
    if command == "person-details":
        ids = [int(row["person_id"]) for row in rows(box, "chats", fields=["person_id"])][:3]
    found = rows(box, command, fields=[asked], entity_ids=ids)
    assert set(found[0]) == {answered}


def test_custom_dimensions_are_only_filters(make):
    box = make(dimensions=("cd_5",))
    filters = call(box, "get.report_filters", report_type="communications")["result"]["data"]
    assert [one["id"] for one in filters if one["is_custom_dimension"]] == ["cd_5"]
    where = {"field": "cd_5", "operator": "=", "value": "да; нет"}
    assert 0 < len(rows(box, filter=where)) < len(rows(box))
    assert refused(ask(box, fields=["cd_5"]))[0] == "unexpected_parameters"


def test_segments_are_filtered_by_their_name(make):
    box = make()
    where = {"field": "segment_name", "operator": "is_not_null"}
    found = rows(box, fields=["segments"], filter=where)
    assert found
    assert all(row["segments"] for row in found)


@pytest.mark.parametrize(
    ("quirks", "operator", "is_taken"),
    [
        ({}, "<=", True),
        ({"operators": "listed"}, "<=", False),
        ({"operators": "listed"}, "<", True),
        ({"operators_refused": ("<",)}, "<", False),
    ],
)
def test_operators_are_taken_or_refused(make, quirks, operator, is_taken):
    where = {"field": "total_duration", "operator": operator, "value": 60}
    assert ("result" in ask(make(**quirks), filter=where)) == is_taken


def test_an_empty_list_for_a_filter_is_taken_or_refused(make):
    assert "result" in ask(make(), filter=[])
    assert refused(ask(make(empty_filter="refused"), filter=[]))[0] == "data_type_error"


def test_bare_dates_are_taken_or_refused(make):
    days = ("2026-10-01", "2026-10-02")
    assert refused(ask(make(), period=days))[0] == "invalid_parameter_value"
    assert rows(make(bare_dates="taken"), period=days)


def test_the_account_lacks_the_component_of_the_flat_reports(make):
    assert refused(ask(make(flat_reports=False)))[0] == "method_component_disabled"


def test_the_account_is_answered_as_an_object_too(make):
    data = call(make(), "getobj.account")["result"]["data"]
    assert (data["timezone"], data["is_agent"]) == ("Europe/Moscow", False)
    agent = make(agent=True)
    data = call(agent, "getobj.account", user_id=7002)["result"]["data"]
    assert (data["timezone"], data["app_id"]) == ("Asia/Yekaterinburg", 7002)


@pytest.mark.parametrize(
    ("quirks", "method", "mnemonic"),
    [
        ({"get_account": "no_user_id"}, "get.account", "unexpected_parameters"),
        ({"get_account": "forbidden"}, "get.account", "forbidden"),
        ({"get_account": "absent"}, "get.account", "method_not_found"),
        ({"getobj_account": "forbidden"}, "getobj.account", "forbidden"),
        ({"getobj_account": "absent"}, "getobj.account", "method_not_found"),
    ],
)
def test_each_way_to_the_account_can_be_closed(make, quirks, method, mnemonic):
    box = make(agent=True, **quirks)
    assert refused(call(box, method, user_id=7001))[0] == mnemonic


def test_lists_take_fields_filter_sort_and_pages(make):
    box = make(agent=True)
    users = call(
        box,
        USERS,
        fields=["login", "id"],
        sort=[{"field": "login", "order": "desc"}],
        filter={"field": "customer_id", "operator": "!=", "value": 302},
        limit=1,
        offset=1,
    )["result"]
    assert users["data"] == [{"login": "client-one", "id": 7001}]
    assert users["metadata"]["total_items"] == 2
    assert refused(call(box, USERS, fields=["colour"]))[0] == "unexpected_parameters"
    assert refused(call(make(), USERS))[0] == "forbidden"


def test_reports_are_found_by_their_name(make):
    where = {"field": "name", "operator": "=", "value": "Звонки"}
    found = call(make(), "get.reports_list", filter=where)["result"]["data"]
    assert [(report["id"], report["type"]) for report in found] == [(1002, "calls")]
    assert {"is_system", "is_deletable"} <= set(found[0])


def test_report_types_are_listed(make):
    types = call(make(), "get.report_types")["result"]["data"]
    assert types[1].items() >= {"id": "calls", "name": "Звонки", "configuration": "flat"}.items()


@pytest.mark.parametrize("path", ["/v2.0", "/v2.0/", "/v2.0?method=get.account"])
def test_the_path_may_name_the_method(make, path):
    box = make()
    host = box.url.removeprefix("http://").partition("/")[0]
    connection = http.client.HTTPConnection(host)
    body = '{"jsonrpc":"2.0","id":1,"method":"get.account","params":{"access_token":"%s"}}'
    connection.request("POST", path, body % box.token)
    assert b"timezone" in connection.getresponse().read()
    connection.close()
