"""Periods: the moments that dates and words mean, and what the options refuse together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from clocks import clock_of, options_of, unasked, utc_of
from coverage_marks import unmeasured
from hypothesis import example, given
from hypothesis import strategies as st

from comagic_cli.errors import UsageProblem
from comagic_cli.query.period import DATES, Period, parse_end, parse_start, resolve

# A line at the margin sets the clock; "again" is the second showing of an hour that is shown twice.
PERIODS = """
2026-10-14 15:30:20 Europe/Moscow
                                                  | 2026-10-07 00:00:00 … 2026-10-14 15:30:20
    --period today                                | 2026-10-14 00:00:00 … 2026-10-14 15:30:20
    --period yesterday                            | 2026-10-13 00:00:00 … 2026-10-13 23:59:59
    --period this-week                            | 2026-10-12 00:00:00 … 2026-10-14 15:30:20
    --period last-week                            | 2026-10-05 00:00:00 … 2026-10-11 23:59:59
    --period this-month                           | 2026-10-01 00:00:00 … 2026-10-14 15:30:20
    --period last-month                           | 2026-09-01 00:00:00 … 2026-09-30 23:59:59
    --period this-year                            | 2026-01-01 00:00:00 … 2026-10-14 15:30:20
    --period last-year                            | 2025-01-01 00:00:00 … 2025-12-31 23:59:59
    --period 2026                                 | 2026-01-01 00:00:00 … 2026-10-14 15:30:20
    --period 2024                                 | 2024-01-01 00:00:00 … 2024-12-31 23:59:59
    --period 2026-10                              | 2026-10-01 00:00:00 … 2026-10-14 15:30:20
    --period 2026-02                              | 2026-02-01 00:00:00 … 2026-02-28 23:59:59
    --period 2025-12                              | 2025-12-01 00:00:00 … 2025-12-31 23:59:59
    --period 2026-10-05                           | 2026-10-05 00:00:00 … 2026-10-05 23:59:59
    --period 2026-10-14                           | 2026-10-14 00:00:00 … 2026-10-14 15:30:20
    --period 1d                                   | 2026-10-13 00:00:00 … 2026-10-13 23:59:59
    --period 7d                                   | 2026-10-07 00:00:00 … 2026-10-13 23:59:59
    --period 007d                                 | 2026-10-07 00:00:00 … 2026-10-13 23:59:59
    --period 1w                                   | 2026-10-05 00:00:00 … 2026-10-11 23:59:59
    --period 4w                                   | 2026-09-14 00:00:00 … 2026-10-11 23:59:59
    --period 1mo                                  | 2026-09-01 00:00:00 … 2026-09-30 23:59:59
    --period 3mo                                  | 2026-07-01 00:00:00 … 2026-09-30 23:59:59
    --period 12mo                                 | 2025-10-01 00:00:00 … 2026-09-30 23:59:59
    --period ' Last-WEEK '                        | 2026-10-05 00:00:00 … 2026-10-11 23:59:59
    --from 2026-10-05                             | 2026-10-05 00:00:00 … 2026-10-14 15:30:20
    --from 05.10.2026                             | 2026-10-05 00:00:00 … 2026-10-14 15:30:20
    --from '2026-10-05 14:30'                     | 2026-10-05 14:30:00 … 2026-10-14 15:30:20
    --from '2026-10-05 14:30:05'                  | 2026-10-05 14:30:05 … 2026-10-14 15:30:20
    --from 2026-10-05T14:30                       | 2026-10-05 14:30:00 … 2026-10-14 15:30:20
    --from 2026-10-05t14:30:05                    | 2026-10-05 14:30:05 … 2026-10-14 15:30:20
    --from TODAY                                  | 2026-10-14 00:00:00 … 2026-10-14 15:30:20
    --from ' yesterday '                          | 2026-10-13 00:00:00 … 2026-10-14 15:30:20
    --from now                                    | 2026-10-14 15:30:20 … 2026-10-14 15:30:20
    --from -1d                                    | 2026-10-13 00:00:00 … 2026-10-14 15:30:20
    --from -7d                                    | 2026-10-07 00:00:00 … 2026-10-14 15:30:20
    --from -7D                                    | 2026-10-07 00:00:00 … 2026-10-14 15:30:20
    --from -2w                                    | 2026-09-30 00:00:00 … 2026-10-14 15:30:20
    --from -3mo                                   | 2026-07-14 00:00:00 … 2026-10-14 15:30:20
    --from -1y                                    | 2025-10-14 00:00:00 … 2026-10-14 15:30:20
    --from -12h                                   | 2026-10-14 03:30:20 … 2026-10-14 15:30:20
    --from -48h                                   | 2026-10-12 15:30:20 … 2026-10-14 15:30:20
    --from -100y                                  | 1926-10-14 00:00:00 … 2026-10-14 15:30:20
    --from 2026-10-14 --till 2026-10-14           | 2026-10-14 00:00:00 … 2026-10-14 15:30:20
    --from 2026-10-05 --till 2026-10-06           | 2026-10-05 00:00:00 … 2026-10-06 23:59:59
    --from 05.10.2026 --till 06.10.2026           | 2026-10-05 00:00:00 … 2026-10-06 23:59:59
    --from 2026-10-05 --till '2026-10-06 14:30'   | 2026-10-05 00:00:00 … 2026-10-06 14:30:59
    --from 2026-10-05 --till 2026-10-06T14:30:05  | 2026-10-05 00:00:00 … 2026-10-06 14:30:05
    --from 2026-10-05T14:30 --till 2026-10-05T14:30 | 2026-10-05 14:30:00 … 2026-10-05 14:30:59
    --from 2026-10-05 --till 2026-10-14T15:30     | 2026-10-05 00:00:00 … 2026-10-14 15:30:20
    --from 2026-10-05 --till today                | 2026-10-05 00:00:00 … 2026-10-14 15:30:20
    --from 2026-10-05 --till yesterday            | 2026-10-05 00:00:00 … 2026-10-13 23:59:59
    --from yesterday --till yesterday             | 2026-10-13 00:00:00 … 2026-10-13 23:59:59
    --from 2026-10-05 --till now                  | 2026-10-05 00:00:00 … 2026-10-14 15:30:20
    --from -7d --till -7d                         | 2026-10-07 00:00:00 … 2026-10-07 23:59:59
    --from -2w --till -1w                         | 2026-09-30 00:00:00 … 2026-10-07 23:59:59
    --from -2mo --till -1mo                       | 2026-08-14 00:00:00 … 2026-09-14 23:59:59
    --from -24h --till -12h                       | 2026-10-13 15:30:20 … 2026-10-14 03:30:20
    --from 2026-10-05 --till 2030-01-01           | 2026-10-05 00:00:00 … 2026-10-14 15:30:20
    --from 2000-01-01 --till 2100-12-31           | 2000-01-01 00:00:00 … 2026-10-14 15:30:20
