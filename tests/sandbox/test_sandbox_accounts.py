"""Keys, sessions, points and agents of the sandbox."""

import json
from datetime import UTC, datetime

import pytest
from sandbox_client import (
    KEY,
    PERIOD,
    envelope,
    refused,
    rows,
    sandbox,
    straight,
)


class Clock:
    def __init__(self):
        self.seconds = 1_000_000_020.0

    def __call__(self):
        return self.seconds


def login(box, **params):
    body = envelope("login.user", {"login": "sandbox", "password": "sandbox", **params})
    return json.loads(box.answer(body, ()).body)


def test_a_session_ends_after_an_hour_or_at_logout():
    clock = Clock()
    box = sandbox(clock=clock)
    first, second = (login(box)["result"]["data"] for _ in range(2))
    assert first["expire_at"] == int(clock.seconds) + 3600
    assert straight(box, "get.account", access_token=first["access_token"])["result"]
    assert straight(box, "logout.user", access_token=first["access_token"])["result"]["data"] == {}
    again = straight(box, "get.account", access_token=first["access_token"])
    assert refused(again)[0] == "access_token_invalid"
    clock.seconds += 3600
    late = straight(box, "get.account", access_token=second["access_token"])
    assert refused(late)[0] == "access_token_expired"
    box.close()


def test_a_wrong_password_and_strange_members_are_refused():
    box = sandbox()
    assert refused(login(box, password="guess"))[0] == "auth_error"
    assert refused(login(box, password=None)) == ("required_parameter_missed", "password")
    assert refused(login(box, user_id=1))[0] == "unexpected_parameters"
    box.close()


@pytest.mark.parametrize(
    ("kind", "names"), [("number", "expire_at"), ("text", "expire"), ("absent", "")]
)
def test_expiry_comes_in_three_forms(kind, names):
    box = sandbox(expire_at=kind)
    data = login(box)["result"]["data"]
    assert set(data) - {"access_token", "app_id"} == ({names} if names else set())
    assert isinstance(data.get(names, ""), int if kind == "number" else str)
    box.close()


def test_a_session_can_end_after_some_calls():
    box = sandbox(session_calls=2)
    token = login(box)["result"]["data"]["access_token"]
    answers = [straight(box, "get.account", access_token=token) for _ in range(3)]
    assert ["error" in answer for answer in answers] == [False, False, True]
    assert refused(answers[2])[0] == "access_token_expired"
    assert straight(box, "get.account")["result"]
    box.close()


def test_points_are_reported_and_enforced_where_told():
    clock = Clock()
    box = sandbox(clock=clock, minute_limit=2, day_limit=3)
    first = straight(box, "get.account")["result"]["metadata"]["limits"]
    assert (first["minute_limit"], first["minute_remaining"], first["day_remaining"]) == (2, 1, 2)
    assert first["minute_reset"] == 60 - int(clock.seconds) % 60
    assert refused(straight(box, "get.nothing"))[0] == "method_not_found"  # costs nothing
    straight(box, "get.account")
    over = straight(box, "get.account")["error"]
    assert (over["code"], over["data"]["params"]["limit_type"]) == (-32029, "minute")
    assert over["data"]["metadata"]["limits"]["minute_remaining"] == 0
    clock.seconds += 60
    assert straight(box, "get.account")["result"]["metadata"]["limits"]["day_remaining"] == 0
    assert straight(box, "get.account")["error"]["data"]["params"]["limit_type"] == "day"
    box.close()


@pytest.mark.parametrize(("limits", "expected"), [("empty", {}), ("absent", None)])
def test_limits_can_be_left_out(limits, expected):
    box = sandbox(limits=limits)
    assert straight(box, "get.account")["result"]["metadata"].get("limits") == expected
    box.close()


def test_an_agent_names_a_client_with_every_call():
    box = sandbox(agent=True, denied_users=(7002,))
    users = straight(box, "get.customer_users")["result"]["data"]
    assert [user["id"] for user in users] == [7001, 7002, 7003]
    assert set(users[0]) == {"id", "login", "name", "description", "customer_id"}
    assert refused(straight(box, "get.account")) == ("required_parameter_missed", "user_id")
    assert refused(straight(box, "get.account", user_id=7002))[0] == "forbidden"
    assert refused(straight(box, "get.account", user_id=9))[0] == "invalid_parameter_value"
    account = straight(box, "get.account", user_id=7003)["result"]["data"][0]
    assert (account["app_id"], account["timezone"]) == (7003, "Asia/Vladivostok")
    first, other = (rows(box, user_id=user, fields=KEY) for user in (7001, 7003))
    assert first != other
    truth = box.truth("communications", *PERIOD, user_id=7003, fields=KEY)
    assert sorted(map(str, other)) == sorted(map(str, truth))
    box.close()


def test_now_is_the_accounts_and_each_clients_own():
    box = sandbox(agent=True)
    assert str(box.worlds.local_now(None)) == "2026-10-08 12:00:00"
    assert str(box.worlds.local_now(7003)) == "2026-10-08 19:00:00"
    other = sandbox(now=datetime(2026, 10, 8, 9, tzinfo=UTC))
    assert str(other.worlds.local_now(None)) == "2026-10-08 12:00:00"
    other.close()
    last = rows(box, user_id=7003, period=("2026-10-08 00:00:00", "2026-10-09 23:59:59"))[-1]
    assert "2026-10-08 18" <= last["communication_date_time"] < "2026-10-08 19:00:00"
    box.close()
