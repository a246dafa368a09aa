from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from email.utils import formatdate
from itertools import chain, repeat
from types import SimpleNamespace

import brotli
import pytest
import zstandard
from playback import CLOSE, HANG, RESET, Playback, chunked, http

from comagic_cli.api.http import Broken, Line, is_loopback
from comagic_cli.errors import NetworkFailure

BODY = json.dumps({"result": {"data": ["Звонки " * 50]}}, ensure_ascii=False).encode()
CHUNKED = "Transfer-Encoding: chunked"
PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch, tmp_path):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def sent(*answers, url=None, tls=None, times=1, **more):
    """Send as many requests over one line, and return the last reply and the server."""
    with Playback(answers, tls) as server:
        line = Line(url or server.url, more.pop("timeout", 5), **more)
        try:
            for _ in range(times):
                reply = line.send(b'{"id":1}')
        finally:
            line.close()
    return reply, server


def broken(*answers, **more) -> str:
    with pytest.raises(Broken) as caught:
        sent(*answers, **more)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return str(caught.value)


def test_the_request_is_a_post_of_json_that_names_the_program():
    _, server = sent(http(BODY))
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    first, *headers = head.split("\r\n")
    assert (first, body) == ("POST /v2.0 HTTP/1.1", '{"id":1}')
    named = dict(header.split(": ", 1) for header in headers)
    assert named["Content-Type"] == "application/json; charset=UTF-8"
    assert named["User-Agent"].startswith("comagic/")
    assert "Authorization" not in named


def test_every_coding_that_is_offered_can_be_read():
    _, server = sent(http(BODY))
    [offer] = re.findall(rb"Accept-Encoding: (.*)\r", server.requests[0])
    codings = offer.decode().split(", ")
    for coding in codings:
        reply, _ = sent(http(PACKED[coding](BODY), 200, f"Content-Encoding: {coding}"))
        assert reply.body == BODY
    assert {"gzip", "zstd", "br"} <= {*codings}  # the last two by packages that tests need


@pytest.mark.parametrize(
    "answer",
    [
        http(BODY),
        http(BODY, 200, "Content-Type: application/json"),
        http(BODY, 200, "Content-Encoding: identity"),
        [http(BODY, length=-1), CLOSE],
        http(b"", 200, CHUNKED, length=-1) + chunked(BODY[:7], BODY[7:]),
        http(b"", 200, CHUNKED, length=3) + chunked(BODY),
        http(gzip.compress(BODY, mtime=0), 200, "Content-Encoding: gzip"),
        http(gzip.compress(BODY, mtime=0), 200, "Content-Encoding: X-GZIP"),
        http(zlib.compress(BODY), 200, "Content-Encoding: deflate"),
        http(zlib.compress(BODY, wbits=-15), 200, "Content-Encoding: deflate"),
        http(b"", 200, CHUNKED, "Content-Encoding: gzip", length=-1)
        + chunked(gzip.compress(BODY, mtime=0)[:20], gzip.compress(BODY, mtime=0)[20:]),
        [b"HTTP/1.0 200 OK\r\n\r\n", BODY, CLOSE],
        [*(bytes([byte]) for byte in http(BODY))],
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(BODY),
    ],
)
def test_a_body_is_read_however_it_is_sent(answer):
    reply, _ = sent(answer)
    assert (reply.status, reply.body, reply.retry_after, reply.location) == (200, BODY, None, "")


@pytest.mark.parametrize("status", [204, 302, 307, 400, 404, 503])
@pytest.mark.parametrize("place", ["/there", "http://[", "mailto:me", "https://1.2.3.4:99999"])
def test_any_status_is_a_reply_and_no_redirect_is_followed(status, place):
    body = b"" if status == 204 else b"<html>"
    reply, server = sent(http(body, status, f"Location: {place}"))
    assert (reply.status, reply.body, reply.location) == (status, body, place)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([CLOSE], "no answer came: Remote end closed connection without response"),
        ([RESET], "no answer came: Connection reset by peer"),
        ([b"SSH-2.0\r\n\r\n", CLOSE], "no answer came: what came is not HTTP"),
        ([b"HTTP/1.1 abc\r\n\r\n", CLOSE], "no answer came: what came is not HTTP"),
        ([http(b"{", 200, "X: " + "x" * 70_000), CLOSE], "no answer came: what came is not HTTP"),
        ([http(b"{}", length=10), CLOSE], "the answer was cut: 2 of 10 bytes came"),
        ([http(b"{}", length=10), RESET], "the answer was cut: Connection reset by peer"),
        ([http(b"{}", length=10**30), CLOSE], f"the answer was cut: 2 of {10**30} bytes came"),
        (
            [http(b"{}", 200, "Content-Length: 4"), CLOSE],
            "no answer came: Content-Length contained multiple unmatching values (2, 4)",
        ),
        (
            [http(b"", 200, CHUNKED, length=-1) + chunked(b"{}", end=b""), CLOSE],
            "the answer was cut: Response ended prematurely",
        ),
        (
            [http(b"", 200, CHUNKED, length=-1) + b"9\r\n{}", CLOSE],
            "the answer was cut: it ended too early",
        ),
        (
            [http(b"", 200, CHUNKED, length=-1) + b"many\r\n{}", CLOSE],
            "the answer was cut: what came is not HTTP",
        ),
        (http(BODY, 200, "Content-Encoding: gzip"), "the answer could not be decompressed"),
        (http(BODY, 200, "Content-Encoding: lz4"), "the answer is compressed by lz4, unasked"),
        (
            http(BODY, 200, "Content-Encoding: gzip, lz4"),
            "the answer is compressed by lz4, unasked",
        ),
    ],
)
def test_what_breaks_is_said(answer, why):
    assert broken(answer) == why