2024-02-29 10:00:00 Asia/Vladivostok
                                                  | 2024-02-22 00:00:00 … 2024-02-29 10:00:00
    --from -1y                                    | 2023-02-28 00:00:00 … 2024-02-29 10:00:00
    --from -4y --till -4y                         | 2020-02-29 00:00:00 … 2020-02-29 23:59:59
    --from 29.02.2024                             | 2024-02-29 00:00:00 … 2024-02-29 10:00:00
    --from -12h                                   | 2024-02-28 22:00:00 … 2024-02-29 10:00:00
    --period this-month                           | 2024-02-01 00:00:00 … 2024-02-29 10:00:00
    --period last-month                           | 2024-01-01 00:00:00 … 2024-01-31 23:59:59
    --period last-year                            | 2023-01-01 00:00:00 … 2023-12-31 23:59:59
2024-03-15 10:00:00 Asia/Vladivostok
    --period 2024-02                              | 2024-02-01 00:00:00 … 2024-02-29 23:59:59
    --period last-month                           | 2024-02-01 00:00:00 … 2024-02-29 23:59:59
    --period 3w                                   | 2024-02-19 00:00:00 … 2024-03-10 23:59:59
2026-03-31 09:00:00 Europe/Moscow
    --from -1mo                                   | 2026-02-28 00:00:00 … 2026-03-31 09:00:00
    --from -1mo --till -1mo                       | 2026-02-28 00:00:00 … 2026-02-28 23:59:59
    --from -4mo --till -4mo                       | 2025-11-30 00:00:00 … 2025-11-30 23:59:59
    --period 1mo                                  | 2026-02-01 00:00:00 … 2026-02-28 23:59:59
    --period this-month                           | 2026-03-01 00:00:00 … 2026-03-31 09:00:00
