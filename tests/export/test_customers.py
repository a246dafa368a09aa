"""An agent's clients in one output: every row once, and no client stops another."""

from __future__ import annotations

import csv
import gzip
import json
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from program import DAYS, SPAN, Fault, Watched
from pyarrow import parquet
from scripted_service import refused

from comagic_cli.sandbox.faults import Answer

CALLS = ["calls", *DAYS, "--fields", "communication_id"]
CUSTOMERS = {7001: 301, 7002: 302, 7003: 303}
NAMES = {
    7001: "ИП Соколов — окна",
    7002: "ООО «Уральские двери»",
    7003: 'Балконы "Восток", филиал',
}


@pytest.fixture
def agent():
    with Watched(rows=60, agent=True) as box:
        yield box


@pytest.fixture
def denied():
    with Watched(rows=60, agent=True, denied_users=(7002,)) as box:
        yield box


def truth(box, *users, command="calls", fields=("communication_id",)):
    return [
        {"customer_id": CUSTOMERS[user], "user_id": user, "customer_name": NAMES[user], **row}
        for user in users
        for row in box.truth(command, *SPAN, user_id=user, fields=list(fields))
    ]


def rows(ran):
    return [json.loads(line) for line in ran.out.split("\n")[:-1]]


def quoted(user):
    return json.dumps(NAMES[user], ensure_ascii=False)


def asked_for(box):
    return list(dict.fromkeys(call.params.get("user_id") for call in box.pages))


@pytest.mark.parametrize(
    ("typed", "users"),
    [
        (["--user-id", "all"], [7001, 7002, 7003]),
        (["--user-id", 7003, "--user-id", 7001], [7003, 7001]),
        (["--user-id", "7003,7001", "--user-id", 7003], [7003, 7001]),
    ],
)
def test_clients_come_one_after_another_with_columns_of_their_own_in_front(
    comagic, agent, typed, users
):
    ran = comagic(*CALLS, *typed, box=agent)
    assert (ran.code, ran.err) == (0, "")
    assert rows(ran) == truth(agent, *users)
    assert list(rows(ran)[0]) == ["customer_id", "user_id", "customer_name", "communication_id"]
    assert asked_for(agent) == users


@pytest.mark.parametrize("users", ["7001 7003", "7001,7003", " 7001, 7003 "])
def test_the_environment_may_name_several(comagic, agent, users):
    ran = comagic(*CALLS, box=agent, COMAGIC_USER_ID=users)
    assert (ran.code, rows(ran)) == (0, truth(agent, 7001, 7003))


NO_CUSTOMER = """\
comagic: {}: this is about one customer of an agent, and none is named (required_parameter_missed)
  Name one: --user-id N (comagic users lists them); exports also take all.
"""


@pytest.mark.parametrize(
    ("command", "method"),
    [
        ("account", "get.account"),
        ("reports", "get.reports_list"),
        ("filters calls", "get.report_filters"),
        ("fields calls --live", "getobj.columns_tree"),
        ("api get.account", "get.account"),
        ("calls --max-rows 1", "get.account"),
    ],
)
def test_a_command_about_one_customer_says_so_where_none_is_named(comagic, agent, command, method):
    ran = comagic(*command.split(), box=agent)
    assert (ran.code, ran.out, ran.err) == (5, "", NO_CUSTOMER.format(method))


@pytest.mark.parametrize("users", ["7001,7003", "7001 7003", "all"])
def test_a_command_about_one_customer_takes_no_others(comagic, agent, users):
    ran = comagic("account", "--user-id", users, box=agent)
    assert (ran.code, ran.out, agent.journal) == (2, "", [])
    assert ran.err == (
        f"comagic: Invalid value for '--user-id': {users!r}: this command is about one customer. "
        "Name one with --user-id N (comagic users lists them).\n  See comagic account --help.\n"
    )


