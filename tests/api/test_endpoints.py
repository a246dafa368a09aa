from __future__ import annotations

import json

import pytest
from sandbox_client import IDS, sandbox
from scripted_service import Playback, client_of, http, result
from scripted_service import refused as api_refusal

from comagic_cli.api.endpoints import (
    ask_account,
    ask_customers,
    ask_report,
    ask_reports,
    ask_zone,
    is_of_customer,
    zone_named,
)
from comagic_cli.api.lists import ask_items
from comagic_cli.errors import (
    NetworkFailure,
    NotAllowed,
    OutOfPoints,
    Refused,
    RowsMissing,
    UsageProblem,
)
from comagic_cli.query.catalog import report
from comagic_cli.rows.decode import RowReader
from comagic_cli.rows.page import Answer, Page, add_members, rows_of

CALLS = report("calls")
NUMBER, SEE = "Choose one by its number.", "See comagic reports."


class Service:
    """Answers calls in turn, and keeps what was called."""

    def __init__(self, *answers) -> None:
        self.answers = [
            Answer(answer) if isinstance(answer, bytes) else answer for answer in answers
        ]
        self.called = []

    def call(self, method, params):
        self.called.append((method, dict(params)))
        answer = self.answers.pop(0) if self.answers else Answer(b"[]")
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize("single", [False, True])
def test_the_sandbox_tells_its_zone_and_reports(single):
    with sandbox(rows=1, timezone="Asia/Yekaterinburg", account_object=single) as box:
        client = client_of(box.url, token=box.token)
        assert ask_zone(client.call).key == "Asia/Yekaterinburg"
        assert ask_report(client.call, CALLS)["id"] == IDS["calls"]
        client.transport.close()


@pytest.mark.parametrize(
    "data", [b'[{"timezone":"Europe/Moscow"}]', b'{"timezone":"Europe/Moscow"}']
)
def test_the_zone_is_asked_of_the_account(data):
    service = Service(data)
    assert ask_zone(service.call).key == "Europe/Moscow"
    assert service.called == [("get.account", {})]


@pytest.mark.parametrize("data", [b"[]", b"null", b"{}", b'[{"timezone":null}]', b'["x"]', b"5"])
def test_an_account_without_a_zone(data):
    with pytest.raises(Refused) as caught:
        ask_zone(Service(data).call)
    assert caught.value.message == "the service names no time zone of the account"
    assert caught.value.hint == "Set it with --tz, for example --tz Europe/Moscow."


def refused(mnemonic, kind=Refused):
    return kind("no", mnemonic=mnemonic)


MOSCOW = b'{"timezone":"Europe/Moscow"}'


@pytest.mark.parametrize(
    "first",
    [
        refused("method_not_found"),
        refused("unexpected_parameters"),
        refused("error"),
        refused("forbidden", NotAllowed),
        refused("method_component_disabled", NotAllowed),
        b"[]",
        b"null",
        b"{}",
        b'[{"timezone":null}]',
    ],
)
def test_where_one_method_tells_nothing_the_other_is_asked(first):
    service = Service(first, MOSCOW)
    assert ask_zone(service.call).key == "Europe/Moscow"
    assert service.called == [("get.account", {}), ("getobj.account", {})]


def test_a_zone_is_not_asked_for_twice():
    service = Service(MOSCOW, refused("method_not_found"))
    assert ask_zone(service.call).key == "Europe/Moscow"
    assert len(service.called) == 1


@pytest.mark.parametrize(
    ("answers", "account"),
    [
        ([b'[{"name":"Firm"}]'], {"name": "Firm"}),
        (
            [refused("method_not_found"), b'{"app_name":"Firm","is_agent":true}'],
            {"name": "Firm", "app_name": "Firm", "is_agent": True},
        ),
        ([b"[]", refused("method_not_found")], {}),
    ],
)
def test_the_account_is_told_by_whichever_method_answers(answers, account):
    assert ask_account(Service(*answers).call) == account


@pytest.mark.parametrize(
    ("first", "second", "raised"),
    [
        ("forbidden", "method_not_found", "forbidden"),
        ("method_not_found", "forbidden", "forbidden"),
        ("unexpected_parameters", "error", "error"),
        ("method_not_found", "method_not_found", "method_not_found"),
    ],
)
def test_where_both_are_refused_the_refusal_that_tells_more_is_raised(first, second, raised):
    kinds = {"forbidden": NotAllowed}
    answers = [refused(name, kinds.get(name, Refused)) for name in (first, second)]
    with pytest.raises((Refused, NotAllowed)) as caught:
        ask_account(Service(*answers).call)
    assert caught.value.mnemonic == raised


