"""One JSON-RPC call: the envelope around it, retries, and errors that say what came."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from comagic_cli.api.envelope import (
    Answer,
    Envelope,
    Failure,
    Result,
    Unreadable,
    limits_of,
    read_envelope,
    total_of,
)
from comagic_cli.api.errors import is_ended, is_of_api, mnemonic_of, refusal
from comagic_cli.api.http import TransportError, HttpTransport, HttpResponse, is_loopback
from comagic_cli.api.rate_limit import Left, Purse, Turn, limits_of_failure, spent_by
from comagic_cli.api.redact import Mask, excerpt, masker, one_line
from comagic_cli.api.retry import Patience, Portion
from comagic_cli.api.session import LOGIN, Session
from comagic_cli.errors import ComagicError, NetworkFailure, NotAllowed, OutOfPoints, UsageProblem

OK = 200
FINE = range(200, 300)
REDIRECTS = range(300, 400)
NOT_ALLOWED = frozenset({401, 403})
TRY_AGAIN = frozenset({408, 425, 429, *range(500, 600)})
TOO_SOON = frozenset({425, 429})
HOST = re.compile(r"[\w.:%-]+")  # a name or an address, as far as can be told without asking
WITHOUT_USER = frozenset({LOGIN, "get.customer_users"})
DEFAULT_PATH = "/v2.0"


class Transport(Protocol):
    """What carries a request's bytes to the service."""

    def send(self, body: bytes) -> HttpResponse:
        """Post `body` and return the reply."""

    def close(self) -> None:
        """Close the connection."""


class _TryAgain(Exception):
    """An attempt failed with `error`; the service wants `after` seconds of rest.

    `heavy` says that asking for less may help.
    """

    def __init__(
        self, error: ComagicError, after: float | None = None, *, heavy: bool = False
    ) -> None:
        super().__init__()
        self.error = error
        self.after = after or 0.0
        self.heavy = heavy


class _OutOfPoints(Exception):
    """An attempt was refused with `error`, since what `left` tells of is used up."""

    def __init__(self, error: OutOfPoints, left: Left) -> None:
        super().__init__()
        self.error = error
        self.left = left


class _Ended(Exception):
    """An attempt was refused with `error`, since the session has ended."""

    def __init__(self, error: ComagicError) -> None:
        super().__init__()
        self.error = error


