"""What is said of answers that are none, and that the key is in none of it."""

from __future__ import annotations

import json
import traceback

import pytest
from scripted_service import CLOSE, TOKEN, Playback, called, client_of, http, refused, result

from comagic_cli.errors import ComagicError, NetworkFailure, NotAllowed, OutOfPoints, Refused

RESULT = result([1])
GATEWAY = '{"error":"bad gateway"}'
NO_MNEMONIC = '{"error":{"code":-32000,"message":"busy"}}'
STATUS_AS_CODE = '{"error":{"code":502,"message":"busy"}}'
NEITHER = "it has neither a result nor an error of the API"
PAUSES = [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("status", "body", "tries", "exit_code", "why"),
    [
        (502, GATEWAY, 5, 6, f"{NEITHER}: {GATEWAY}"),
        (404, GATEWAY, 1, 6, f"{NEITHER}: {GATEWAY}"),
        (403, GATEWAY, 1, 4, f"{NEITHER}: {GATEWAY}"),
        (401, '{"message":"x"}', 1, 4, f'{NEITHER}: {{"message":"x"}}'),
        (401, "<h1>No</h1>", 1, 4, "it is HTML: No"),
        (503, NO_MNEMONIC, 5, 6, f"{NEITHER}: {NO_MNEMONIC}"),
        (403, NO_MNEMONIC, 1, 4, f"{NEITHER}: {NO_MNEMONIC}"),
        (502, STATUS_AS_CODE, 5, 6, f"{NEITHER}: {STATUS_AS_CODE}"),
        (400, STATUS_AS_CODE, 1, 6, f"{NEITHER}: {STATUS_AS_CODE}"),
        (500, RESULT, 5, 6, f"{NEITHER}: {RESULT}"),
        (204, "", 5, 6, "it is empty"),
        (200, "{}", 5, 6, f"{NEITHER}: {{}}"),
        (200, b"\x1f\x8b\x08\x00", 5, 6, "it is compressed, but no header says so"),
        (200, b'"\xff"', 5, 6, "it is not UTF-8 at byte 1"),
    ],
)
def test_what_is_no_answer_is_said(status, body, tries, exit_code, why):
    got, asked, pauses = called(*[http(body, status)] * 5)
    status = "" if status == 200 else f" (HTTP {status})"
    assert (got.message, got.exit_code) == (
        f"get.calls: the answer{status} is unusable: {why}",
        exit_code,
    )
    assert (asked, pauses) == (tries, PAUSES[: tries - 1])


@pytest.mark.parametrize(
    ("status", "body", "tries", "kind", "message"),
    [
        (
            500,
            refused("forbidden"),
            1,
            NotAllowed,
            "the user is not allowed to do this (forbidden)",
        ),
        (429, refused("limit_exceeded"), 1, OutOfPoints, "the account is out of points (limit_"),
        (400, refused("internal_error"), 5, NetworkFailure, "the service failed (internal_error)"),
        (401, '{"error":{"code":-32001}}', 1, NotAllowed, "the login or password is wrong (auth_"),
        (400, refused("error", "no"), 1, Refused, "the API refused the request (error): no"),
        (400, NO_MNEMONIC, 1, Refused, "the API refused the request (error): busy"),
        (200, STATUS_AS_CODE, 1, Refused, "the API refused the request (error): busy"),
        (200, GATEWAY, 1, Refused, "the API refused the request (error): bad gateway"),
        (
            200,
            refused("error", "\ud800b"),
            1,
            Refused,
            "the API refused the request (error): \\ud800b",
        ),
    ],
)
def test_a_mnemonic_decides_whatever_the_status(status, body, tries, kind, message):
    got, asked, pauses = called(*[http(body, status)] * 5)
    assert type(got) is kind
    assert got.message.startswith(f"get.calls: {message}")
    assert (asked, pauses) == (tries, PAUSES[: tries - 1])


FOLLOW = "It was not followed, because the request contains the token. Correct --base-url."
MIXED = "Something between this machine and the service mixes up answers."


@pytest.mark.parametrize(
    ("answer", "tries", "message", "hint"),
    [
        (http("", 302), 1, "the service redirects (HTTP 302)", FOLLOW),
        (
            http("", 308, "Location: https://x.example/"),
            1,
            "the service redirects (HTTP 308) to https://x.example/",
            FOLLOW,
        ),
        (
            http(result([], id=99)),
            1,
            "the answer belongs to another call: its id is 99, not 1",
            MIXED,
        ),
        (
            http(result([], id=[1])),
            1,
            "the answer belongs to another call: its id is [1], not 1",
            MIXED,
        ),
        (
            [http("{", length=9), CLOSE],
            5,
            "the answer was cut off: 1 of 9 bytes received",
            "Check the network and --base-url.",
        ),
        (
            http(""),
            5,
            "the answer is unusable: it is empty",
            "Check that --base-url is the Data API's.",
        ),
    ],
)
def test_the_way_out_is_said(answer, tries, message, hint):
    got, asked, _ = called(*[answer] * 5)
    assert (type(got), got.message, got.hint) == (NetworkFailure, f"get.calls: {message}", hint)
    assert asked == tries


HALF = "x" * 60
QUOTED = TOKEN.replace("/", "%2F").replace("+", "%2b")


@pytest.mark.parametrize(
    "answer",
    [
        http(f"<h1>{HALF} {TOKEN}</h1>", 502),
        http(f"<h1>{HALF}{TOKEN}</h1>", 403),
        http(f"Bad key {TOKEN}"),
        http(json.dumps({"error": TOKEN})),
        http(json.dumps({"error": f"bad {TOKEN}"}).replace("/", "\\/"), 500),
        http(refused(TOKEN, TOKEN, field=TOKEN, value=[TOKEN])),
        http(refused("internal_error", HALF * 6 + TOKEN)),
        http(result([], id=TOKEN)),
        http("", 302, f"Location: https://example/?key={QUOTED}&again={TOKEN}"),
        http(json.dumps({"result": {"metadata": {"limits": {f"{TOKEN}_remaining": 1}}}})),
        [f"{TOKEN}\r\n\r\n".encode(), CLOSE],
        [f"HTTP/1.1 {TOKEN}\r\n\r\n".encode(), CLOSE],
        [http("", 200, f"Content-Length: {TOKEN}", length=5), CLOSE],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + TOKEN.encode(), CLOSE],
        http("", 200, f"Content-Encoding: {TOKEN}"),
    ],
)
def test_the_key_is_in_no_text_whatever_is_echoed(answer):
    told = []
    got, *_ = called(*[answer] * 5, note=told.append)
    shown = [repr(told)]
    if isinstance(got, ComagicError):
        shown += traceback.format_exception(got)
        chain = got
        while chain is not None:
            shown += [repr(chain), repr(chain.args), repr(vars(chain))]
            chain = chain.__cause__ or chain.__context__
    text = "\n".join(shown)
    assert TOKEN[:6] not in text
    assert "6789" not in text


def test_other_secrets_are_masked_like_the_key():
    with Playback([http(refused("auth_error", "no user Anna with pa ss"))]) as server:
        client = client_of(server.url, secrets=("Anna", "pa ss"))
        with pytest.raises(NotAllowed, match=r"\(auth_error\): no user \*\*\* with \*\*\*$"):
            client.call("get.calls", {})
        client.transport.close()


def test_neither_client_nor_account_shows_its_key():
    client = client_of("http://127.0.0.1:1/", secrets=("password",))
    assert TOKEN not in repr(client)
    assert "password" not in repr(client)