@pytest.mark.parametrize(
    "error",
    [
        refused("required_parameter_missed"),
        refused("access_token_invalid", NotAllowed),
        refused("ip_not_whitelisted", NotAllowed),
        NotAllowed("HTTP 403"),
        refused("internal_error", NetworkFailure),
        refused("limit_exceeded", OutOfPoints),
    ],
)
def test_what_both_methods_would_refuse_is_asked_of_one(error):
    service = Service(error, MOSCOW)
    with pytest.raises(type(error)) as caught:
        ask_account(service.call)
    assert (caught.value, len(service.called)) == (error, 1)


def test_each_customer_is_asked_for_with_its_user():
    zones = {7001: b'{"timezone":"Europe/Moscow"}', 7002: b'{"timezone":"Asia/Tomsk"}'}
    answers = [
        http(part)
        for zone in zones.values()
        for part in (
            api_refusal("unexpected_parameters", field="user_id"),
            result(json.loads(zone)),
        )
    ]
    with Playback(answers) as server:
        client = client_of(server.url)
        for user, zone in zones.items():
            client.user_id = user
            assert ask_zone(client.call).key == json.loads(zone)["timezone"]
        client.transport.close()
    calls = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.requests]
    assert [(call["method"], call["params"]["user_id"]) for call in calls] == [
        ("get.account", 7001),
        ("getobj.account", 7001),
        ("get.account", 7002),
        ("getobj.account", 7002),
    ]


@pytest.mark.parametrize("data", [b"[", b"[" * 100_000])
def test_an_account_that_cannot_be_read(data):
    with pytest.raises(Refused, match=r"^get.account: the answer's data can't be read: "):
        ask_zone(Service(data).call)


@pytest.mark.parametrize(
    "name", ["Mars/Base", "", "Europe", "../x", "/etc/passwd", "a\0b", "x" * 999]
)
def test_a_zone_that_there_is_not(name):
    with pytest.raises(UsageProblem) as caught:
        zone_named(name, "--tz")
    assert caught.value.message == f"--tz: there is no time zone {name!r}"
    assert caught.value.hint == "Example: --tz Europe/Moscow"


@pytest.mark.parametrize(
    ("command", "data", "chosen"),
    [
        ("calls", b'[{"id":1,"type":"chats"},{"id":2,"type":"calls"}]', 2),
        ("calls", b'[{"id":"two","type":"calls"}]', "two"),
        ("calls", b'[{"id":2,"type":"calls"},{"id":2,"type":"calls","name":"again"}]', 2),
        ("calls", b'[{"id":null,"type":"calls"},{"type":"calls"},{"id":3,"type":"calls"}]', 3),
        ("calls", b'{"id":2,"type":"calls"}', 2),
        ("visits", b'[{"id":7,"type":"visits"}]', 7),
    ],
)
def test_the_only_report_of_a_type_is_chosen(command, data, chosen):
    assert ask_report(Service(data).call, report(command))["id"] == chosen


@pytest.mark.parametrize(
    "data", [b"[]", b"null", b'[{"id":1,"type":"chats"}]', b'[{"type":"calls"}]']
)
def test_no_report_of_a_type(data):
    with pytest.raises(UsageProblem) as caught:
        ask_report(Service(data).call, CALLS)
    assert caught.value.message == "the account has no report of the type calls"
    assert caught.value.hint == "Create one in the web account, or set its number with --report-id."


def test_more_reports_of_a_type_are_listed():
    rows = rb'[{"id":1,"type":"calls","name":"Day <lone0>d83d"},{"id":"b","type":"calls"}]'
    with pytest.raises(UsageProblem) as caught:
        ask_report(Service(Answer(rows, marker=b"<lone0>")).call, CALLS)
    assert caught.value.message == ("the account has 2 reports of the type calls: 1 Day \\ud83d; b")
    assert caught.value.hint == "Choose one with --report-id."


NAMED = rb"""[
    {"id":1,"type":"calls","name":"Day"}, {"id":2,"type":"calls","name":"\u0414\u0435\u043d\u044c"},
    {"id":3,"type":"calls","name":"day"}, {"id":4,"type":"chats","name":"Chats"},
    {"id":"b","type":"calls","name":null}, {"id":5,"type":"calls","name":"NIGHT"},
    {"id":6,"type":"calls","name":"Night"}, {"id":7,"type":"calls","name":"Twin"},
    {"id":8,"type":"calls","name":"Twin"}, {"id":9,"type":"other","name":"Visits"},
    {"id":10,"type":null,"name":"Bare"}]"""


@pytest.mark.parametrize(
    ("command", "named", "chosen"),
    [
        ("calls", "Day", 1),
        ("calls", "day", 3),
        ("calls", "День", 2),
        ("calls", "ДЕНЬ", 2),
        ("calls", "b", "b"),
        ("calls", "7", 7),
        ("calls", "Night", 6),
        ("visits", "visits", 9),
        ("calls", "bare", 10),
    ],
)
def test_a_report_is_chosen_by_its_name(command, named, chosen):
    assert ask_report(Service(NAMED).call, report(command), named)["id"] == chosen


