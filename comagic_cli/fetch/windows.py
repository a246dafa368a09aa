"""Windows: stretches of time that paging can reach to the end. Pure.

A window holds the two times that are sent. It reaches a second beyond what it must bring, because
stored times have fractions, shown ones may be rounded, and `date_till` may exclude its own second.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import ceil

import msgspec

from comagic_cli.errors import Refused
from comagic_cli.query.period import Period
from comagic_cli.query.query import TIME_FORMAT

PAGE_MOST = 10_000  # rows a page, by the API's documentation
OFFSET_MOST = 100_000
SECOND = timedelta(seconds=1)


class Window(msgspec.Struct, frozen=True):
    """The two times sent, both taken to belong to it."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        """Return it as messages show it."""
        return f"{self.start:%Y-%m-%d %H:%M:%S} … {self.end:%Y-%m-%d %H:%M:%S}"

    @property
    def span(self) -> timedelta:
        """Tell how long it is."""
        return self.end - self.start


def outer(period: Period, time_fields: int) -> Window:
    """Widen a period by a second at both ends; by two where two fields make the time."""
    margin = SECOND * max(1, time_fields)
    return Window(period.start - margin, period.end + margin)


def spread(window: Window, max_days: int) -> list[Window]:
    """Cut a window into parts that the cap of days allows, whether seconds or dates are counted.

    Parts are as equal as whole seconds allow; neighbours overlap by a second.
    """
    most = timedelta(days=max(1, max_days) - 1) or timedelta(hours=23)
    if window.span <= most:
        return [window]
    parts = ceil(window.span / (most - SECOND))
    step = timedelta(seconds=ceil(window.span.total_seconds() / parts))
    starts = [window.start + step * part for part in range(parts)]
    return [
        Window(start - SECOND if part else start, min(start + step, window.end))
        for part, start in enumerate(starts)
        if start < window.end
    ]


def rest_after(window: Window, part: Window, *, descending: bool) -> Window | None:
    """Return what of a window remains beyond one of its parts, overlapping it by a second."""
    if part == window:
        return None
    if descending:
        return Window(window.start, part.start + SECOND)
    return Window(part.end - SECOND, window.end)


def rest_from(window: Window, part: Window, *, descending: bool) -> Window:
    """Return what of a window remains from the very end of one of its parts."""
    if descending:
        return Window(window.start, part.start)
    return Window(part.end, window.end)


def cut_near(window: Window, reached: datetime, ahead: timedelta, *, descending: bool) -> Window:
    """Move a window's far end to `ahead` of the farthest time reached.

    It stays at least a second beyond it, so that all rows received still stand in the window and
    offsets hold, and far enough from the near end that what remains is shorter.
    """
    ahead = max(SECOND, ahead)
    if descending:
        return Window(max(window.start, min(reached - ahead, window.end - 2 * SECOND)), window.end)
    return Window(window.start, min(window.end, max(reached + ahead, window.start + 2 * SECOND)))


def named_cap(message: str, window: Window) -> int:
    """Read the cap of days that a refusal names; half of the window's own where it names none.

    Raises `Refused` where the window is too short for that to help.
    """
    span = window.span / timedelta(days=1)
    days = re.findall(r"(?<![\d.:-])(\d{1,4})\s*(?:days?|дн|сут|день)", message, re.IGNORECASE)
    numbers = days or re.findall(r"(?<![\d.:-])\d{1,4}(?![\d.:-])", message)
    fitting = [number for number in map(int, numbers) if 1 <= number <= ceil(span)]
    cap = min(fitting) if fitting else int(span // 2)
    if cap < 1 or span < 1:
        raise Refused(
            f"the service refuses even {span:.1f} days at once: {message}",
            hint="Ask for a shorter period.",
        )
    return cap


def parse_time(text: str) -> datetime | None:
    """Read a time of `YYYY-MM-DD hh:mm:ss`; `None` where it is none, as 30 February."""
    try:
        return datetime.strptime(text, TIME_FORMAT)  # noqa: DTZ007 - the account's zone, nowhere named
    except ValueError:
        return None
