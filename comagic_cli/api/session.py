"""Sessions: log in where there is none, and keep it for its hour, for other runs too.

What is kept: `NAME`, the session's key and end; `NAME.refused`, when a password was refused, by a
slow salted hash of it, so that jobs started every minute don't lock the account; `NAME.lock`.
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

from comagic_cli.api.envelope import Answer
from comagic_cli.api.redact import spell
from comagic_cli.errors import NotAllowed, Refused

LOGIN = "login.user"
HOUR = 3600.0
SAFETY = 180.0  # seconds before its end in which a session is begun with no more
REFUSED_FOR = 600.0  # seconds in which a refused password is not tried again
NAMES_OF_END = ("expire_at", "expire")
CHECK = "Check COMAGIC_LOGIN and COMAGIC_PASSWORD."

Ask = Callable[[Mapping[str, Any]], Answer]


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


_Kept = TypeVar("_Kept", bound=msgspec.Struct)


class _Open(msgspec.Struct, frozen=True):
    """An open session; `ends` is Unix time, by our clock."""

    key: str
    ends: float

    def __repr__(self) -> str:
        return f"_Open(key=***, ends={self.ends})"


class _Wrong(msgspec.Struct, frozen=True):
    """A password that was refused; `at` is Unix time, the others are hexadecimal."""

    at: float
    salt: str
    digest: str


@dataclass
class Session:
    """The key of a session, from a login and password, which are in no text made of this value.

    `name` is what it is kept under: it must tell services and logins apart. `now` is Unix time.
    `logins` counts those made here. `check` says where the password can be corrected.
    """

    login: str = field(repr=False)
    password: str = field(repr=False)
    name: str = "session"
    cache: Cache | None = field(default=None, repr=False)
    now: Callable[[], float] = field(default=time.time, repr=False)
    logins: int = 0
    check: str = CHECK
    _open: _Open | None = field(default=None, repr=False)
    _ended: set[str] = field(default_factory=set, repr=False)
    _seen: deque[str] = field(default_factory=lambda: deque(maxlen=8), repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must be masked."""
        return (self.login, self.password, *self._seen)

    def key(self, ask: Ask) -> str:
        """Return the key of a session, of an open one or by logging in through `ask`.

        Raises `NotAllowed` where the password is wrong, or was a moment ago.
        """
        if self._open is None or not self._is_good(self._open):
            self._open = self._kept() or self._begun(ask)
        return self._open.key

    def drop(self, key: str) -> None:
        """Take in that a session has ended."""
        self._ended.add(key)

    def forget(self) -> str:
        """Forget all that is kept; return the key of the session that was open, "" for none."""
        kept = self._kept()
        for name in (self.name, self._refused):
            if self.cache:
                self.cache.delete(name)
        return kept.key if kept else ""

    def _is_good(self, session: _Open) -> bool:
        left = session.ends - self.now()
        return session.key not in self._ended and SAFETY < left <= HOUR

    def _kept(self) -> _Open | None:
        kept = self._recall(self.name, _Open, HOUR)
        if kept is None or not kept.key or not self._is_good(kept):
            return None
        self._seen.append(kept.key)
        return kept

    def _begun(self, ask: Ask) -> _Open:
        """Log in, unless another run has done so meanwhile."""
        with self.cache.lock(self.name) if self.cache else nullcontext():
            return self._kept() or self._logged_in(ask)

    def _logged_in(self, ask: Ask) -> _Open:
        self._check_not_refused()
        try:
            answer = ask({"login": self.login, "password": self.password})
        except NotAllowed as error:
            if error.mnemonic == "auth_error":
                error.hint = self.check
                self._keep_refusal()
            raise
        self.logins += 1
        session = _opened(answer, self.now())
        self._seen.append(session.key)
        if self.cache:
            self.cache.set(self.name, msgspec.json.encode(session).decode())
        return session

    def _check_not_refused(self) -> None:
        """Leave alone a password that was refused a moment ago. Raises `NotAllowed`."""
        wrong = self._recall(self._refused, _Wrong, REFUSED_FOR)
        if wrong is None:
            return
        left = wrong.at + REFUSED_FOR - self.now()
        if 0 < left <= REFUSED_FOR and self._digest(wrong.salt) == wrong.digest:
            raise NotAllowed(
                f"{LOGIN}: the login or password is wrong: it was refused "
                f"{spell(REFUSED_FOR - left)} ago, and is tried again in {spell(left)}",
                hint=f"{self.check} Another password is tried at once.",
                mnemonic="auth_error",
            )

    def _keep_refusal(self) -> None:
        if self.cache:
            salt = os.urandom(16).hex()
            wrong = _Wrong(self.now(), salt, self._digest(salt))
            self.cache.set(self._refused, msgspec.json.encode(wrong).decode())

    @property
    def _refused(self) -> str:
        return f"{self.name}.refused"

    def _digest(self, salt: str) -> str:
        """Return what can't be guessed the password from: each guess takes time and memory."""
        return scrypt(self.password.encode(), salt=salt.encode(), n=1 << 14, r=8, p=1).hex()

    def _recall(self, name: str, kind: type[_Kept], max_age: float) -> _Kept | None:
        text = self.cache.get(name, max_age) if self.cache else None
        try:
            return msgspec.json.decode(text or "null", type=kind | None)
        except (msgspec.DecodeError, RecursionError):
            return None


def _opened(answer: Answer, now: float) -> _Open:
    """Read a session out of the answer to a login. Raises `Refused` where there is none."""
    try:
        data = msgspec.json.decode(answer.data)
    except (msgspec.DecodeError, RecursionError):
        data = None
    if isinstance(data, list) and data:
        data = data[0]
    key = data.get("access_token") if isinstance(data, dict) else None
    if not isinstance(key, str) or len(key.split()) != 1:
        raise Refused(f"{LOGIN}: the answer has no key in it")
    return _Open(key, _end(data, now))


def _end(data: Mapping[str, Any], now: float) -> float:
    """Return when a session ends: as the service says, or an hour from now.

    What is over already, or far away, shows that one of the two clocks is wrong: an hour is taken,
    and the service will refuse the key in time.
    """
    told = next((data[name] for name in NAMES_OF_END if data.get(name) is not None), "")
    try:
        ends = float(told)
    except (TypeError, ValueError, OverflowError):
        return now + HOUR
    return ends if 2 * SAFETY < ends - now <= HOUR else now + HOUR
