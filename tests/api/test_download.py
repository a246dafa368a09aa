"""One recording from its address: what counts as one, what is asked again, who gets the token."""

from __future__ import annotations

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from scripted_service import CLOSE, RESET, Clockwork, Playback, chunked, http

from comagic_cli.api.download import Abandoned, Downloader, DownloadError, kind_of
from comagic_cli.api.retry import RetryPolicy
from comagic_cli.sandbox.media import mp3, wav

TOKEN = "SeCrEt-Key"
SOUND, WAV = mp3("f00d", 2), wav("f00d", 1)
RANGES, TAG = "Accept-Ranges: bytes", 'ETag: "one"'
PAGE = b"<!DOCTYPE html><html><title>login</title></html>"
HTML = "Content-Type: text/html; charset=UTF-8"
CUT = [http(SOUND[:900], 200, RANGES, TAG, length=len(SOUND)), CLOSE]
TRIES = 5


class Part:
    """A part in memory."""

    def __init__(self):
        self.data = b""

    @property
    def size(self):
        return len(self.data)

    def write(self, data):
        self.data += data

    def restart(self):
        self.data = b""


class Fetched:
    """What came of one download, and what went over the wire."""

    def __init__(self, *answers, audio="mp3", own=True, path="/a/b/", **more):
        clockwork = Clockwork(**more)
        self.part, self.error, self.told = Part(), None, []
        with Playback(answers) as server:
            loader = Downloader(
                lambda: TOKEN,
                lambda url: own and f":{server.port}/" in url,
                2,
                clockwork.retry_policy,
                tell=self.told.append,
            )
            try:
                loader.fetch(f"http://127.0.0.1:{server.port}{path}", audio, self.part)
            except DownloadError as error:
                self.error = error
            loader.close()
            self.told += loader.refusals()
            self.told = [line.replace(str(server.port), "PORT") for line in self.told]
        self.requests = [request.decode() for request in server.requests]
        self.pauses = clockwork.pauses

    @property
    def outcome(self):
        return (self.error.state, self.error.reason) if self.error else self.part.data

    @property
    def tokens(self):
        return [f"Bearer {TOKEN}" in request for request in self.requests]


def ranged(start, total=None, tag='"one"', data=SOUND):
    total = len(data) if total is None else total
    place = f"Content-Range: bytes {start}-{total - 1}/{total}"
    return http(data[start:], 206, place, f"ETag: {tag}")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (SOUND[:12], "mp3"),
        (b"ID3\x03\x00", "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),  # MPEG-1 layer III
        (b"\xff\xf3\x18\xc0", "mp3"),
        (WAV[:12], "wav"),
        (b"RIFF\x00\x00\x00\x00AVI ", ""),
        (b"\xff\xff", "mp3"),
        (b"\xff\xe1", ""),  # no layer
        (b"\xff\xfen\x00o\x00", ""),  # text in UTF-16, though its mark looks like a frame
        (b"\xff\xfe<\x00h\x00", "html"),
        (b"\xfe\xff\x00<\x00h", "html"),
        (b"\xff\xeb", ""),  # the version that is reserved
        (b"\xff\xd8\xff\xe0", ""),  # a picture
        (b"<html>", "html"),
        (b"\xef\xbb\xbf\r\n <!DOCTYPE", "html"),
        (b'{"error": 1}', "json"),
        (b'[{"error": 1}]', "json"),
        (b"", ""),
        (b"\xff", ""),
    ],
)
def test_a_file_is_told_by_its_first_bytes(head, kind):
    assert kind_of(head) == kind


