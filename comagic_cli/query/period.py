"""The date language: the values of --from, --till and --period become a `Period`.

Nothing is guessed: a text is one of the forms listed here, or a `UsageProblem` that lists them.
Every form is read before the account's time is asked for, and that is asked for only if it matters.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache

import msgspec
from dateutil.relativedelta import MO, relativedelta
from dateutil.tz import datetime_ambiguous

from comagic_cli.errors import UsageProblem
from comagic_cli.query.suggest import did_you_mean


class Period(msgspec.Struct, frozen=True):
    """A stretch of wall clock time in the account's zone: naive, whole seconds, both inclusive."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start} … {self.end}"


Now = Callable[[], datetime]  # the time in the account's zone, aware; asking may cost an API call
Meaning = Callable[[Now], Period]  # what a text means, once the time is known

YEARS = range(2000, 2101)  # a year outside is a typing error
MAX_COUNTS = {"h": 876_600, "d": 36_525, "w": 5_218, "mo": 1_200, "y": 100}  # a hundred years
MAX_QUOTED = 60  # characters of a mistaken text that a message quotes
DEFAULT_DAYS = 7
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
WIDEST_ZONES = timedelta(hours=26)  # what ended longer ago in UTC has ended in every zone


def resolve(
    from_: str | None,
    till: str | None,
    period: str | None,
    now: Now,
    utc_now: Callable[[], datetime],
) -> Period:
    """Turn the three options into the period they mean, cut at now. Raises `UsageProblem`.

    `now` is called at most once, and not at all for absolute dates that are past in every zone.
    """
    once = cache(now)
    asked = _meaning(from_, till, period)(once)
    if _is_past_everywhere(asked.end, utc_now):
        return asked
    latest = _latest_until(once())
    if asked.start > latest:
        raise UsageProblem(
            f"the period starts in the future: at {asked.start}, "
            f"and now is {_wall(once())} in {once().tzinfo}",
            hint="Start it earlier.",
        )
    return Period(asked.start, min(asked.end, latest))


def has_ended(end: datetime, now: Now, utc_now: Callable[[], datetime]) -> bool:
    """Check that a second of the account's wall clock is past, and will not be shown again.

    `now` is not called if it is past in every zone.
    """
    if _is_past_everywhere(end, utc_now):
        return True
    last = end.replace(tzinfo=now().tzinfo, fold=1)  # the second time, if it is shown twice
    return last.timestamp() < now().timestamp()


def parse_start(text: str, now: Now) -> datetime:
    """Read a date, or a date and time, as the first second of what it names."""
    return _read(text, "", MOMENTS)(now).start


def parse_end(text: str, now: Now) -> datetime:
    """Read a date, or a date and time, as the last second of what it names."""
    return _read(text, "", MOMENTS)(now).end


def _is_past_everywhere(end: datetime, utc_now: Callable[[], datetime]) -> bool:
    return end < utc_now().astimezone(UTC).replace(tzinfo=None) - WIDEST_ZONES


def _meaning(from_: str | None, till: str | None, period: str | None) -> Meaning:
    if period is not None:
        if from_ is not None or till is not None:
            raise UsageProblem(
                "--period can't be given together with --from or --till",
                hint="Give --period alone, or --from with or without --till.",
            )
        return _read(period, "--period", PERIODS)
    if from_ is not None:
        return _between(from_, till)
    if till is not None:
        raise UsageProblem(
            f"--till {_quoted(till)} says where to end, but not where to start",
            hint="Give --from too, for example --from -7d.",
        )
    return lambda now: Period(_today(now) - timedelta(days=DEFAULT_DAYS), _latest_until(now()))