@pytest.mark.parametrize("users", ["7001,7003", "all"])
def test_several_in_the_environment_are_for_exports_alone(comagic, agent, users):
    ran = comagic("users", "-f", "jsonl", box=agent, COMAGIC_USER_ID=users)
    assert (ran.code, len(rows(ran))) == (0, 3)
    ran = comagic("api", "get.account", box=agent, COMAGIC_USER_ID=users)
    assert (ran.code, ran.err) == (5, NO_CUSTOMER.format("get.account"))
    ran = comagic("api", "get.account", box=agent, COMAGIC_USER_ID="7001")
    assert (ran.code, json.loads(ran.out)[0]["app_id"]) == (0, 7001)


def test_a_machine_is_told_of_a_refusal_as_of_any_error(comagic, denied):
    ran = comagic(*CALLS, "--user-id", "all", "--log-format", "json", box=denied)
    first, last = map(json.loads, ran.err.splitlines())
    assert (first["level"], first["user_id"], first["mnemonic"]) == ("error", 7002, "forbidden")
    assert (last["level"], last["exit_code"], last["warnings"]) == ("error", 3, 1)
    assert (last["rows"], last["bytes"]) == (len(rows(ran)), len(ran.out.encode()))


@pytest.mark.parametrize("given", [{"COMAGIC_USER_ID": "7003"}, {}])
def test_a_single_user_is_exported_as_ever(comagic, agent, given):
    typed = [] if given else ["--user-id", 7003, "--user-id", 7003]
    ran = comagic(*CALLS, *typed, box=agent, **given)
    plain = agent.truth("calls", *SPAN, user_id=7003, fields=["communication_id"])
    assert (ran.code, rows(ran)) == (0, plain)
    assert "get.customer_users" not in agent.methods


@pytest.mark.parametrize("command", ["leads", "visits", "tags-history", "mgf-calls"])
def test_every_report_can_be_of_clients(comagic, agent, command):
    ran = comagic(command, *DAYS, "--fields", "@all", "--user-id", "all", box=agent)
    assert ran.code == 0
    names = list(rows(ran)[0])[3:]
    expected = truth(agent, *CUSTOMERS, command=command, fields=names)
    assert sorted(map(json.dumps, rows(ran))) == sorted(map(json.dumps, expected))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("x.csv", lambda path: list(csv.DictReader(path.read_text().splitlines()))),
        ("x.json", lambda path: json.loads(path.read_text())),
        (
            "x.csv.gz",
            lambda path: list(
                csv.DictReader(gzip.decompress(path.read_bytes()).decode().splitlines())
            ),
        ),
    ],
)
def test_any_format_can_hold_clients(comagic, agent, tmp_path, name, read):
    ran = comagic(*CALLS, "--user-id", "all", "-o", tmp_path / name, box=agent)
    assert (ran.code, ran.err) == (0, "")
    found = [{key: str(value) for key, value in row.items()} for row in read(tmp_path / name)]
    assert found == [
        {key: str(value) for key, value in row.items()} for row in truth(agent, *CUSTOMERS)
    ]


def test_values_keep_every_digit(comagic):
    with Watched(rows=60, agent=True, big_numbers=True, pretty=True) as box:
        some = [comagic("calls", *DAYS, "--user-id", user, box=box).out for user in (7001, 7003)]
        ran = comagic("calls", *DAYS, "--user-id", "7001,7003", box=box)
    front = [
        f'{{"customer_id":{CUSTOMERS[user]},"user_id":{user},"customer_name":{quoted(user)},'
        for user in (7001, 7003)
    ]
    expected = [
        head + line[1:] for head, out in zip(front, some, strict=True) for line in out.split("\n")
    ]
    assert ran.out.split("\n")[:-1] == [line for line in expected if not line.endswith(",")]