@pytest.mark.parametrize(
    ("answers", "audio", "expected"),
    [
        ([http(SOUND)], "mp3", SOUND),
        ([http(WAV)], "wav", WAV),
        (
            [http(chunked(SOUND[:5], SOUND[5:]), 200, "Transfer-Encoding: chunked", length=-1)],
            "mp3",
            SOUND,
        ),
        ([http(chunked(SOUND), 200, "Transfer-Encoding: Chunked", length=9)], "mp3", SOUND),
        ([http(SOUND, 200, "Content-Encoding: Identity")], "mp3", SOUND),
        ([http(PAGE, 200, HTML)] * 2, "mp3", ("refused", "a web page came instead of a recording")),
        ([http(PAGE)] * 2, "mp3", ("refused", "a web page came instead of a recording")),
        ([http(b"sign in please", 200, HTML)] * 2, "mp3", ("refused", "what came is not mp3")),
        (
            [http(b'{"error": "no such recording"}')] * 2,
            "mp3",
            ("refused", "JSON came instead of a recording"),
        ),
        ([http(b'{"error": "no token"}'), http(SOUND)], "mp3", SOUND),
        ([http(b"no such recording")], "mp3", ("failed", "what came is not mp3")),
        ([http(WAV)], "mp3", ("failed", "wav came, not mp3")),
        ([http(SOUND)], "wav", ("failed", "mp3 came, not wav")),
        ([http(b"")], "mp3", ("failed", "zero bytes came")),
        (
            [http(chunked(), 200, "Transfer-Encoding: chunked", length=-1)],
            "mp3",
            ("failed", "only 0 bytes came"),
        ),
        ([http(b"ID3")], "mp3", b"ID3"),
        ([http("", 404)], "mp3", ("missing", "it is not there yet (HTTP 404)")),
        ([http("", 202)], "mp3", ("missing", "it is not there yet (HTTP 202)")),
        ([http("", 403)] * 2, "mp3", ("refused", "HTTP 403")),
        ([http("", 418)], "mp3", ("failed", "HTTP 418")),
        ([http(SOUND, 206)], "mp3", ("failed", "HTTP 206")),
        (
            [[http(SOUND, length=-1), CLOSE]],
            "mp3",
            ("failed", "its length is not announced, so it could be cut"),
        ),
        (
            [http(SOUND, 200, "Content-Encoding: gzip")],
            "mp3",
            ("failed", "it came compressed (gzip), which was not asked for"),
        ),
        (
            [http(WAV[:4000])],
            "wav",
            ("failed", f"it is cut: 4000 bytes came, and it says {len(WAV)}"),
        ),
        (
            [http(WAV[:4] + b"\xff\xff\xff\xff" + WAV[8:])],
            "wav",
            WAV[:4] + b"\xff\xff\xff\xff" + WAV[8:],
        ),
        (
            [http("", 302, "Location: /login?back=/a")] * 2,
            "mp3",
            ("refused", "a redirect to a login came (HTTP 302 to http://127.0.0.1:PORT/login)"),
        ),
        (
            [http("", 308, "Location: ftp://example.org/x")] * 2,
            "mp3",
            ("refused", "it redirects to ftp://example.org/x, which is not safe"),
        ),
        (
            [http("", 307, "Location: http://example.org/x")] * 2,
            "mp3",
            ("refused", "it redirects to http://example.org/x, which is not safe"),
        ),
        *(
            (
                [http("", 302, f"Location: {place}")],
                "mp3",
                ("failed", "it redirects to an invalid address (HTTP 302)"),
            )
            for place in ("", "http://[bad/", "https://x:99999/", "https://a b/")
        ),
        (
            [http("", 302, "Location: https://user:pass@auth.example.org/x")] * 2,
            "mp3",
            ("refused", "a redirect to a login came (HTTP 302 to https://auth.example.org/x)"),
        ),
        ([http("", 302, "Location: /v1/AUTH_ab/lesson/sso1.mp3"), http(SOUND)], "mp3", SOUND),
        ([http("", 301, "Location: /a/b/")] * 12, "mp3", ("refused", "more than 5 redirects")),
        ([*[http("", 301, "Location: /a/b/")] * 5, http(SOUND)], "mp3", SOUND),
        ([http("", 308, "Location: /c.mp3"), http(SOUND)], "mp3", SOUND),
    ],
)
def test_what_comes_is_checked(answers, audio, expected):
    fetched = Fetched(*answers, audio=audio)
    outcome = fetched.outcome
    if isinstance(outcome, tuple):
        port = next(iter(fetched.requests), "").partition("127.0.0.1:")[2][:5].strip()
        outcome = (outcome[0], outcome[1].replace(f":{port}", ":PORT"))
    assert outcome == expected
    assert len(fetched.requests) == len(answers)


@pytest.mark.parametrize(
    "trouble", [http("", 503), http("", 429), http("", 408), [RESET], CUT[0:2]]
)
def test_trouble_is_tried_again(trouble):
    fetched = Fetched(trouble, trouble, http(SOUND))
    assert (fetched.outcome, len(fetched.requests)) == (SOUND, 3)
    assert fetched.pauses == [0.5, 1.0]