def _between(from_: str, till: str | None) -> Meaning:
    first = _read(from_, "--from", MOMENTS)
    if till is None:
        return lambda now: Period(first(now).start, _latest_until(now()))
    last = _read(till, "--till", MOMENTS)

    def meaning(now: Now) -> Period:
        period = Period(first(now).start, last(now).end)
        if period.start > period.end:
            raise UsageProblem(
                f"--from {_quoted(from_)} is {period.start}, "
                f"which is after --till {_quoted(till)}, {period.end}",
                hint="Swap them, or correct one.",
            )
        return period

    return meaning


# Texts


class Language(msgspec.Struct, frozen=True):
    """The forms that an option takes: patterns, and what makes the meaning of their groups."""

    name: str
    forms: tuple[tuple[str, Callable[..., Meaning]], ...]
    words: tuple[str, ...]
    hint: str


def _read(text: str, option: str, language: Language) -> Meaning:
    word = text.strip().lower()
    hint = language.hint
    try:
        for pattern, make in language.forms:
            if match := re.fullmatch(pattern, word):
                return make(*match.groups())
        reason = f"not a {language.name}"
        hint = f"{did_you_mean(word[:MAX_QUOTED], language.words, 0.7)} {hint}".lstrip()
    except ValueError as problem:
        reason = str(problem)
    raise UsageProblem(f"{option} {_quoted(text)}: {reason}".lstrip(), hint=hint)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + "…")


def _midnight(year: str, month: str = "1", day: str = "1") -> datetime:
    """Return the start of a day; `ValueError` says why there is no such day."""
    if int(year) not in YEARS:
        raise ValueError(f"the year must be from {YEARS[0]} to {YEARS[-1]}")
    if not 1 <= int(month) <= 12:  # noqa: PLR2004 - the months of a year
        raise ValueError(f"there is no month {month}")
    last = monthrange(int(year), int(month))[1]
    if not 1 <= int(day) <= last:
        raise ValueError(f"there is no day {day}: {year}-{month} has {last} days")
    return datetime(int(year), int(month), int(day))  # noqa: DTZ001 - wall clock time has no zone


def _day(year: str, month: str, day: str) -> Meaning:
    return _fixed(_midnight(year, month, day), STEPS["d"])


def _day_first(day: str, month: str, year: str) -> Meaning:
    return _day(year, month, day)


def _month(year: str, month: str) -> Meaning:
    return _fixed(_midnight(year, month), STEPS["mo"])


def _year(year: str) -> Meaning:
    return _fixed(_midnight(year), STEPS["y"])


def _time(date: str, hour: str, minute: str, second: str | None) -> Meaning:
    start = _midnight(*date.split("-"))
    try:
        start = start.replace(hour=int(hour), minute=int(minute), second=int(second or 0))
    except ValueError:
        message = "there is no such time: a day runs from 00:00:00 to 23:59:59"
        raise ValueError(message) from None
    return _fixed(start, SECOND if second else MINUTE)


def _fixed(start: datetime, length: timedelta | relativedelta) -> Meaning:
    period = Period(start, start + length - SECOND)
    return lambda _now: period


def _now() -> Meaning:
    return lambda now: Period(_wall(now()), _latest_until(now()))


def _named(word: str) -> Meaning:
    return _units(*NAMED[word])


def _counted(count: str, unit: str) -> Meaning:
    number = _count(count, unit)
    return _units(unit, number, number)


def _units(unit: str, back: int, count: int = 1) -> Meaning:
    """Mean whole calendar units, the first of them so many units before the current one."""

    def meaning(now: Now) -> Period:
        start = _today(now) + STARTS[unit] - STEPS[unit] * back
        return Period(start, start + STEPS[unit] * count - SECOND)

    return meaning


def _back(count: str, unit: str) -> Meaning:
    """Mean the day so many units ago, or the moment so many elapsed hours ago."""
    number = _count(count, unit)
    if unit == "h":
        return lambda now: _hours_ago(now(), number)

    def meaning(now: Now) -> Period:
        start = _today(now) - STEPS[unit] * number
        return Period(start, start + STEPS["d"] - SECOND)

    return meaning


