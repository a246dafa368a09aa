"""Downloads: one recording from its address, checked, retried, and continued where it was cut."""

from __future__ import annotations

import re
import time
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from threading import Event, Lock
from typing import Literal, Protocol
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from comagic_cli.api.http import (
    CONNECT_TIMEOUT,
    HTTP_ERRORS,
    TransportError,
    explain_failure,
    make_session,
    read_retry_after,
)
from comagic_cli.api.proxies import is_loopback
from comagic_cli.api.redact import Redact, redactor
from comagic_cli.api.retry import RetryPolicy

State = Literal["missing", "refused", "failed"]
"""Why there is no recording: it is not there yet, who asks may not have it, it did not come."""

CHUNK = 1 << 16  # bytes that are in memory at once, and that must come within the timeout
HEAD = 12  # bytes that tell what a file is
MOST_REDIRECTS = 5
PARTIAL = 206
UNSATISFIABLE = 416
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ABSENT = frozenset({202, 204, 404, 410})
DENIED = frozenset({401, 402, 403, 407})
RETRY = frozenset({408, 425, 429, *range(500, 600)})
SUCCESS = frozenset({200, PARTIAL})
# A folder or a file of a path, or the first name of a host; storages have /v1/AUTH_x/ in theirs.
LOGIN = re.compile(r"(?:^|/)(?:log[-_]?in|sign[-_]?in|auth|sso)(?=[/.]|$)", re.IGNORECASE)
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
SYNC = 0x7FF  # the 11 bits that a frame of MPEG audio begins with
NO_SOUND = {"html": "a web page", "json": "JSON"}  # that refuses with status 200
UNKNOWN_SIZE = 0x7FFF_0000  # from here on a size in a wav file stands for one not known yet


class DownloadError(Exception):
    """A recording did not come. The text is the reason, without a period.

    `gave_up` says that the host failed however often it was asked.
    """

    def __init__(self, state: State, reason: str, *, gave_up: bool = False) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
        self.gave_up = gave_up


class Abandoned(Exception):
    """The run ends: what is being downloaded is not wanted any more."""


class _Again(Exception):
    """An attempt failed and another may succeed; `after` is the pause asked for, in seconds."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Part(Protocol):
    """The file that a download goes to before it is whole."""

    @property
    def size(self) -> int:
        """Return how many bytes it has."""

    def write(self, data: bytes) -> None:
        """Append bytes."""

    def restart(self) -> None:
        """Delete its bytes."""


def check_whole(head: bytes, size: int, audio: str) -> str:
    """Return what is wrong with a file, by its first bytes and its size; "" for nothing."""
    told = int.from_bytes(head[4:8], "little") + 8  # of a wav, which says how long it is
    if kind_of(head) == audio == "wav" and size < told < UNKNOWN_SIZE:
        return f"it is cut: {size} bytes came, and it says {told}"
    return check_head(head, audio)


def check_head(head: bytes, audio: str) -> str:
    """Return what is wrong with the first bytes of a recording, "" for nothing."""
    kind = kind_of(head)
    if kind == audio:
        return ""
    if kind in NO_SOUND:
        return f"{NO_SOUND[kind]} came instead of a recording"
    return f"{kind} came, not {audio}" if kind else f"what came is not {audio}"


def kind_of(head: bytes) -> str:
    """Tell by its first bytes what a file is: mp3, wav, html, json; "" for anything else."""
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):  # text, though one looks like a frame
        head = head[2:].replace(b"\0", b"")
    if head.startswith(b"ID3") or (len(head) > 1 and _is_frame(head)):
        return "mp3"
    if head.startswith(b"RIFF") and head[8:HEAD] == b"WAVE":
        return "wav"
    text = head.removeprefix(BOM_UTF8).lstrip()
    return {b"<": "html", b"{": "json", b"[": "json"}.get(text[:1], "")


def _is_frame(head: bytes) -> bool:
    """Check for the head of a frame of layer I to III: 11 bits set, a version and a layer."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    is_synchronized = head[0] << 3 | head[1] >> 5 == SYNC
    return is_synchronized and version != 1 and layer != 0


@dataclass
class _Source:
    """What the server said of a recording when it began: enough to continue it."""

    length: int | None = None
    head: bytes = b""
    validator: str = ""  # of this very content; "" where it can't be continued


