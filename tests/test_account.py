from __future__ import annotations

import pytest
from playback import client_of
from sandbox_client import IDS, sandbox

from comagic_cli.api.endpoints import ask_report, ask_reports, ask_zone, zone_named
from comagic_cli.api.envelope import Answer
from comagic_cli.errors import Refused, UsageProblem
from comagic_cli.query.catalog import report

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
    assert caught.value.message == "get.account names no time zone"
    assert caught.value.hint == "Give it with --tz, as Europe/Moscow."


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
    assert caught.value.hint == "Make one in the web account, or give its number with --report-id."


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
        ([page(total=3)], [], [None]),
        ([page(1, 2, total=3), page(3, total=3)], [1, 2, 3], [None, 2]),
        ([page(1, 2, total=4), page(2, 3, total=4), page(4)], [1, 2, 3, 4], [None, 2, 3]),
        ([page(1, 2, total=3), page()], [1, 2], [None, 2]),
        ([page(1, 2, total=9), page(1, 2, total=9)], [1, 2], [None, 2]),
    ],
)
def test_reports_are_asked_for_page_by_page(answers, ids, offsets):
    service = Service(*answers)
    assert [row["id"] for row in ask_reports(service.call)] == ids
    assert [params.get("offset") for _, params in service.called] == offsets


def test_a_page_that_the_total_calls_for_is_not_refused_in_silence():
    with pytest.raises(Refused):
        ask_reports(Service(page(1, total=2), Refused("no offset")).call)
