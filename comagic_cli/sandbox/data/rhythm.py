"""When things happen: row numbers to moments, and back by bisection.

Moments are whole microseconds since 1970 in the account's own time, without a zone. A rhythm is a
monotone function of the row number that is computed directly, so a million rows need no memory.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND: Final = 1_000_000
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
ROWS_A_WEEK: Final = 900  # about 150 a working day, half as many a day of the weekend

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the API's times have no zone
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Count the microseconds of a moment without a zone."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """Return the moment of a count of microseconds."""
    return _EPOCH + timedelta(microseconds=stored)


def parse(text: str) -> int:
    """Read `YYYY-MM-DD hh:mm:ss[.ffffff]`; `ValueError` for anything else."""
    return micros(datetime.fromisoformat(text).replace(tzinfo=None))


FIRST_MONDAY: Final = micros(datetime(2001, 1, 1))  # noqa: DTZ001  # the same

_WORKING_DAY = (1, 1, 1, 1, 1, 2, 4, 8, 18, 30, 36, 34, 30, 28, 31, 33, 32, 28, 22, 16, 10, 6, 3, 2)
_WEEKEND_DAY = (1, 1, 1, 1, 1, 1, 2, 3, 6, 11, 15, 17, 18, 18, 17, 16, 15, 13, 11, 9, 6, 4, 2, 1)
_EDGES = (0, *accumulate(_WORKING_DAY * 5 + _WEEKEND_DAY * 2))  # weight before each of 168 hours
_WEEK_WEIGHT = _EDGES[-1]
_UNIT: Final = 1 << 20  # parts of one weight, and of one row


def weight_at(stored: int) -> int:
    """Weigh the time since the first Monday, in parts of a weight."""
    weeks, within = divmod(stored - FIRST_MONDAY, WEEK)
    hour, rest = divmod(within, HOUR)
    width = _EDGES[hour + 1] - _EDGES[hour]
    return (weeks * _WEEK_WEIGHT + _EDGES[hour]) * _UNIT + width * _UNIT * rest // HOUR


def _moment_at(weight: int) -> int:
    weeks, within = divmod(weight, _WEEK_WEIGHT * _UNIT)
    hour = bisect_right(_EDGES, within // _UNIT) - 1
    width = _EDGES[hour + 1] - _EDGES[hour]
    rest = (within - _EDGES[hour] * _UNIT) * HOUR // (width * _UNIT)
    return FIRST_MONDAY + weeks * WEEK + hour * HOUR + rest


@dataclass(frozen=True)
class Rhythm:
    """`rows` rows a `weight` of time, from the weight `start` on; `hashed` scatters them.

    Each row stands somewhere in its own slot; one in sixteen pairs comes at the same moment.
    """

    start: int
    weight: int
    rows: int
    hashed: Callable[[int], int]

    def stored(self, number: int) -> int:
        """Return the stored time of a row."""
        mixed = self.hashed(number & ~1)
        twin = number & 1 and not mixed >> 60
        slot, part = (number - 1, 1) if twin else (number, 0)
        scatter = (mixed if twin else self.hashed(number)) >> 24 & (_UNIT - 2)
        return _moment_at(
            self.start + (slot * _UNIT + scatter + part) * self.weight // (self.rows * _UNIT)
        )

    def faster(self, times: int) -> Rhythm:
        """Return the rhythm of something that happens so many times as often."""
        return Rhythm(self.start, self.weight, self.rows * times, self.hashed)


def endless(hashed: Callable[[int], int]) -> Rhythm:
    """Return the rhythm of a business that began on the first Monday and goes on."""
    return Rhythm(0, _WEEK_WEIGHT * _UNIT, ROWS_A_WEEK, hashed)


def spread(rows: int, start: int, end: int, hashed: Callable[[int], int]) -> Rhythm:
    """Return the rhythm of exactly `rows` rows between two moments."""
    first = weight_at(start)
    return Rhythm(first, max(1, weight_at(end) - first), rows, hashed)
