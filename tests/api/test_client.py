from __future__ import annotations

import json
import time
from threading import Barrier, Thread

import pytest
from sandbox_client import sandbox
from scripted_service import TOKEN, Clockwork, Playback, called, client_of, http, refused, result

from comagic_cli.api.client import Client
from comagic_cli.api.http import HttpResponse, open_transport, service_url
from comagic_cli.api.retry import RetryPolicy
from comagic_cli.errors import ComagicError, NetworkFailure, NotAllowed, Refused, UsageProblem
from comagic_cli.sandbox.quirks import Fault

OK_BODY = result([1])
PAUSES = [0.5, 1.0, 2.0, 4.0]


# What befalls the first calls, how often the service is asked until it answers, and the pauses.
PASSING = [
    *((kind, 2, [0.5]) for kind in ("reset", "truncate", "empty", "html", "gzip_damaged")),
    *((kind, 2, [0.5]) for kind in ("cut_json", "internal_error")),
    *((status, 2, [0.5]) for status in ("408", "425", "429", "500", "502", "503", "504", "521")),
]
# What ends a call at once, and how it ends.
LASTING = [
    ("redirect", NetworkFailure),
    ("wrong_id", NetworkFailure),
    *((status, NetworkFailure) for status in ("400", "404", "405", "413", "451")),
    *((status, NotAllowed) for status in ("401", "403")),
    *((name, NotAllowed) for name in ("access_token_expired", "ip_not_whitelisted", "forbidden")),
    *((name, Refused) for name in ("error", "invalid_parameter_value", "method_not_found")),
]


def ask_sandbox(*faults, timeout=30.0):
    clockwork = Clockwork()
    with sandbox(rows=1, faults=faults) as box:
        client = client_of(
            box.url, token=box.token, retry_policy=clockwork.retry_policy, timeout=timeout
        )
        try:
            got = client.call("get.account", {})
        except ComagicError as error:
            got = error
        client.transport.close()
        return got, [call.outcome for call in box.journal], clockwork.pauses


@pytest.mark.parametrize(("kind", "asked", "pauses"), PASSING)
def test_what_passes_is_tried_again(kind, asked, pauses):
    got, journal, paused = ask_sandbox(Fault(kind, at=(1,)))
    assert b"timezone" in bytes(got.data)
    assert (journal, paused) == ([kind] * (asked - 1) + ["ok"], pauses)


@pytest.mark.parametrize("kind", [kind for kind, *_ in PASSING])
def test_what_does_not_pass_is_a_network_failure_after_five_tries(kind):
    got, journal, paused = ask_sandbox(Fault(kind, every=1))
    assert type(got) is NetworkFailure
    assert (journal, paused) == ([kind] * 5, PAUSES)
    assert (got.__cause__, got.__context__) == (None, None)


@pytest.mark.parametrize("kind", ["slow", "stall"])
def test_a_timeout_is_tried_again(kind):
    got, journal, paused = ask_sandbox(Fault(kind, at=(1,), seconds=60), timeout=0.5)
    assert (b"timezone" in bytes(got.data), journal) == (True, [kind, "ok"])
    assert paused == [0.5]


@pytest.mark.parametrize(("kind", "error"), LASTING)
def test_what_lasts_is_not_tried_again(kind, error):
    got, journal, paused = ask_sandbox(Fault(kind, every=1))
    assert type(got) is error
    assert (len(journal), paused) == (1, [])


