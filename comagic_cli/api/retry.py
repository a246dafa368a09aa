"""How long is waited, for a new try and for points; clock, chance and sleep are passed in."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

import msgspec

from comagic_cli.api.redact import spell


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


SAME = 2  # tries of a page before it is halved: the first failure is seldom about its size
SMALL = 1_000  # rows; the API's own page, which every service can make


@dataclass
class Portion:
    """The rows that a page may have; `note` is told when they become fewer."""

    note: Callable[[str], None]
    most: int | None = None

    def fit(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters of a call, with no larger `limit` than the service can answer."""
        return params if self._rows(params) == _asked(params) else {**params, "limit": self.most}

    def halve(self, params: Mapping[str, Any], failures: int) -> None:
        """Take in that a call has failed so often, in a way that fewer rows may avoid."""
        rows = self._rows(params)
        if failures >= SAME and rows > SMALL:
            self.most = -(-rows // 2)
            self.note(f"the service fails on {rows} rows a page: asking for {self.most} from now")

    def is_large(self, params: Mapping[str, Any]) -> bool:
        """Tell whether fewer rows could be asked for."""
        return self._rows(params) > SMALL

    def _rows(self, params: Mapping[str, Any]) -> int:
        asked = _asked(params)
        return asked if self.most is None else min(asked, self.most)


def _asked(params: Mapping[str, Any]) -> int:
    limit = params.get("limit")
    return limit if isinstance(limit, int) else 0