def test_trouble_that_lasts_is_an_error():
    fetched = Fetched(*[http("", 503)] * TRIES)
    assert fetched.outcome == ("failed", "HTTP 503")
    assert len(fetched.requests) == TRIES


def test_a_pause_that_the_host_asks_for_is_made():
    assert Fetched(http("", 429, "Retry-After: 7"), http(SOUND)).pauses[0] == 7
    fetched = Fetched(http("", 429, "Retry-After: 90"), max_wait=60)
    assert fetched.outcome == ("failed", "HTTP 429; it asks to wait 90 s")


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([CUT, ranged(900)], [None, "bytes=900-"]),
        # The server sends all of it in spite of being asked for a part.
        ([CUT, http(SOUND, 200, RANGES, TAG)], [None, "bytes=900-"]),
        # What continues is of another content, begins elsewhere, or is of another length.
        ([CUT, ranged(900, tag='"two"'), http(SOUND)], [None, "bytes=900-", None]),
        ([CUT, ranged(800), http(SOUND)], [None, "bytes=900-", None]),
        ([CUT, ranged(900, total=len(SOUND) + 1), http(SOUND)], [None, "bytes=900-", None]),
        ([CUT, http("", 416), http(SOUND)], [None, "bytes=900-", None]),
        # It takes no ranges, or does not say what tells one content from another.
        ([[http(SOUND[:900], length=len(SOUND)), CLOSE], http(SOUND)], [None, None]),
        ([[http(SOUND[:900], 200, RANGES, length=len(SOUND)), CLOSE], http(SOUND)], [None, None]),
        (
            [
                [http(SOUND[:900], 200, RANGES, 'ETag: W/"1"', length=len(SOUND)), CLOSE],
                http(SOUND),
            ],
            [None, None],
        ),
    ],
)
def test_a_cut_download_is_continued_where_that_is_safe(answers, asked):
    fetched = Fetched(*answers)
    ranges = [
        next((line[7:] for line in request.splitlines() if line.startswith("Range: ")), None)
        for request in fetched.requests
    ]
    assert (fetched.outcome, ranges) == (SOUND, asked)
    for request, part in zip(fetched.requests, ranges, strict=True):
        assert ('If-Range: "one"' in request) is (part is not None)


def test_a_download_that_gets_on_is_not_given_up():
    whole = SOUND * 400
    steps = range(0, len(whole), 70_000)
    answers = [[http(whole[:70_000], 200, RANGES, TAG, length=len(whole)), CLOSE]]
    for start in steps[1:]:
        place = f"Content-Range: bytes {start}-{len(whole) - 1}/{len(whole)}"
        piece = whole[start : start + 70_000]
        answers.append([http(piece, 206, place, TAG, length=len(whole) - start), CLOSE])
    assert len(answers) > TRIES
    assert Fetched(*answers).outcome == whole


def test_a_cut_wav_that_is_continued_is_measured_too():
    short = WAV[:6000]
    cut = [http(short[:900], 200, RANGES, TAG, length=len(short)), CLOSE]
    fetched = Fetched(cut, ranged(900, data=short), audio="wav")
    assert fetched.outcome[0] == "failed"


def test_the_token_is_sent_only_where_it_is_asked_for():
    assert Fetched(http(SOUND)).tokens == [False]
    fetched = Fetched(http("", 403), http(SOUND))
    assert (fetched.outcome, fetched.tokens) == (SOUND, [False, True])
    assert fetched.told == [
        "127.0.0.1:PORT gives recordings to those with the account's token only."
    ]


def test_the_token_is_not_sent_to_another_host_nor_along_a_redirect():
    fetched = Fetched(http("", 403), own=False)
    assert (fetched.outcome, fetched.tokens) == (("refused", "HTTP 403"), [False])
    assert fetched.told == ["127.0.0.1:PORT refuses recordings without a token: HTTP 403."]
    moved = http("", 302, "Location: /elsewhere")
    fetched = Fetched(http("", 403), moved, http("", 403))
    assert fetched.tokens == [False, True, False]


