"""Client of the Data API: one JSON-RPC call with retries, rate limits and session renewal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import Any, Protocol

import msgspec

from comagic_cli.api.envelope import (
    ApiError,
    Envelope,
    MalformedResponse,
    Result,
    limits_of,
    read_envelope,
    total_of,
)
from comagic_cli.api.errors import error_for, is_of_api, is_session_ended, mnemonic_of
from comagic_cli.api.http import HttpResponse, TransportError
from comagic_cli.api.rate_limit import (
    Quota,
    RateLimitedCall,
    RateLimits,
    exhausted_quota,
    limits_of_error,
)
from comagic_cli.api.redact import Redact, one_line, preview, redactor
from comagic_cli.api.retry import PageSize, RetryPolicy
from comagic_cli.api.session import LOGIN, Session
from comagic_cli.errors import ComagicError, NetworkFailure, NotAllowed, OutOfPoints
from comagic_cli.rows.page import Answer

OK = 200
BASE_URL_HINT = "Check that --base-url is the Data API's."
SUCCESS = range(200, 300)
REDIRECTS = range(300, 400)
NOT_ALLOWED = frozenset({401, 403})
RETRY = frozenset({408, 425, 429, *range(500, 600)})
TOO_EARLY = frozenset({425, 429})  # a smaller page does not help
WITHOUT_USER = frozenset({LOGIN, "get.customer_users"})  # methods that take no user_id


class Transport(Protocol):
    """What carries requests to the service."""

    def send(self, body: bytes) -> HttpResponse:
        """Post `body` and return the response."""

    def close(self) -> None:
        """Close the connection."""


class _Retry(Exception):
    """An attempt failed with `error`; `after` is the pause that the service asks for, in seconds.

    `try_smaller` says that a smaller page may help.
    """

    def __init__(
        self, error: ComagicError, after: float | None = None, *, try_smaller: bool = False
    ) -> None:
        super().__init__()
        self.error = error
        self.after = after or 0.0
        self.try_smaller = try_smaller


class _RateLimited(Exception):
    """An attempt was refused with `error`, because the points of `quota` are used up."""

    def __init__(self, error: OutOfPoints, quota: Quota) -> None:
        super().__init__()
        self.error = error
        self.quota = quota


class _SessionEnded(Exception):
    """An attempt was refused with `error`, because the session has ended."""

    def __init__(self, error: ComagicError) -> None:
        super().__init__()
        self.error = error


@dataclass
class Client:
    """Call methods of the Data API; several threads may do so at once.

    The token is `token`, or that of `session`. `note`, if any, gets a line about each call and each
    retry; `on_response` gets the parameters and the answer; `on_trouble` is called when the service
    fails or is out of points. `calls` counts the answers without an error: each costs a point. No
    text or error made here contains a token, a password or `secrets`.
    """

    transport: Transport
    token: str = field(default="", repr=False)
    user_id: int | None = None
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    note: Callable[[str], None] | None = None
    on_response: Callable[[Mapping[str, Any], Answer], None] = lambda *_: None
    on_trouble: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    secrets: tuple[str, ...] = field(default=(), repr=False)
    session: Session | None = None
    calls: int = 0
    _ids: Iterator[int] = field(default_factory=lambda: count(1), repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)  # of what threads share
    _login_lock: Lock = field(default_factory=Lock, repr=False)  # one logs in, the others wait
    _good_tokens: set[str] = field(default_factory=set, repr=False)  # of sessions that served
    _limits: RateLimits = field(init=False, repr=False)
    _page_size: PageSize = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._page_size = PageSize(self._note)
        self._limits = RateLimits(self.retry_policy, self.clock, self._note)

    def call(self, method: str, params: Mapping[str, Any], row: type[Any] = msgspec.Raw) -> Answer:
        """Call a method and return its answer, with rows of a type where all can be cut into it.

        Waits first where the account is out of points; without points for the day it does not call.
        Retries failed connections, timeouts, HTTP 408, 425, 429 and 5xx, bodies that are cut off or
        unreadable, and `internal_error`. Raises the `ComagicError` that the failure stands for.
        """
        return self.call_as(self.user_id, method, params, row)

    def call_as(
        self,
        user_id: int | None,
        method: str,
        params: Mapping[str, Any],
        row: type[Any] = msgspec.Raw,
    ) -> Answer:
        """Call a method as a user of an agent's customer; `call` tells the rest."""
        if user_id is not None and method not in WITHOUT_USER:
            params = {"user_id": user_id, **params}
        if self.session is None:
            return self._call_with_retries(method, {"access_token": self.token, **params}, row)
        return self._call_in_session(self.session, method, params, row)

    def current_token(self) -> str:
        """Return the token, or that of the session, which is opened if there is none."""
        if self.session is None:
            return self.token
        with self._login_lock:
            return self.session.token(self._log_in)

    @property
    def spare_points(self) -> int | None:
        """Return the points left of the minute, `None` where the service does not say."""
        return self._limits.remaining("minute")

    def _call_in_session(
        self, session: Session, method: str, params: Mapping[str, Any], row: type[Any]
    ) -> Answer:
        """Call with the session's token; if the session has ended, log in once and call again.

        Threads whose session ended at once log in once, too.
        """
        logins = session.logins
        while True:
            with self._login_lock:
                token = session.token(self._log_in)
                is_new = session.logins > logins
            try:
                answer = self._call_with_retries(method, {"access_token": token, **params}, row)
            except _SessionEnded as ended:
                error = ended.error
            else:
                self._good_tokens.add(token)
                return answer
            session.drop(token)
            if is_new and token not in self._good_tokens:  # others may have used it up
                error.hint = "The session was opened just now. Try again later."
                raise error

    def _log_in(self, params: Mapping[str, Any]) -> Answer:
        return self._call_with_retries(LOGIN, params)

    def _call_with_retries(
        self, method: str, params: Mapping[str, Any], row: type[Any] = msgspec.Raw
    ) -> Answer:
        limited, attempt = RateLimitedCall(self._limits), 1
        while True:
            limited.wait()
            sent = self._page_size.apply(params)
            try:
                return self._call_once(method, sent, row)
            except _RateLimited as refused:
                self.on_trouble()
                limited.on_refusal(refused.error, refused.quota)
                continue
            except _Retry as retry:
                failure = retry
            except TransportError as error:
                failure = _Retry(
                    self._network_failure(f"{method}: {error}", error.hint),
                    try_smaller=error.try_smaller,
                )
            self.on_trouble()
            shrink = failure.try_smaller and self._page_size.can_shrink(params)
            if attempt >= self.retry_policy.tries and not shrink:
                raise failure.error
            self._pause(failure, attempt)
            if shrink:
                self._page_size.shrink(sent, attempt)
            attempt += 1

    def _pause(self, failure: _Retry, attempt: int) -> None:
        if failure.after > self.retry_policy.max_wait:
            failure.error.hint = f"The service asks to wait {failure.after:.0f} s. See --max-wait."
            raise failure.error
        pause = max(self.retry_policy.pause(attempt), failure.after)
        if pause > self.retry_policy.max_wait:
            failure.error.hint = f"{failure.error.hint} Longer retries: see --max-wait.".lstrip()
            raise failure.error
        self._note(f"{failure.error.message}; trying again in {pause:.1f} s")
        reason = self._redact_line(f"trying again, because {failure.error.message}")
        self.retry_policy.wait(pause, reason)

    def _call_once(self, method: str, params: Mapping[str, Any], row: type[Any]) -> Answer:
        id_, start = next(self._ids), self.clock()
        response = self.transport.send(_encode(id_, method, params))
        envelope, marker = self._read(method, response, row)
        if (error := envelope.failure) is not None:
            self._limits.update(limits_of_error(error))
            raise self._error(method, error, marker, response.retry_after)
        if envelope.id not in (None, id_, str(id_)):
            raise self._network_failure(
                f"{method}: the answer belongs to another call: "
                f"its id is {envelope.id!r}, not {id_}",
                "Something between this machine and the service mixes up answers.",
            )
        answer = _answer(envelope, response.body, marker)
        self._limits.update(answer.limits)
        with self._lock:
            self.calls += 1
            if self.note:
                self._note(_describe(method, params, answer, self.clock() - start))
            self.on_response(params, answer)
        return answer

    def _read(self, method: str, response: HttpResponse, row: type[Any]) -> tuple[Envelope, bytes]:
        if response.status in REDIRECTS:
            target = f" to {response.location}" if response.location else ""
            raise self._network_failure(
                f"{method}: the service redirects (HTTP {response.status}){target}",
                "It was not followed, because the request contains the token. Correct --base-url.",
            )
        try:
            envelope, marker = read_envelope(response.body, row)
        except MalformedResponse as error:
            reason = str(error)
        else:
            if _is_of_service(envelope, response.status):
                return envelope, marker
            reason = "it has neither a result nor an error of the API"
        raise self._malformed(method, response, reason)

    def _malformed(self, method: str, response: HttpResponse, reason: str) -> Exception:
        status = "" if response.status == OK else f" (HTTP {response.status})"
        # A part of the answer to a login may contain a token that is not known yet.
        beginning = "" if method == LOGIN else preview(response.body, self._redact)
        message = f"{method}: the answer{status} is unusable: {reason}"
        if beginning:
            message += f": {beginning}"
        if response.status in NOT_ALLOWED:
            hint = "Check the token, the allowed addresses and --base-url."
            return NotAllowed(self._redact_line(message), hint=hint)
        is_busy = response.status in RETRY
        hint = "The service is not available. Try again later." if is_busy else BASE_URL_HINT
        error = self._network_failure(message, hint)
        if response.status in SUCCESS or is_busy:
            try_smaller = response.status not in TOO_EARLY
            return _Retry(error, response.retry_after, try_smaller=try_smaller)
        return error

    def _error(
        self, method: str, error: ApiError, marker: bytes, retry_after: float | None
    ) -> Exception:
        def redact(text: str) -> str:
            return self._redact(text.replace(marker.decode(), "\\u") if marker else text)

        raised = error_for(error, method, redact)
        if isinstance(raised, OutOfPoints):
            return _RateLimited(raised, exhausted_quota(error, retry_after))
        if self.session is not None and method != LOGIN and is_session_ended(error):
            return _SessionEnded(raised)
        if mnemonic_of(error) == "internal_error":
            return _Retry(raised, retry_after, try_smaller=True)
        return raised

    def _network_failure(self, message: str, hint: str = "") -> NetworkFailure:
        return NetworkFailure(self._redact_line(message), hint=hint)

    def _note(self, text: str) -> None:
        if self.note:
            self.note(self._redact_line(text))

    def _redact_line(self, text: str) -> str:
        return one_line(self._redact(text))

    @property
    def _redact(self) -> Redact:
        of_session = self.session.secrets if self.session else ()
        return redactor((self.token, *self.secrets, *of_session))