@dataclass
class Client:
    """Call the Data API's methods, one after another, over one connection.

    `note`, if any, is told a line about each call and each retry, `heard` the parameters and the
    answer. `calls` counts the answers that came without an error: each of them costs a point. The
    key is `token`, or that of `session`. Neither key nor password nor `secrets` appears in a text
    or an error made here.
    """

    line: Transport
    token: str = field(default="", repr=False)
    user_id: int | None = None
    patience: Patience = field(default_factory=Patience)
    note: Callable[[str], None] | None = None
    heard: Callable[[Mapping[str, Any], Answer], None] = lambda *_: None
    clock: Callable[[], float] = time.monotonic
    secrets: tuple[str, ...] = field(default=(), repr=False)
    session: Session | None = None
    calls: int = 0
    _last_id: int = 0
    _turn: Lock = field(default_factory=Lock, repr=False)  # threads call one after another
    _purse: Purse = field(init=False, repr=False)
    _portion: Portion = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._portion = Portion(self._tell)
        self._purse = Purse(self.patience, self.clock, self._tell)

    def call(self, method: str, params: Mapping[str, Any]) -> Answer:
        """Send one call and return its answer.

        Where the account is out of points it waits first; for the day's it does not call at all.
        Tried again: failed connections, timeouts, 408, 425, 429, 5xx, cut or unreadable bodies and
        `internal_error`. Raises `ComagicError` of the kind that the failure stands for.
        """
        with self._turn:
            if self.session is None:
                return self._persist(method, {"access_token": self.token, **params})
            return self._in_session(self.session, method, params)

    def _in_session(self, session: Session, method: str, params: Mapping[str, Any]) -> Answer:
        """Call with the key of a session; where that has ended, log in once and call again."""
        logins = session.logins
        while True:
            key = session.key(self._log_in)
            try:
                return self._persist(method, {"access_token": key, **params})
            except _Ended as ended:
                error = ended.error
            session.drop(key)
            if session.logins > logins:
                error.hint = "The session was opened just now. Try again later."
                raise error

    def _log_in(self, params: Mapping[str, Any]) -> Answer:
        return self._persist(LOGIN, params)

    def _persist(self, method: str, params: Mapping[str, Any]) -> Answer:
        turn, attempt = Turn(self._purse), 1
        while True:
            turn.come()
            try:
                return self._once(method, self._portion.fit(params))
            except _OutOfPoints as refused:
                turn.refuse(refused.error, refused.left)
                continue
            except _TryAgain as fault:
                failed = fault
            may_shrink = failed.heavy and self._portion.is_large(params)
            if attempt >= self.patience.tries and not may_shrink:
                raise failed.error
            self._wait(failed, attempt)
            if failed.heavy:
                self._portion.halve(params, attempt)
            attempt += 1

    def _wait(self, fault: _TryAgain, attempt: int) -> None:
        if fault.after > self.patience.most_wait:
            fault.error.hint = f"The service asks to wait {fault.after:.0f} s. See --max-wait."
            raise fault.error
        pause = max(self.patience.pause(attempt), fault.after)
        self._tell(f"{fault.error.message}; trying again in {pause:.1f} s")
        self.patience.rest(pause, self._say(f"trying again, since {fault.error.message}"))

    def _once(self, method: str, params: Mapping[str, Any]) -> Answer:
        self._last_id += 1
        started = self.clock()
        reply = self._exchange(method, self._request(method, params))
        envelope, marker = self._envelope(method, reply)
        if (failure := envelope.failure) is not None:
            self._purse.hear(limits_of_failure(failure))
            raise self._failed(method, failure, marker, reply.retry_after)
        answer = self._answer(method, envelope, reply.body, marker)
        self._purse.hear(answer.limits)
        self.calls += 1
        self._tell(_told(method, params, answer, self.clock() - started))
        self.heard(params, answer)
        return answer

    def _request(self, method: str, params: Mapping[str, Any]) -> bytes:
        if self.user_id is not None and method not in WITHOUT_USER:
            params = {"user_id": self.user_id, **params}
        return msgspec.json.encode(
            {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        )

    def _exchange(self, method: str, body: bytes) -> HttpResponse:
        try:
            reply = self.line.send(body)
        except TransportError as broken:
            why, heavy = str(broken), broken.try_smaller
        else:
            self._check_redirect(method, reply)
            return reply
        raise _TryAgain(
            self._problem(f"{method}: {why}", "Check the network and --base-url."), heavy=heavy
        )  # without the cause: it may hold what the service echoes

    def _check_redirect(self, method: str, reply: HttpResponse) -> None:
        if reply.status in REDIRECTS:
            place = f" to {reply.location}" if reply.location else ""
            raise self._problem(
                f"{method}: the service redirects (HTTP {reply.status}){place}",
                "It was not followed, since the request holds the key. Correct --base-url.",
            )

    def _envelope(self, method: str, reply: HttpResponse) -> tuple[Envelope, bytes]:
        try:
            envelope, marker = read_envelope(reply.body)
        except Unreadable as unreadable:
            why = str(unreadable)
        else:
            if _is_answer(envelope, reply.status):
                return envelope, marker
            why = "it has neither a result nor an error of the API"
        raise self._unreadable(method, reply, why)

    def _unreadable(self, method: str, reply: HttpResponse, why: str) -> Exception:
        status = "" if reply.status == OK else f" with HTTP {reply.status}"
        # Half an answer to a login may show a key that is not known yet.
        begins = "" if method == LOGIN else excerpt(reply.body, self._mask)
        message = f"{method}: the answer came{status}, but {why}" + f": {begins}" * bool(begins)
        if reply.status in NOT_ALLOWED:
            hint = "Check the key, the allowed addresses and --base-url."
            return NotAllowed(self._say(message), hint=hint)
        error = self._problem(message, "Check that --base-url is the Data API's.")
        passing = reply.status in FINE or reply.status in TRY_AGAIN
        heavy = reply.status not in TOO_SOON
        return _TryAgain(error, reply.retry_after, heavy=heavy) if passing else error

    def _failed(
        self, method: str, failure: Failure, marker: bytes, retry_after: float | None
    ) -> Exception:
        def said(text: str) -> str:
            return self._mask(text.replace(marker.decode(), "\\u") if marker else text)

        error = refusal(failure, method, said)
        if isinstance(error, OutOfPoints):
            return _OutOfPoints(error, spent_by(failure, retry_after))
        if self.session is not None and method != LOGIN and is_ended(failure):
            return _Ended(error)
        again = mnemonic_of(failure) == "internal_error" and method != LOGIN
        return _TryAgain(error, retry_after, heavy=True) if again else error

    def _answer(
        self, method: str, envelope: Envelope, body: bytes | bytearray, marker: bytes
    ) -> Answer:
        if envelope.id not in (None, self._last_id, str(self._last_id)):
            raise self._problem(
                f"{method}: the answer is to another call: id {envelope.id!r}, not {self._last_id}",
                "Something between here and the service mixes answers up.",
            )
        result = envelope.result or Result()
        metadata = result.metadata
        total, limits = total_of(metadata), limits_of(metadata)
        unbroken = b"\n" not in body and b"\r" not in body
        return Answer(result.data, total, limits, len(body), marker, unbroken)

    def _problem(self, message: str, hint: str = "") -> NetworkFailure:
        return NetworkFailure(self._say(message), hint=hint)

    def _tell(self, text: str) -> None:
        if self.note:
            self.note(self._say(text))

    def _say(self, text: str) -> str:
        return one_line(self._mask(text))

    @property
    def _mask(self) -> Mask:
        of_session = self.session.secrets if self.session else ()
        return masker((self.token, *self.secrets, *of_session))


def service_url(text: str) -> str:
    """Check a service's URL; one without a path gets the API's.

    Raises `UsageProblem` for what is no URL, and for plain HTTP to anything but loopback.
    """
    text = text.strip()
    if "@" in text:  # before anything that would show it
        raise UsageProblem("--base-url: a user name or password can't stand in the URL")
    try:
        parts = urlsplit(text if "//" in text else f"https://{text}")
        host, usable = parts.hostname or "", parts.port != 0
    except ValueError:  # of the port or of an IPv6 address
        raise _no_url(text) from None
    if parts.scheme not in {"http", "https"} or not HOST.fullmatch(host) or not usable:
        raise _no_url(text)
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageProblem(
            f"--base-url: http://{parts.netloc} would send the key unencrypted",
            hint=f"Use https://{parts.netloc}.",
        )
    return parts._replace(path=parts.path.rstrip("/") or DEFAULT_PATH, fragment="").geturl()


def _no_url(text: str) -> UsageProblem:
    return UsageProblem(
        f"--base-url: {text!r} is no URL", hint="Example: https://dataapi.comagic.ru"
    )


def open_line(url: str, timeout: float) -> HttpTransport:
    """Prepare a connection to the service; nothing is sent yet."""
    return HttpTransport(service_url(url), timeout)


def _is_answer(envelope: Envelope, status: int) -> bool:
    """Tell the API's answer from a gateway's JSON. Where no mnemonic decides, the status does."""
    failure = envelope.failure
    if status in FINE:
        return failure is not None or envelope.result is not None
    if failure is None or not is_of_api(failure):
        return False
    telling = status in TRY_AGAIN or status in NOT_ALLOWED
    return not telling or mnemonic_of(failure) != "error"


def _told(method: str, params: Mapping[str, Any], answer: Answer, seconds: float) -> str:
    place = (
        f" {params['date_from']} … {params['date_till']}, offset {params['offset']}"
        if "offset" in params and "date_from" in params
        else ""
    )
    total = "" if answer.total is None else f", {answer.total} rows match"
    points = "".join(
        f", {left} points left this {name.removesuffix('_remaining')}"
        for name, left in answer.limits.items()
        if name.endswith("_remaining")
    )
    return f"{method}{place}: {answer.size} bytes in {seconds:.2f} s{total}{points}"