def test_what_opened_one_recording_is_used_for_the_next():
    answers = [http("", 403), http(SOUND), http(SOUND), http("", 403), http(SOUND)]
    with Playback(answers) as server:
        loader = Downloader(lambda: TOKEN, lambda _: True, 2, Clockwork().retry_policy)
        outcomes = []
        for _ in range(4):
            try:
                loader.fetch(f"http://127.0.0.1:{server.port}/a", "mp3", Part())
                outcomes.append("saved")
            except DownloadError as error:
                outcomes.append(error.state)
        loader.close()
    assert outcomes == ["saved", "saved", "refused", "saved"]
    sent = [TOKEN.encode() in request for request in server.requests]
    assert sent == [False, True, True, True, True]


def test_a_host_that_opens_some_recordings_without_the_token_is_sent_it_for_others():
    with Playback([http(SOUND), http("", 403), http(SOUND), http(SOUND)]) as server:
        loader = Downloader(lambda: TOKEN, lambda _: True, 2, Clockwork().retry_policy)
        for _ in range(3):
            loader.fetch(f"http://127.0.0.1:{server.port}/a", "mp3", Part())
        loader.close()
    assert [TOKEN.encode() in request for request in server.requests] == [False, False, True, False]


def test_a_redirect_with_the_token_in_it_is_told_without():
    fetched = Fetched(http("", 403), http("", 302, f"Location: http://a.example/login/{TOKEN}"))
    reason = "a redirect to a login came (HTTP 302 to http://a.example/login/***)"
    assert fetched.outcome == ("refused", reason)


def test_no_cookie_is_kept():
    cookie = "Set-Cookie: session=1; Path=/"
    fetched = Fetched(http("", 403, cookie), http(SOUND))
    assert not any("Cookie" in request for request in fetched.requests)


def test_all_threads_wait_while_the_host_asks_for_it():
    clock, slept = [100.0], []

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    policy = RetryPolicy(sleep=sleep, jitter=lambda: 0.5, tries=1)
    with Playback([http("", 429, "Retry-After: 30"), http(SOUND)]) as server:
        url = f"http://127.0.0.1:{server.port}/a"
        loader = Downloader(lambda: "", lambda _: False, 2, policy, clock=lambda: clock[0])
        with pytest.raises(DownloadError):
            loader.fetch(url, "mp3", Part())
        loader.fetch(url, "mp3", Part())
        loader.close()
    assert slept == [30]


def test_nobody_waits_longer_than_allowed():
    policy = RetryPolicy(sleep=pytest.fail, max_wait=60)
    with Playback([http("", 429, "Retry-After: 90")]) as server:
        url = f"http://127.0.0.1:{server.port}/a"
        loader = Downloader(lambda: "", lambda _: False, 2, policy, clock=lambda: 0.0)
        reasons = []
        for _ in range(2):
            with pytest.raises(DownloadError) as raised:
                loader.fetch(url, "mp3", Part())
            reasons.append(raised.value.reason)
        loader.close()
    assert reasons == ["HTTP 429; it asks to wait 90 s", "the host asks to wait 90 s"]


def test_a_stopped_download_ends_at_once():
    with Playback([http(SOUND)]) as server:
        loader = Downloader(lambda: "", lambda _: False, 2, Clockwork().retry_policy)
        loader.stopped.set()
        with pytest.raises(Abandoned):
            loader.fetch(f"http://127.0.0.1:{server.port}/a", "mp3", Part())
        assert server.requests == []


class Foreign(BaseHTTPRequestHandler):
    """A host that is not the service's: it writes down what it is asked, and serves the sound."""

    seen: list[str] = []  # noqa: RUF012 - one test's

    def do_GET(self):
        Foreign.seen.append(str(self.headers))
        self.send_response(200)
        self.send_header("Content-Length", str(len(SOUND)))
        self.end_headers()
        self.wfile.write(SOUND)

    def log_message(self, *_):
        """Say nothing."""


def test_a_foreign_host_at_the_end_of_a_redirect_gets_no_token():
    with HTTPServer(("127.0.0.1", 0), Foreign) as foreign:
        thread = threading.Thread(target=foreign.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        moved = f"Location: http://127.0.0.1:{foreign.server_port}/sound"
        fetched = Fetched(http("", 403), http("", 302, moved))
        foreign.shutdown()
    assert (fetched.outcome, fetched.tokens) == (SOUND, [False, True])
    assert Counter("Authorization" in headers for headers in Foreign.seen) == {False: 1}