EVERY = "1 Day; 2 День; 3 day; b; 5 NIGHT; 6 Night; 7 Twin; 8 Twin; 10 Bare"


@pytest.mark.parametrize(
    ("data", "named", "message", "hint"),
    [
        (NAMED, "Twin", "several reports are named 'Twin': 7 Twin; 8 Twin", NUMBER),
        (
            NAMED,
            "night ",
            f"no report of the type calls is named 'night '; there are: {EVERY}",
            SEE,
        ),
        (NAMED, "nIGHT", "several reports are named 'nIGHT': 5 NIGHT; 6 Night", NUMBER),
        (NAMED, "Chats", f"no report of the type calls is named 'Chats'; there are: {EVERY}", SEE),
        (b"[]", "Day", "no report of the type calls is named 'Day'", SEE),
    ],
)
def test_a_name_that_no_report_or_several_have(data, named, message, hint):
    with pytest.raises(UsageProblem) as caught:
        ask_report(Service(data).call, CALLS, named)
    assert (caught.value.message, caught.value.hint) == (f"--report-id: {message}", hint)


def page(*ids, total=None):
    rows = ",".join(f'{{"id":{number}}}' for number in ids)
    return Answer(f"[{rows}]".encode(), total)


@pytest.mark.parametrize(
    ("answers", "ids", "offsets"),
    [
        ([page(1, 2, total=2)], [1, 2], [None]),
        ([page(1, 2)], [1, 2], [None, 2]),
        ([page(1, 2), page(3), page()], [1, 2, 3], [None, 2, 3]),
        ([page(1, 2), page(1, 2)], [1, 2], [None, 2]),
        ([page(1, 2), Refused("no offset")], [1, 2], [None, 2]),
        ([Answer(b'{"id":1}')], [1], [None]),
        ([page(total=1)], [], [None]),
        ([page(1, 2, total=3), page(3, total=3)], [1, 2, 3], [None, 2]),
        ([page(1, 2, total=4), page(2, 3, total=5), page(4, total=5)], [1, 2, 3, 4], [None, 2, 4]),
        ([page(1, 2, total=3), page()], [1, 2], [None, 2]),
    ],
)
def test_reports_are_asked_for_page_by_page(answers, ids, offsets):
    service = Service(*answers)
    assert [row["id"] for row in ask_reports(service.call)] == ids
    assert [params.get("offset") for _, params in service.called] == offsets


@pytest.mark.parametrize("answers", [[page(total=3)], [page(1, 2, total=9), page(1, 2, total=9)]])
def test_reports_that_come_short_are_told(answers):
    with pytest.raises(RowsMissing, match=r"^get.reports_list: received [02] of [39] items$"):
        ask_reports(Service(*answers).call)


def test_a_page_that_the_total_calls_for_is_not_refused_in_silence():
    with pytest.raises(Refused):
        ask_reports(Service(page(1, total=2), Refused("no offset")).call)


# Lists


class Lists:
    """A method that pages as told, over `items` of JSON."""

    def __init__(self, *items, page=3, total=True, offset=True, more=0) -> None:
        self.items, self.page, self.total, self.offset, self.more = items, page, total, offset, more
        self.calls = []

    def __call__(self, _, params):
        self.calls.append(params.get("offset", 0))
        if self.offset == "refused" and "offset" in params:
            raise Refused("no", mnemonic="unexpected_parameters")
        start = params.get("offset", 0) if self.offset is True else 0
        data = ",".join(self.items[start : start + params.get("limit", self.page)])
        total = len(self.items) + self.more if self.total else None
        return Answer(f"[{data}]".encode(), total)


def items(lists, **params):
    return [bytes(item) for page in ask_items(lists, "get.x", params) for item in page.items]


SEVEN = [str(number) for number in range(7)]


@pytest.mark.parametrize(
    ("more", "calls"),
    [
        ({}, [0, 3, 6]),
        ({"total": False}, [0, 3, 6, 7]),
        ({"more": 1}, [0, 3, 6, 7]),
        ({"page": 7}, [0]),
        ({"page": 7, "total": False}, [0, 7]),
        ({"page": 7, "total": False, "offset": "ignored"}, [0, 7]),
        ({"page": 7, "total": False, "offset": "refused"}, [0, 7]),
    ],
)
def test_a_list_is_read_to_its_end_however_it_pages(more, calls):
    lists = Lists(*SEVEN, **more)
    assert items(lists) == [text.encode() for text in SEVEN]
    assert lists.calls == calls


