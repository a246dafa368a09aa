"""The date language: what is typed after --from, --till and --period becomes a `Period`.

Nothing is guessed: a text is one of the forms listed here, or a `UsageProblem` that lists them.
Every form is read before the account's time is asked, and that is asked only where it matters.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from dateutil.relativedelta import relativedelta

from comagic_cli.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

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


MOMENT_FORMS = (
    "write 2026-10-05, 2026-10-05 14:30, 2026-10-05 14:30:00, 05.10.2026 (day first), today, "
    "yesterday, now, -7d, -2w, -3mo, -1y (midnight that long ago) or -12h (elapsed hours); "
    "see comagic help dates"
)
PERIOD_FORMS = (
    "write today, yesterday, this-week, last-week, this-month, last-month, this-year, last-year, "
    "2026, 2026-10, 2026-10-05, or 7d, 4w, 3mo (whole days, weeks, months before the current one); "
    "see comagic help dates"
)

_SECOND = timedelta(seconds=1)
_ZONES_APART = timedelta(hours=26)  # what ended longer ago in UTC has ended in every zone
_SHOWN = 60  # characters of a mistaken text that a message quotes
_STEPS = {
    "d": relativedelta(days=1),
    "w": relativedelta(weeks=1),
    "mo": relativedelta(months=1),
    "y": relativedelta(years=1),
}
_FARTHEST = {"h": 876_600, "d": 36_525, "w": 5_218, "mo": 1_200, "y": 100}  # a hundred years


class Period(msgspec.Struct, frozen=True):
    """A stretch of wall clock time in the account's zone: naive, whole seconds, both inclusive."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start} … {self.end}"


Now = Callable[[], datetime]  # the time in the account's zone, aware; asking may cost an API call
Meaning = Callable[[Now], Period]  # what a text means, once the time is known


def resolve(
    from_: str | None,
    till: str | None,
    period: str | None,
    now: Now,
    utc_now: Callable[[], datetime],
) -> Period:
    """Turn the three options into the period they mean, cut at now.

    `now` is called at most once, and not at all for absolute dates that are past in every zone.
    """
    once = cache(now)
    return _cut(_meaning(from_, till, period)(once), once, utc_now)


def has_ended(end: datetime, now: Now, utc_now: Callable[[], datetime]) -> bool:
    """Tell whether a second of the account's wall clock is past, and will not be shown again.

    `now` is not called where it is past in every zone.
    """
    if _is_past_everywhere(end, utc_now):
        return True
    last = end.replace(tzinfo=now().tzinfo, fold=1)  # the second time, where it is shown twice
    return last.timestamp() < now().timestamp()


def parse_start(text: str, now: Now) -> datetime:
    """Read one date, or date and time, as the first second of what it names."""
    return _read(text, "", _MOMENTS)(now).start


def parse_end(text: str, now: Now) -> datetime:
    """Read one date, or date and time, as the last second of what it names."""
    return _read(text, "", _MOMENTS)(now).end


def _meaning(from_: str | None, till: str | None, period: str | None) -> Meaning:
    if period is not None:
        if from_ is not None or till is not None:
            raise UsageProblem(
                "--period can't be given together with --from or --till",
                hint="give --period alone, or --from with or without --till",
            )
        return _read(period, "--period", _PERIODS)
    if from_ is not None:
        return _between(from_, till)
    if till is not None:
        raise UsageProblem(
            f"--till {_quoted(till)} says where to end, but not where to start",
            hint="give --from too, for example --from -7d",
        )
    return lambda now: Period(_today(now) - timedelta(days=7), _latest_until(now()))


def _between(from_: str, till: str | None) -> Meaning:
    first = _read(from_, "--from", _MOMENTS)
    if till is None:
        return lambda now: Period(first(now).start, _latest_until(now()))
    last = _read(till, "--till", _MOMENTS)

    def meaning(now: Now) -> Period:
        period = Period(first(now).start, last(now).end)
        if period.start > period.end:
            raise UsageProblem(
                f"--from {_quoted(from_)} is {period.start}, "
                f"which is after --till {_quoted(till)}, {period.end}",
                hint="swap them, or correct one",
            )
        return period

    return meaning


def _cut(period: Period, now: Now, utc_now: Callable[[], datetime]) -> Period:
    if _is_past_everywhere(period.end, utc_now):
        return period
    latest = _latest_until(now())
    if period.start > latest:
        raise UsageProblem(
            f"the period starts in the future: at {period.start}, "
            f"and now is {_wall(now())} in {now().tzinfo}",
            hint="start it earlier",
        )
    return Period(period.start, min(period.end, latest))


def _is_past_everywhere(end: datetime, utc_now: Callable[[], datetime]) -> bool:
    return end < utc_now().astimezone(UTC).replace(tzinfo=None) - _ZONES_APART


# Reading


class _Language(msgspec.Struct, frozen=True):
    forms: tuple[tuple[str, Callable[..., Meaning]], ...]  # pattern, what makes its meaning
    slip: Callable[[str], str]  # what is wrong with a text of no form
    hint: str


def _read(text: str, option: str, language: _Language) -> Meaning:
    try:
        return _meaning_of(text.strip().lower(), language)
    except ValueError as reason:
        message = f"{option} {_quoted(text)}: {reason}".lstrip()
        raise UsageProblem(message, hint=language.hint) from None