def test_each_client_has_days_of_its_own_zone(comagic):
    zones = ("Pacific/Kiritimati", "Pacific/Pago_Pago")  # never on the same day
    with Watched(rows=0, agent=True, client_timezones=zones) as box:
        assert comagic("calls", "--period", "today", "--user-id", "7001,7002", box=box).code == 0
        days = {call.params["user_id"]: call.params["date_from"][:10] for call in box.pages}
    east, west = (date.fromisoformat(days[user]) for user in (7001, 7002))
    assert east - west in {timedelta(days=1), timedelta(days=2)}


class ByObject(Watched):
    """A service that takes `get.account` without a user only, and `getobj.account` with one."""

    def answer(self, body, headers):
        call = json.loads(body)
        if call["method"] == "get.account" and "user_id" in call["params"]:
            refusal = refused("unexpected_parameters", field="user_id", id=call["id"])
            return Answer(refusal.encode())
        if call["method"] == "getobj.account":
            body = json.dumps(call | {"method": "get.account"}).encode()
        return super().answer(body, headers)


@pytest.mark.parametrize("period", [["--period", "today"], ["--from", "-7d"], DAYS])
def test_the_zone_of_each_client_is_told_by_whichever_method_answers(comagic, period):
    zones = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
    with ByObject(rows=0, agent=True, client_timezones=zones) as box:
        ran = comagic("calls", *period, "--user-id", "7001,7002", "-q", box=box)
    assert (ran.code, ran.err) == (0, "")
    assert {call.params["user_id"] for call in box.pages} == {7001, 7002}


def test_doctor_takes_the_account_from_whichever_method_answers(comagic):
    with ByObject(rows=0, agent=True) as box:
        ran = comagic("doctor", "--user-id", 7001, box=box)
    assert (ran.code, "ok    time zone       Europe/Moscow" in ran.out) == (0, True)


def test_the_report_is_looked_up_for_each(comagic, agent):
    assert comagic(*CALLS, "--user-id", "all", box=agent).code == 0
    assert agent.methods.count("get.reports_list") == 3


def test_a_client_that_is_refused_is_told_and_stops_no_other(comagic, denied):
    ran = comagic(*CALLS, "--user-id", "all", box=denied)
    assert (ran.code, rows(ran)) == (3, truth(denied, 7001, 7003))
    first, last, hint = ran.err.splitlines()
    assert first.startswith("comagic: user 7002 of customer 302: get.reports_list: the user is n")
    assert last == "comagic: rows are missing: 1 of 3 customers is incomplete: user 7002"
    assert hint == "  The reasons are above; see --user-id."


def test_a_file_that_lacks_a_client_is_incomplete_and_its_manifest_tells_why(
    comagic, denied, tmp_path
):
    out, note = tmp_path / "x.jsonl", tmp_path / "note.json"
    ran = comagic(*CALLS, "--user-id", "all", "-o", out, "--manifest", note, box=denied)
    assert (ran.code, out.exists()) == (3, False)
    hint = f"  What came is in {out}.incomplete. The reasons are above; see --user-id."
    assert ran.err.splitlines()[-1] == hint
    lines = (tmp_path / "x.jsonl.incomplete").read_text().splitlines()
    assert list(map(json.loads, lines)) == truth(denied, 7001, 7003)
    told = json.loads(note.read_text())
    each = len(lines) // 2
    assert (told["state"], told["rows"], told["asked"]["user_id"]) == (
        *("incomplete", len(lines)),
        ["all"],
    )
    assert [window["user_id"] for window in told["windows"]] == [7001, 7003]
    refused = [client.pop("refused", "")[:16] for client in told["customers"]]
    assert refused == ["", "get.reports_list", ""]
    whole = {"report_id": 1002, "period": list(SPAN), "rows": each}
    none = {"report_id": None, "period": None, "rows": 0}
    assert told["customers"] == [
        {"customer_id": 301, "user_id": 7001, **whole},
        {"customer_id": 302, "user_id": 7002, **none},
        {"customer_id": 303, "user_id": 7003, **whole},
    ]


