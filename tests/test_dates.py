from __future__ import annotations

import re
import shlex

import pytest
from clocks import clock_of, options_of, unasked, utc_of

from comagic_cli.errors import UsageProblem
from comagic_cli.query.period import MOMENT_FORMS, PERIOD_FORMS, resolve

MISTAKES = """
    --from ''                      | nothing is written there
    --from '  '                    | nothing is written there
    --from foo                     | not a date
    --from 2026-02-30              | there is no day 30: 2026-02 has 28 days
    --from 2023-02-29              | there is no day 29: 2023-02 has 28 days
    --from 31.11.2026              | there is no day 31: 2026-11 has 30 days
    --from 00.11.2026              | there is no day 00: 2026-11 has 30 days
    --from 2026-13-01              | there is no month 13
    --from 2026-00-01              | there is no month 00
    --from 01.13.2026              | there is no month 13
    --from 1999-12-31              | the year must be from 2000 to 2100
    --from 2101-01-01              | the year must be from 2000 to 2100
    --from 0206-10-05              | the year must be from 2000 to 2100
    --from 99999999                | the year must be from 2000 to 2100
    --from 2026-10-05T24:00        | there is no such time: a day runs from 00:00:00 to 23:59:59
    --from 2026-10-05T12:60        | there is no such time: a day runs from 00:00:00 to 23:59:59
    --from 2026-10-05T12:30:60     | there is no such time: a day runs from 00:00:00 to 23:59:59
    --from '2026-10-05 9:30'       | write the time as 09:30 or 09:30:00
    --from '2026-10-05 14:30:20.5' | times are whole seconds: leave the fraction out
    --from 2026-10-05T14:30Z       | times are the account's: leave the zone out
    --from 2026-10-05T14:30+03:00  | times are the account's: leave the zone out
    --from '05.10.2026 14:30'      | this form takes no time: write 2026-10-05 14:30
    --from 'today 14:30'           | only a date takes a time, as 2026-10-05 14:30
    --from 14:30                   | a time needs its day, as 2026-10-05 14:30
    --from 7days                   | write -7d
    --from '7 days ago'            | write -7d
    --from 'last 7 days'           | write -7d
    --from 7d                      | write -7d
    --from +7d                     | write -7d
    --from \N{MINUS SIGN}7d        | write -7d
    --from '3 hours ago'           | write -3h
    --from -3months                | write -3mo
    --from -7m                     | no such unit: h is hours, mo is months
    --from -30min                  | no such unit: h is hours, mo is months
    --from -0d                     | a count starts at 1
    --from -99999999d              | more than a hundred years back
    --from -101y                   | more than a hundred years back
    --from -876601h                | more than a hundred years back
    --from 'last week'             | a period, as --period takes, not a date
    --from last-week               | a period, as --period takes, not a date
    --from 2026                    | a period, as --period takes, not a date
    --from 2026-10                 | a period, as --period takes, not a date
    --from yesteday                | did you mean yesterday?
    --from tomorrow                | it lies in the future
    --from 10/05/2026              | write 2026-10-05 or 2026-05-10
    --from 10/25/2026              | write 2026-10-25
    --from 40/40/2026              | write year, month and day, as 2026-10-05
    --from 2026/10/05              | write 2026-10-05
    --from 2026-2-5                | write 2026-02-05
    --from 2026/02/30              | there is no day 30: 2026-02 has 28 days
    --from 20261005                | write 2026-10-05
    --from 5.10.2026               | write 05.10.2026
    --from 05-10-2026              | write 05.10.2026
    --from 05.10.26                | write the year in full, as 05.10.2026
    --from \N{ARABIC-INDIC DIGIT TWO}026-10-05 | not a date
    --period ''                    | nothing is written there
    --period fortnight             | not a period
    --period 'last week'           | write last-week
    --period last_month            | write last-month
    --period 'previous month'      | write last-month
    --period 'current year'        | write this-year
    --period lastweek              | did you mean last-week?
    --period week                  | write this-week or last-week
    --period next-week             | it lies in the future
    --period now                   | a moment, as --from and --till take, not a period
    --period '2026-10-05 14:30'    | a moment, as --from and --till take, not a period
    --period 2026-13               | there is no month 13
    --period 2026-02-30            | there is no day 30: 2026-02 has 28 days
    --period 1999                  | the year must be from 2000 to 2100
    --period 05.10.2026            | write 2026-10-05
    --period 10/05/2026            | write 2026-10-05 or 2026-05-10
    --period 7days                 | write 7d
    --period -7d                   | write 7d
    --period 'last 3 months'       | write 3mo
    --period 2y                    | write 24mo
    --period 12h                   | a period is of whole days: write --from -12h
    --period 0d                    | a count starts at 1
    --period 99999w                | more than a hundred years back
    --period 2026-10-01..2026-10-05 | write two dates with --from and --till
    --period '2026-10-01 - 2026-10-05' | write two dates with --from and --till
"""

TOGETHER = (
    "--period can't be given together with --from or --till",
    "give --period alone, or --from with or without --till",
)
ALONE = (
    "--till '2026-10-05' says where to end, but not where to start",
    "give --from too, for example --from -7d",
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
        "swap them, or correct one",
    ),
    (
        "--from today --till -12h",
        "--from 'today' is 2026-10-14 00:00:00, which is after --till '-12h', 2026-10-13 22:00:00",
        "swap them, or correct one",
    ),
    ("--from 2026-10-05 --till foo", "--till 'foo': not a date", MOMENT_FORMS),
    ("--from foo --till bar", "--from 'foo': not a date", MOMENT_FORMS),
]


def mistake_row(line):
    arguments, reason = line.split("|")
    return arguments.strip(), reason.strip()


MISTAKE_ROWS = [mistake_row(line) for line in MISTAKES.strip().splitlines()]


def advice():
    """List what the reasons say to write, as options."""
    for arguments, reason in MISTAKE_ROWS:
        if found := re.search(r"write (--from )?([-0-9].*)$", reason):
            option = found[1] or shlex.split(arguments)[0]
            yield from (f"{option} '{text}'" for text in found[2].split(" or "))


@pytest.mark.parametrize(("arguments", "reason"), MISTAKE_ROWS)
def test_mistake_is_quoted_explained_and_answered_with_the_forms(arguments, reason):
    option, text = shlex.split(arguments)

    with pytest.raises(UsageProblem) as caught:
        resolve(*options_of(arguments), unasked, unasked)

    assert caught.value.message == f"{option} {text!r}: {reason}"
    assert caught.value.hint == (PERIOD_FORMS if option == "--period" else MOMENT_FORMS)


@pytest.mark.parametrize("arguments", sorted(set(advice())))
def test_what_a_reason_says_to_write_is_understood(arguments):
    now = clock_of("2026-12-31 12:00:00 Europe/Moscow")

    resolve(*options_of(arguments), now, utc_of(now))


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
    assert caught.value.hint == "start it earlier"


@pytest.mark.parametrize("text", ["x" * 1000, "-" + "9" * 10_000 + "d", "2026-10-05" * 9])
def test_long_text_is_quoted_in_part(text):
    with pytest.raises(UsageProblem) as caught:
        resolve(text, None, None, unasked, unasked)

    assert caught.value.message.startswith(f"--from '{text[:60]}…': ")
    assert len(caught.value.message) < 130
