"""HTTP transport: post one request, read the whole response."""

from __future__ import annotations

import os
import re
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import BadStatusLine, HTTPException, IncompleteRead
from threading import Lock
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3
from urllib3.exceptions import InvalidHeader

from comagic_cli import __version__
from comagic_cli.api.certificates import OWN_CERTIFICATE, find_bundle
from comagic_cli.api.proxies import CHECK_PROXY, is_loopback, proxy_of
from comagic_cli.errors import NetworkFailure, UsageProblem

MAX_CONNECTIONS = 16  # that are kept alive: one for each call at once
CHUNK_SIZE = 1 << 18  # bytes
MAX_BODY = 1 << 30  # bytes after decompression: 100 kB for each of the 10 000 rows of a page
CONNECT_TIMEOUT = 30.0  # seconds
DEFAULT_PATH = "/v2.0"
HOST = re.compile(r"[\w.:%-]+")  # a name or an address, as far as its characters show
HTTP_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError)
INVALID_URL = (
    requests.exceptions.InvalidURL,  # also the URL of a proxy
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
READ_TIMEOUTS = (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)
CONNECTION_CLOSED = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


class TransportError(Exception):
    """The exchange failed, and a retry may help. The text is one sentence.

    `try_smaller` says that a smaller page may help too. `hint` is the next step for the user.
    """

    def __init__(
        self,
        text: str,
        *,
        try_smaller: bool = False,
        hint: str = "Check the network and --base-url.",
    ) -> None:
        super().__init__(text)
        self.try_smaller = try_smaller
        self.hint = hint


class HttpResponse(msgspec.Struct, frozen=True):
    """A response of any status: the headers that matter, and the decompressed body."""

    status: int
    body: bytes | bytearray
    retry_after: float | None = None
    location: str = ""


class HttpTransport:
    """Post requests to one URL over connections that are kept alive, one for each thread at once.

    `timeout` is the seconds for a whole response, `max_body` its bytes after decompression.
    TLS certificates are verified, against `REQUESTS_CA_BUNDLE` if it is set. The environment's
    proxies are used, but not for loopback. Redirects are not followed, because the request's body
    contains the token.
    """

    def __init__(
        self,
        url: str,
        timeout: float,
        max_body: int = MAX_BODY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._max_body = max_body
        self._clock = clock
        self._kept = 0  # connections that have been used, are kept alive, and are not in use
        self._lock = Lock()
        self._session = make_session(url)

    def send(self, body: bytes) -> HttpResponse:
        """Post `body` and return the response.

        A server may close an idle connection just when it is used again: then the request is sent
        again, once, over a new one. Raises `TransportError`, or `ComagicError` where a retry can't
        help. Neither has a cause: the errors of libraries may quote what the service echoes.
        """
        with self._lock:
            reused = self._kept > 0
            self._kept -= reused
        while True:
            try:
                response = self._post(body)
            except HTTP_ERRORS as error:
                stale = reused and _is_closed(error)
                failure = explain_failure(error, self._url, self._timeout)
            else:
                with self._lock:
                    self._kept = min(self._kept + 1, MAX_CONNECTIONS)
                return response
            if not stale:
                raise failure
            reused = False

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _post(self, body: bytes) -> HttpResponse:
        deadline = self._clock() + self._timeout
        with self._session.post(
            self._url,
            data=body,
            timeout=(min(self._timeout, CONNECT_TIMEOUT), self._timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            _check_encoding(response)
            return HttpResponse(
                response.status_code,
                self._read_body(response, deadline),
                read_retry_after(response.headers.get("Retry-After", "")),
                response.headers.get("Location", ""),
            )

    def _read_body(self, response: requests.Response, deadline: float) -> bytearray:
        body = bytearray()
        # read1() returns what has arrived, so that the deadline holds for a slow trickle too.
        while chunk := response.raw.read1(CHUNK_SIZE, decode_content=True):
            if self._clock() >= deadline:
                raise TimeoutError
            body += chunk
            if len(body) > self._max_body:
                raise NetworkFailure(
                    f"the answer is larger than {self._max_body} bytes",
                    hint="Ask for fewer rows at once with --page-size.",
                )
        return body


def open_transport(url: str, timeout: float) -> HttpTransport:
    """Prepare a connection to the service; nothing is sent yet."""
    return HttpTransport(service_url(url), timeout)


def service_url(text: str) -> str:
    """Check the URL of a service, and add the API's path if it has none.

    Raises `UsageProblem` if it is not a URL, or is plain HTTP to anything but loopback.
    """
    text = text.strip()
    if "@" in text:  # before any message that would show it
        raise UsageProblem("--base-url: the URL must not contain a user name or password")
    try:
        parts = urlsplit(text if "//" in text else f"https://{text}")
        host, port_is_valid = parts.hostname or "", parts.port != 0
    except ValueError:  # of the port or of an IPv6 address
        raise _not_a_url(text) from None
    if parts.scheme not in {"http", "https"} or not HOST.fullmatch(host) or not port_is_valid:
        raise _not_a_url(text)
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageProblem(
            f"--base-url: http://{parts.netloc} would send the token unencrypted",
            hint=f"Use https://{parts.netloc}.",
        )
    return parts._replace(path=parts.path.rstrip("/") or DEFAULT_PATH, fragment="").geturl()


def explain_failure(error: Exception, url: str, timeout: float) -> Exception:
    """Return the error to raise for one of `HTTP_ERRORS`: see `HttpTransport.send`."""
    cause = _root_cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return NetworkFailure(
            f"the certificate of {url} can't be verified: {cause.verify_message}",
            hint=OWN_CERTIFICATE,
        )
    if isinstance(error, INVALID_URL):
        return UsageProblem(f"{url} can't be called: {cause}")
    if isinstance(error, requests.exceptions.ProxyError):
        return TransportError(
            f"no answer from the proxy {proxy_of(url)}: {_describe(cause)}",
            hint=CHECK_PROXY,
        )
    if isinstance(cause, ssl.SSLError):
        return TransportError(
            f"{urlsplit(url).netloc} does not answer with TLS (https)",
            hint="Check the host and port of --base-url.",
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return TransportError(f"no connection within {min(timeout, CONNECT_TIMEOUT):g} s")
    if isinstance(error, READ_TIMEOUTS):
        return TransportError(f"no complete answer within {timeout:g} s", try_smaller=True)
    if isinstance(error, urllib3.exceptions.DecodeError):
        return TransportError("the answer can't be decompressed", try_smaller=True)
    if isinstance(error, urllib3.exceptions.HTTPError):  # while the body was read
        return TransportError(f"the answer was cut off: {_describe(cause)}", try_smaller=True)
    failure = TransportError(
        f"no answer: {_describe(cause)}", try_smaller=isinstance(cause, CONNECTION_CLOSED)
    )
    if isinstance(cause, BadStatusLine) and url.startswith("http:"):
        failure.hint = "Check --base-url: this port may expect https."
    return failure


def _not_a_url(text: str) -> UsageProblem:
    return UsageProblem(
        f"--base-url: {text!r} is not a URL", hint="Example: https://dataapi.comagic.ru"
    )


class _Session(requests.Session):
    """A session without redirects: requests would read their whole bodies without a time limit."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - requests'
        """Return no target."""
        return None


def make_session(url: str) -> requests.Session:
    """Configure what all requests share."""
    parts = urlsplit(url)
    session = _Session()
    # On loopback requests must not read the environment, which may name proxies. The certificates
    # that it names are therefore read here.
    session.trust_env = not is_loopback(parts.hostname or "")
    session.verify = find_bundle(os.environ) if parts.scheme == "https" else True
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=MAX_CONNECTIONS)
    session.mount(f"{parts.scheme}://", adapter)
    session.auth = lambda request: request  # else requests sends the password in ~/.netrc
    session.headers.update(
        {
            "Content-Type": "application/json; charset=UTF-8",
            "Accept": "application/json",
            "User-Agent": f"comagic/{__version__}",
        }
    )
    return session


def _check_encoding(response: requests.Response) -> None:
    """Refuse a compression that was not offered."""
    header = response.headers.get("Content-Encoding", "")
    names = [name.strip().lower() for name in header.split(",")]
    known = {"", "identity", *response.raw.CONTENT_DECODERS}
    if unknown := [name for name in names if name not in known]:
        raise TransportError(f"the answer uses an unknown compression: {', '.join(unknown)}")


def read_retry_after(header: str) -> float | None:
    """Read Retry-After in seconds, from a number or a date; `None` if it is neither."""
    retry = urllib3.Retry()
    retry.retry_after_max = sys.maxsize  # else a longer pause is cut to 6 hours
    with suppress(InvalidHeader, ValueError, OverflowError):
        return float(retry.parse_retry_after(header))
    return None


def _is_closed(error: Exception) -> bool:
    """Check if the connection was closed before the response began."""
    return isinstance(error, requests.ConnectionError) and isinstance(
        _root_cause(error), CONNECTION_CLOSED
    )


def _root_cause(error: BaseException) -> BaseException:
    """Find the error below the wrapping of libraries."""
    while not isinstance(error, IncompleteRead):
        inner = error.__cause__ or getattr(error, "reason", None)
        if inner is None and not error.__suppress_context__:
            inner = error.__context__
        if not isinstance(inner, BaseException):
            break
        error = inner
    return error


def _describe(error: BaseException) -> str:
    """Describe an error by its text, without numbers and class names if it has one."""
    if isinstance(error, urllib3.exceptions.IncompleteRead) and error.expected:
        return f"{error.partial} of {error.partial + error.expected} bytes received"
    if isinstance(error, IncompleteRead):
        return "it ended too early"
    if isinstance(error, ValueError | HTTPException) and not isinstance(error, OSError):
        return "this is not HTTP"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
