"""The date language: the values of --from, --till and --period become a `Period`.

Nothing is guessed: a text is one of the forms listed here, or a `UsageProblem` says what to write.
Every form is read before the account's time is asked for, and that is asked for only if it matters.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache

import msgspec
from dateutil.relativedelta import relativedelta
from dateutil.tz import datetime_ambiguous

from comagic_cli.errors import UsageProblem
from comagic_cli.query.suggest import did_you_mean


class Period(msgspec.Struct, frozen=True):
    """A stretch of wall clock time in the account's zone: naive, whole seconds, both inclusive."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start} … {self.end}"


NO_PERIOD = Period(datetime(2000, 1, 1), datetime(2000, 1, 1))  # noqa: DTZ001 - that of lists

Now = Callable[[], datetime]  # the time in the account's zone, aware; asking may cost an API call
Meaning = Callable[[Now], Period]  # what a text means, once the time is known
Forms = tuple[tuple[str, Callable[..., Meaning]], ...]  # patterns, and what makes their meaning

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
    return _read(text, "", DATES)(now).start


def parse_end(text: str, now: Now) -> datetime:
    """Read a date, or a date and time, as the last second of what it names."""
    return _read(text, "", DATES)(now).end


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
    """The forms that an option takes: patterns, and what makes the meaning of their groups.

    `mistakes` are patterns of texts that are not taken, and what to write instead.
    """

    name: str
    forms: Forms
    words: tuple[str, ...]
    hint: str
    mistakes: tuple[tuple[str, str], ...]


def _read(text: str, option: str, language: Language) -> Meaning:
    word = text.strip().lower()
    hint = language.hint
    try:
        if meaning := _find_meaning(word, language.forms):
            return meaning
        reason = f"not a {language.name}"
        hint = _correction(word, language) or hint
    except ValueError as problem:
        reason, hint = str(problem), "See comagic help dates."
    raise UsageProblem(f"{option} {_quoted(text)}: {reason}".lstrip(), hint=hint)


def _find_meaning(word: str, forms: Forms) -> Meaning | None:
    """Return what a word means by the first form that it has. Raises `ValueError`."""
    for pattern, make in forms:
        if match := re.fullmatch(pattern, word):
            return make(*match.groups())
    return None


def _correction(word: str, language: Language) -> str:
    """Return what to write instead of a word; "" if it is not known."""
    for pattern, template in language.mistakes:
        if match := re.fullmatch(pattern, word):
            return template.format(*map(_shell, match.groups("")))
    return did_you_mean(word[:MAX_QUOTED], language.words, 0.7)


def _shell(text: str) -> str:
    """Quote a text with blanks for a shell."""
    return f"'{text}'" if " " in text.strip() else text.strip()


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
        raise ValueError(f"there is no day {day}: {year}-{int(month):02} has {last} days")
    return datetime(int(year), int(month), int(day))  # noqa: DTZ001 - wall clock time has no zone


def _day(year: str, month: str, day: str) -> Meaning:
    return _fixed(_midnight(year, month, day), STEPS["d"])


def _day_first(day: str, month: str, year: str) -> Meaning:
    return _day(_whole_year(year), month, day)


def _whole_year(year: str) -> str:
    return year if len(year) > 2 else f"20{year}"  # noqa: PLR2004 - two digits


def _month(year: str, month: str) -> Meaning:
    return _fixed(_midnight(year, month), STEPS["mo"])


def _month_first(month: str, year: str) -> Meaning:
    return _month(year, month)


def _year(year: str) -> Meaning:
    return _fixed(_midnight(year), STEPS["y"])


def _quarter(year: str | None, quarter: str) -> Meaning:
    """Mean a quarter; without a year the last one that has begun."""
    if not 1 <= int(quarter) <= 4:  # noqa: PLR2004 - the quarters of a year
        raise ValueError(f"there is no quarter {quarter}: a year has Q1 to Q4")
    month = 3 * int(quarter) - 2
    if year:
        return _fixed(_midnight(year, str(month)), STEPS["quarter"])

    def meaning(now: Now) -> Period:
        today = _today(now)
        start = today.replace(year=today.year - (month > today.month), month=month, day=1)
        return Period(start, start + STEPS["quarter"] - SECOND)

    return meaning


def _week(year: str, week: str) -> Meaning:
    _midnight(year)
    try:
        monday = date.fromisocalendar(int(year), int(week), 1)
    except ValueError:
        weeks = date(int(year), 12, 28).isocalendar().week
        raise ValueError(f"there is no week {week}: {year} has {weeks} weeks") from None
    return _fixed(_midnight(*str(monday).split("-")), STEPS["w"])