def test_where_all_are_refused_nothing_is_written(comagic, tmp_path):
    with Watched(agent=True, denied_users=(7001, 7002, 7003)) as box:
        ran = comagic(*CALLS, "--user-id", "all", "-o", tmp_path / "x.csv", box=box)
    assert (ran.code, list(tmp_path.glob("x*"))) == (4, [])
    assert ran.err.count("forbidden") == 4  # three, and what it ends with


def test_rows_missing_in_one_client_stop_no_other(comagic):
    class Overstating(Watched):
        def answer(self, body, headers):
            answer = super().answer(body, headers)
            if b"get.calls" in body and b"7001" in body:
                object.__setattr__(answer, "body", answer.body.replace(b'_items":', b'_items":9'))
            return answer

    with Overstating(rows=60, agent=True) as box:
        ran = comagic(*CALLS, "--user-id", "all", box=box)
        assert (ran.code, rows(ran)) == (3, truth(box, *CUSTOMERS))
    assert "1 of 3 customers is incomplete: user 7001" in ran.err


@pytest.mark.parametrize(
    ("kind", "code"),
    [("access_token_blocked", 4), ("ip_not_whitelisted", 4), ("limit_exceeded", 7)],
)
def test_what_is_no_clients_own_stops_everything(comagic, kind, code, tmp_path):
    faults = (Fault(kind, at=(3,), method="get.calls", detail="day", seconds=9000),)
    with Watched(rows=60, agent=True, faults=faults) as box:
        ran = comagic(*CALLS, "--user-id", "all", "-o", tmp_path / "x.csv", box=box)
        assert asked_for(box) == [7001, 7002]
    assert (ran.code, list(tmp_path.glob("*x.csv*"))) == (code, [])


def test_a_service_that_fails_on_one_client_stops_no_other(comagic):
    faults = (Fault("internal_error", at=(1, 2, 3, 4, 5), method="get.calls"),)
    with Watched(rows=60, agent=True, faults=faults) as box:
        ran = comagic(*CALLS, "--user-id", "all", "--page-size", 1000, box=box)
        assert (ran.code, rows(ran)) == (3, truth(box, 7002, 7003))
    assert "1 of 3 customers is incomplete: user 7001" in ran.err


class Together(Watched):
    """A sandbox whose users are all of one client."""

    def answer(self, body, headers):
        answer = super().answer(body, headers)
        same = re.sub(rb'"customer_id":30\d', b'"customer_id":301', answer.body)
        return replace(answer, body=same)


@pytest.mark.parametrize(("denied_users", "user"), [((), 7001), ((7001, 7002), 7003)])
def test_a_client_of_several_users_comes_once_through_the_first_that_may(
    comagic, denied_users, user
):
    with Together(rows=60, agent=True, denied_users=denied_users) as box:
        ran = comagic(*CALLS, "--user-id", "all", box=box)
        expected = [row | {"customer_id": 301} for row in truth(box, user)]
    assert (ran.code, ran.err, rows(ran)) == (0, "", expected)


def test_a_client_none_of_whose_users_may_is_refused_once(comagic):
    with Together(agent=True, denied_users=(7001, 7002, 7003)) as box:
        ran = comagic(*CALLS, "--user-id", "all", box=box)
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("comagic: user 7003 of customer 301: get.reports_list: the user ")


def test_who_is_no_agent_is_told(comagic, tmp_path):
    with Watched() as box:
        ran = comagic(*CALLS, "--user-id", "all", "-o", tmp_path / "x.csv", box=box)
    assert ran.code == 4
    assert ran.err.startswith("comagic: get.customer_users: the user is not allowed to do this")


def test_a_user_that_is_not_listed_is_of_no_known_customer(comagic, agent):
    ran = comagic(*CALLS, "--user-id", "7009,7001", box=agent)
    assert (ran.code, rows(ran)) == (3, truth(agent, 7001))
    assert ran.err.startswith("comagic: user 7009: get.reports_list: the value of a parameter is")