def _meaning_of(text: str, language: _Language) -> Meaning:
    for pattern, maker in language.forms:
        if match := re.fullmatch(pattern, text):
            return maker(*match.groups())
    raise ValueError(language.slip(text))


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


# Meanings


def _day(year: str, month: str, number: str) -> Meaning:
    start = day(int(year), int(month), int(number))
    return _fixed(start, start + relativedelta(days=1))


def _day_first(number: str, month: str, year: str) -> Meaning:
    return _day(year, month, number)


def _month(year: str, month: str) -> Meaning:
    start = day(int(year), int(month), 1)
    return _fixed(start, start + relativedelta(months=1))


def _year(year: str) -> Meaning:
    start = day(int(year), 1, 1)
    return _fixed(start, start + relativedelta(years=1))


def _time(date: str, hour: str, minute: str, second: str | None) -> Meaning:
    midnight = day(*map(int, date.split("-")))
    start = midnight + time_of_day(int(hour), int(minute), int(second or 0))
    return _fixed(start, start + (timedelta(seconds=1) if second else timedelta(minutes=1)))


def _fixed(start: datetime, after: datetime) -> Meaning:
    period = Period(start, after - _SECOND)
    return lambda _now: period


def _now_itself() -> Meaning:
    return lambda now: Period(_wall(now()), _latest_until(now()))


def _named(word: str) -> Meaning:
    return _whole(*_NAMED[word])


def _counted(count: str, unit: str) -> Meaning:
    number = _count(count, unit)
    return _whole(unit, number, number)


def _whole(unit: str, back: int, count: int = 1) -> Meaning:
    """Mean `count` whole units, of which the first began `back` units before the current one."""

    def meaning(now: Now) -> Period:
        start = _start_of(unit, _today(now)) - _STEPS[unit] * back
        return Period(start, start + _STEPS[unit] * count - _SECOND)

    return meaning


def _back(count: str, unit: str) -> Meaning:
    number = _count(count, unit)
    if unit == "h":
        return lambda now: _instant(now(), timedelta(hours=number))

    def meaning(now: Now) -> Period:
        start = _today(now) - _STEPS[unit] * number
        return Period(start, start + relativedelta(days=1) - _SECOND)

    return meaning


def _count(count: str, unit: str) -> int:
    digits = count.lstrip("0")
    if not digits:
        raise ValueError("a count starts at 1")
    if len(digits) > len(str(_FARTHEST["h"])) or int(digits) > _FARTHEST[unit]:
        raise ValueError("more than a hundred years back")
    return int(digits)


# Clocks


def _start_of(unit: str, today: datetime) -> datetime:
    if unit == "w":
        return today - timedelta(days=today.weekday())
    if unit == "mo":
        return today.replace(day=1)
    return today.replace(month=1, day=1) if unit == "y" else today


def _today(now: Now) -> datetime:
    return _wall(now()).replace(hour=0, minute=0, second=0)


def _wall(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None, microsecond=0, fold=0)


def _instant(now: datetime, ago: timedelta) -> Period:
    """Go back by elapsed time, whatever the wall clock did meanwhile."""
    then = (now.astimezone(UTC) - ago).astimezone(now.tzinfo)
    # Where the clock shows an hour twice, its first pass is followed by that whole hour again:
    # only from that hour's start on is every row shown since `then` in the period.
    start = _wall(then) if then.fold else _shown_twice(then).start
    return Period(start, _latest_until(then))


def _latest_until(moment: datetime) -> datetime:
    """Find the latest wall clock time shown so far.

    That is the moment's own, except when clocks went back and show an hour for the second time:
    a row of the first pass can then show a time that the clock has yet to reach again.
    """
    return _shown_twice(moment).end if moment.fold else _wall(moment)


def _shown_twice(moment: datetime) -> Period:
    """Bound the wall clock time around `moment` that is shown twice; else that second alone."""
    wall = _wall(moment)

    def repeat(back: int) -> float:
        """Tell how much later the second showing is, in seconds; not above 0 if there is none."""
        shown = (wall - timedelta(seconds=back)).replace(tzinfo=moment.tzinfo)
        return shown.replace(fold=1).timestamp() - shown.timestamp()

    length = int(repeat(0))
    if length <= 0:
        return Period(wall, wall)
    before = bisect_left(range(length), x=True, key=lambda back: repeat(back) <= 0)
    start = wall - timedelta(seconds=before - 1)
    return Period(start, start + timedelta(seconds=length - 1))


# The forms

_NAMED = {
    "today": ("d", 0),
    "yesterday": ("d", 1),
    "this-week": ("w", 0),
    "last-week": ("w", 1),
    "this-month": ("mo", 0),
    "last-month": ("mo", 1),
    "this-year": ("y", 0),
    "last-year": ("y", 1),
}
_DATE = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_MOMENTS = _Language(
    (
        (_DATE, _day),
        (r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ t]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?", _time),
        (r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", _day_first),
        (r"(today|yesterday)", _named),
        (r"now", _now_itself),
        (r"-([0-9]+)(h|d|w|mo|y)", _back),
    ),
    moment_slip,
    MOMENT_FORMS,
)
_PERIODS = _Language(
    (
        (r"([0-9]{4})", _year),
        (r"([0-9]{4})-([0-9]{2})", _month),
        (_DATE, _day),
        ("(" + "|".join(_NAMED) + ")", _named),
        (r"([0-9]+)(d|w|mo)", _counted),
    ),
    period_slip,
    PERIOD_FORMS,
)
