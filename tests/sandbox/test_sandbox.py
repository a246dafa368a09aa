"""The sandbox's methods, its strictness and its journal."""

import json
import socket
import struct
import threading

import pytest
from sandbox_client import (
    IDS,
    PERIOD,
    ask,
    call,
    connect,
    envelope,
    post,
    refused,
    rows,
    sandbox,
    straight,
    total,
)

from comagic_cli.errors import UsageProblem
from comagic_cli.query.catalog import flat_reports
from comagic_cli.sandbox.quirks import Quirks
from comagic_cli.sandbox.server import Sandbox


@pytest.fixture(scope="module")
def box():
    with sandbox() as served:
        yield served


def test_a_connection_is_kept_alive_and_every_answer_is_whole(box):
    connection = connect(box)
    for number in range(3):
        body = envelope("get.account", {"access_token": box.token}, number)
        connection.request("POST", "/v2.0", body)
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert (response.version, response.status, answer["id"]) == (11, 200, number)
        assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v2.0", {}, 405),
        ("POST", "/v1.0", {}, 404),
        ("POST", "/", {}, 404),
        ("POST", "/v2.0", {"Content-Length": "x"}, 411),
        ("PUT", "/v2.0", {}, 501),
    ],
)
def test_only_a_post_to_the_path_is_answered(box, method, path, headers, status):
    raw = post(box, b"{}", path=path, method=method, headers=headers)
    assert raw.status == status
    assert b"html" in raw.body.lower()


@pytest.mark.parametrize(
    ("body", "mnemonic", "code"),
    [
        (b"{", "parse_error", -32700),
        (b"\xff", "parse_error", -32700),
        (b"[]", "batch_opreations_not_supported", -32099),
        (b"3", "invalid_request", -32600),
        (b'{"jsonrpc":"2.0","method":"get.account"}', "notifications_not_supported", -32099),
        (b'{"jsonrpc":"1.0","id":1,"method":"get.account"}', "invalid_request", -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', "invalid_request", -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"get.account"}', "invalid_request", -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":[]}', "invalid_request", -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"get.nothing"}', "method_not_found", -32601),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"get.account"}',
            "required_parameter_missed",
            -32602,
        ),
    ],
)
def test_requests_that_are_none(box, body, mnemonic, code):
    raw = post(box, body)
    answer = json.loads(raw.body)
    assert (raw.status, answer["jsonrpc"]) == (200, "2.0")
    assert (answer["error"]["data"]["mnemonic"], answer["error"]["code"]) == (mnemonic, code)
    assert set(answer["error"]["data"]) >= {"field", "value", "params", "extended_helper"}


def without(name):
    return {name: None}


BAD = [
    ({"access_token": "another"}, "access_token_invalid", "access_token"),
    ({"access_token": 7}, "data_type_error", "access_token"),
    ({"colour": 1}, "unexpected_parameters", "colour"),
    (without("report_id"), "required_parameter_missed", "report_id"),
    ({"report_id": "1001"}, "data_type_error", "report_id"),
    ({"report_id": True}, "data_type_error", "report_id"),
    ({"report_id": 1002}, "invalid_parameter_value", "report_id"),
    ({"report_type": "calls"}, "invalid_parameter_value", "report_type"),
    (without("date_from"), "required_parameter_missed", "date_from"),
    ({"date_from": ""}, "required_parameter_missed", "date_from"),
    ({"date_from": 20261001}, "data_type_error", "date_from"),
    ({"date_from": "2026-10-01"}, "invalid_parameter_value", "date_from"),
    ({"date_from": "2026-10-01T00:00:00"}, "invalid_parameter_value", "date_from"),
    ({"date_from": "2026-02-30 00:00:00"}, "invalid_parameter_value", "date_from"),
    (without("date_till"), "required_parameter_missed", "date_till"),
    ({"date_till": "2026-09-01 00:00:00"}, "invalid_parameters_combination", "date_from"),
    ({"date_till": "2027-10-03 00:00:00"}, "date_interval_limit_reached", "date_till"),
    ({"fields": "communication_id"}, "data_type_error", "fields"),
    ({"fields": [7]}, "data_type_error", "fields"),
    ({"fields": ["communication_id", "colour"]}, "unexpected_parameters", "fields"),
    ({"limit": "10"}, "data_type_error", "limit"),
    ({"limit": 1.5}, "data_type_error", "limit"),
    ({"limit": 0}, "invalid_parameter_value", "limit"),
    ({"limit": 10_001}, "invalid_parameter_value", "limit"),
    ({"offset": -1}, "invalid_parameter_value", "offset"),
    ({"offset": 100_001}, "invalid_parameter_value", "offset"),
    ({"sort": {"field": "communication_id"}}, "data_type_error", "sort"),
    ({"sort": ["communication_id"]}, "data_type_error", "sort"),
    ({"sort": [{"order": "asc"}]}, "required_parameter_missed", "field"),
    ({"sort": [{"field": "colour"}]}, "unexpected_parameters", "sort"),
    ({"sort": [{"field": "tags"}]}, "sort_prohibited", "tags"),
    ({"sort": [{"field": "site_name", "order": "up"}]}, "invalid_parameter_value", "order"),
    ({"sort": [{"field": "site_name", "by": 1}]}, "unexpected_parameters", "sort.by"),
    ({"filter": "x"}, "data_type_error", "filter"),
    ({"filter": {"field": "deals", "operator": "is_null"}}, "filter_prohibited", "deals"),
    ({"user_id": "x"}, "data_type_error", "user_id"),
]