@dataclass
class Downloader:
    """Download recordings, several threads at once.

    A recording is asked for without a token first. Where that is refused, it is asked for with the
    one that `token` returns, if `is_own` says that an address belongs to the service; never along
    a redirect. Where the first recording of a host needs the token, the next are asked for with it
    at once. `tell` is called once when a host asks for the token, `note` every retry. `timeout` is
    in seconds, for each `CHUNK`.
    """

    token: Callable[[], str]
    is_own: Callable[[str], bool]
    timeout: float
    retry_policy: RetryPolicy
    clock: Callable[[], float] = time.monotonic
    note: Callable[[str], None] = lambda _: None
    tell: Callable[[str], None] = lambda _: None
    count: Callable[[int], None] = lambda _: None
    stopped: Event = field(default_factory=Event)
    _sessions: dict[str, requests.Session] = field(default_factory=dict, repr=False)
    _with_token: dict[str, bool] = field(default_factory=dict)  # by host: what opened recordings
    _refusals: dict[str, str] = field(default_factory=dict)  # by host: the latest
    _not_before: dict[str, float] = field(default_factory=dict)  # by host, on the clock
    _lock: Lock = field(default_factory=Lock, repr=False)

    def fetch(self, url: str, audio: str, part: Part) -> None:
        """Download one recording. Raises `DownloadError`, `Abandoned`, and what the part raises."""
        try:
            host = urlsplit(url).netloc
        except ValueError:
            raise DownloadError("failed", "its address is not one") from None
        ways = [False, True] if self.is_own(url) else [False]
        for with_token in [True] if self._with_token.get(host) else ways:
            try:
                self._fetch(url, audio, part, with_token=with_token)
            except DownloadError as error:
                if error.state != "refused":
                    raise
                refusal = error
                part.restart()
            else:
                self._opened(host, with_token=with_token)
                return
        with self._lock:
            tried = "without a token and with the account's" if True in ways else "without a token"
            self._refusals[host] = f"{host} refuses recordings {tried}: {refusal.reason}."
        raise refusal

    def refusals(self) -> list[str]:
        """Say what the hosts that have opened no recording asked for."""
        return [text for host, text in self._refusals.items() if host not in self._with_token]

    def close(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            session.close()

    def _opened(self, host: str, *, with_token: bool) -> None:
        with self._lock:
            is_news = with_token and host not in self._with_token
            self._with_token.setdefault(host, with_token)
        if is_news:
            self.tell(f"{host} gives recordings to those with the account's token only.")

    def _fetch(self, url: str, audio: str, part: Part, *, with_token: bool) -> None:
        """Download until the recording is whole; attempts that bring enough are not counted."""
        source, attempt, furthest = _Source(), 1, 0
        while True:
            self._wait_for(urlsplit(url).netloc)
            try:
                self._try_once(url, audio, part, source, with_token=with_token)
            except _Again as again:
                self._hold(urlsplit(url).netloc, again.after)
                if part.size >= furthest + CHUNK:
                    attempt, furthest = 1, part.size
                if attempt >= self.retry_policy.tries:
                    raise DownloadError("failed", again.reason, gave_up=True) from None
                self._pause(url, again, attempt)
                attempt += 1
            else:
                return

    def _pause(self, url: str, again: _Again, attempt: int) -> None:
        pause = max(self.retry_policy.pause(attempt), again.after or 0)
        if pause > self.retry_policy.max_wait:
            reason = f"{again.reason}; it asks to wait {pause:.0f} s"
            raise DownloadError("failed", reason, gave_up=True)
        parts = urlsplit(url)
        self.note(f"{parts.path}: {again.reason}; trying again in {pause:.1f} s")
        self.retry_policy.sleep(pause)

    def _hold(self, host: str, seconds: float | None) -> None:
        """Let all threads wait where a host asks for it."""
        if seconds:
            until = self.clock() + seconds
            with self._lock:
                self._not_before[host] = max(until, self._not_before.get(host, until))

    def _wait_for(self, host: str) -> None:
        """Wait while a host asked to."""
        if self.stopped.is_set():
            raise Abandoned
        rest = self._not_before.get(host, 0) - self.clock()
        if rest > self.retry_policy.max_wait:
            raise DownloadError("failed", f"the host asks to wait {rest:.0f} s", gave_up=True)
        if rest > 0:
            self.retry_policy.sleep(rest)

    def _try_once(
        self, url: str, audio: str, part: Part, source: _Source, *, with_token: bool
    ) -> None:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if part.size and source.validator:
            headers |= {"Range": f"bytes={part.size}-", "If-Range": source.validator}
        else:
            part.restart()
        try:
            with self._get(url, headers, self.token() if with_token else "") as response:
                self._check(response, part, source)
                self._receive(response, audio, part, source)
        except HTTP_ERRORS as error:
            failure = explain_failure(error, url, self.timeout)
            if isinstance(failure, TransportError):
                raise _Again(str(failure)) from None
            raise DownloadError("failed", str(failure), gave_up=True) from None

    def _get(self, url: str, headers: dict[str, str], token: str) -> requests.Response:
        """Ask for an address, and follow redirects: without the token, and not to a login."""
        sent = headers | ({"Authorization": f"Bearer {token}"} if token else {})
        for _ in range(MOST_REDIRECTS + 1):
            response = self._session(url).get(
                url,
                headers=sent,
                timeout=(min(self.timeout, CONNECT_TIMEOUT), self.timeout),
                allow_redirects=False,
                stream=True,
            )
            if response.status_code not in REDIRECTS:
                return response
            response.close()
            url, sent = _read_redirect(url, response, redactor((token,))), headers
        raise DownloadError("refused", f"more than {MOST_REDIRECTS} redirects")

    def _session(self, url: str) -> requests.Session:
        parts = urlsplit(url)
        name = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if name not in self._sessions:
                session = self._sessions[name] = make_session(url)
                del session.headers["Content-Type"]
                session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # keep none
            return self._sessions[name]

    def _check(self, response: requests.Response, part: Part, source: _Source) -> None:
        """Check the head of an answer, and learn from it what the recording is."""
        status, length = response.status_code, _length_of(response)
        if status in RETRY:
            after = read_retry_after(response.headers.get("Retry-After", ""))
            raise _Again(f"HTTP {status}", after)
        if status == UNSATISFIABLE:
            source.validator = ""
            raise _Again("it changed while it was downloaded")
        if status in ABSENT:
            raise DownloadError("missing", f"it is not there yet (HTTP {status})")
        if status in DENIED:
            raise DownloadError("refused", f"HTTP {status}")
        if status not in SUCCESS or (status == PARTIAL and not part.size):
            raise DownloadError("failed", f"HTTP {status}")
        encoding = response.headers.get("Content-Encoding", "")
        if encoding.lower() not in {"", "identity"}:
            raise DownloadError(
                "failed", f"it came compressed ({encoding}), which was not asked for"
            )
        if status == PARTIAL:
            _check_range(response, part, source)
            return
        part.restart()
        is_chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
        length = None if is_chunked else length  # which chunks override
        source.length, source.validator = length, _validator_of(response)
        if length is None and not is_chunked:
            raise DownloadError("failed", "its length is not announced, so it could be cut")
        if length == 0:
            raise DownloadError("failed", "zero bytes came")

    def _receive(
        self, response: requests.Response, audio: str, part: Part, source: _Source
    ) -> None:
        head, is_begun = b"", part.size > 0
        since, received = self.clock(), 0
        while chunk := response.raw.read1(CHUNK):
            if self.stopped.is_set():
                raise Abandoned
            received += len(chunk)
            self.count(len(chunk))
            if received >= CHUNK:
                since, received = self.clock(), 0
            elif self.clock() - since > self.timeout:
                raise _Again(f"less than {CHUNK} bytes within {self.timeout:g} s")
            if not is_begun:
                head += chunk
                if len(head) < HEAD and len(head) != source.length:
                    continue
                _check_content(head, audio, response)
                source.head = head
                is_begun, chunk = True, head
            part.write(chunk)
        if not is_begun:
            raise DownloadError("failed", f"only {len(head)} bytes came")
        if source.length is not None and part.size != source.length:
            raise _Again(f"the download was cut: {part.size} of {source.length} bytes")
        if reason := check_whole(source.head, part.size, audio):
            raise DownloadError("failed", reason)


def _read_redirect(url: str, response: requests.Response, redact: Redact) -> str:
    """Return the address that an answer sends to; `redact` is for messages."""
    status, location = response.status_code, response.headers.get("Location", "")
    no_address = DownloadError("failed", f"it redirects to an invalid address (HTTP {status})")
    try:
        target = urljoin(url, location)
        parse_url(target)  # as the call would
        before, after = urlsplit(url), urlsplit(target)
    except (ValueError, LocationParseError):
        raise no_address from None
    if not location or " " in after.netloc:  # urllib3 before 2.8 lets it pass
        raise no_address
    place = redact(f"{after.scheme}://{after.netloc.rpartition('@')[2]}{after.path}")
    if LOGIN.search(after.path) or LOGIN.match(after.hostname or ""):
        raise DownloadError("refused", f"a redirect to a login came (HTTP {status} to {place})")
    are_local = [is_loopback(each.hostname or "") for each in (before, after)]
    if after.scheme != "https" and not all(are_local):
        raise DownloadError("refused", f"it redirects to {place}, which is not safe")
    return target


def _check_range(response: requests.Response, part: Part, source: _Source) -> None:
    """Check that a part of a recording continues what is there, of the same content."""
    found = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    start, _, total = map(int, found.groups()) if found else (0, 0, 0)
    validator = _validator_of(response)
    is_same = not validator or validator == source.validator
    if start != part.size or total != source.length or not is_same:
        source.validator = ""  # so that the next attempt begins anew
        raise _Again("the part that came does not continue what is there")


def _check_content(head: bytes, audio: str, response: requests.Response) -> None:
    is_page = "html" in response.headers.get("Content-Type", "")
    reason = check_head(head, audio)
    if reason:
        refused = is_page or kind_of(head) in NO_SOUND
        raise DownloadError("refused" if refused else "failed", reason)


def _length_of(response: requests.Response) -> int | None:
    with suppress(ValueError):
        return int(response.headers.get("Content-Length", ""))
    return None


def _validator_of(response: requests.Response) -> str:
    """Return what tells this content from another at the address; "" if parts can't be had."""
    if response.status_code != PARTIAL and response.headers.get("Accept-Ranges") != "bytes":
        return ""
    tag = response.headers.get("ETag", "")
    return "" if tag.startswith("W/") else tag or response.headers.get("Last-Modified", "")
