"""Exports by login and password: real HTTP, real processes, one session for all of them."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from coverage_marks import unmeasured
from program import REPORT, SPAN, TWO, Watched, ended, environment, fault, start
from scripted_service import client_of

from comagic_cli.api.session import Session
from comagic_cli.files.cache import Cache, cache_key
from comagic_cli.sandbox.methods import accounts

LOGIN, PASSWORD = "me+you@firm.example", 'pa ss/"word"'
PAGES = [*REPORT, "--report-id", "1001", "--page-size", "10"]
SIXTY = 540  # rows in sixty pages of ten, the last of them not full


@pytest.fixture(autouse=True)
def own_login(monkeypatch):
    monkeypatch.setattr(accounts, "LOGIN", LOGIN)
    monkeypatch.setattr(accounts, "PASSWORD", PASSWORD)


def by_login(box, password=PASSWORD):
    """Name the account by login and password."""
    return {"COMAGIC_BASE_URL": box.url, "COMAGIC_LOGIN": LOGIN, "COMAGIC_PASSWORD": password}


def counted(box):
    return Counter((call.method.partition(".")[0], call.outcome) for call in box.journal)


def whole(ran, box):
    """Tell whether a run brought every row once."""
    rows = [tuple(json.loads(line).values()) for line in ran.out.splitlines()]
    truth = box.truth("communications", *SPAN, fields=TWO[1].split(","))
    shown = [(row["communication_id"], row["communication_date_time"]) for row in truth]
    return (ran.code, ran.err) == (0, "") and sorted(rows) == sorted(shown)


def kept_in(folder):
    return {path.name: path for path in folder.rglob("*") if path.is_file()}


def test_a_session_is_opened_once_and_kept_for_other_runs(comagic):
    with Watched(rows=98) as box:
        for _ in range(3):
            assert whole(comagic(*PAGES, **by_login(box)), box)
    assert counted(box) == {("login", "ok"): 1, ("get", "ok"): 33}
    assert "password" not in json.dumps([call.params for call in box.journal[1:]])


@pytest.mark.parametrize("expire_at", ["number", "text", "absent"])
def test_the_end_of_a_session_comes_in_three_forms(comagic, expire_at):
    with Watched(rows=1, expire_at=expire_at) as box:
        assert [comagic(*PAGES, **by_login(box)).code for _ in range(2)] == [0, 0]
    assert counted(box)["login", "ok"] == 1


@unmeasured
@pytest.mark.parametrize("error_data", ["full", "null", "empty", "absent"])
def test_a_session_that_ends_every_ten_calls(comagic, error_data):
    with Watched(rows=SIXTY, session_calls=10, error_data=error_data) as box:
        assert whole(comagic(*PAGES, **by_login(box)), box)
    assert counted(box) == {
        ("login", "ok"): 6,
        ("get", "ok"): 60,
        ("get", "access_token_expired"): 5,
    }


@pytest.mark.parametrize("mnemonic", ["access_token_expired", "access_token_invalid"])
def test_a_session_that_ends_in_mid_export(comagic, mnemonic):
    with Watched(rows=98, faults=fault(mnemonic, 4)) as box:
        assert whole(comagic(*PAGES, **by_login(box)), box)
    assert counted(box) == {("login", "ok"): 2, ("get", "ok"): 11, ("get", mnemonic): 1}


@pytest.mark.parametrize(
    "mnemonic", ["auth_error", "access_token_blocked", "account_inactive", "forbidden"]
)
def test_other_refusals_in_mid_export_end_it(comagic, mnemonic):
    with Watched(rows=98, faults=fault(mnemonic, 4)) as box:
        assert comagic(*PAGES, **by_login(box)).code == 4
    assert counted(box) == {("login", "ok"): 1, ("get", "ok"): 3, ("get", mnemonic): 1}


def test_a_new_session_that_is_refused_ends_the_export(comagic):
    with Watched(faults=fault("access_token_invalid")) as box:
        first, second = (comagic(*PAGES, **by_login(box)) for _ in range(2))
    assert (first.code, second.code) == (4, 4)
    assert first.err.endswith("  The session was opened just now. Try again later.\n")
    # The first run logs in, the second does after what it found was refused.
    assert counted(box) == {("login", "ok"): 2, ("get", "access_token_invalid"): 3}


def test_a_session_that_another_run_has_opened_meanwhile_is_used(tmp_path):
    cache = Cache(tmp_path)
    with Watched(session_calls=2) as box:
        sessions = [Session(LOGIN, PASSWORD, cache=cache) for _ in range(2)]
        first, second = (client_of(box.url, token="", session=each) for each in sessions)
        for client in (first, first, second, first):
            client.call("get.account", {})
        first.transport.close()
        second.transport.close()
    assert [each.logins for each in sessions] == [1, 1]
    assert [call.outcome for call in box.journal if call.method == "get.account"] == [
        *("ok", "ok"),
        *("access_token_expired", "ok"),  # the second logs in again
        *("access_token_expired", "ok"),  # the first finds what the second has opened
    ]
    assert (first.calls, second.calls) == (4, 2)  # a login costs a point, too


def test_processes_share_a_session(tmp_path):
    processes = 5
    with Watched(rows=1) as box:
        environ = environment(tmp_path) | by_login(box)
        runs = [start(PAGES, environ) for _ in range(processes)]
        assert [whole(ended(run), box) for run in runs] == [True] * processes
    assert counted(box) == {("login", "ok"): 1, ("get", "ok"): 2 * processes}


def test_processes_try_a_wrong_password_once(tmp_path):
    with Watched(rows=1) as box:
        environ = environment(tmp_path) | by_login(box, "guess")
        runs = [ended(run) for run in [start(PAGES, environ) for _ in range(3)]]
        assert [run.code for run in runs] == [4] * 3
    assert counted(box) == {("login", "auth_error"): 1}


def test_a_wrong_password_is_tried_once_and_a_right_one_at_once(comagic):
    with Watched(rows=1) as box:
        for _ in range(3):
            ran = comagic(*PAGES, **by_login(box, "guess"))
            assert (ran.code, ran.out) == (4, "")
            assert "login or password is wrong" in ran.err
            assert "Check COMAGIC_LOGIN and COMAGIC_PASSWORD." in ran.err
        assert counted(box) == {("login", "auth_error"): 1}
        assert comagic(*PAGES, **by_login(box)).code == 0


def test_a_password_that_is_no_longer_right_in_mid_export(comagic, monkeypatch):
    with Watched(session_calls=3) as box:
        comagic(*PAGES, "--max-rows", "1", **by_login(box))
        monkeypatch.setattr(accounts, "PASSWORD", "changed")
        assert comagic(*PAGES, **by_login(box)).code == 4
    assert counted(box)["login", "auth_error"] == 1


def test_a_key_goes_before_a_login_and_is_not_renewed(comagic):
    with Watched(faults=fault("access_token_expired", 2)) as box:
        ran = comagic(*PAGES, **(by_login(box) | {"COMAGIC_TOKEN": box.token}))
    assert (ran.code, counted(box)["login", "ok"]) == (4, 0)
    assert "Create a new token in the web account" in ran.err


def test_a_client_s_user_is_not_sent_with_the_login(comagic):
    with Watched(rows=1, agent=True) as box:
        assert comagic(*PAGES, "--user-id", "7001", **by_login(box)).code == 0
    assert ["user_id" in call.params for call in box.journal] == [False, True, True]


# Faults


@pytest.mark.parametrize("kind", ["reset", "truncate", "503", "html", "empty", "cut_json"])
def test_a_login_is_tried_again_when_the_network_fails(comagic, kind):
    with Watched(rows=1, faults=fault(kind, 1, method="login.user")) as box:
        assert comagic(*PAGES, **by_login(box)).code == 0
    assert [call.outcome for call in box.journal] == [kind, "ok", "ok", "ok"]


def test_a_login_that_is_refused_is_not_tried_again(comagic):
    with Watched(rows=1, faults=fault("ip_not_whitelisted", method="login.user")) as box:
        assert comagic(*PAGES, **by_login(box)).code == 4
    assert counted(box) == {("login", "ip_not_whitelisted"): 1}


@pytest.mark.parametrize("kinds", [["reset", "internal_error"], ["internal_error"] * 4])
def test_a_login_is_tried_again_while_tries_are_left(comagic, kinds):
    faults = [
        each
        for number, kind in enumerate(kinds, 1)
        for each in fault(kind, number, method="login.user")
    ]
    with Watched(rows=1, faults=tuple(faults)) as box:
        assert comagic(*PAGES, **by_login(box)).code == 0
    assert [call.outcome for call in box.journal] == [*kinds, "ok", "ok", "ok"]


def test_a_login_that_always_fails_ends_after_five_tries(comagic):
    with Watched(rows=1, faults=fault("internal_error", method="login.user")) as box:
        assert comagic(*PAGES, **by_login(box)).code == 6
    assert counted(box) == {("login", "internal_error"): 5}


def test_a_login_waits_for_points(comagic):
    busy = fault("limit_exceeded", 1, method="login.user", seconds=20)
    with Watched(rows=1, faults=busy) as box:
        assert comagic(*PAGES, **by_login(box)).code == 0
    assert [20 < pause < 21.1 for pause in comagic.pauses] == [True]


def test_no_login_is_made_when_the_day_s_points_are_used_up(comagic):
    with Watched(session_calls=3, day_limit=3) as box:
        assert comagic(*PAGES, **by_login(box)).code == 7
    assert counted(box) == {("login", "ok"): 1, ("get", "ok"): 3}


def test_where_nothing_can_be_kept_each_run_logs_in(comagic, tmp_path):
    (tmp_path / "file").write_text("")
    nowhere = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    with Watched() as box:
        for _ in range(2):
            assert whole(comagic(*PAGES, **by_login(box), **nowhere), box)
    assert counted(box)["login", "ok"] == 2


# Secrets


def test_only_the_owner_can_read_what_is_kept(comagic, tmp_path):
    with Watched(rows=1) as box:
        comagic(*PAGES, **by_login(box))
        comagic(*PAGES, **by_login(box, "guess"))
    name = cache_key("session", box.url, LOGIN)
    kept = kept_in(tmp_path)
    assert name in kept
    assert {path.stat().st_mode & 0o777 for path in kept.values()} == {0o600}
    assert (tmp_path / "cache" / "comagic").stat().st_mode & 0o777 == 0o700


SPOILT = ["html", "cut_json", "truncate", "wrong_id", "auth_error", "internal_error", "403"]


@pytest.mark.parametrize("kind", SPOILT)
def test_no_secret_is_shown_or_kept_but_the_session_in_its_file(comagic, tmp_path, kind):
    with Watched(faults=fault(kind, method="login.user")) as box:
        shown = [comagic(*PAGES, "-v", **by_login(box))]
    with Watched(faults=fault(kind, 3)) as box:
        shown += [comagic(*PAGES, "-v", **by_login(box))]
    session = cache_key("session", box.url, LOGIN)
    texts = [ran.out + ran.err for ran in shown]
    texts += [path.read_text() for name, path in kept_in(tmp_path).items() if name != session]
    for text in texts:
        assert [word for word in (LOGIN, PASSWORD, "session-0") if word in text] == []


def test_a_private_sandbox_keeps_nothing(comagic, tmp_path):
    variables = {"COMAGIC_LOGIN": LOGIN, "COMAGIC_PASSWORD": PASSWORD}
    assert comagic(*PAGES, "--sandbox", **variables).code == 0
    assert kept_in(tmp_path) == {}
