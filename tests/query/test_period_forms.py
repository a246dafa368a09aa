"""The forms of dates and periods, and what is said of texts that are none of them."""

from __future__ import annotations

import shlex

import pytest
from clocks import clock_of, options_of, unasked, utc_of

from comagic_cli.errors import UsageProblem
from comagic_cli.query.period import DATES, PERIODS, parse_end, parse_start, resolve

NOW = "2026-11-27 15:30:20 Europe/Moscow"  # a Friday

FORMS = """
    --period 20.11.2026          | 2026-11-20 00:00:00 … 2026-11-20 23:59:59
    --period 1.11.2026           | 2026-11-01 00:00:00 … 2026-11-01 23:59:59
    --period 20261120            | 2026-11-20 00:00:00 … 2026-11-20 23:59:59
    --period 2026-11-1           | 2026-11-01 00:00:00 … 2026-11-01 23:59:59
    --period 2026-9              | 2026-09-01 00:00:00 … 2026-09-30 23:59:59
    --period 2026-Q3             | 2026-07-01 00:00:00 … 2026-09-30 23:59:59
    --period 2026q4              | 2026-10-01 00:00:00 … 2026-11-27 15:30:20
    --period Q3                  | 2026-07-01 00:00:00 … 2026-09-30 23:59:59
    --period q4                  | 2026-10-01 00:00:00 … 2026-11-27 15:30:20
    --from Q1 --till Q1          | 2026-01-01 00:00:00 … 2026-03-31 23:59:59
    --period 11.2026             | 2026-11-01 00:00:00 … 2026-11-27 15:30:20
    --period 9.2026              | 2026-09-01 00:00:00 … 2026-09-30 23:59:59
    --period 1.11.26             | 2026-11-01 00:00:00 … 2026-11-01 23:59:59
    --from '1.11.26 9:30'        | 2026-11-01 09:30:00 … 2026-11-27 15:30:20
    --period 1.11.2026-7.11.2026 | 2026-11-01 00:00:00 … 2026-11-07 23:59:59
    --period 1.11.2026..7.11.26  | 2026-11-01 00:00:00 … 2026-11-07 23:59:59
    --period '1.11.26 - 7.11.26' | 2026-11-01 00:00:00 … 2026-11-07 23:59:59
    --period 2026-11-01-2026-11-07 | 2026-11-01 00:00:00 … 2026-11-07 23:59:59
    --period 2026-11-01..2026-11-07 | 2026-11-01 00:00:00 … 2026-11-07 23:59:59
    --period 2026-11-01...2026-11-07 | 2026-11-01 00:00:00 … 2026-11-07 23:59:59
    --period '2026-11-01 … today' | 2026-11-01 00:00:00 … 2026-11-27 15:30:20
    --period 1.11.2026\N{EN DASH}7.11.2026 | 2026-11-01 00:00:00 … 2026-11-07 23:59:59
    --period 2026-09..2026-Q3    | 2026-09-01 00:00:00 … 2026-09-30 23:59:59
    --period 2026-W41            | 2026-10-05 00:00:00 … 2026-10-11 23:59:59
    --period 2026w1              | 2025-12-29 00:00:00 … 2026-01-04 23:59:59
    --period 2020-W53            | 2020-12-28 00:00:00 … 2021-01-03 23:59:59
    --period this-quarter        | 2026-10-01 00:00:00 … 2026-11-27 15:30:20
    --period last-quarter        | 2026-07-01 00:00:00 … 2026-09-30 23:59:59
    --period last_week           | 2026-11-16 00:00:00 … 2026-11-22 23:59:59
    --period lastweek            | 2026-11-16 00:00:00 … 2026-11-22 23:59:59
    --period 'Last Week'         | 2026-11-16 00:00:00 … 2026-11-22 23:59:59
    --period thisYear            | 2026-01-01 00:00:00 … 2026-11-27 15:30:20
    --period '7 days'            | 2026-11-20 00:00:00 … 2026-11-26 23:59:59
    --period 7days               | 2026-11-20 00:00:00 … 2026-11-26 23:59:59
    --period -7d                 | 2026-11-20 00:00:00 … 2026-11-26 23:59:59
    --period '1 day'             | 2026-11-26 00:00:00 … 2026-11-26 23:59:59
    --period 4w                  | 2026-10-26 00:00:00 … 2026-11-22 23:59:59
    --period 3months             | 2026-08-01 00:00:00 … 2026-10-31 23:59:59
    --period 1y                  | 2025-01-01 00:00:00 … 2025-12-31 23:59:59
    --period 2years              | 2024-01-01 00:00:00 … 2025-12-31 23:59:59
    --from 1.11.2026             | 2026-11-01 00:00:00 … 2026-11-27 15:30:20
    --from 2026-11-1             | 2026-11-01 00:00:00 … 2026-11-27 15:30:20
    --from 20261120              | 2026-11-20 00:00:00 … 2026-11-27 15:30:20
    --from 7d                    | 2026-11-20 00:00:00 … 2026-11-27 15:30:20
    --from -7d                   | 2026-11-20 00:00:00 … 2026-11-27 15:30:20
    --from '7 days'              | 2026-11-20 00:00:00 … 2026-11-27 15:30:20
    --from -7days                | 2026-11-20 00:00:00 … 2026-11-27 15:30:20
    --from 1y                    | 2025-11-27 00:00:00 … 2026-11-27 15:30:20
    --from 12h                   | 2026-11-27 03:30:20 … 2026-11-27 15:30:20
    --from last-week             | 2026-11-16 00:00:00 … 2026-11-27 15:30:20
    --from this-month            | 2026-11-01 00:00:00 … 2026-11-27 15:30:20
    --from last-week --till last-week | 2026-11-16 00:00:00 … 2026-11-22 23:59:59
    --from 2026-Q2 --till 2026-Q3 | 2026-04-01 00:00:00 … 2026-09-30 23:59:59
    --from 2025 --till 2025-11   | 2025-01-01 00:00:00 … 2025-11-30 23:59:59
    --from '1.11.2026 9:30'      | 2026-11-01 09:30:00 … 2026-11-27 15:30:20
    --from '2026-11-01 9:30:05.25' | 2026-11-01 09:30:05 … 2026-11-27 15:30:20
    --from 2026-11-26T00:00:00+00:00 | 2026-11-26 03:00:00 … 2026-11-27 15:30:20
    --from 2026-11-26T00:00:00.000001Z | 2026-11-26 03:00:00 … 2026-11-27 15:30:20
    --from 2026-11-26T00:00+0500 | 2026-11-25 22:00:00 … 2026-11-27 15:30:20
    --from '2026-11-26 00:00 -03' | 2026-11-26 06:00:00 … 2026-11-27 15:30:20
    --from 2026-11-25T00:00Z --till 2026-11-25T10:00Z | 2026-11-25 03:00:00 … 2026-11-25 13:00:59
"""


