"""The account's points as far as they are known, and the waits for more of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from comagic_cli.api.envelope import Failure, limits_of
from comagic_cli.api.redact import spell
from comagic_cli.api.retry import Patience
from comagic_cli.errors import OutOfPoints

REMAINING = "_remaining"
MOST_RESET = 366 * 86_400  # seconds; a larger number is no length of time
# The units that are waited for, and the seconds that their points take to come back at most. Of
# all others calls beyond the limit may be billed, or would have to be waited for too long.
SHORT = {"hour": 3600.0, "minute": 60.0, "second": 1.0}
# The words for units, the longest unit first.
WORDS = {
    "month": r"month(?:s|ly)?|месяц\w*|(?:еже)?месячн\w*",
    "week": r"week(?:s|ly)?|(?:еже)?недел\w*",
    "day": r"days?|daily|today|сут(?:ки|ок|очн\w*)|д(?:ень|ня|ней|н)|(?:еже)?дневн\w*",
    "hour": r"hour(?:s|ly)?|час(?:а|у|ов|ов\w+)?|(?:еже|по)часов\w*|ежечасн\w*",  # noqa: RUF001 - Russian
    "minute": r"min(?:ute)?s?|мин|(?:еже|по)?минут\w*",
    "second": r"sec(?:ond)?s?|сек|(?:еже|по)?секунд\w*",
}
LETTER = r"[^\W\d_]"
_words = {
    unit: re.compile(rf"(?<!{LETTER})(?:{words})(?!{LETTER})", re.IGNORECASE)
    for unit, words in WORDS.items()
}
_hump = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Left(msgspec.Struct, frozen=True):
    """What is left of a unit's points; `reset` is the seconds until there are more (`None`: ?)."""

    unit: str
    remaining: int
    reset: float | None = None

    @property
    def waited_for(self) -> bool:
        """Tell whether the next call may wait for more, or must not be made.

        Where a refusal names no unit, its reset is waited for.
        """
        return self.unit in SHORT or (not self.unit and self.reset is not None)

    @property
    def called(self) -> str:
        """Name the want of them."""
        return f"out of points for this {self.unit}" if self.unit else "out of points"


def points_of(limits: Mapping[str, int]) -> list[Left]:
    """Read what is left of each unit, whatever it is called."""
    return [
        Left(_unit_of_name(name), number, _reset(limits, name.removesuffix("remaining")))
        for name, number in limits.items()
        if name.endswith(REMAINING)
    ]


def limits_of_failure(failure: Failure) -> dict[str, int]:
    """Read the limits that a refusal of any kind reports."""
    return limits_of(failure.data.get("metadata")) if isinstance(failure.data, dict) else {}


def spent_by(failure: Failure, retry_after: float | None = None) -> Left:
    """Tell which unit a `limit_exceeded` is about; "" where nothing names it.

    Where one thing names several units and another a single one, that is believed; else the
    longest, since waiting for a shorter one may cost.
    """
    points = points_of(limits_of_failure(failure))
    params = failure.data.get("params") if isinstance(failure.data, dict) else None
    used_up = {left.unit for left in points if not left.remaining}
    named = [used_up, _units_in(params), _units_in(failure.message)]
    single = next((units for units in named if len(units) == 1), set().union(*named))
    unit = min(single, key=_place, default="")
    numbers = limits_of({"limits": params})
    told = [left.reset for left in points if left.unit == unit]
    told += [_reset(numbers, f"{unit}_"), _reset(numbers, ""), retry_after]
    return Left(unit, 0, max((seconds for seconds in told if seconds is not None), default=None))


def _reset(limits: Mapping[str, int], prefix: str) -> float | None:
    """Find the seconds until a unit's reset; `None` where no length of time is given."""
    seconds = limits.get(f"{prefix}reset")
    return None if seconds is None or seconds > MOST_RESET else float(seconds)


def _unit_of_name(name: str) -> str:
    unit = name.removesuffix(REMAINING)
    return min(_units_in(unit), key=_place, default=unit)


def _units_in(said: Any) -> set[str]:
    text = _hump.sub(" ", "" if said is None else str(said))
    return {unit for unit, words in _words.items() if words.search(text)}


def _place(unit: str) -> int:
    """Order units, the longest first; one that is not known is before all others."""
    return list(WORDS).index(unit) if unit in WORDS else -1


