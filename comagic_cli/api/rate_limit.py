"""Rate limiting: the points that an account has left, and the wait until there are more."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

import msgspec

from comagic_cli.api.envelope import ApiError, limits_of
from comagic_cli.api.retry import RetryPolicy, format_duration
from comagic_cli.errors import OutOfPoints

REMAINING = "_remaining"
MAX_RESET = 366 * 86_400  # seconds; a larger number is a moment, not a length of time
MIN_WAIT = 1.0  # seconds; a reset of 0 was rounded down
MAX_BACK_OFF = 60.0  # seconds
RESET_SLACK = 58  # seconds by which the moment of a reset is later than said, to round up a minute
# Units that may be waited for, and the most seconds until their points are back. For the others the
# wait is too long, and calls beyond the limit may be billed.
SHORT_UNITS = {"hour": 3600.0, "minute": 60.0, "second": 1.0}
# Words for units in English and Russian, the longest unit first.
WORDS = {
    "month": r"month(?:s|ly)?|месяц\w*|(?:еже)?месячн\w*",
    "week": r"week(?:s|ly)?|(?:еже)?недел\w*",
    "day": r"days?|daily|today|сут(?:ки|ок|очн\w*)|д(?:ень|ня|ней|н)|(?:еже)?дневн\w*",
    "hour": r"hour(?:s|ly)?|час(?:а|у|ов|ов\w+)?|(?:еже|по)часов\w*|ежечасн\w*",  # noqa: RUF001 - Russian
    "minute": r"min(?:ute)?s?|мин|(?:еже|по)?минут\w*",
    "second": r"sec(?:ond)?s?|сек|(?:еже|по)?секунд\w*",
}
_LETTER = r"[^\W\d_]"
_WORD_PATTERNS = {
    unit: re.compile(rf"(?<!{_LETTER})(?:{words})(?!{_LETTER})", re.IGNORECASE)
    for unit, words in WORDS.items()
}
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Quota(msgspec.Struct, frozen=True):
    """Points left of a unit of time; `reset` is in seconds, `None` if the service does not say."""

    unit: str
    remaining: int
    reset: float | None = None

    @property
    def is_waitable(self) -> bool:
        """Check if the next call may wait for more; if not, it must not be made.

        Where a refusal names no unit, its reset can be waited for.
        """
        return self.unit in SHORT_UNITS or (not self.unit and self.reset is not None)

    @property
    def label(self) -> str:
        """Describe that the points are used up."""
        return f"out of points for this {self.unit}" if self.unit else "out of points"


def read_quotas(limits: Mapping[str, int]) -> list[Quota]:
    """Read the points left of each unit, whatever its name.

    A limit of 0 is ignored: under it no call could be answered.
    """
    return [
        Quota(_unit_of_name(name), number, _reset(limits, name.removesuffix("remaining")))
        for name, number in limits.items()
        if name.endswith(REMAINING) and limits.get(f"{name.removesuffix('remaining')}limit") != 0
    ]


def limits_of_error(error: ApiError) -> dict[str, int]:
    """Read the limits that an error of any kind reports."""
    return limits_of(error.data.get("metadata")) if isinstance(error.data, dict) else {}


def exhausted_quota(error: ApiError, retry_after: float | None = None) -> Quota:
    """Find the unit that a `limit_exceeded` is about; "" where nothing names it.

    Of the metadata, the parameters and the message, the first that names a single unit is believed;
    else the longest unit named by any, because waiting for a shorter one may cost points.
    """
    quotas = read_quotas(limits_of_error(error))
    params = error.data.get("params") if isinstance(error.data, dict) else None
    exhausted = {quota.unit for quota in quotas if not quota.remaining}
    named = [exhausted, _units_in(params), _units_in(error.message)]
    units = next((units for units in named if len(units) == 1), set().union(*named))
    unit = min(units, key=_order, default="")
    numbers = limits_of({"limits": params})
    resets = [quota.reset for quota in quotas if quota.unit == unit]
    resets += [_reset(numbers, f"{unit}_"), _reset(numbers, ""), retry_after]
    return Quota(unit, 0, max((seconds for seconds in resets if seconds is not None), default=None))


def _reset(limits: Mapping[str, int], prefix: str) -> float | None:
    """Return the seconds until a unit's reset; `None` where no length of time is given."""
    seconds = limits.get(f"{prefix}reset")
    return None if seconds is None or seconds > MAX_RESET else float(seconds)


def _unit_of_name(name: str) -> str:
    unit = name.removesuffix(REMAINING)
    return min(_units_in(unit), key=_order, default=unit)


def _units_in(value: Any) -> set[str]:
    text = _CAMEL_CASE.sub(" ", "" if value is None else str(value))
    return {unit for unit, pattern in _WORD_PATTERNS.items() if pattern.search(text)}


def _order(unit: str) -> int:
    """Order units, the longest first; an unknown one is before all others."""
    return list(WORDS).index(unit) if unit in WORDS else -1


