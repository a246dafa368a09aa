"""Days and times, checked; and what to say of a text that is no date or no period."""

from __future__ import annotations

import re
from calendar import monthrange
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Slip = tuple[str, "str | Callable[..., str]"]

YEARS = range(2000, 2101)  # a year outside is a typing error
MOMENT_WORDS = ("today", "yesterday", "now")
PERIOD_WORDS = (
    "today",
    "yesterday",
    "this-week",
    "last-week",
    "this-month",
    "last-month",
    "this-year",
    "last-year",
)
_LONGEST = 60  # characters; nothing longer is nearly a date


def day(year: int, month: int, number: int) -> datetime:
    """Make the midnight a day starts with; `ValueError` says why there is no such day."""
    if year not in YEARS:
        raise ValueError(f"the year must be from {YEARS[0]} to {YEARS[-1]}")
    if not 1 <= month <= 12:  # noqa: PLR2004 - the months of a year
        raise ValueError(f"there is no month {month:02}")
    last = monthrange(year, month)[1]
    if not 1 <= number <= last:
        raise ValueError(f"there is no day {number:02}: {year}-{month:02} has {last} days")
    return datetime(year, month, number)  # noqa: DTZ001 - wall clock time has no zone


def time_of_day(hour: int, minute: int, second: int) -> timedelta:
    """Make the time since midnight; `ValueError` where no clock shows it."""
    if max(hour - 23, minute - 59, second - 59) > 0:
        raise ValueError("there is no such time: a day runs from 00:00:00 to 23:59:59")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def moment_slip(text: str) -> str:
    """Say what keeps `text`, lower case and stripped, from being a date."""
    return _slip(text, _MOMENT_SLIPS) or _word_slip(text, MOMENT_WORDS) or "not a date"


def period_slip(text: str) -> str:
    """Say what keeps `text`, lower case and stripped, from being a period."""
    return _slip(text, _PERIOD_SLIPS) or _word_slip(text, PERIOD_WORDS) or "not a period"


def _slip(text: str, slips: tuple[Slip, ...]) -> str:
    if len(text) > _LONGEST:
        return ""
    for pattern, reply in slips:
        if match := re.fullmatch(pattern, text):
            return reply if isinstance(reply, str) else reply(*match.groups())
    return ""


def _word_slip(text: str, words: tuple[str, ...]) -> str:
    word = re.sub(r"[\s_-]+", "-", text[:_LONGEST])
    word = re.sub(r"^(prev|previous|past)-", "last-", re.sub("^current-", "this-", word))
    if word in words:
        return f"write {word}"
    if word in PERIOD_WORDS:
        return "a period, as --period takes, not a date"
    from difflib import get_close_matches  # noqa: PLC0415 - only for this hint

    return "".join(f"did you mean {near}?" for near in get_close_matches(word, words, 1, 0.7))


def _iso(year: str, month: str, number: str) -> str:
    return f"{day(int(year), int(month), int(number)):%Y-%m-%d}"


def _write_iso(year: str, month: str, number: str) -> str:
    return f"write {_iso(year, month, number)}"


def _write_iso_of_dotted(number: str, month: str, year: str) -> str:
    return _write_iso(year, month, number)


def _write_dotted(number: str, month: str, year: str) -> str:
    return f"write {day(int(year), int(month), int(number)):%d.%m.%Y}"


def _write_iso_and_time(number: str, month: str, year: str, time: str) -> str:
    return f"this form takes no time: write {_iso(year, month, number)} {time}"


def _write_long_year(start: str, year: str) -> str:
    return f"write the year in full, as {start}20{year}"


def _write_either(first: str, second: str, year: str) -> str:
    """Offer the days that a date with slashes can mean, month first and day first."""
    days = [*_possible(year, first, second), *_possible(year, second, first)]
    return "write " + (" or ".join(dict.fromkeys(days)) or "year, month and day, as 2026-10-05")


def _possible(year: str, month: str, number: str) -> Iterator[str]:
    with suppress(ValueError):
        yield _iso(year, month, number)


def _write_count_back(count: str, unit: str) -> str:
    return f"write -{int(count)}{_short(unit)}"


def _write_count(count: str, unit: str) -> str:
    number, short = int(count), _short(unit)
    if short == "h":
        return f"a period is of whole days: write --from -{number}h"
    return f"write {number * 12}mo" if short == "y" else f"write {number}{short}"


def _short(unit: str) -> str:
    return "mo" if unit.startswith("m") else unit[0]


def _choose_this_or_last(unit: str) -> str:
    return f"write this-{unit} or last-{unit}"


# Signs that a word processor makes of a minus are let in here, to be answered with a plain one.
_COUNT = (
    r"(?:(?:last|past|previous|prev)[ _-])?[-+\u2010-\u2015\u2212]? ?([0-9]{1,6})[ _-]?"
    r"(h|hrs?|hours?|d|days?|w|wks?|weeks?|mo|mon|mths?|months?|y|yrs?|years?)(?:[ _-]ago)?"
)
_DOTTED = r"([0-9]{1,2})[.-]([0-9]{1,2})[.-]([0-9]{4})"
_ISO_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ t][0-9]{2}:[0-9]{2}(?::[0-9]{2})?"

_COMMON_SLIPS: tuple[Slip, ...] = (
    (r"", "nothing is written there"),
    (r"[-+]?[0-9]+ ?m(?:ins?|inutes?)?", "no such unit: h is hours, mo is months"),
    (r"([0-9]{4})[-./]([0-9]{1,2})[-./]([0-9]{1,2})", _write_iso),
    (r"([0-9]{4})([0-9]{2})([0-9]{2})", _write_iso),
    (r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", _write_either),
    (r"([0-9]{1,2}[./-][0-9]{1,2}[./-])([0-9]{2})", _write_long_year),
    (r"tomorrow|next[ _-].*", "it lies in the future"),
)
_MOMENT_SLIPS: tuple[Slip, ...] = (
    *_COMMON_SLIPS,
    (_COUNT, _write_count_back),
    (_DOTTED, _write_dotted),
    (_DOTTED + r"[ t]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)", _write_iso_and_time),
    (_ISO_TIME + r"\.[0-9]+.*", "times are whole seconds: leave the fraction out"),
    (
        _ISO_TIME + r" ?(?:z|utc|gmt|msk|[-+][0-9:]{1,5})",
        "times are the account's: leave the zone out",
    ),
    (r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ t])[0-9:]+", "write the time as 09:30 or 09:30:00"),
    (r"(?:today|yesterday)[ t].*[0-9].*", "only a date takes a time, as 2026-10-05 14:30"),
    (r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?", "a time needs its day, as 2026-10-05 14:30"),
    (r"[0-9]{4}(?:-[0-9]{2})?", "a period, as --period takes, not a date"),
)
_PERIOD_SLIPS: tuple[Slip, ...] = (
    *_COMMON_SLIPS,
    (_COUNT, _write_count),
    (_DOTTED, _write_iso_of_dotted),
    (rf"now|{_ISO_TIME}", "a moment, as --from and --till take, not a period"),
    (r"(week|month|year)", _choose_this_or_last),
    (
        r"[0-9.-]{4,}(?:\.\.+| ?[\u2026\u2013/,:] ?| - | to )[0-9.-]{4,}",
        "write two dates with --from and --till",
    ),
)
