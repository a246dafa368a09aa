"""Stopped clocks, and date options as they are typed."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Clock = Callable[[], datetime]


class Ticking:
    """A clock of seconds that sleeping moves on; the pauses are written down, not made."""

    def __init__(self, seconds: float = 1_000_000_020.0) -> None:  # the start of a minute
        self.seconds = seconds
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.pauses.append(round(seconds, 3))
        self.seconds += seconds


def clock_of(line: str) -> Clock:
    """Stop a clock at what a line says, such as `2026-10-25 01:15:00 Europe/London again`."""
    date, time, zone, *again = line.split()
    naive = datetime.fromisoformat(f"{date} {time}")
    moment = naive.replace(tzinfo=ZoneInfo(zone), fold=int(bool(again)))
    return lambda: moment


def options_of(arguments: str) -> tuple[str | None, str | None, str | None]:
    words = shlex.split(arguments)
    given_ = dict(zip(words[::2], words[1::2], strict=True))
    return given_.get("--from"), given_.get("--till"), given_.get("--period")


def utc_of(now: Clock) -> Clock:
    return lambda: now().astimezone(UTC)


def unasked() -> datetime:
    pytest.fail("the time was asked for")