def _encode(id_: int, method: str, params: Mapping[str, Any]) -> bytes:
    call = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
    return msgspec.json.encode(call)


def _answer(envelope: Envelope, body: bytes | bytearray, marker: bytes) -> Answer:
    result = envelope.result or Result()
    total, limits = total_of(result.metadata), limits_of(result.metadata)
    unbroken = b"\n" not in body and b"\r" not in body
    return Answer(result.data, total, limits, len(body), marker, unbroken)


def _is_of_service(envelope: Envelope, status: int) -> bool:
    """Check if an answer is the API's and not a gateway's JSON.

    Where no mnemonic decides, the HTTP status does.
    """
    error = envelope.failure
    if status in SUCCESS:
        return error is not None or envelope.result is not None
    if error is None or not is_of_api(error):
        return False
    return mnemonic_of(error) != "error" or (status not in RETRY and status not in NOT_ALLOWED)


def _describe(method: str, params: Mapping[str, Any], answer: Answer, seconds: float) -> str:
    place = (
        f" {params['date_from']} … {params['date_till']}, offset {params['offset']}"
        if "offset" in params and "date_from" in params
        else ""
    )
    total = "" if answer.total is None else f", {answer.total} rows match"
    points = "".join(
        f", {remaining} points left this {name.removesuffix('_remaining')}"
        for name, remaining in answer.limits.items()
        if name.endswith("_remaining")
    )
    return f"{method}{place}: {answer.size} bytes in {seconds:.2f} s{total}{points}"
