"""How long is waited, for a new try and for points; clock, chance and sleep are passed in."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil

import msgspec

from comagic_cli.fetch.saying import spell


def _now() -> datetime:
    return datetime.now(UTC).astimezone()


class Patience(msgspec.Struct, frozen=True):
    """How often a call is tried, and how long is waited in between, in seconds.

    The pauses double and are jittered by half either way. `Retry-After` is honoured; a service that
    wants more than `most_wait` is not asked again. `show` is given a line to put in the place of
    the one before, "" to end with; `None` where nobody looks. `now` tells when points come back.
    """

    tries: int = 5
    first_pause: float = 0.5
    most_pause: float = 30.0
    most_wait: float = 3600.0
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    show: Callable[[str], None] | None = None
    now: Callable[[], datetime] = _now

    def pause(self, attempt: int) -> float:
        """Choose the seconds to wait after the attempt of this number, counted from 1."""
        longest = min(self.most_pause, self.first_pause * 2.0 ** (attempt - 1))
        return longest * (0.5 + self.chance())

    def rest(self, seconds: float, why: str) -> None:
        """Wait; where somebody looks, count the seconds down."""
        if self.show is None:
            self.sleep(seconds)
            return
        try:
            for left in range(ceil(seconds), 0, -1):
                self.show(f"{why}: {spell(left)}")
                self.sleep(min(1.0, seconds - left + 1))
        finally:
            self.show("")