def _time(year: str, month: str, day: str, clock: str, zone: str | None) -> Meaning:
    """Mean a minute or a second, of the account's wall clock or with an offset from UTC."""
    start = _midnight(year, month, day)
    hour, minute, *second = clock.partition(".")[0].split(":")
    try:
        start = start.replace(hour=int(hour), minute=int(minute), second=int(*second or "0"))
    except ValueError:
        message = "there is no such time: a day runs from 00:00:00 to 23:59:59"
        raise ValueError(message) from None
    length = SECOND if second else MINUTE
    if not zone:
        return _fixed(start, length)
    moment = datetime.fromisoformat(f"{start}{zone.upper()}")
    return lambda now: _convert(moment, length, now().tzinfo)


def _time_day_first(day: str, month: str, year: str, clock: str, zone: str | None) -> Meaning:
    return _time(_whole_year(year), month, day, clock, zone)


def _range(first: str, last: str) -> Meaning:
    """Mean the time from the start of the first to the end of the last."""
    start, end = (_read(each, "--period", DATES) for each in (first, last))

    def meaning(now: Now) -> Period:
        period = Period(start(now).start, end(now).end)
        if period.start > period.end:
            raise UsageProblem(
                f"--period: {first} is after {last}", hint="Swap them, or correct one."
            )
        return period

    return meaning


def _fixed(start: datetime, length: timedelta | relativedelta) -> Meaning:
    period = Period(start, start + length - SECOND)
    return lambda _now: period


def _now() -> Meaning:
    return lambda now: Period(_wall(now()), _latest_until(now()))


def _named(which: str, unit: str) -> Meaning:
    return _units(UNITS[unit], 0 if which == "this" else 1)


def _today_only() -> Meaning:
    return _units("d", 0)


def _yesterday() -> Meaning:
    return _units("d", 1)


def _counted(count: str, unit: str) -> Meaning:
    number = _count(count, UNITS[unit])
    return _units(UNITS[unit], number, number)


def _units(unit: str, back: int, count: int = 1) -> Meaning:
    """Mean whole calendar units, the first of them so many units before the current one."""

    def meaning(now: Now) -> Period:
        start = _start_of(unit, _today(now)) - STEPS[unit] * back
        return Period(start, start + STEPS[unit] * count - SECOND)

    return meaning


def _back(count: str, unit: str) -> Meaning:
    """Mean the day so many units ago, or the moment so many elapsed hours ago."""
    step = UNITS[unit]
    number = _count(count, step)
    if step == "h":
        return lambda now: _hours_ago(now(), number)

    def meaning(now: Now) -> Period:
        start = _today(now) - STEPS[step] * number
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


def _start_of(unit: str, day: datetime) -> datetime:
    """Return the start of the week, month, quarter or year that a day is in."""
    match unit:
        case "w":
            return day - timedelta(days=day.weekday())
        case "mo":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case "y":
            return day.replace(month=1, day=1)
    return day


def _hours_ago(now: datetime, hours: int) -> Period:
    """Go back by elapsed time, whatever the wall clock did in between."""
    return _convert(now.astimezone(UTC) - timedelta(hours=hours), SECOND, now.tzinfo)


def _convert(moment: datetime, length: timedelta, zone: tzinfo | None) -> Period:
    """Return the wall clock time of a zone from a moment on, for so long."""
    first, last = moment.astimezone(zone), (moment + length - SECOND).astimezone(zone)
    # Where the clock shows an hour twice, its first showing is followed by that whole hour again:
    # every row shown since `first` is in the period only if it begins where that hour does.
    start = _wall(first) if first.fold else _shown_twice(first).start
    return Period(start, _latest_until(last))


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
    "quarter": relativedelta(months=3),
    "y": relativedelta(years=1),
}
# How the units are typed.
UNITS = {"h": "h", "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d", "w": "w"}
UNITS |= {"week": "w", "weeks": "w", "mo": "mo", "month": "mo", "months": "mo"}
UNITS |= {"y": "y", "year": "y", "years": "y", "quarter": "quarter"}
DAY = r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
DAY_FIRST = r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4}|[0-9]{2})"
OFFSET = r"z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?"
CLOCK = rf"[ t]([0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,9}})?)?) ?({OFFSET})?"
PERIOD_NAMES = tuple(
    f"{which}-{unit}" for unit in ("week", "month", "quarter", "year") for which in ("this", "last")
)