@pytest.mark.parametrize(
    "answer",
    [
        [HANG],
        [b"HTTP/1.1 200 OK\r\nContent-", HANG],
        [http(b"{", length=50), HANG],
        [http(b"", 200, CHUNKED, length=-1) + b"50\r\n{", HANG],
    ],
)
def test_silence_ends_with_the_timeout(answer):
    assert broken(answer, timeout=0.1) == "no whole answer came within 0.1 s"


class Dripping:
    """Parts of an answer that come one by one, each long before a timeout."""

    def __init__(self, start: bytes, drop: bytes) -> None:
        self.start, self.drop = start, drop

    def __iter__(self):
        yield self.start
        while True:
            time.sleep(0.02)
            yield self.drop


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (http(b"{", length=10**6), b" "),
        (http(b"", 200, CHUNKED, length=-1) + b"fffff\r\n", b" "),
        (http(b"", 200, CHUNKED, length=-1), b"1\r\n \r\n"),
        (http(b"", 200, "Content-Encoding: gzip", length=10**6), gzip.compress(b"", mtime=0)),
    ],
)
def test_a_drip_ends_with_the_timeout(start, drop):
    started = time.monotonic()
    assert broken(Dripping(start, drop), timeout=0.2) == "no whole answer came within 0.2 s"
    assert time.monotonic() - started < 10


def test_what_comes_after_the_time_is_not_read(monkeypatch):
    ticks = chain([0.0, 4.9], repeat(5.0))
    clock = SimpleNamespace(monotonic=lambda: next(ticks))
    monkeypatch.setattr("comagic_cli.api.http.time", clock)
    assert broken([http(b"{", length=9), HANG], timeout=5) == "no whole answer came within 5 s"


def test_a_bomb_ends_at_the_most_bytes():
    bomb = gzip.compress(b" " * (1 << 24))
    with pytest.raises(NetworkFailure) as caught:
        sent(http(bomb, 200, "Content-Encoding: gzip"), most=1 << 20)
    assert caught.value.message == "the answer is larger than 1048576 bytes"
    assert caught.value.hint == "Ask for fewer rows at once with --page-size."


def test_nobody_there_is_a_broken_exchange():
    with Playback([]) as server:
        pass
    with pytest.raises(Broken, match=r"^no answer came: Connection refused$"):
        Line(server.url, 5).send(b"")


def test_a_connection_that_is_not_made_in_time(monkeypatch):
    def connect(*_, **__):
        raise TimeoutError("timed out")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    for timeout, seconds in ((5, 5), (60, 30)):
        with pytest.raises(Broken, match=f"^no connection within {seconds} s$"):
            Line("http://127.0.0.1:9/v2.0", timeout).send(b"")


@pytest.mark.parametrize(
    "answer",
    [
        http(BODY),
        http(b"", 200, CHUNKED, length=-1) + chunked(BODY),
        http(gzip.compress(BODY, mtime=0), 200, "Content-Encoding: gzip"),
        http(b"<html>", 502),
    ],
)
def test_one_connection_serves_all_calls(answer):
    _, server = sent(*[answer] * 4, times=4)
    assert (len(server.requests), server.connections) == (4, 1)


@pytest.mark.parametrize("how", [CLOSE, RESET])
def test_a_connection_closed_between_calls_is_made_again(how):
    answers = [http(BODY), [how], http(BODY), [http(BODY), how], http(BODY)]
    reply, server = sent(*answers, times=4)
    assert (reply.body, len(server.requests)) == (BODY, 5)


def test_a_fresh_connection_that_is_closed_is_not_made_again():
    with Playback([http(BODY), [CLOSE], [CLOSE], [CLOSE], http(BODY)]) as server:
        line = Line(server.url, 5)
        line.send(b"")
        for requests in (3, 4):
            with pytest.raises(Broken):
                line.send(b"")
            assert len(server.requests) == requests
        line.send(b"")
        line.close()


DATE = "Date: Thu, 08 Oct 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 7"], 7),
        (["Retry-After:  2.5 "], 2.5),
        (["Retry-After: 0"], 0),
        (["Retry-After: " + "9" * 400], float("inf")),
        (["Retry-After: Thu, 08 Oct 2026 12:00:30 GMT", DATE], 30),
        (["Retry-After: Thursday, 08-Oct-26 12:00:30 GMT", DATE], 30),
        (["Retry-After: Thu, 08 Oct 2026 11:00:00 GMT", DATE], 0),
        (["Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"], 0),
        (["Retry-After: Thu, 08 Oct 99999 12:00:30 GMT", DATE], None),
        (["Retry-After: -1"], None),
        (["Retry-After: soon"], None),
        (["Retry-After: ٥"], None),
        (["Retry-After:"], None),
        ([], None),
    ],
)
def test_when_to_try_again(headers, seconds):
    headers = [header.encode().decode("latin-1") for header in headers]
    reply, _ = sent(http(b"", 503, *headers))
    assert reply.retry_after == seconds


def test_a_date_to_try_again_without_a_date_of_the_answer():
    reply, _ = sent(http(b"", 503, f"Retry-After: {formatdate(time.time() + 100, usegmt=True)}"))
    assert 90 < reply.retry_after <= 100


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *((host, True) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1")),
        *((host, False) for host in ("", "localhost.example", "127.0.0.1.example", "10.0.0.1")),
        *((host, False) for host in ("127.1", "١٢٧.0.0.1", "::2", "0.0.0.0")),
    ],
)
def test_which_hosts_are_this_machine(host, loopback):
    assert is_loopback(host) == loopback
