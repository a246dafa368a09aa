from __future__ import annotations

import gzip
import json
import re
import ssl
import subprocess
import time
import zlib
from email.utils import formatdate
from itertools import chain, repeat
from pathlib import Path

import brotli
import pytest
import zstandard
from scripted_service import CLOSE, HANG, RESET, Playback, chunked, http

from comagic_cli.api.http import HttpTransport, TransportError, is_loopback
from comagic_cli.errors import NetworkFailure, UsageProblem

BODY = json.dumps({"result": {"data": ["Звонки " * 50]}}, ensure_ascii=False).encode()
CHUNKED = "Transfer-Encoding: chunked"
PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
ELSEWHERE = "https://dataapi.example/v2.0"
REFUSAL = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in (*BUNDLES, "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


def sent(*answers, url=None, tls=None, times=1, **more):
    """Send as many requests over one line, and return the last reply and the server."""
    with Playback(answers, tls) as server:
        line = HttpTransport(url or server.url, more.pop("timeout", 5), **more)
        try:
            for _ in range(times):
                reply = line.send(b'{"id":1}')
        finally:
            line.close()
    return reply, server


def broken(*answers, **more) -> str:
    with pytest.raises(TransportError) as caught:
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
        ([CLOSE], "no answer: Remote end closed connection without response"),
        ([RESET], "no answer: Connection reset by peer"),
        ([b"SSH-2.0\r\n\r\n", CLOSE], "no answer: this is not HTTP"),
        ([b"HTTP/1.1 abc\r\n\r\n", CLOSE], "no answer: this is not HTTP"),
        ([http(b"{", 200, "X: " + "x" * 70_000), CLOSE], "no answer: this is not HTTP"),
        ([http(b"{}", length=10), CLOSE], "the answer was cut off: 2 of 10 bytes received"),
        ([http(b"{}", length=10), RESET], "the answer was cut off: Connection reset by peer"),
        (
            [http(b"{}", length=10**30), CLOSE],
            f"the answer was cut off: 2 of {10**30} bytes received",
        ),
        (
            [http(b"{}", 200, "Content-Length: 4"), CLOSE],
            "no answer: Content-Length contained multiple unmatching values (2, 4)",
        ),
        (
            [http(b"", 200, CHUNKED, length=-1) + chunked(b"{}", end=b""), CLOSE],
            "the answer was cut off: it ended too early",
        ),
        (
            [http(b"", 200, CHUNKED, length=-1) + b"9\r\n{}", CLOSE],
            "the answer was cut off: it ended too early",
        ),
        (
            [http(b"", 200, CHUNKED, length=-1) + b"many\r\n{}", CLOSE],
            "the answer was cut off: it ended too early",
        ),
        (http(BODY, 200, "Content-Encoding: gzip"), "the answer can't be decompressed"),
        (http(BODY, 200, "Content-Encoding: lz4"), "the answer uses an unknown compression: lz4"),
        (
            http(BODY, 200, "Content-Encoding: gzip, lz4"),
            "the answer uses an unknown compression: lz4",
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
    assert broken(answer, timeout=0.1) == "no complete answer within 0.1 s"


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
        (http(b"{", length=10**6), b" "),
        (http(b"", 200, CHUNKED, length=-1) + b"fffff\r\n", b" "),
        (http(b"", 200, CHUNKED, length=-1), b"1\r\n \r\n"),
    ],
)
def test_a_drip_ends_with_the_timeout(start, drop):
    started = time.monotonic()
    assert broken(Dripping(start, drop), timeout=0.2) == "no complete answer within 0.2 s"
    assert time.monotonic() - started < 10


def test_what_comes_after_the_time_is_not_read():
    clock = chain([0.0, 4.9], repeat(5.0)).__next__
    answer = Dripping(http(b"{", length=9), b" ")
    assert broken(answer, timeout=5, clock=clock) == "no complete answer within 5 s"


def test_a_bomb_ends_at_the_most_bytes():
    bomb = gzip.compress(b" " * (1 << 24))
    with pytest.raises(NetworkFailure) as caught:
        sent(http(bomb, 200, "Content-Encoding: gzip"), max_body=1 << 20)
    assert caught.value.message == "the answer is larger than 1048576 bytes"
    assert caught.value.hint == "Ask for fewer rows at once with --page-size."


def test_nobody_there_is_a_broken_exchange():
    with Playback([]) as server:
        pass
    with pytest.raises(TransportError, match=r"^no answer: Connection refused$"):
        HttpTransport(server.url, 5).send(b"")


def test_a_connection_that_is_not_made_in_time(monkeypatch):
    def connect(*_, **__):
        raise TimeoutError("timed out")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    for timeout, seconds in ((5, 5), (60, 30)):
        with pytest.raises(TransportError, match=f"^no connection within {seconds} s$"):
            HttpTransport("http://127.0.0.1:9/v2.0", timeout).send(b"")


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
        line = HttpTransport(server.url, 5)
        line.send(b"")
        for requests in (3, 4):
            with pytest.raises(TransportError):
                line.send(b"")
            assert len(server.requests) == requests
        line.send(b"")
        line.close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 7"], 7),
        (["Retry-After: 0"], 0),
        (["Retry-After: 86400"], 86400),
        (["Retry-After: Thu, 08 Oct 2015 11:00:00 GMT"], 0),
        (["Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"], 0),
        (["Retry-After: Thu, 08 Oct 99999 12:00:30 GMT"], None),
        (["Retry-After: 2.5"], None),
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