def rows_of(table: str) -> list[tuple[str, ...]]:
    lines = table.strip().splitlines()
    return [tuple(cell.strip() for cell in line.split("|")) for line in lines]


@pytest.mark.parametrize(("arguments", "expected"), rows_of(FORMS))
def test_form_is_taken(arguments, expected):
    now = clock_of(NOW)

    assert str(resolve(*options_of(arguments), now, utc_of(now))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-25T00:30Z", "2026-10-25 01:00:00 … 2026-10-25 01:30:59"),  # shown first
        ("2026-10-25T01:30Z", "2026-10-25 01:30:00 … 2026-10-25 01:59:59"),  # shown again
        ("2026-10-25T02:30Z", "2026-10-25 02:30:00 … 2026-10-25 02:30:59"),
    ],
)
def test_time_with_an_offset_in_the_hour_that_is_shown_twice_loses_no_row(text, expected):
    now = clock_of("2026-10-26 08:00:00 Europe/London")

    assert f"{parse_start(text, now)} … {parse_end(text, now)}" == expected


@pytest.mark.parametrize("zone", ["Europe/Moscow", "Asia/Vladivostok", "America/New_York"])
def test_words_mean_the_zone_of_the_account(zone):
    now = clock_of(f"2026-10-14 23:30:00 {zone}")

    assert str(resolve("today", None, None, now, utc_of(now)).start) == "2026-10-14 00:00:00"


# Mistakes