LEAST = 1.0  # seconds of a wait: a reset of 0 is one that was rounded down
MOST_BACK_OFF = 60.0
GRACE = 2  # seconds that a moment is rounded down by, else up to its minute


@dataclass
class Purse:
    """Remember which units' points are used up, until when by `clock`, in seconds."""

    patience: Patience
    clock: Callable[[], float]
    note: Callable[[str], None]
    _spent: dict[str, tuple[Left, float | None]] = field(default_factory=dict)
    _resets: dict[str, float] = field(default_factory=dict)  # by unit, used up or not

    def hear(self, limits: Mapping[str, int]) -> None:
        """Take in the limits of an answer; what they don't name stays as it was."""
        for left in points_of(limits):
            if left.reset is not None:
                self._resets[left.unit] = self.clock() + max(LEAST, left.reset)
            if left.remaining:
                self._spent.pop(left.unit, None)
            else:
                self.spend(left)

    def spend(self, left: Left) -> None:
        """Remember that a unit's points are used up."""
        self._spent[left.unit] = left, self._until(left)

    def _until(self, left: Left) -> float | None:
        """Find when a unit's points come back: as told now, or before, or as the unit is long."""
        now = self.clock()
        if left.reset is not None:
            return now + max(LEAST, left.reset)
        known = self._resets.get(left.unit, 0.0)
        if known > now:
            return known
        return now + SHORT[left.unit] if left.unit in SHORT else None

    def wanting(self) -> list[tuple[Left, float | None]]:
        """Return what is used up still, with the seconds until there is more (`None`: unknown)."""
        if not self._spent:
            return []
        now = self.clock()
        self._spent = {
            unit: (left, until)
            for unit, (left, until) in self._spent.items()
            if until is None or until > now
        }
        return [
            (left, None if until is None else round(until - now, 3))
            for left, until in self._spent.values()
        ]

    def forget(self) -> None:
        """Forget what was waited for."""
        self._spent = {
            unit: spent for unit, spent in self._spent.items() if not spent[0].waited_for
        }


@dataclass
class Turn:
    """One call's waits for points: foreseen, then as often as it is refused."""

    purse: Purse
    waited: float = 0.0
    refusals: int = 0
    refusal: OutOfPoints | None = None

    def refuse(self, error: OutOfPoints, left: Left) -> None:
        """Take in that the call was refused for want of points."""
        self.refusals += 1
        self.refusal = error
        self.purse.spend(left)

    def come(self) -> None:
        """Wait until the call may be made.

        Raises `OutOfPoints` where it must not be, or would have to wait longer than is allowed.
        """
        wanting = self.purse.wanting()
        for left, seconds in wanting:
            if not left.waited_for:
                raise self._out(left, _when(self.purse.patience.now(), seconds))
        if wanting:
            left, until = max(wanting, key=lambda each: each[1] or 0.0)
            self._wait(left, max(until or 0.0, self._back_off()))

    def _wait(self, left: Left, seconds: float) -> None:
        patience = self.purse.patience
        if self.waited + seconds > patience.most_wait:
            most = spell(patience.most_wait)
            raise self._out(left, f"There are more in {spell(seconds)}; --max-wait allows {most}.")
        pause = seconds + 0.2 + 0.8 * patience.chance()
        self.purse.note(f"{left.called}: waiting {spell(pause)}")
        patience.rest(pause, left.called)
        self.waited += pause
        self.purse.forget()

    def _back_off(self) -> float:
        """Return the seconds to wait at least: a service that goes on refusing is asked less."""
        return min(MOST_BACK_OFF, 2.0 ** (self.refusals - 1)) if self.refusals else 0.0

    def _out(self, left: Left, hint: str) -> OutOfPoints:
        error = self.refusal or OutOfPoints(f"the account is {left.called}")
        error.hint = hint
        return error


def _when(now: datetime, seconds: float | None) -> str:
    """Say when there are more points: how long that is, and the moment with its offset."""
    if seconds is None:
        return "The service does not say when there are more. Try again later."
    moment = now + timedelta(seconds=seconds + 60 - GRACE)
    offset = f"{moment:%z}"
    zone = f"{offset[0]}{int(offset[1:3])}" + f":{offset[3:5]}" * (offset[3:5] != "00")
    at = f"{moment:%Y-%m-%d %H:%M} UTC{zone}"
    return f"There are more in {spell(seconds)}, at {at}: try again then."