DAYS: Forms = (
    (DAY, _day),
    (r"([0-9]{4})([0-9]{2})([0-9]{2})", _day),
    (DAY_FIRST, _day_first),
    (r"today", _today_only),
    (r"yesterday", _yesterday),
    (r"([0-9]{4})", _year),
    (r"([0-9]{4})-([0-9]{1,2})", _month),
    (r"([0-9]{1,2})\.([0-9]{4})", _month_first),
    (r"(?:([0-9]{4})-?)?q([0-9]{1,2})", _quarter),
    (r"([0-9]{4})-?w([0-9]{1,2})", _week),
    (r"(this|last)[-_ ]?(week|month|quarter|year)", _named),
)
ANY_DAY = "|".join(re.sub(r"\((?!\?)", "(?:", pattern) for pattern, _ in DAYS)
DATED = re.sub(r"\((?!\?)", "(?:", f"{DAY}|{DAY_FIRST}")
RANGES: Forms = (
    (rf"({ANY_DAY})\s*(?:\.\.\.?|…|\u2013|\u2014)\s*({ANY_DAY})", _range),
    (rf"({DATED})\s*-\s*({DATED})", _range),  # a dash can be a part of the others
)
MISTAKES = (
    (r"(1[3-9]|2[0-9]|3[01])/(0?[1-9]|1[0-2])/([0-9]{4})", "Write {2}-{1:0>2}-{0:0>2}."),
    (r"(0?[1-9]|1[0-2])/(1[3-9]|2[0-9]|3[01])/([0-9]{4})", "Write {2}-{0:0>2}-{1:0>2}."),
    (
        r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})",
        "Write {2}-{1:0>2}-{0:0>2} (day first) or {2}-{0:0>2}-{1:0>2} (month first).",
    ),
    (r"([0-9]{4})[./]([0-9]{1,2})[./]([0-9]{1,2})", "Write {0}-{1:0>2}-{2:0>2}."),
    (
        r"(?:mon|tues|wednes|thurs|fri|satur|sun)day",
        "Write the day as a date, for example 2026-10-05.",
    ),
    (r"tomorrow|завтра", "No rows are later than now. Write today."),
    (r"сегодня", "Write today."),
    (r"вчера", "Write yesterday."),
    *(
        (rf"(?:за )?{word} {noun}", f"Write {english}-{unit}.")
        for noun, unit in (
            ("недел[яюи]", "week"),
            ("месяца?", "month"),
            ("квартала?", "quarter"),
            ("года?", "year"),
        )
        for word, english in (("прошл[а-я]+", "last"), ("(?:эт[а-я]+|текущ[а-я]+)", "this"))  # noqa: RUF001 - Russian
    ),
    (
        r"(?:янв|фев|март|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)[а-я]*(?: 20[0-9]{2})?",  # noqa: RUF001 - Russian
        "Write the year and the month: 2026-10.",
    ),
    (r"([0-9]{1,2})\.([0-9]{1,2})", "Write the year too: {0}.{1}.2026."),
    (
        r"[0-9]{1,2} (?:янв|фев|март|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)[а-я]*(?: 20[0-9]{2})?",  # noqa: RUF001 - Russian
        "Write the month as a number: 5.10.2026.",
    ),
    (r"сейчас", "Write now."),
    (r"-?([0-9]+) ?(?:m|min|mins|minutes?)", "The units are h, d, w, mo (months) and y."),
)
DATES = Language(
    "date",
    (
        *DAYS,
        (DAY + CLOCK, _time),
        (DAY_FIRST + CLOCK, _time_day_first),
        (r"now", _now),
        (r"-?([0-9]+) ?(h|hours?|d|days?|w|weeks?|mo|months?|y|years?)", _back),
    ),
    ("today", "yesterday", "now", *PERIOD_NAMES),
    "Write 2026-10-05, 5.10.2026 (day first), 2026-10-05 14:30, yesterday, -7d or -12h; "
    "see comagic help dates.",
    MISTAKES,
)
MOMENTS = msgspec.structs.replace(
    DATES, mistakes=((r"(.+?)(?:\.\.\.?|…)(.+)", "Write --from {0} --till {1}."), *MISTAKES)
)
PERIODS = Language(
    "period",
    (*DAYS, *RANGES, (r"-?([0-9]+) ?(d|days?|w|weeks?|mo|months?|y|years?)", _counted)),
    ("today", "yesterday", *PERIOD_NAMES),
    "Write yesterday, last-week, 2026-10-05, 2026-10, 2026-Q3, 2026-W41 or 7d (whole days before "
    "today); see comagic help dates.",
    (
        (r"(.+?)(?:\.\.\.?|…)(.+)", "Write --from {0} --till {1}."),
        (
            r"([0-9]{1,2}\.[0-9]{1,2})\s*[-\u2013]\s*([0-9]{1,2}\.[0-9]{1,2})\.([0-9]{4})",
            "Write {0}.{2}-{1}.{2}.",
        ),
        (r"-?([0-9]+) ?(?:h|hours?)", "A period is whole days. Write --from -{0}h."),
        (DAY + CLOCK, "A period is whole days. Write a time after --from and --till."),
        (DAY_FIRST + CLOCK, "A period is whole days. Write a time after --from and --till."),
        (r"now", "A period is whole days. Write today, or --from and --till."),
        *MISTAKES,
    ),
)