LISTED = "(listed)"  # the hint lists the forms
HELP = "See comagic help dates."
MISTAKES = """
    --from ''                 | not a date | (listed)
    --from '  '               | not a date | (listed)
    --from foo                | not a date | (listed)
    --from 'today 14:30'      | not a date | (listed)
    --from 202610             | not a date | (listed)
    --from 2026-Q5            | there is no quarter 5: a year has Q1 to Q4 | See comagic help dates.
    --period q0               | there is no quarter 0: a year has Q1 to Q4 | See comagic help dates.
    --period 13.2026          | there is no month 13 | See comagic help dates.
    --from 2026-10-05T14:30+25:00 | not a date | (listed)
    --from \N{MINUS SIGN}7d   | not a date | (listed)
    --from \N{ARABIC-INDIC DIGIT TWO}026-10-05 | not a date | (listed)
    --from 2026-02-30         | there is no day 30: 2026-02 has 28 days | See comagic help dates.
    --from 2023-2-29          | there is no day 29: 2023-02 has 28 days | See comagic help dates.
    --from 31.11.2026         | there is no day 31: 2026-11 has 30 days | See comagic help dates.
    --from 00.11.2026         | there is no day 00: 2026-11 has 30 days | See comagic help dates.
    --from 2026-13-01         | there is no month 13 | See comagic help dates.
    --from 2026-00-01         | there is no month 00 | See comagic help dates.
    --from 01.13.2026         | there is no month 13 | See comagic help dates.
    --from 20261301           | there is no month 13 | See comagic help dates.
    --from 2026-W54           | there is no week 54: 2026 has 53 weeks | See comagic help dates.
    --from 2027-W53           | there is no week 53: 2027 has 52 weeks | See comagic help dates.
    --from 1999-12-31         | the year must be from 2000 to 2100 | See comagic help dates.
    --from 2101-01-01         | the year must be from 2000 to 2100 | See comagic help dates.
    --from 0206-10-05         | the year must be from 2000 to 2100 | See comagic help dates.
    --from 2026-10-05T24:00   | there is no such time: a day runs from 00:00:00 to 23:59:59 | \
See comagic help dates.
    --from 2026-10-05T12:60   | there is no such time: a day runs from 00:00:00 to 23:59:59 | \
See comagic help dates.
    --from -0d                | a count starts at 1 | See comagic help dates.
    --from -99999999d         | more than a hundred years back | See comagic help dates.
    --from -101y              | more than a hundred years back | See comagic help dates.
    --from -876601h           | more than a hundred years back | See comagic help dates.
    --from -7m                | not a date | The units are h, d, w, mo (months) and y.
    --from yesteday           | not a date | Did you mean yesterday?
    --from monday             | not a date | Write the day as a date, for example 2026-10-05.
    --from tomorrow           | not a date | No rows are later than now. Write today.
    --from вчера              | not a date | Write yesterday.
    --from сегодня            | not a date | Write today.
    --from сейчас             | not a date | Write now.
    --from 10/05/2026         | not a date | \
Write 2026-05-10 (day first) or 2026-10-05 (month first).
    --from 31/12/2025         | not a date | Write 2025-12-31.
    --from 12/31/2025         | not a date | Write 2025-12-31.
    --from 2026/10/5          | not a date | Write 2026-10-05.
    --from 2026-10-01..2026-10-05 | not a date | Write --from 2026-10-01 --till 2026-10-05.
    --period ''               | not a period | (listed)
    --period fortnight        | not a period | (listed)
    --period next             | not a period | (listed)
    --period 2026-13          | there is no month 13 | See comagic help dates.
    --period 2026-02-30       | there is no day 30: 2026-02 has 28 days | See comagic help dates.
    --period 1999             | the year must be from 2000 to 2100 | See comagic help dates.
    --period 0d               | a count starts at 1 | See comagic help dates.
    --period 99999w           | more than a hundred years back | See comagic help dates.
    --period '2026-10-05 14:30' | not a period | \
A period is whole days. Write a time after --from and --till.
    --period 1.11-7.11.2026   | not a period | Write 1.11.2026-7.11.2026.
    --period 24h              | not a period | A period is whole days. Write --from -24h.
    --period now              | not a period | \
A period is whole days. Write today, or --from and --till.
    --period month            | not a period | Did you mean this-month or last-month?
    --period вчера            | not a period | Write yesterday.
    --period monday           | not a period | Write the day as a date, for example 2026-10-05.
    --period '2026-10-01..2026-10-05 10:00' | not a period | \
Write --from 2026-10-01 --till '2026-10-05 10:00'.
    --period 2026-10-01..now  | not a period | Write --from 2026-10-01 --till now.
"""


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        ("2026-06-30", "2025-07-01 00:00:00 … 2025-09-30 23:59:59"),
        ("2026-07-01", "2026-07-01 00:00:00 … 2026-07-01 12:00:00"),
        ("2026-10-01", "2026-07-01 00:00:00 … 2026-09-30 23:59:59"),
        ("2027-01-01", "2026-07-01 00:00:00 … 2026-09-30 23:59:59"),
    ],
)
def test_a_quarter_without_a_year_is_the_last_that_has_begun(today, expected):
    now = clock_of(f"{today} 12:00:00 Europe/Moscow")

    assert str(resolve(None, None, "Q3", now, utc_of(now))) == expected


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("7.11.2026-1.11.2026", "--period: 7.11.2026 is after 1.11.2026", "Swap them"),
        ("31.11.2026-1.12.2026", "--period '31.11.2026': there is no day 31: 2026-11", HELP),
        ("1.11.2026-2.13.2026", "--period '2.13.2026': there is no month 13", HELP),
    ],
)
def test_a_range_with_a_mistake_names_it(text, message, hint):
    now = clock_of(NOW)

    with pytest.raises(UsageProblem) as caught:
        resolve(None, None, text, now, utc_of(now))

    assert caught.value.message.startswith(message)
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(("arguments", "reason", "hint"), rows_of(MISTAKES))
def test_mistake_is_quoted_explained_and_answered(arguments, reason, hint):
    option, text = shlex.split(arguments)
    forms = (PERIODS if option == "--period" else DATES).hint

    with pytest.raises(UsageProblem) as caught:
        resolve(*options_of(arguments), unasked, unasked)

    assert caught.value.message == f"{option} {text!r}: {reason}"
    assert caught.value.hint == (forms if hint == LISTED else hint)
