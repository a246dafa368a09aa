"""The account's points as far as they are known, and the waits for more of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from comagic_cli.errors import OutOfPoints
from comagic_cli.fetch.patience import Patience
from comagic_cli.fetch.points import SHORT, Left, points_of
from comagic_cli.fetch.saying import spell

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