@pytest.mark.parametrize(("params", "mnemonic", "field"), BAD)
def test_parameters_that_are_refused(box, params, mnemonic, field):
    assert refused(ask(box, **params)) == (mnemonic, field)


def test_the_longest_period_is_named_in_the_refusal(box):
    error = ask(box, date_till="2027-10-03 00:00:00")["error"]
    assert "366" in error["message"]
    assert error["message"] == "Max value of requested date interval is 366 days"
    assert refused(ask(box, "visits", ("2026-08-01 00:00:00", "2026-09-01 00:00:01")))[0] == (
        "date_interval_limit_reached"
    )


def test_caps_themselves_are_allowed(box):
    year = ("2025-10-01 00:00:00", "2026-10-02 00:00:00")
    assert len(rows(box, period=year, fields=["communication_id"], limit=10_000)) == 10_000
    assert rows(box, period=year, fields=["communication_id"], offset=100_000) == []


def test_limit_is_a_thousand_unless_told(box):
    month = ("2026-08-01 00:00:00", "2026-08-31 23:59:59")
    assert len(rows(box, period=month, fields=["communication_id"], limit=None)) == 1000


@pytest.mark.parametrize("fields", [[], None])
def test_without_fields_the_answer_is_empty_but_counted(box, fields):
    params = {"fields": fields}
    answer = straight(
        box,
        "get.communications",
        report_id=1001,
        date_from=PERIOD[0],
        date_till=PERIOD[1],
        **{name: value for name, value in params.items() if value is not None},
    )
    assert answer["result"]["data"] == []
    assert answer["result"]["metadata"]["total_items"] == total(box) > 500


def test_methods_own_parameters(box):
    assert refused(ask(box, "visits", is_realtime=None)) == (
        "required_parameter_missed",
        "is_realtime",
    )
    assert refused(ask(box, "visits", is_realtime="no"))[0] == "data_type_error"
    for command in ("call-details", "person-details"):
        assert refused(ask(box, command)) == ("required_parameter_missed", "entity_ids")
        assert refused(ask(box, command, entity_ids=["x"]))[0] == "data_type_error"
        assert refused(ask(box, command, entity_ids=[True]))[0] == "data_type_error"
        assert refused(ask(box, command, entity_ids=[1] * 1001)) == (
            "invalid_parameter_value",
            "entity_ids",
        )
    assert refused(ask(box, entity_ids=[1])) == ("unexpected_parameters", "entity_ids")


def test_the_account_and_its_reports(box):
    assert call(box, "get.account")["result"]["data"] == [
        {"app_id": 4242, "name": "ООО «Светлый дом»", "timezone": "Europe/Moscow"}
    ]
    listed = call(box, "get.reports_list")["result"]
    assert listed["metadata"]["total_items"] == len(listed["data"]) == 13
    assert [(row["id"], row["type"]) for row in listed["data"]][:6] == [
        (1001, "communications"),
        (1002, "calls"),
        (1003, "chats"),
        (1004, "leads"),
        (1005, "deals"),
        (1006, "visits"),
    ]
    assert listed["data"][0]["name"] == "Обращения"
    page = call(box, "get.reports_list", limit=2, offset=12)["result"]["data"]
    assert [row["type"] for row in page] == ["person_summary"]


