"""Who asks: keys, sessions, points, agents and their clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import words
from comagic_cli.sandbox.methods.checks import Params
from comagic_cli.sandbox.methods.refusals import Refusal, limit_exceeded, missed, wrong_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from comagic_cli.sandbox.quirks import Quirks

TOKEN: Final = "sandbox-token"  # noqa: S105  # an invented account's
LOGIN: Final = "sandbox"
PASSWORD: Final = "sandbox"  # noqa: S105  # the same
APP_ID: Final = 4242
SESSION_SECONDS: Final = 3600
_PERIODS: Final = {"minute": 60, "day": 86_400}
_REPORTED: Final = {"minute": 120, "day": 5_000}  # points, where no limit is told


@dataclass
class _Session:
    ends: float
    calls: int = 0


@dataclass
class Sessions:
    """Sessions of `login.user`; `clock` tells seconds."""

    quirks: Quirks
    clock: Callable[[], float]
    _open: dict[str, _Session] = field(default_factory=dict)
    _opened: int = 0
    _lock: Lock = field(default_factory=Lock)

    def login(self, params: Params) -> dict[str, Any]:
        """Open a session."""
        login, password = params.need("login", str), params.need("password", str)
        if (login, password) != (LOGIN, PASSWORD):
            raise Refusal("auth_error")
        ends = self.clock() + SESSION_SECONDS
        with self._lock:
            self._opened += 1
            token = f"session-{self._opened:06}"
            self._open[token] = _Session(ends)
        expiry: dict[str, dict[str, Any]] = {
            "number": {"expire_at": int(ends)},
            "text": {"expire": str(int(ends))},
            "absent": {},
        }
        return {"access_token": token, "app_id": APP_ID, **expiry[self.quirks.expire_at]}

    def logout(self, token: str) -> None:
        """End a session; nothing happens to the permanent key."""
        with self._lock:
            self._open.pop(token, None)

    def check(self, token: str) -> None:
        """Refuse a token that is unknown or has ended."""
        if token == TOKEN:
            return
        with self._lock:
            session = self._open.get(token)
            if session is None:
                raise Refusal("access_token_invalid", field="access_token")
            session.calls += 1
            most = self.quirks.session_calls
            if self.clock() >= session.ends or (most is not None and session.calls > most):
                raise Refusal("access_token_expired", field="access_token")


@dataclass
class Points:
    """Points of a minute and a day: each successful call costs one."""

    quirks: Quirks
    clock: Callable[[], float]
    _used: dict[str, tuple[int, int]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def check(self) -> None:
        """Refuse a call when the points of a period are used up."""
        for period, limit in self._limits().items():
            if limit is not None and self._spent(period) >= limit:
                raise limit_exceeded(period, limit, self._reset(period))

    def spend(self) -> None:
        """Pay for a successful call."""
        with self._lock:
            for period, seconds in _PERIODS.items():
                window = int(self.clock() // seconds)
                self._used[period] = (window, self._spent(period) + 1)

    def report(self) -> dict[str, int]:
        """Return the `limits` of an answer's metadata."""
        limits: dict[str, int] = {}
        for period, told in self._limits().items():
            limit = _REPORTED[period] if told is None else told
            limits[f"{period}_limit"] = limit
            limits[f"{period}_remaining"] = max(0, limit - self._spent(period))
            limits[f"{period}_reset"] = self._reset(period)
        return limits

    def _limits(self) -> dict[str, int | None]:
        return {"minute": self.quirks.minute_limit, "day": self.quirks.day_limit}

    def _spent(self, period: str) -> int:
        window, used = self._used.get(period, (0, 0))
        return used if window == int(self.clock() // _PERIODS[period]) else 0

    def _reset(self, period: str) -> int:
        seconds = _PERIODS[period]
        return seconds - int(self.clock() % seconds)


def clients(quirks: Quirks) -> list[dict[str, Any]]:
    """List an agent's clients."""
    if not quirks.agent:
        raise Refusal("forbidden")
    return [dict(client) for client in words()["clients"]]


def user_of(params: Params, quirks: Quirks) -> int | None:
    """Return the client's user that the call is about; None for an account of its own."""
    user = params.get("user_id", int)
    if user in quirks.denied_users:
        raise Refusal("forbidden", field="user_id", value=user)
    if not quirks.agent:
        return None
    if user is None:
        raise missed("user_id")
    if user not in {client["id"] for client in words()["clients"]}:
        raise wrong_value("user_id", user, "no such user")
    return int(user)


def timezone(user: int | None, quirks: Quirks) -> str:
    """Return the zone of the account, or of a client."""
    if user is None:
        return quirks.timezone
    ids = [client["id"] for client in words()["clients"]]
    return quirks.client_timezones[ids.index(user) % len(quirks.client_timezones)]


def account_object(user: int | None, quirks: Quirks) -> dict[str, Any]:
    """Make the data of `getobj.account`."""
    names = {client["id"]: client["name"] for client in words()["clients"]}
    return {
        "app_id": user or APP_ID,
        "app_name": words()["company"] if user is None else names[user],
        "timezone": timezone(user, quirks),
        "user_id": user or 9001,
        "user_login": LOGIN,
        "user_name": "Выгрузка",
        "is_agent": quirks.agent and user is None,
        "agent_type": "partner" if quirks.agent and user is None else None,
        "lang": "ru",
        "version": 3,
        "project": "comagic",
        "report_currency": "RUB",
        "components": ["data_api"] if quirks.flat_reports else [],
        "permissions": [{"unit_id": "reports", "is_select": True}],
    }


def account(user: int | None, quirks: Quirks) -> Any:
    """Make the data of `get.account`: a list of one, or the object itself."""
    names = {client["id"]: client["name"] for client in words()["clients"]}
    name = words()["company"] if user is None else names[user]
    data = {"app_id": user or APP_ID, "name": name, "timezone": timezone(user, quirks)}
    return data if quirks.account_object else [data]