2026-01-01 00:00:05 Asia/Vladivostok
    --period today                                | 2026-01-01 00:00:00 … 2026-01-01 00:00:05
    --period yesterday                            | 2025-12-31 00:00:00 … 2025-12-31 23:59:59
    --period this-week                            | 2025-12-29 00:00:00 … 2026-01-01 00:00:05
    --period last-week                            | 2025-12-22 00:00:00 … 2025-12-28 23:59:59
    --period last-month                           | 2025-12-01 00:00:00 … 2025-12-31 23:59:59
    --period this-year                            | 2026-01-01 00:00:00 … 2026-01-01 00:00:05
    --period last-year                            | 2025-01-01 00:00:00 … 2025-12-31 23:59:59
    --period 2025-12-31                           | 2025-12-31 00:00:00 … 2025-12-31 23:59:59
    --from -1h                                    | 2025-12-31 23:00:05 … 2026-01-01 00:00:05
    --from -1mo                                   | 2025-12-01 00:00:00 … 2026-01-01 00:00:05
2026-10-11 23:59:59 Europe/Moscow
    --period this-week                            | 2026-10-05 00:00:00 … 2026-10-11 23:59:59
    --period last-week                            | 2026-09-28 00:00:00 … 2026-10-04 23:59:59
    --period 2w                                   | 2026-09-21 00:00:00 … 2026-10-04 23:59:59
2026-10-12 00:00:00 Europe/Moscow
    --period today                                | 2026-10-12 00:00:00 … 2026-10-12 00:00:00
    --period this-week                            | 2026-10-12 00:00:00 … 2026-10-12 00:00:00
    --period last-week                            | 2026-10-05 00:00:00 … 2026-10-11 23:59:59
    --period 1w                                   | 2026-10-05 00:00:00 … 2026-10-11 23:59:59
2026-03-29 08:00:00 Europe/London
    --from -12h                                   | 2026-03-28 19:00:00 … 2026-03-29 08:00:00
    --from -1d                                    | 2026-03-28 00:00:00 … 2026-03-29 08:00:00
    --from 2026-03-29T01:30                       | 2026-03-29 01:30:00 … 2026-03-29 08:00:00
2026-10-25 08:00:00 Europe/London
    --from -12h                                   | 2026-10-24 21:00:00 … 2026-10-25 08:00:00
    --from -7h                                    | 2026-10-25 01:00:00 … 2026-10-25 08:00:00
    --from -24h --till -7h                        | 2026-10-24 09:00:00 … 2026-10-25 01:59:59
    --from -24h --till -8h                        | 2026-10-24 09:00:00 … 2026-10-25 01:00:00
2026-10-25 08:20:00 Europe/London
    --from -7h                                    | 2026-10-25 01:20:00 … 2026-10-25 08:20:00
    --from -8h                                    | 2026-10-25 01:00:00 … 2026-10-25 08:20:00
    --from -9h                                    | 2026-10-25 00:20:00 … 2026-10-25 08:20:00
2026-10-25 01:15:00 Europe/London
    --period today                                | 2026-10-25 00:00:00 … 2026-10-25 01:15:00
    --from now                                    | 2026-10-25 01:15:00 … 2026-10-25 01:15:00
2026-10-25 01:15:00 Europe/London again
                                                  | 2026-10-18 00:00:00 … 2026-10-25 01:59:59
    --period today                                | 2026-10-25 00:00:00 … 2026-10-25 01:59:59
    --from -1h                                    | 2026-10-25 01:00:00 … 2026-10-25 01:59:59
    --from today --till now                       | 2026-10-25 00:00:00 … 2026-10-25 01:59:59
    --from today --till 2026-10-25T01:40          | 2026-10-25 00:00:00 … 2026-10-25 01:40:59
2026-03-08 08:00:00 America/New_York
    --from -12h                                   | 2026-03-07 19:00:00 … 2026-03-08 08:00:00
2026-11-01 08:00:00 America/New_York
    --from -12h                                   | 2026-10-31 21:00:00 … 2026-11-01 08:00:00
2026-04-05 01:45:00 Australia/Lord_Howe again
    --period today                                | 2026-04-05 00:00:00 … 2026-04-05 01:59:59
2026-04-05 02:10:00 Australia/Lord_Howe
    --from -1h                                    | 2026-04-05 01:30:00 … 2026-04-05 02:10:00
