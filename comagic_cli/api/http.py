"""One HTTP exchange: send a request, read the body of the answer whole."""

from __future__ import annotations

import ctypes
import io
import os
import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import InvalidChunkLength

from comagic_cli import __version__
from comagic_cli.errors import NetworkFailure, UsageProblem


class TimedAdapter(HTTPAdapter):
    """Let every answer take as long as the read timeout says, from its first byte to its last."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections read within the time."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls.response_class, _TimedResponse):
            pool.ConnectionCls = _timed(pool.ConnectionCls)
        return pool


def _timed(connection: Any) -> Any:
    return type("TimedConnection", (connection,), {"response_class": _TimedResponse})


class _TimedResponse(HTTPResponse):
    """An answer that is read within the timeout that its socket has at the start."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Timed(raw, sock))


class _Timed(io.RawIOBase):
    """Read a socket; each piece has only what is left of the time."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        """Tell the buffer above that this can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read a piece. Raises `TimeoutError` when the time is over."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket, which stays open for the next answer."""
        self._raw.close()
        super().close()


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's numbers for them
LARGE = 1 << 20  # bytes
SPARE = 8 << 20  # bytes that are kept for the next rows, instead of given back and taken again


def map_large_blocks() -> None:
    """Let each large block have memory of its own, where the C library is glibc.

    Else the size of what counts as large grows with the first page that is let go, and later pages
    share a heap, whose holes take up as much as another page or two.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library; Windows has none such
        set_option = ctypes.CDLL(None).mallopt
        set_option(M_MMAP_THRESHOLD, LARGE)
        set_option(M_TRIM_THRESHOLD, SPARE)


PIECE = 1 << 18  # bytes asked of the socket at once
MOST = 1 << 30  # bytes of a body, decompressed: 100 kB for each of the 10 000 rows of a page
CONNECT_SECONDS = 30.0
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
WENT_WRONG = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError)
UNUSABLE = (
    requests.exceptions.InvalidURL,  # of a proxy too
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
TIMED_OUT = (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)
CLOSED = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


class Broken(Exception):
    """The exchange failed on the way; trying again may help. The text is a sentence.

    `heavy` says that asking for less may help too.
    """

    def __init__(self, text: str, *, heavy: bool = False) -> None:
        super().__init__(text)
        self.heavy = heavy


class Reply(msgspec.Struct, frozen=True):
    """What came back: the HTTP status, the headers that matter, the body decompressed."""

    status: int
    body: bytes | bytearray
    retry_after: float | None = None
    location: str = ""


class Line:
    """One connection to the service, kept alive between calls.

    `timeout` is the seconds for a whole answer, `most` its bytes after decompression. TLS is
    verified, by `REQUESTS_CA_BUNDLE` where it is set. Proxies of the environment are used, but not
    to loopback. Redirects are not followed: the request's body holds the key.
    """

    def __init__(self, url: str, timeout: float, most: int = MOST) -> None:
        self._url = url
        self._timeout = timeout
        self._most = most
        self._used = False  # the connection has carried an answer
        self._session = _session(url)

    def send(self, body: bytes) -> Reply:
        """Post `body` and return the reply, of any status.

        A server may close an idle connection just when it is used again: then a new one is taken.
        Raises `Broken` where the exchange failed on the way, `ComagicError` where it can't succeed.
        What is raised has no cause: the libraries' errors may quote what the service echoes.
        """
        used, self._used = self._used, False
        while True:
            try:
                reply = self._exchange(body)
            except WENT_WRONG as error:
                stale = used and _is_closed(error)
                problem = self._problem(error)
            else:
                self._used = True
                return reply
            if not stale:
                raise problem
            used = False

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _exchange(self, body: bytes) -> Reply:
        with self._session.post(
            self._url,
            data=body,
            timeout=(min(self._timeout, CONNECT_SECONDS), self._timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            return Reply(
                response.status_code,
                self._body(response),
                _retry_after(response.headers),
                response.headers.get("Location", ""),
            )

    def _body(self, response: requests.Response) -> bytearray:
        _check_encoding(response)
        map_large_blocks()
        body = bytearray(_announced(response, self._most))  # made once: to grow it is to copy it
        size = 0
        for piece in response.raw.stream(PIECE, decode_content=True):
            body[size : size + len(piece)] = piece
            size += len(piece)
            if size > self._most:
                raise NetworkFailure(
                    f"the answer is larger than {self._most} bytes",
                    hint="Ask for fewer rows at once with --page-size.",
                )
        del body[size:]
        return body

    def _problem(self, error: Exception) -> Exception:
        root = _root(error)
        if isinstance(root, ssl.SSLCertVerificationError):
            return NetworkFailure(
                f"the certificate of {self._url} can't be verified: {root.verify_message}",
                hint="If the network has a certificate of its own, name it in REQUESTS_CA_BUNDLE.",
            )
        if isinstance(error, UNUSABLE):
            return UsageProblem(f"{self._url} can't be called: {root}")
        if isinstance(error, TIMED_OUT):
            return Broken(f"no whole answer came within {self._timeout:g} s", heavy=True)
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return Broken(f"no connection within {min(self._timeout, CONNECT_SECONDS):g} s")
        if isinstance(error, urllib3.exceptions.DecodeError):
            return Broken("the answer could not be decompressed", heavy=True)
        if isinstance(error, urllib3.exceptions.HTTPError):  # only the body is read that directly
            return Broken(f"the answer was cut: {_words(root)}", heavy=True)
        return Broken(f"no answer came: {_words(root)}", heavy=isinstance(root, CLOSED))


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine itself."""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