@pytest.mark.parametrize("params", [{"limit": 2}, {"offset": 0}, {"offset": 5, "limit": 2}])
def test_who_pages_gets_one_call(params):
    lists = Lists(*SEVEN)
    assert len(items(lists, **params)) == params.get("limit", 3)
    assert len(lists.calls) == 1


@pytest.mark.parametrize("more", [{"more": 2}, {"offset": "ignored"}])
def test_a_list_that_comes_short_is_told(more):
    with pytest.raises(RowsMissing, match=r"get.x: received [37] of [79] items"):
        items(Lists(*SEVEN, **more))


def test_a_refused_offset_is_told_where_more_must_come():
    with pytest.raises(Refused):
        items(Lists(*SEVEN, offset="refused"))


def test_a_list_beyond_reach_is_told():
    thousand = ",".join(map(str, range(1_000)))
    answers = (Answer(f"[{thousand},{number}]".encode(), 200_000) for number in range(1_000, 2_000))
    with pytest.raises(RowsMissing, match="only the first 100100 items can be read by paging"):
        items(lambda *_: next(answers))


@pytest.mark.parametrize("data", [b'{"a":1}', b"null", b'"text"', b" 17 "])
def test_what_is_no_list_is_the_only_item(data):
    [page] = ask_items(lambda *_: Answer(data), "get.x", {})
    assert (page.is_list, [bytes(item) for item in page.items]) == (False, [data.strip()])


def test_a_list_that_can_not_be_read_is_told():
    with pytest.raises(NetworkFailure, match=r"get.x: the answer's data can't be read"):
        items(lambda *_: Answer(b"[1,"))


def user(id_, customer, **more):
    return json.dumps({"id": id_, "customer_id": customer} | more)


N = b"null"  # no name
LISTED = Lists(
    user(1, 301), user("2", "c-2"), user(3, 301), user(None, 9), "17", user(4, None), user("x", 1)
)


@pytest.mark.parametrize(
    ("typed", "members"),
    [
        (["all"], [(1, b"301", b"1", N), (2, b'"c-2"', b'"2"', N), (4, b"null", b"4", N)]),
        ([3, 1, 3], [(3, b"301", b"3", N), (1, b"301", b"1", N)]),
        ([8], [(8, b"null", b"8", N)]),
    ],
)
def test_clients_are_those_typed_or_each_once(typed, members):
    found = ask_customers(LISTED, typed)
    assert [(one.user_id, *one.members.values()) for one in found] == members


def test_more_users_of_a_client_are_kept_to_fall_back_on():
    first, *_ = ask_customers(LISTED, ["all"])
    assert [spare.user_id for spare in first.spare] == [3]


def test_an_agent_without_clients_is_told():
    with pytest.raises(Refused, match="the agent has no customers"):
        ask_customers(Lists(), ["all"])


def test_half_a_surrogate_pair_hides_no_client():
    answer = Answer(b'[{"id":1,"customer_id":2,"name":"<lone0>d800"}]', 1, marker=b"<lone0>")
    [found] = ask_customers(lambda *_: answer, ["all"])
    name = b'"\\\\ud800"'
    assert found.members == {"customer_id": b"2", "user_id": b"1", "customer_name": name}


@pytest.mark.parametrize(
    ("error", "own"),
    [
        (NotAllowed("", mnemonic="forbidden"), True),
        (NotAllowed("", mnemonic="account_inactive"), True),
        (NotAllowed("", mnemonic="method_component_disabled"), True),
        (NotAllowed("", mnemonic="access_token_invalid"), False),
        (NotAllowed("", mnemonic="ip_not_whitelisted"), False),
        (NotAllowed(""), False),  # HTTP 403 of a gateway
        (Refused("", mnemonic="invalid_parameter_value"), True),
        (RowsMissing(""), True),
        (UsageProblem(""), True),
        (NetworkFailure(""), False),
        (OutOfPoints(""), False),
    ],
)
def test_failures_of_one_client(error, own):
    assert is_of_customer(error) is own


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ('{"a":1.50}', '{"customer_id":7,"a":1.50}'),
        ("{}", '{"customer_id":7,"a":null}'),
        ("{ }", '{"customer_id":7,"a":null}'),
        ('{ "a" : {} }', '{"customer_id":7,"a":{}}'),
        ('{"a":"}{"}', '{"customer_id":7,"a":"}{"}'),
        ('{"customer_id":"theirs","a":2}', '{"customer_id":7,"a":2}'),
    ],
)
def test_members_are_given_to_a_row_as_they_are(row, line):
    page = add_members(Page(rows_of(f"[{row} , {row}]".encode())), {"customer_id": b"7"})
    assert RowReader(("customer_id", "a")).json_lines(page).decode() == f"{line}\n" * 2
    assert RowReader(("customer_id",)).plain(page) == [(7,), (7,)]