def test_a_very_long_wait_is_longer_than_anybody_waits():
    reply, _ = sent(http(b"", 503, "Retry-After: " + "9" * 40))
    assert reply.retry_after > 3600


def test_a_date_to_try_again():
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


# Certificates and proxies of the environment, but no passwords


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate for 127.0.0.1 that nobody has signed but itself."""
    folder = tmp_path_factory.mktemp("tls")
    made = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
        -keyout {folder}/key.pem -out {folder}/certificate.pem"
    subprocess.run(made.split(), check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


def send(url, times=1):
    line = HttpTransport(url, 5)
    try:
        return [line.send(b"{}").body for _ in range(times)]
    finally:
        line.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(tls):
    with Playback([http(b"{}")], tls) as server:
        with pytest.raises(NetworkFailure) as caught:
            send(server.url)
        assert server.requests == []
    assert caught.value.message == (
        f"the certificate of {server.url} can't be verified: self-signed certificate"
    )
    assert caught.value.hint == (
        "If the network has its own certificate, name its file in REQUESTS_CA_BUNDLE."
    )


@pytest.mark.parametrize("name", BUNDLES)
def test_a_certificate_named_in_the_environment_is_trusted(environment, certificate, tls, name):
    environment.setenv(name, str(certificate))
    with Playback([http(b"{}")] * 2, tls) as server:
        assert send(server.url, times=2) == [b"{}", b"{}"]
        assert server.connections == 1


def test_a_certificate_of_another_host_is_refused(environment, certificate, tls):
    environment.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Playback([http(b"{}")], tls) as server, pytest.raises(NetworkFailure) as caught:
        send(server.url.replace("127.0.0.1", "localhost"))
    assert "Hostname mismatch" in caught.value.message
    assert server.requests == []


def test_a_folder_of_certificates_may_be_named(environment, tls, tmp_path):
    environment.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    with Playback([http(b"{}")], tls) as server, pytest.raises(NetworkFailure):
        send(server.url)


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file or directory"), ("no certificate", "it contains none")],
)
def test_a_bundle_that_is_none_is_said_before_anything_is_sent(
    environment, tmp_path, name, content, why
):
    bundle = tmp_path / "bundle.pem"
    if content:
        bundle.write_text(content)
    environment.setenv(name, str(bundle))
    with pytest.raises(UsageProblem) as caught:
        HttpTransport("https://127.0.0.1:1/v2.0", 5)
    assert caught.value.message == f"{name}: can't read certificates from {bundle}: {why}"
    HttpTransport("http://127.0.0.1:1/v2.0", 5).close()


def test_https_to_a_server_without_it_is_a_broken_exchange():
    answer = [http(b""), CLOSE]
    with (
        Playback([answer]) as server,
        pytest.raises(TransportError, match=r"does not answer with TLS"),
    ):
        send(server.url.replace("http:", "https:"))


def test_the_proxy_of_the_environment_is_used(environment):
    with Playback([[REFUSAL, CLOSE]]) as proxy:
        environment.setenv("https_proxy", f"http://user:word@127.0.0.1:{proxy.port}")
        with pytest.raises(TransportError) as caught:
            send(ELSEWHERE)
    said = f"no answer from the proxy 127.0.0.1:{proxy.port}: Tunnel connection failed: 503 No"
    assert (str(caught.value), caught.value.hint[:15]) == (said, "Check the proxy")
    assert proxy.requests[0].startswith(b"CONNECT dataapi.example:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in proxy.requests[0]


def test_the_environment_may_except_hosts_from_its_proxy(environment):
    with Playback([[REFUSAL, CLOSE]]) as proxy:
        environment.setenv("https_proxy", proxy.url)
        environment.setenv("no_proxy", "127.0.0.1,.example")
        with pytest.raises(TransportError):
            send(ELSEWHERE)
    assert proxy.requests == []


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_no_proxy_is_used_for_loopback(environment, name):
    environment.setenv(name, "http://127.0.0.1:1")
    with Playback([http(b"{}")]) as server:
        assert send(server.url) == [b"{}"]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://"])
def test_a_proxy_that_cannot_be_used_is_said(environment, proxy):
    environment.setenv("https_proxy", proxy)
    with pytest.raises(UsageProblem) as caught:
        send(ELSEWHERE)
    assert caught.value.message.startswith(f"{ELSEWHERE} can't be called: ")


def test_netrc_is_never_sent(environment, tmp_path):
    (tmp_path / ".netrc").write_text("default login user password word\n")
    environment.setenv("NETRC", str(tmp_path / ".netrc"))
    environment.setattr("comagic_cli.api.http.is_loopback", lambda _: False)
    environment.setenv("no_proxy", "*")
    with Playback([http(b"{}")]) as server:
        send(server.url)
    assert b"authorization" not in server.requests[0].lower()
    assert Path("~/.netrc").expanduser().exists()
