"""Points: what an answer's limits and a refusal tell of them. Pure.

A unit is the time that points are given for: a minute, an hour, a day, or one not known yet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from comagic_cli.fetch.wire import Failure, limits_of

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