@pytest.mark.parametrize(
    ("header", "pause"),
    [("7", 7.0), ("0.1", 0.5), ("0", 0.5), ("Mon, 01 Jan 2001 00:00:00 GMT", 0.5), ("soon", 0.5)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_service_may_ask_for_a_longer_pause(status, header, pause):
    busy = http("<h1>busy</h1>", status, f"Retry-After: {header}")
    got, asked, pauses = called(busy, http(OK_BODY))
    assert (bytes(got.data), asked, pauses) == (b"[1]", 2, [pause])


def test_a_pause_asked_for_counts_with_the_api_s_own_error_too():
    busy = http(refused("internal_error"), 200, "Retry-After: 9")
    assert called(busy, http(OK_BODY))[1:] == (2, [9.0])


def test_a_service_that_asks_for_too_long_a_pause_is_not_asked_again():
    busy = http("<h1>busy</h1>", 503, "Retry-After: 3601")
    got, asked, pauses = called(busy)
    assert (got.exit_code, asked, pauses) == (6, 1, [])
    assert got.message == "get.calls: the answer (HTTP 503) is unusable: it is HTML: busy"
    assert got.hint == "The service asks to wait 3601 s. See --max-wait."


def test_no_pause_is_longer_than_max_wait():
    busy = [http("<h1>busy</h1>", 503)] * 9
    got, asked, pauses = called(*busy, retry_policy={"max_wait": 1.5})
    assert (got.exit_code, asked, pauses) == (6, 3, [0.5, 1.0])
    assert got.hint.endswith("Longer retries: see --max-wait.")


@pytest.mark.parametrize(
    ("chance", "pauses"),
    [
        (0.0, [0.25, 0.5, 1, 2, 4, 8, 15, 15]),
        (0.5, [0.5, 1, 2, 4, 8, 16, 30, 30]),
        (0.999, [pause * 1.499 for pause in (0.5, 1, 2, 4, 8, 16, 30, 30)]),
    ],
)
def test_pauses_double_up_to_a_limit_and_are_jittered(chance, pauses):
    retry_policy = RetryPolicy(jitter=lambda: chance)
    assert [retry_policy.pause(attempt) for attempt in range(1, 9)] == pytest.approx(pauses)


@pytest.mark.parametrize("id_", [1, "1", 1.0, None])
@pytest.mark.parametrize("status", [200, 201])
def test_an_answer_is_taken_with_its_id_in_any_form(id_, status):
    got, *_ = called(http(result([1], id=id_), status))
    assert bytes(got.data) == b"[1]"


def test_an_answer_tells_its_total_limits_and_size():
    metadata = {"total_items": "12", "limits": {"day_remaining": 5}}
    body = json.dumps({"id": "1", "result": {"metadata": metadata, "data": ["\ud800"]}})
    got, *_ = called(http(body))
    assert (got.total, got.limits, got.size) == (12, {"day_remaining": 5}, len(body))
    assert bytes(got.data) == b'["' + got.marker + b'd800"]'


@pytest.mark.parametrize(
    ("body", "unbroken"),
    [
        (result([1]), True),
        (result([1]) + "\n", False),
        (result(["\n"]), True),  # escaped
        (result([1]).replace(":", ":\r"), False),
    ],
)
def test_an_answer_tells_of_line_breaks(body, unbroken):
    got, *_ = called(http(body))
    assert got.unbroken is unbroken


def test_threads_call_at_once_and_each_gets_its_answer():
    ids, together = [], Barrier(4)

    class HttpTransport:
        def send(self, body: bytes) -> HttpResponse:
            ids.append(json.loads(body)["id"])
            time.sleep(0)  # lets the others in
            return HttpResponse(200, result([1], id=json.loads(body)["id"]).encode())

    client = Client(HttpTransport(), "t")

    def call() -> None:
        together.wait(10)
        for _ in range(50):
            client.call("get.calls", {})

    threads = [Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (sorted(ids), client.calls) == ([*range(1, 201)], 200)


@pytest.mark.parametrize(
    ("method", "user_id", "params"),
    [
        ("get.calls", None, {"access_token": TOKEN, "limit": 1}),
        ("get.calls", 7, {"access_token": TOKEN, "user_id": 7, "limit": 1}),
        ("get.customer_users", 7, {"access_token": TOKEN, "limit": 1}),
    ],
)
def test_a_request_carries_key_user_and_a_new_id(method, user_id, params):
    with Playback([http("", 500), http(OK_BODY), http(OK_BODY)]) as server:
        client = client_of(server.url, user_id=user_id)
        client.call(method, {"limit": 1})
        client.call(method, {"limit": 1})
        client.transport.close()
    sent = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.requests]
    assert [call.pop("id") for call in sent] == [1, 2, 3]
    assert sent == [{"jsonrpc": "2.0", "method": method, "params": params}] * 3
    assert client.calls == 2


def test_each_call_and_each_retry_is_told():
    limits = {"day_limit": 9, "day_remaining": 5, "minute_remaining": 2}
    body = {"result": {"metadata": {"total_items": 3, "limits": limits}, "data": []}}
    place = {"date_from": "2026-10-01 00:00:00", "date_till": "2026-10-02 00:00:00", "offset": 5}
    ticks, told = iter([0.0, 0.0, 1.25, 2.0, 2.5]), []
    with Playback([http("", 500), http(json.dumps(body)), http(OK_BODY)]) as server:
        client = client_of(server.url, note=told.append, clock=lambda: next(ticks))
        client.call("get.calls", place)
        client.call("get.account", {})
        client.transport.close()
    points = "5 points left this day, 2 points left this minute"
    size, period = len(json.dumps(body)), "2026-10-01 00:00:00 … 2026-10-02 00:00:00"
    assert told == [
        "get.calls: the answer (HTTP 500) is unusable: it is empty; trying again in 0.5 s",
        f"get.calls {period}, offset 5: {size} bytes in 1.25 s, 3 rows match, {points}",
        f"get.account: {len(OK_BODY)} bytes in 0.50 s",
    ]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("dataapi.comagic.ru", "https://dataapi.comagic.ru/v2.0"),
        (" https://dataapi.comagic.ru/ ", "https://dataapi.comagic.ru/v2.0"),
        ("HTTPS://x.example:8443/v3/#top", "https://x.example:8443/v3"),
        ("https://дата.example/v2.0?a=b", "https://дата.example/v2.0?a=b"),
        ("localhost:8080", "https://localhost:8080/v2.0"),
        ("http://localhost:8080", "http://localhost:8080/v2.0"),
        ("http://127.0.0.1:1/v2.0", "http://127.0.0.1:1/v2.0"),
        ("http://[::1]:1", "http://[::1]:1/v2.0"),
    ],
)
def test_a_url_is_completed(text, url):
    assert service_url(text) == url