"""


def period_rows():
    clock = ""
    for line in PERIODS.strip().splitlines():
        if not line.startswith(" "):
            clock = line
            continue
        arguments, expected = line.split("|")
        yield pytest.param(clock, arguments, expected.strip(), id=f"{clock} {arguments.strip()}")


@pytest.mark.parametrize(("clock", "arguments", "expected"), list(period_rows()))
def test_period(clock, arguments, expected):
    now = clock_of(clock)

    assert str(resolve(*options_of(arguments), now, utc_of(now))) == expected


def test_start_and_end_of_one_date_name_no_option():
    now = clock_of("2026-10-14 10:00:00 Europe/Moscow")

    assert parse_start("05.10.2026", unasked) == datetime(2026, 10, 5)  # noqa: DTZ001 - wall clock
    assert str(parse_end("2026-10-05 14:30", unasked)) == "2026-10-05 14:30:59"
    assert str(parse_end("yesterday", now)) == "2026-10-13 23:59:59"
    assert str(parse_start("-12h", now)) == "2026-10-13 22:00:00"
    with pytest.raises(UsageProblem, match=r"^'foo': not a date$"):
        parse_start("foo", now)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ("--period 2025", 0),
        ("--period 2026-09", 0),
        ("--period 2026-10-12", 0),
        ("--from 2026-10-01 --till '2026-10-13 09:59:59'", 0),
        ("--from 2026-10-01 --till '2026-10-13 10:00:00'", 1),
        ("--period 2026-10-13", 1),
        ("--period 2026", 1),
        ("--period yesterday", 1),
        ("--from -12h --till now", 1),
        ("--from 2026-10-01", 1),
        ("", 1),
    ],
)
def test_time_is_asked_once_and_only_where_it_matters(arguments, asked):
    moments = [clock_of("2026-10-14 15:00:00 Europe/Moscow")()]

    resolve(*options_of(arguments), moments.pop, lambda: datetime(2026, 10, 14, 12, tzinfo=UTC))

    assert len(moments) == 1 - asked


def test_parts_of_a_second_are_dropped():
    moment = datetime(2026, 10, 14, 15, 30, 20, 999_999, tzinfo=ZoneInfo("Europe/Moscow"))

    period = resolve("-1h", None, None, lambda: moment, lambda: moment)

    assert str(period) == "2026-10-14 14:30:20 … 2026-10-14 15:30:20"


# Refusals

TOGETHER = (
    "--period can't be given together with --from or --till",
    "Give --period alone, or --from with or without --till.",
)
ALONE = (
    "--till '2026-10-05' says where to end, but not where to start",
    "Give --from too, for example --from -7d.",
)
REFUSALS = [
    ("--till 2026-10-05", *ALONE),
    ("--period today --from -7d", *TOGETHER),
    ("--period today --till now", *TOGETHER),
    ("--period today --from -7d --till now", *TOGETHER),
    (
        "--from 10.10.2026 --till 05.10.2026",
        (
            "--from '10.10.2026' is 2026-10-10 00:00:00, "
            "which is after --till '05.10.2026', 2026-10-05 23:59:59"
        ),
        "Swap them, or correct one.",
    ),
    (
        "--from today --till -12h",
        "--from 'today' is 2026-10-14 00:00:00, which is after --till '-12h', 2026-10-13 22:00:00",
        "Swap them, or correct one.",
    ),
    ("--from 2026-10-05 --till foo", "--till 'foo': not a date", DATES.hint),
    ("--from foo --till bar", "--from 'foo': not a date", DATES.hint),
]


@pytest.mark.parametrize(("arguments", "message", "hint"), REFUSALS)
def test_refusal(arguments, message, hint):
    now = clock_of("2026-10-14 10:00:00 Europe/Moscow")

    with pytest.raises(UsageProblem) as caught:
        resolve(*options_of(arguments), now, utc_of(now))

    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        ("--from '2026-10-14 10:00:01'", "2026-10-14 10:00:01"),
        ("--from 2026-10-15", "2026-10-15 00:00:00"),
        ("--from 2027-01-01 --till 2027-12-31", "2027-01-01 00:00:00"),
        ("--period 2027", "2027-01-01 00:00:00"),
    ],
)
def test_period_that_starts_in_the_future_is_refused(arguments, start):
    now = clock_of("2026-10-14 10:00:00 Europe/Moscow")

    with pytest.raises(UsageProblem) as caught:
        resolve(*options_of(arguments), now, utc_of(now))

    assert caught.value.message == (
        f"the period starts in the future: at {start}, "
        "and now is 2026-10-14 10:00:00 in Europe/Moscow"
    )
    assert caught.value.hint == "Start it earlier."


@pytest.mark.parametrize("text", ["x" * 1000, "-" + "9" * 10_000 + "d", "2026-10-05" * 9])
def test_long_text_is_quoted_in_part(text):
    with pytest.raises(UsageProblem) as caught:
        resolve(text, None, None, unasked, unasked)

    assert caught.value.message.startswith(f"--from '{text[:60]}…': ")
    assert len(caught.value.message) < 130


# Properties

ZONES = (
    "Europe/Moscow",
    "Asia/Vladivostok",
    "Europe/London",
    "America/New_York",
    "Antarctica/Troll",
)
CLOCKS = st.datetimes(
    datetime(2001, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2099, 12, 30),  # noqa: DTZ001 - the same
    timezones=st.sampled_from([ZoneInfo(zone) for zone in ZONES]),
    allow_imaginary=False,
)
DAYS = st.dates(datetime(1999, 1, 1).date(), datetime(2101, 1, 1).date())  # noqa: DTZ001 - days
COUNTS = st.integers(0, 10**9).map(str)
MOMENTS = st.one_of(
    DAYS.map(str),
    DAYS.map(lambda day: f"{day:%d.%m.%Y}"),
    st.datetimes().map(lambda moment: f"{moment:%Y-%m-%d %H:%M}"),
    st.sampled_from(["today", "yesterday", "now"]),
    st.integers(1, 2000).map("-{}h".format),
    st.builds("-{}{}".format, COUNTS, st.sampled_from(["h", "d", "w", "mo", "y"])),
)
RANDOM = st.text() | st.text("0123456789-./: tdwmoyh", max_size=20)
PERIOD_TEXTS = st.one_of(
    DAYS.map(str),
    DAYS.map(lambda day: f"{day:%Y-%m}"),
    st.builds("{}{}".format, COUNTS, st.sampled_from(["d", "w", "mo"])),
    st.sampled_from(["this-week", "last-week", "this-month", "last-year"]),
)
OPTIONS = st.one_of(
    st.tuples(MOMENTS, st.none() | MOMENTS, st.none()),
    st.tuples(st.none(), st.none(), st.none() | PERIOD_TEXTS),
    st.tuples(*[st.none() | RANDOM] * 3),
)


@unmeasured
@given(OPTIONS, CLOCKS)
@example(("now", "now", None), clock_of("2026-10-25 01:15:00 Europe/London again")())
@example(("-1h", None, None), clock_of("2026-10-25 01:10:00 Antarctica/Troll again")())
def test_any_text_is_a_period_that_has_begun_or_a_usage_problem(options, moment):
    moments = [moment]
    try:
        period = resolve(*options, moments.pop, lambda: moment.astimezone(UTC))
    except UsageProblem:
        return

    assert period.start <= period.end
    assert (period.start.microsecond, period.end.microsecond) == (0, 0)
    assert period.start.tzinfo is period.end.tzinfo is None
    assert has_been_shown(period.end, moment)


def has_been_shown(wall: datetime, now: datetime) -> bool:
    """Tell whether a clock in the zone of `now` has shown `wall` by then."""
    if wall <= now.replace(tzinfo=None):
        return True
    return wall.replace(tzinfo=now.tzinfo).timestamp() <= now.timestamp()


@given(st.integers(1, 100), CLOCKS)
def test_hours_are_elapsed_hours(hours, moment):
    moment = moment.replace(microsecond=0)
    then = (moment.astimezone(UTC) - timedelta(hours=hours)).astimezone(moment.tzinfo)

    start = parse_start(f"-{hours}h", lambda: moment)

    assert timedelta() <= then.replace(tzinfo=None, fold=0) - start < timedelta(hours=2)
    if then.utcoffset() == then.replace(fold=1 - then.fold).utcoffset():
        assert start == then.replace(tzinfo=None)


@given(DAYS.filter(lambda day: 2000 <= day.year <= 2100))
def test_day_reads_the_same_in_both_forms(day):
    start = parse_start(str(day), unasked)

    assert start == parse_start(f"{day:%d.%m.%Y}", unasked)
    assert parse_end(str(day), unasked) == start + timedelta(days=1, seconds=-1)


def test_periods_are_compared_by_value():
    start, end = parse_start("2026-10-05", unasked), parse_end("2026-10-05", unasked)

    assert Period(start, end) == resolve(
        None, None, "2026-10-05", unasked, lambda: datetime.now(UTC)
    )
