"""Retries: how often, how long to wait in between, and how many rows to ask for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

import msgspec

DURATION_UNITS = (("d", "h", 86_400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1))
TRIES_BEFORE_SHRINKING = 2  # the first failure is seldom about the size of a page
SMALL_PAGE = 1_000  # rows; the API's default, which every service can answer


def _now() -> datetime:
    return datetime.now(UTC).astimezone()


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often a call is tried, and how long the pauses are, in seconds.

    Pauses double, and are jittered by half in either direction. A call that has to wait longer than
    `max_wait` fails. `show` is given a status line that replaces the one before, "" to clear it;
    `None` where nobody looks. `jitter` returns a number from 0 to 1.
    """

    tries: int = 5
    first_pause: float = 0.5
    max_pause: float = 30.0
    max_wait: float = 3600.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    show: Callable[[str], None] | None = None
    now: Callable[[], datetime] = _now

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after an attempt, counted from 1."""
        longest = min(self.max_pause, self.first_pause * 2.0 ** (attempt - 1))
        return longest * (0.5 + self.jitter())

    def wait(self, seconds: float, reason: str) -> None:
        """Sleep; where somebody looks, count the seconds down."""
        if self.show is None:
            self.sleep(seconds)
            return
        try:
            for remaining in range(ceil(seconds), 0, -1):
                self.show(f"{reason}: {format_duration(remaining)}")
                self.sleep(min(1.0, seconds - remaining + 1))
        finally:
            self.show("")


@dataclass
class PageSize:
    """The largest `limit` that the service can answer; `note` gets a line when it shrinks."""

    note: Callable[[str], None]
    max_rows: int | None = None

    def apply(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters of a call, with no larger `limit` than the service can answer."""
        rows = self._rows(params)
        return params if rows == _limit(params) else {**params, "limit": rows}

    def shrink(self, sent: Mapping[str, Any], failures: int) -> None:
        """Halve the page after so many failures of a call that fewer rows may avoid.

        Another call at the same time may have halved it already.
        """
        rows = _limit(sent)
        if rows > self._rows(sent):
            return
        if failures >= TRIES_BEFORE_SHRINKING and rows > SMALL_PAGE:
            self.max_rows = -(-rows // 2)
            self.note(
                f"the service fails on {rows} rows per page: asking for {self.max_rows} from now on"
            )

    def can_shrink(self, params: Mapping[str, Any]) -> bool:
        """Check if fewer rows can be asked for."""
        return self._rows(params) > SMALL_PAGE

    def _rows(self, params: Mapping[str, Any]) -> int:
        limit = _limit(params)
        return limit if self.max_rows is None else min(limit, self.max_rows)


def format_duration(seconds: float) -> str:
    """Format a duration, rounded up: `42 s`, `4 min 5 s`, `5 h 12 min`, `3 d 4 h`."""
    whole = ceil(seconds)
    for larger, smaller, size, unit in DURATION_UNITS:
        if whole >= size:
            count, rest = divmod(ceil(whole / unit) * unit, size)
            return f"{count} {larger}" + f" {rest // unit} {smaller}" * bool(rest)
    return f"{whole} s"


def _limit(params: Mapping[str, Any]) -> int:
    limit = params.get("limit")
    return limit if isinstance(limit, int) else 0
