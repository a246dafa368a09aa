"""Faults of the sandbox, over real sockets."""

import gzip
import http.client
import json
import threading
import zlib

import pytest
from sandbox_client import KEY, PERIOD, call, connect, envelope, post, sandbox

from comagic_cli.sandbox.faults import Schedule, page
from comagic_cli.sandbox.quirks import Fault


def account(box):
    return envelope("get.account", {"access_token": box.token})


def faulty(kind, **more):
    return sandbox(faults=(Fault(kind, at=(1,), **more),))


def outcomes(box):
    return [(entry.outcome, entry.faulted) for entry in box.journal]


@pytest.mark.parametrize("status", [401, 403, 404, 408, 413, 429, 500, 502, 503, 504, 522])
def test_a_status_comes_as_a_page(status):
    with faulty(str(status), retry_after=7) as box:
        raw = post(box, account(box))
        assert (raw.status, raw.headers["Retry-After"]) == (status, "7")
        assert raw.headers["Content-Type"].startswith("text/html")
        assert str(status) in raw.body.decode()
        assert call(box, "get.account")["result"]
        assert outcomes(box) == [(str(status), True), ("ok", False)]


def test_html_may_come_with_a_good_status():
    with faulty("html") as box:
        raw = post(box, account(box))
        assert (raw.status, raw.headers["Retry-After"]) == (200, None)
        assert "работы" in raw.body.decode()
        assert page(200) == raw.body


def test_an_empty_answer():
    with faulty("empty") as box:
        raw = post(box, account(box))
        assert (raw.status, raw.headers["Content-Length"], raw.body) == (200, "0", b"")


def test_a_redirect():
    with faulty("redirect") as box:
        raw = post(box, account(box))
        assert (raw.status, raw.headers["Location"]) == (302, "/maintenance")


def test_a_reset_is_a_reset():
    with faulty("reset") as box:
        connection = connect(box)
        connection.request("POST", "/v2.0", account(box))
        with pytest.raises(ConnectionResetError):
            connection.getresponse()
        connection.close()
        assert call(box, "get.account")["result"]
        assert outcomes(box) == [("reset", True), ("ok", False)]


def test_a_truncated_answer_promises_more_than_it_sends():
    with faulty("truncate") as box:
        with pytest.raises(http.client.IncompleteRead) as caught:
            post(box, account(box))
        assert caught.value.partial.startswith(b'{"jsonrpc"')
        assert outcomes(box) == [("truncate", True)]


def test_a_cut_answer_is_whole_http_and_half_json():
    with faulty("cut_json") as box:
        raw = post(box, account(box))
        assert int(raw.headers["Content-Length"]) == len(raw.body)
        with pytest.raises(json.JSONDecodeError):
            json.loads(raw.body)


def test_damaged_gzip():
    with faulty("gzip_damaged") as box:
        raw = post(box, account(box))
        assert raw.headers["Content-Encoding"] == "gzip"
        with pytest.raises(zlib.error):
            gzip.decompress(raw.body)


def test_an_answer_to_another_call():
    with faulty("wrong_id") as box:
        answer = json.loads(post(box, account(box)).body)
        assert answer["id"] != 1
        assert answer["result"]["data"]


@pytest.mark.parametrize("kind", ["slow", "stall"])
def test_closing_wakes_what_sleeps(kind):
    arrived = []

    def wait():
        try:
            arrived.append(post(box, account(box)).body)
        except (http.client.HTTPException, OSError) as error:
            arrived.append(type(error))

    with faulty(kind, seconds=600) as box:
        waiting = threading.Thread(target=wait)
        waiting.start()
        while not box.journal:
            pass
        assert arrived == []
    waiting.join(60)
    assert len(arrived) == 1
    assert isinstance(arrived[0], type)


def test_a_slow_answer_is_an_answer():
    with faulty("slow", seconds=0.001) as box:
        assert call(box, "get.account")["result"]
        assert outcomes(box) == [("slow", True)]


@pytest.mark.parametrize(
    "mnemonic",
    [
        "internal_error",
        "ip_not_whitelisted",
        "access_token_expired",
        "access_token_blocked",
        "account_inactive",
        "method_component_disabled",
        "parameter_component_disabled",
        "error",
        "some_new_mnemonic",
    ],
)
def test_any_mnemonic(mnemonic):
    with faulty(mnemonic, retry_after=1.5) as box:
        raw = post(box, account(box))
        error = json.loads(raw.body)["error"]
        assert (raw.status, raw.headers["Retry-After"]) == (200, "1.5")
        assert error["data"]["mnemonic"] == mnemonic
        assert error["message"]
        assert outcomes(box) == [(mnemonic, True)]


@pytest.mark.parametrize("period", ["minute", "hour", "day"])
def test_points_used_up_by_name(period):
    with faulty("limit_exceeded", detail=period, seconds=30) as box:
        error = call(box, "get.account")["error"]
        assert period in error["message"]
        assert error["data"]["params"]["limit_type"] == period
        assert error["data"]["metadata"]["limits"][f"{period}_reset"] == 30


def test_a_refusal_can_be_spoilt_as_well():
    with faulty("cut_json") as box:
        raw = post(box, envelope("get.nothing", {}))
        assert raw.body.startswith(b'{"jsonrpc"')
        with pytest.raises(json.JSONDecodeError):
            json.loads(raw.body)
        assert outcomes(box) == [("method_not_found", False)]


SCHEDULES = [
    ((Fault("500", every=3),), ["a"] * 7, [3, 6]),
    ((Fault("500", at=(2, 5)),), ["a"] * 6, [2, 5]),
    ((Fault("500", every=2, method="a"),), ["a", "b", "a", "b", "a", "a"], [3, 6]),
    ((Fault("500", at=(1,), method="b"),), ["a", "b", "b"], [2]),
    ((Fault("500", every=2), Fault("502", at=(2, 3))), ["a"] * 4, [2, 3, 4]),
    ((), ["a"] * 3, []),
    ((Fault("500"),), ["a"] * 3, []),
]


@pytest.mark.parametrize(("faults", "methods", "befallen"), SCHEDULES)
def test_schedules(faults, methods, befallen):
    schedule = Schedule(faults)
    found = [schedule.next(method) for method in methods]
    assert [number for number, fault in enumerate(found, 1) if fault] == befallen


def test_the_first_of_two_faults_wins():
    schedule = Schedule((Fault("500", every=1), Fault("502", every=1)))
    assert schedule.next("a") == Fault("500", every=1)


def test_a_fault_of_one_method_leaves_the_others_alone():
    quirk = (Fault("503", every=1, method="get.communications"),)
    with sandbox(faults=quirk) as box:
        assert call(box, "get.account")["result"]
        params = {"report_id": 1001, "date_from": PERIOD[0], "date_till": PERIOD[1]}
        params |= {"access_token": box.token, "fields": KEY}
        assert post(box, envelope("get.communications", params)).status == 503


@pytest.mark.parametrize(
    ("quirk", "offered", "packed"),
    [(True, "gzip, deflate", True), (True, "identity", False), (False, "gzip", False)],
)
def test_gzip_where_both_sides_want_it(quirk, offered, packed):
    with sandbox(gzip=quirk) as box:
        raw = post(box, account(box), headers={"Accept-Encoding": offered})
        assert (raw.headers["Content-Encoding"] == "gzip") == packed
        body = gzip.decompress(raw.body) if packed else raw.body
        assert json.loads(body)["result"]
