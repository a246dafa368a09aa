"""Sessions: log in with a login and password, and share the session between runs.

The cache has `NAME`, the token and end of the session; `NAME.refused`, the time at which a password
was refused and a slow salted hash of it, so that jobs started every minute don't lock the account;
and `NAME.lock`.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from hashlib import scrypt
from typing import Any, Protocol, TypeVar

import msgspec

from comagic_cli.api.retry import format_duration
from comagic_cli.errors import NotAllowed, Refused
from comagic_cli.rows.page import Answer

LOGIN = "login.user"
HOUR = 3600.0
EXPIRY_MARGIN = 180.0  # seconds; a session that ends sooner is not used for new calls
REFUSED_FOR = 600.0  # seconds for which a refused password is not tried again
END_MEMBERS = ("expire_at", "expire")
CHECK = "Check COMAGIC_LOGIN and COMAGIC_PASSWORD."

LogIn = Callable[[Mapping[str, Any]], Answer]


class Cache(Protocol):
    """What keeps texts between runs, where only their owner can read them."""

    def get(self, name: str, max_age: float) -> str | None:
        """Return the text kept under a name, unless it is older than `max_age` seconds."""

    def set(self, name: str, text: str) -> None:
        """Keep a text under a name."""

    def delete(self, name: str) -> None:
        """Forget the text kept under a name."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Let one run in at a time."""


_Cached = TypeVar("_Cached", bound=msgspec.Struct)


class _OpenSession(msgspec.Struct, frozen=True):
    """An open session; `ends` is Unix time, by our clock."""

    token: str
    ends: float

    def __repr__(self) -> str:
        return f"_OpenSession(token=***, ends={self.ends})"


class _RefusedPassword(msgspec.Struct, frozen=True):
    """A refused password; `at` is Unix time, the others are hexadecimal."""

    at: float
    salt: str
    digest: str


@dataclass
class Session:
    """A session that is opened with a login and password; neither shows in its `repr`.

    `name` is its name in the cache: it must differ between services and between logins. `now`
    returns Unix time. `logins` counts the logins made here. `check` says where to correct the
    password.
    """

    login: str = field(repr=False)
    password: str = field(repr=False)
    name: str = "session"
    cache: Cache | None = field(default=None, repr=False)
    now: Callable[[], float] = field(default=time.time, repr=False)
    logins: int = 0
    check: str = CHECK
    _open: _OpenSession | None = field(default=None, repr=False)
    _ended: set[str] = field(default_factory=set, repr=False)
    _seen: deque[str] = field(default_factory=lambda: deque(maxlen=8), repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must be redacted."""
        return (self.login, self.password, *self._seen)

    def token(self, log_in: LogIn) -> str:
        """Return the token of the open session; if there is none, log in.

        Raises `NotAllowed` if the password is wrong, or was wrong a moment ago.
        """
        if self._open is None or not self._is_usable(self._open):
            self._open = self._read_cached() or self._open_new(log_in)
        return self._open.token

    def drop(self, token: str) -> None:
        """Record that the session of a token has ended."""
        self._ended.add(token)

    def forget(self) -> str:
        """Delete what is cached; return the token of the session that was open, "" for none."""
        cached = self._read_cached()
        for name in (self.name, self._refused):
            if self.cache:
                self.cache.delete(name)
        return cached.token if cached else ""

    def _is_usable(self, session: _OpenSession) -> bool:
        remaining = session.ends - self.now()
        return session.token not in self._ended and EXPIRY_MARGIN < remaining <= HOUR

    def _read_cached(self) -> _OpenSession | None:
        cached = self._read(self.name, _OpenSession, HOUR)
        if cached is None or not cached.token or not self._is_usable(cached):
            return None
        self._seen.append(cached.token)
        return cached

    def _open_new(self, log_in: LogIn) -> _OpenSession:
        """Log in, unless another run has done so meanwhile."""
        with self.cache.lock(self.name) if self.cache else nullcontext():
            return self._read_cached() or self._log_in(log_in)

    def _log_in(self, log_in: LogIn) -> _OpenSession:
        self._check_not_refused()
        try:
            answer = log_in({"login": self.login, "password": self.password})
        except NotAllowed as error:
            if error.mnemonic == "auth_error":
                error.hint = self.check
                self._save_refusal()
            raise
        self.logins += 1
        session = _read_session(answer, self.now())
        self._seen.append(session.token)
        if self.cache:
            self.cache.set(self.name, msgspec.json.encode(session).decode())
        return session

    def _check_not_refused(self) -> None:
        """Raise `NotAllowed` for a password that was refused a moment ago."""
        refused = self._read(self._refused, _RefusedPassword, REFUSED_FOR)
        if refused is None:
            return
        remaining = refused.at + REFUSED_FOR - self.now()
        if 0 < remaining <= REFUSED_FOR and self._digest(refused.salt) == refused.digest:
            raise NotAllowed(
                f"{LOGIN}: the login or password is wrong: it was refused "
                f"{format_duration(REFUSED_FOR - remaining)} ago, and will be tried again in "
                f"{format_duration(remaining)}",
                hint=f"{self.check} Another password is tried at once.",
                mnemonic="auth_error",
            )

    def _save_refusal(self) -> None:
        if self.cache:
            salt = os.urandom(16).hex()
            refused = _RefusedPassword(self.now(), salt, self._digest(salt))
            self.cache.set(self._refused, msgspec.json.encode(refused).decode())

    @property
    def _refused(self) -> str:
        return f"{self.name}.refused"

    def _digest(self, salt: str) -> str:
        """Hash the password so that each guess at it takes time and memory."""
        return scrypt(self.password.encode(), salt=salt.encode(), n=1 << 14, r=8, p=1).hex()

    def _read(self, name: str, kind: type[_Cached], most_age: float) -> _Cached | None:
        text = self.cache.get(name, most_age) if self.cache else None
        try:
            return msgspec.json.decode(text or "null", type=kind | None)
        except (msgspec.DecodeError, RecursionError):
            return None


def _read_session(answer: Answer, now: float) -> _OpenSession:
    """Read the session from the answer to a login. Raises `Refused` if it has none."""
    try:
        data = msgspec.json.decode(answer.data)
    except (msgspec.DecodeError, RecursionError):
        data = None
    if isinstance(data, list) and data:
        data = data[0]
    token = data.get("access_token") if isinstance(data, dict) else None
    if not isinstance(token, str) or len(token.split()) != 1:
        raise Refused(f"{LOGIN}: the answer contains no token")
    return _OpenSession(token, _read_end(data, now))


def _read_end(data: Mapping[str, Any], now: float) -> float:
    """Return the end of a session: as the service says, or an hour from now.

    An end in the past or far away means that one of the two clocks is wrong: then it is an hour,
    and the service will refuse the token in time.
    """
    end = next((data[name] for name in END_MEMBERS if data.get(name) is not None), "")
    try:
        ends = float(end)
    except (TypeError, ValueError, OverflowError):
        return now + HOUR
    return ends if 2 * EXPIRY_MARGIN < ends - now <= HOUR else now + HOUR