def _count(count: str, unit: str) -> int:
    digits = count.lstrip("0")
    if not digits:
        raise ValueError("a count starts at 1")
    if len(digits) > len(str(MAX_COUNTS["h"])) or int(digits) > MAX_COUNTS[unit]:
        raise ValueError("more than a hundred years back")
    return int(digits)


# Clocks


def _wall(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None, microsecond=0, fold=0)


def _today(now: Now) -> datetime:
    return _wall(now()).replace(hour=0, minute=0, second=0)


def _hours_ago(now: datetime, hours: int) -> Period:
    """Go back by elapsed time, whatever the wall clock did in between."""
    then = (now.astimezone(UTC) - timedelta(hours=hours)).astimezone(now.tzinfo)
    # Where the clock shows an hour twice, its first showing is followed by that whole hour again:
    # every row shown since `then` is in the period only if it begins where that hour does.
    start = _wall(then) if then.fold else _shown_twice(then).start
    return Period(start, _latest_until(then))


def _latest_until(moment: datetime) -> datetime:
    """Return the latest wall clock time shown so far.

    That is the moment's own, except while an hour is shown for the second time: rows of its first
    showing can have a time that the clock has yet to reach again.
    """
    return _shown_twice(moment).end if moment.fold else _wall(moment)


def _shown_twice(moment: datetime) -> Period:
    """Return the wall clock time around `moment` that is shown twice; else that second alone."""
    wall, zone = _wall(moment), moment.tzinfo
    if not _is_shown_twice(wall, zone):
        return Period(wall, wall)
    start = end = wall.replace(second=0)
    while _is_shown_twice(start - MINUTE, zone):
        start -= MINUTE
    while _is_shown_twice(end + MINUTE, zone):
        end += MINUTE
    return Period(start, end + MINUTE - SECOND)


def _is_shown_twice(wall: datetime, zone: tzinfo | None) -> bool:
    return bool(datetime_ambiguous(wall, zone))


# The forms

STEPS = {
    "d": relativedelta(days=1),
    "w": relativedelta(weeks=1),
    "mo": relativedelta(months=1),
    "y": relativedelta(years=1),
}
STARTS = {  # from a day to the start of the unit that it is in
    "d": relativedelta(),
    "w": relativedelta(weekday=MO(-1)),
    "mo": relativedelta(day=1),
    "y": relativedelta(month=1, day=1),
}
NAMED = {
    "today": ("d", 0),
    "yesterday": ("d", 1),
    "this-week": ("w", 0),
    "last-week": ("w", 1),
    "this-month": ("mo", 0),
    "last-month": ("mo", 1),
    "this-year": ("y", 0),
    "last-year": ("y", 1),
}
DAY = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
MOMENTS = Language(
    "date",
    (
        (DAY, _day),
        (r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ t]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?", _time),
        (r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", _day_first),
        (r"(today|yesterday)", _named),
        (r"now", _now),
        (r"-([0-9]+)(h|d|w|mo|y)", _back),
    ),
    ("today", "yesterday", "now"),
    "Write 2026-10-05, 2026-10-05 14:30, 2026-10-05 14:30:00, 05.10.2026 (day first), today, "
    "yesterday, now, -7d, -2w, -3mo, -1y (midnight that long ago) or -12h (elapsed hours); "
    "see comagic help dates.",
)
PERIODS = Language(
    "period",
    (
        (r"([0-9]{4})", _year),
        (r"([0-9]{4})-([0-9]{2})", _month),
        (DAY, _day),
        (f"({'|'.join(NAMED)})", _named),
        (r"([0-9]+)(d|w|mo)", _counted),
    ),
    tuple(NAMED),
    "Write today, yesterday, this-week, last-week, this-month, last-month, this-year, last-year, "
    "2026, 2026-10, 2026-10-05, or 7d, 4w, 3mo (whole days, weeks, months before the current one); "
    "see comagic help dates.",
)