def test_max_rows_is_of_all_clients_together(comagic, agent):
    every = truth(agent, *CUSTOMERS)
    most = len(truth(agent, 7001)) + 2
    ran = comagic(*CALLS, "--user-id", "all", "--max-rows", most, box=agent)
    assert (ran.code, rows(ran), asked_for(agent)) == (0, every[:most], [7001, 7002])


@pytest.mark.parametrize(("denied_users", "code"), [((), 0), ((7001,), 3)])
def test_titles_are_those_of_a_client(comagic, denied_users, code):
    asked = ["calls", *DAYS, "--fields", "communication_id", "-f", "csv", "--header", "title"]
    with Watched(rows=60, agent=True, denied_users=denied_users) as box:
        ran = comagic(*asked, "--user-id", "all", box=box)
    header = ran.out.split("\n")[0]
    assert ran.code == code
    assert header == (
        "ID клиента,ID пользователя,Название клиента,Уникальный идентификатор обращения"
    )


def test_custom_columns_are_the_first_clients(comagic):
    asked = ["calls", *DAYS, "--fields", "communication_id,cc_17"]
    with Watched(rows=60, agent=True, columns=("cc_17",)) as box:
        ran = comagic(*asked, "--user-id", "all", box=box)
        assert (ran.code, rows(ran)) == (
            0,
            truth(box, *CUSTOMERS, fields=("communication_id", "cc_17")),
        )


@pytest.mark.parametrize(("tz", "zone"), [([], None), (["--tz", "Asia/Tokyo"], "Asia/Tokyo")])
def test_times_of_parquet_are_of_one_zone_only_where_all_are(comagic, agent, tmp_path, tz, zone):
    out = tmp_path / "x.parquet"
    asked = ["calls", *DAYS, "--fields", "call_start_date_time", "--user-id", "all"]
    assert comagic(*asked, *tz, "-o", out, box=agent).code == 0
    table = parquet.read_table(out)
    assert table.schema.names[2:4] == ["customer_name", "call_start_date_time"]
    assert table.schema.field("call_start_date_time").type.tz == zone
    assert table.column("user_id").unique().to_pylist() == [7001, 7002, 7003]


@pytest.mark.parametrize(("denied_users", "code"), [((), 0), ((7002,), 3), ((7001, 7002, 7003), 4)])
def test_counts_are_added_up(comagic, denied_users, code):
    with Watched(rows=60, agent=True, denied_users=denied_users) as box:
        ran = comagic(*CALLS, "--count", "--user-id", "all", box=box)
        left = [user for user in CUSTOMERS if user not in denied_users]
        number = f"{len(truth(box, *left))}\n" if left else ""
    assert (ran.code, ran.out) == (code, number)


def test_ids_are_asked_of_every_client(comagic, agent):
    ids = [row["communication_id"] for row in truth(agent, 7003, command="call-details")]
    asked = ["--ids", ",".join(map(str, ids)), "--fields", "communication_id"]
    ran = comagic("call-details", *DAYS, *asked, "--user-id", "7003", box=agent)
    both = comagic("call-details", *DAYS, *asked, "--user-id", "7003,7001", box=agent)
    assert (ran.code, both.code) == (0, 0)
    assert [row["communication_id"] for row in rows(both) if row["user_id"] == 7003] == [
        row["communication_id"] for row in rows(ran)
    ]


def test_ids_that_one_of_several_customers_lacks_name_its_user(comagic, agent):
    [row, *_] = truth(agent, 7003, command="call-details")
    asked = ["--ids", row["communication_id"], "--fields", "communication_id"]
    ran = comagic("call-details", *DAYS, *asked, "--user-id", "7003,7001", box=agent)
    lacking = [line for line in ran.err.splitlines() if "no row" in line]
    found = {json.loads(line)["user_id"] for line in ran.out.splitlines()}
    users = {7001, 7003} - found
    assert (ran.code, 7003 in found) == (0, True)
    assert lacking == [
        f"comagic: user {user}: 1 id has no row in this period: {row['communication_id']}"
        for user in sorted(users)
    ]