@dataclass
class RateLimits:
    """The exhausted units, each with the time by `clock` at which its points are back."""

    policy: RetryPolicy
    clock: Callable[[], float]
    note: Callable[[str], None]
    _exhausted: dict[str, tuple[Quota, float | None]] = field(default_factory=dict)
    _resets: dict[str, float] = field(default_factory=dict)  # of every unit, exhausted or not
    _remaining: dict[str, int] = field(default_factory=dict)  # points of each unit, as said last
    _lock: RLock = field(default_factory=RLock, repr=False)  # threads call at once

    def update(self, limits: Mapping[str, int]) -> None:
        """Record the limits of an answer; units that it does not name keep their state."""
        with self._lock:
            for quota in read_quotas(limits):
                self._remaining[quota.unit] = quota.remaining
                if quota.reset is not None:
                    self._resets[quota.unit] = self.clock() + max(MIN_WAIT, quota.reset)
                if quota.remaining:
                    self._exhausted.pop(quota.unit, None)
                else:
                    self.exhaust(quota)

    def remaining(self, unit: str) -> int | None:
        """Return the points left of a unit, `None` where they are not known."""
        return self._remaining.get(unit)

    def exhaust(self, quota: Quota) -> None:
        """Record that a unit's points are used up."""
        with self._lock:
            self._exhausted[quota.unit] = quota, self._end(quota)

    def exhausted(self) -> list[tuple[Quota, float | None]]:
        """Return what is still used up, with the seconds until its reset (`None`: unknown)."""
        if not self._exhausted:
            return []
        now = self.clock()
        with self._lock:
            self._exhausted = {
                unit: (quota, end)
                for unit, (quota, end) in self._exhausted.items()
                if end is None or end > now
            }
            return [
                (quota, None if end is None else round(end - now, 3))
                for quota, end in self._exhausted.values()
            ]

    def clear_waited(self) -> None:
        """Remove what was waited for."""
        with self._lock:
            self._exhausted = {
                unit: entry for unit, entry in self._exhausted.items() if not entry[0].is_waitable
            }

    def _end(self, quota: Quota) -> float | None:
        """Return when a unit's points are back: as said now, said before, or by its length."""
        now = self.clock()
        if quota.reset is not None:
            return now + max(MIN_WAIT, quota.reset)
        known = self._resets.get(quota.unit, 0.0)
        if known > now:
            return known
        return now + SHORT_UNITS[quota.unit] if quota.unit in SHORT_UNITS else None


@dataclass
class RateLimitedCall:
    """The waits of one call: before it is made, and after each refusal."""

    limits: RateLimits
    waited: float = 0.0
    refusals: int = 0
    refusal: OutOfPoints | None = None

    def on_refusal(self, error: OutOfPoints, quota: Quota) -> None:
        """Record that the call was refused for lack of points."""
        self.refusals += 1
        self.refusal = error
        self.limits.exhaust(quota)

    def wait(self) -> None:
        """Wait until the call may be made.

        Raises `OutOfPoints` where it must not be made, or would wait longer than allowed.
        """
        exhausted = self.limits.exhausted()
        for quota, seconds in exhausted:
            if not quota.is_waitable:
                raise self._error(quota, _reset_hint(self.limits.policy.now(), seconds))
        if exhausted:
            quota, until = max(exhausted, key=lambda entry: entry[1] or 0.0)
            self._wait_for(quota, max(until or 0.0, self._back_off()))

    def _wait_for(self, quota: Quota, seconds: float) -> None:
        policy = self.limits.policy
        if self.waited + seconds > policy.max_wait:
            allowed = format_duration(policy.max_wait)
            raise self._error(
                quota,
                f"There are more in {format_duration(seconds)}; --max-wait allows {allowed}.",
            )
        pause = seconds + 0.2 + 0.8 * policy.jitter()
        self.limits.note(f"{quota.label}: waiting {format_duration(pause)}")
        policy.wait(pause, quota.label)
        self.waited += pause
        self.limits.clear_waited()

    def _back_off(self) -> float:
        """Return the least seconds to wait: a service that keeps refusing is asked less often."""
        return min(MAX_BACK_OFF, 2.0 ** (self.refusals - 1)) if self.refusals else 0.0

    def _error(self, quota: Quota, hint: str) -> OutOfPoints:
        error = self.refusal or OutOfPoints(f"the account is {quota.label}")
        error.hint = hint
        return error


def _reset_hint(now: datetime, seconds: float | None) -> str:
    """Say when there are more points: in how long, and at which moment with its offset."""
    if seconds is None:
        return "The service does not say when there are more. Try again later."
    moment = now + timedelta(seconds=seconds + RESET_SLACK)
    offset = f"{moment:%z}"
    zone = f"{offset[0]}{int(offset[1:3])}" + f":{offset[3:5]}" * (offset[3:5] != "00")
    at = f"{moment:%Y-%m-%d %H:%M} UTC{zone}"
    return f"There are more in {format_duration(seconds)}, at {at}: try again then."