NO_USER = "the URL must not contain a user name or password"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        *(
            (text, f"{text!r} is not a URL", "Example: https://dataapi.comagic.ru")
            for text in ("", "https://", "ftp://x.example", "x y", "http:x//y", "https://[::1")
        ),
        *(
            (text, f"{text!r} is not a URL", "Example: https://dataapi.comagic.ru")
            for text in ("x.example:0", "x.example:99999", "x.example:port", "https://a\\b")
        ),
        ("https://me:word@x.example", NO_USER, ""),
        ("ftp://me:word@x.example", NO_USER, ""),
        ("https://me:word@[x", NO_USER, ""),
        (
            "http://x.example:8080/v2.0",
            "http://x.example:8080 would send the token unencrypted",
            "Use https://x.example:8080.",
        ),
        (
            "http://127.0.0.1.x.example",
            "http://127.0.0.1.x.example would send the token unencrypted",
            "Use https://127.0.0.1.x.example.",
        ),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(text, message, hint):
    with pytest.raises(UsageProblem) as caught:
        open_transport(text, 5)
    assert (caught.value.message, caught.value.hint) == (f"--base-url: {message}", hint)


def test_a_line_is_opened_to_the_completed_url():
    with Playback([http(OK_BODY)]) as server:
        line = open_transport(server.url.removesuffix("/v2.0"), 5)
        assert line.send(b"{}").body == OK_BODY.encode()
        line.close()
    assert server.requests[0].startswith(b"POST /v2.0 ")
