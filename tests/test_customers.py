"""An agent's clients as the service lists them, and lists of any kind."""

from __future__ import annotations

import json

import pytest

from comagic_cli.api import endpoints as listing
from comagic_cli.api.endpoints import ask_customers, ask_items, is_of_client
from comagic_cli.api.envelope import Answer
from comagic_cli.errors import (
    NetworkFailure,
    NotAllowed,
    OutOfPoints,
    Refused,
    RowsMissing,
    UsageProblem,
)
from comagic_cli.rows.decode import RowReader
from comagic_cli.rows.page import Page, rows_of, with_members


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
    with pytest.raises(RowsMissing, match=r"get.x: [37] of [79] items came"):
        items(Lists(*SEVEN, **more))


def test_a_refused_offset_is_told_where_more_must_come():
    with pytest.raises(Refused):
        items(Lists(*SEVEN, offset="refused"))


def test_a_list_beyond_reach_is_told(monkeypatch):
    monkeypatch.setattr(listing, "OFFSET_MOST", 5)
    with pytest.raises(RowsMissing, match="more than 6 items, and paging reaches no more"):
        items(Lists(*SEVEN))


@pytest.mark.parametrize("data", [b'{"a":1}', b"null", b'"text"', b" 17 "])
def test_what_is_no_list_is_the_only_item(data):
    [page] = ask_items(lambda *_: Answer(data), "get.x", {})
    assert (page.is_list, [bytes(item) for item in page.items]) == (False, [data.strip()])


def test_a_list_that_can_not_be_read_is_told():
    with pytest.raises(NetworkFailure, match=r"get.x: the answer's data can't be read"):
        items(lambda *_: Answer(b"[1,"))


def user(id_, customer, **more):
    return json.dumps({"id": id_, "customer_id": customer} | more)


LISTED = Lists(
    user(1, 301), user("2", "c-2"), user(3, 301), user(None, 9), "17", user(4, None), user("x", 1)
)


@pytest.mark.parametrize(
    ("typed", "members"),
    [
        (["all"], [(1, b"301", b"1"), (2, b'"c-2"', b'"2"'), (4, b"null", b"4")]),
        ([3, 1, 3], [(3, b"301", b"3"), (1, b"301", b"1")]),
        ([8], [(8, b"null", b"8")]),
    ],
)
def test_clients_are_those_typed_or_each_once(typed, members):
    found = ask_customers(LISTED, typed)
    assert [(one.user_id, *one.members.values()) for one in found] == members


def test_more_users_of_a_client_are_kept_to_fall_back_on():
    first, *_ = ask_customers(LISTED, ["all"])
    assert [spare.user_id for spare in first.spare] == [3]


def test_an_agent_without_clients_is_told():
    with pytest.raises(Refused, match="the agent has no clients"):
        ask_customers(Lists(), ["all"])


def test_half_a_surrogate_pair_hides_no_client():
    answer = Answer(b'[{"id":1,"customer_id":2,"name":"<lone0>d800"}]', 1, marker=b"<lone0>")
    [found] = ask_customers(lambda *_: answer, ["all"])
    assert found.members == {"customer_id": b"2", "user_id": b"1"}


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
    assert is_of_client(error) is own


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
    page = with_members(Page(rows_of(f"[{row} , {row}]".encode())), {"customer_id": b"7"})
    assert RowReader(("customer_id", "a")).json_lines(page).decode() == f"{line}\n" * 2
    assert RowReader(("customer_id",)).plain(page) == [(7,), (7,)]