def test_columns_filters_and_saved_state_are_those_of_the_catalogue(box):
    type_ = flat_reports()[0]
    tree = call(box, "getobj.columns_tree", report_type="communications")["result"]["data"]
    assert [column["id"] for column in tree["columns"]] == [f.name for f in type_.fields]
    groups = {group["id"] for group in tree["columns_groups"]}
    assert {column["group_id"] for column in tree["columns"]} == groups
    types = {column["id"]: column["data_type"] for column in tree["columns"]}
    assert types["tags"] == "tag_json_object"
    assert types["employees"] == "employee_list"
    assert types["communication_date_time"] == "datetime"
    filters = call(box, "get.report_filters", report_type="communications")["result"]["data"]
    by_id = {one["id"]: one for one in filters}
    assert "deals" not in by_id
    assert by_id["communication_type"]["values"] == [
        "Звонки",
        "Чаты",
        "Заявки",
        "Цели",
        "Электронные письма",
    ]
    assert by_id["call_status"]["values"] == ["Принятый", "Пропущенный"]
    assert by_id["is_communication_with_visit"]["values"] == ["Да", "Нет"]
    assert by_id["visit_weekday"]["values"][0] == "Понедельник"
    assert "Спам" in by_id["tags"]["values"]
    assert by_id["total_duration"]["format"] == "duration"
    state = call(box, "getobj.report_state", report_id=1001)["result"]["data"]
    assert state["columns"][0] == "site_domain_name"
    assert state["sort"] == [{"field": "communication_date_time", "order": "desc"}]


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("getobj.columns_tree", {}, ("required_parameter_missed", "report_type")),
        ("get.report_filters", {"report_type": "x"}, ("invalid_parameter_value", "report_type")),
        ("getobj.report_state", {"report_id": 7}, ("invalid_parameter_value", "report_id")),
        ("getobj.report_state", {"report_type": "x"}, ("unexpected_parameters", "report_type")),
        ("get.account", {"limit": 1}, ("unexpected_parameters", "limit")),
        ("get.customer_users", {}, ("forbidden", None)),
        ("logout.user", {"login": "x"}, ("unexpected_parameters", "login")),
    ],
)
def test_discovery_is_strict_too(box, method, params, expected):
    assert refused(call(box, method, **params)) == expected


def test_the_journal_keeps_calls_without_secrets(box):
    seen = len(box.journal)
    call(box, "get.reports_list", limit=3)
    post(box, envelope("login.user", {"login": "sandbox", "password": "hush"}))
    post(box, b"[")
    call(box, "get.nothing")
    first, second, third, fourth = box.journal[seen:]
    assert (first.method, first.outcome, first.rows) == ("get.reports_list", "ok", 3)
    assert first.params == {"access_token": "***", "limit": 3}
    assert (second.outcome, second.params["password"]) == ("auth_error", "***")
    assert (third.method, third.outcome) == ("?", "parse_error")
    assert (fourth.outcome, fourth.faulted) == ("method_not_found", False)
    assert dict(first.headers)["Host"] == box.url.split("/")[2]


def test_it_serves_in_the_foreground_until_closed():
    box = Sandbox()
    serving = threading.Thread(target=box.serve_forever)
    serving.start()
    assert call(box, "get.account")["result"]
    box.close()
    serving.join(60)
    assert not serving.is_alive()


def test_closing_what_never_served_is_quick_and_silent(capfd):
    Sandbox().close()
    with Sandbox():
        pass
    assert capfd.readouterr() == ("", "")


def test_closing_shuts_connections_that_are_kept_alive():
    with sandbox() as served:
        connection = connect(served)
        connection.request("POST", "/v2.0", envelope("get.nothing", {}))
        assert connection.getresponse().read()
    assert connection.sock.recv(1) == b""
    connection.close()


def test_a_client_that_hangs_up_is_no_bug():
    with sandbox() as served:
        connection = connect(served)
        connection.putrequest("POST", "/v2.0")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b"{")
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        assert call(served, "get.account")["result"]


def test_a_taken_port_is_a_plain_mistake(box):
    port = int(box.url.split(":")[2].split("/")[0])
    with pytest.raises(UsageProblem, match=f"Port {port} on 127.0.0.1 is in use"):
        Sandbox(port=port)
    with pytest.raises(UsageProblem, match="can't be used"):
        Sandbox(host="203.0.113.7")


def test_a_bug_of_the_sandbox_is_told_at_the_end(capfd):
    def serve():
        with Sandbox(times=lambda number: number // 0, rows=3) as box:
            params = {"report_id": 1001, "date_from": PERIOD[0], "date_till": PERIOD[1]}
            with pytest.raises(ConnectionError):
                call(box, "get.communications", **params)

    with pytest.raises(ZeroDivisionError):
        serve()
    assert capfd.readouterr().err == ""


def test_every_report_has_its_id_and_quirks_are_frozen():
    assert list(IDS.values()) == list(range(1001, 1014))
    with pytest.raises(AttributeError):
        Quirks().gzip = True  # type: ignore[misc]