class _Session(requests.Session):
    """A session that sees no redirects: else requests reads their bodies whole to prepare more."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - requests'
        """Name no place to go on to."""
        return None


def _session(url: str) -> requests.Session:
    """Set up what is the same for every call.

    On loopback requests must not look at the environment, else it uses its proxies; so the
    certificates that it names are read here. Without an auth of ours it would send ~/.netrc.
    """
    parts = urlsplit(url)
    session = _Session()
    session.mount("https://", TimedAdapter())
    session.mount("http://", TimedAdapter())
    session.trust_env = not is_loopback(parts.hostname or "")
    session.verify = _bundle(os.environ) if parts.scheme == "https" else True
    session.auth = lambda request: request
    session.headers.update(
        {
            "Content-Type": "application/json; charset=UTF-8",
            "Accept": "application/json",
            "User-Agent": f"comagic/{__version__}",
        }
    )
    return session


def _bundle(environment: Mapping[str, str]) -> str | bool:
    """Find the certificates to verify by. Raises `UsageProblem` where there are none."""
    name = next((name for name in BUNDLES if environment.get(name)), None)
    if name is None:
        return True
    path = Path(environment[name])
    try:
        if not path.is_dir():
            ssl.create_default_context(cafile=str(path))
    except OSError as error:
        why = "there are none" if isinstance(error, ssl.SSLError) else error.strerror
        raise UsageProblem(f"{name}: no certificates can be read from {path}: {why}") from error
    return str(path)


def _check_encoding(response: requests.Response) -> None:
    """Refuse what was compressed in a way that was not offered."""
    text = response.headers.get("Content-Encoding", "")
    names = [name.strip().lower() for name in text.split(",")]
    known = {"", "identity", *response.raw.CONTENT_DECODERS}
    if strange := [name for name in names if name not in known]:
        raise Broken(f"the answer is compressed by {', '.join(strange)}, unasked")


def _announced(response: requests.Response, most: int) -> int:
    """Return the bytes that a body says it has; 0 where it does not, or is compressed."""
    text = response.headers.get("Content-Length", "")
    packed = response.headers.get("Content-Encoding", "identity") != "identity"
    return min(int(text), most) if text.isdecimal() and not packed else 0


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After, as seconds or as a date; `None` for neither. A past date is no wait."""
    text = headers.get("Retry-After", "").strip()
    if SECONDS.fullmatch(text):
        return float(text)
    until = _unix_time(text)
    if until is None:
        return None
    now = _unix_time(headers.get("Date", ""))  # by the service's clock, ours may be wrong
    return max(0.0, until - (time.time() if now is None else now))


def _unix_time(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):  # years that a clock can't show
        return None


def _is_closed(error: Exception) -> bool:
    """Tell whether the connection was closed before an answer began."""
    return isinstance(error, requests.ConnectionError) and isinstance(_root(error), CLOSED)


def _root(error: BaseException) -> BaseException:
    """Find what went wrong under the libraries' wrapping."""
    while True:
        inner = error.__cause__ or getattr(error, "reason", None)
        if inner is None and not error.__suppress_context__:
            inner = error.__context__
        if not isinstance(inner, BaseException):
            return error
        error = inner


def _words(error: BaseException) -> str:
    """Say what went wrong: without numbers and names of classes where there are words."""
    if isinstance(error, urllib3.exceptions.IncompleteRead) and error.expected:
        return f"{error.partial} of {error.partial + error.expected} bytes came"
    if isinstance(error, IncompleteRead) and not isinstance(error, InvalidChunkLength):
        return "it ended too early"
    if isinstance(error, ValueError | HTTPException) and not isinstance(error, OSError):
        return "what came is not HTTP"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
