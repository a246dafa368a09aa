"""Login: what the account tells of itself; agents, who choose a client."""

from __future__ import annotations

import pytest
from accounts import person, piped
from program import Watched

from comagic_cli.cli import auth as logging_in


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "comagic" / "config.toml"


@pytest.mark.parametrize(
    ("lines", "words", "told", "saved"),
    [
        (["7001"], [], None, 'user-id = 7001\ntimezone = "Europe/Moscow"\n'),
        ([], ["--user-id", "7002"], None, 'user-id = 7002\ntimezone = "Asia/Yekaterinburg"\n'),
        ([""], [], "choose a customer with --user-id", ""),
        (["all"], [], "3 customers: saved as profile default", 'user-id = "all"\n'),
        ([], ["--user-id", "all"], "3 customers: saved as", 'user-id = "all"\n'),
        ([], ["--user-id", "7001,7003"], "2 customers: saved", "user-id = [7001, 7003]\n"),
        (["x"], [], "'x' is neither a user id nor all. comagic users lists the ids.", None),
    ],
)
def test_an_agent_chooses_a_client(comagic, file, monkeypatch, lines, words, told, saved):
    with Watched(rows=1, agent=True) as box:
        person(monkeypatch, "sandbox-token", *lines)
        ran = comagic("login", "--base-url", box.url, *words)
    assert (told or "saved as profile default") in ran.err
    assert ("  7001  " in ran.err) is not words
    if saved is None:
        assert (ran.code, file.exists()) == (2, False)
    else:
        assert file.read_text().endswith(f'token = "sandbox-token"\n{saved}')


@pytest.mark.parametrize("error_data", ["null", "empty", "absent"])
def test_an_agent_whose_refusal_says_little(comagic, file, monkeypatch, error_data):
    monkeypatch.setattr("comagic_cli.cli.auth.MAX_LISTED", 1)
    with Watched(rows=1, agent=True, error_data=error_data) as box:
        person(monkeypatch, "sandbox-token", "7002")
        ran = comagic("login", "--base-url", box.url)
    assert (ran.code, "  7002  " in ran.err, "more\n" in ran.err) == (0, False, True)
    assert "user-id = 7002\n" in file.read_text()


def test_a_user_id_that_is_refused(comagic, file, monkeypatch):
    with Watched(rows=1, agent=True) as box:
        person(monkeypatch, "sandbox-token")
        ran = comagic("login", "--base-url", box.url, "--user-id", "5")
    assert (ran.code, file.exists()) == (5, False)
    assert ran.err.endswith("  Check --user-id (comagic users lists them). Nothing was saved.\n")


@pytest.mark.parametrize(
    ("zone", "told"),
    [(None, "the service names no time zone"), ("Mars/Base", "the account: there is no time zone")],
)
def test_an_account_without_a_zone_is_saved_all_the_same(comagic, file, monkeypatch, zone, told):
    piped(monkeypatch, b"sandbox-token")
    with Watched(rows=1) as box:
        ask = logging_in.ask_account
        without = lambda call: ask(call) | {"timezone": zone}  # noqa: E731
        monkeypatch.setattr(logging_in, "ask_account", without)
        ran = comagic("login", "--with-token", "--base-url", box.url)
    first, last = ran.err.splitlines()
    assert (ran.code, first.startswith(told)) == (0, True)
    assert first.endswith(": give exports --tz, as Europe/Moscow, or put tz in the profile.")
    assert "saved as profile default" in last
    assert file.read_text().endswith('token = "sandbox-token"\n')


@pytest.mark.parametrize(("users", "count"), [("all", 3), ("7001,7003", 2)])
def test_a_profile_of_several_customers(comagic, file, monkeypatch, users, count):
    piped(monkeypatch, b"sandbox-token")
    with Watched(rows=1, agent=True) as box:
        login = ("login", "--with-token", "--base-url", box.url, "--user-id", users)
        assert comagic(*login).code == 0
        ran = comagic("calls", "--period", "yesterday", "--count")
        assert (ran.code, len({call.params["user_id"] for call in box.pages})) == (0, count)
        assert comagic("doctor").out.count("ok    customer  ") == count
        assert comagic("users", "-f", "csv").code == 0  # it needs no customer
        assert comagic("account", "--user-id", 7002).code == 0  # it takes one customer
        saved = file.read_text()
        piped(monkeypatch, b"sandbox-token")
        assert comagic(*login[:-2]).code == 0
        assert file.read_text() == saved  # a new token leaves the customers
    assert f"user {users}" in comagic("profiles").out.replace(", ", ",")


def test_an_agent_without_a_person(comagic, file, monkeypatch):
    piped(monkeypatch, b"sandbox-token")
    with Watched(rows=1, agent=True) as box:
        assert comagic("login", "--with-token", "--base-url", box.url).code == 0
        assert "timezone" not in file.read_text()
        ran = comagic("communications", "--period", "yesterday", "--user-id", 7001)
        assert ran.code == 0
