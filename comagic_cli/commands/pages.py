"""The topics of `comagic help` that are written by hand; examples in them work on the sandbox."""

from __future__ import annotations

DATES = """\
Which days an export is about.

--from and --till take
  2026-10-05             that day; --till a day means to its end
  05.10.2026             the same, day first
  2026-10-05 14:30       that minute; with :00 after it, that second
  today, yesterday, now
  -7d, -2w, -3mo, -1y    midnight so many days, weeks, months, years ago
  -12h                   twelve hours ago, to the second

--period takes, instead of both,
  today, yesterday, this-week, last-week, this-month, last-month,
  this-year, last-year   weeks begin on Monday
  2026, 2026-10, 2026-10-05
  7d, 4w, 3mo            the whole days, weeks, months before the current one

--from alone runs to now. Nothing at all is the seven days before today, and
today. All words mean the account's time zone, not this machine's. What has
not happened yet is cut off. --dry-run shows what was understood.

Examples:
  comagic calls --sandbox --period last-week --dry-run
  comagic calls --sandbox --from -7d --till yesterday --count
  comagic calls --sandbox --from '-2w' --till '-1w' --max-rows 5 -f table"""

FILTERS = """\
Which rows an export is of: --where 'CONDITION', in quotes for the shell.

  FIELD = VALUE, != < > <= >=      a number, a text, a date
  FIELD is null, is not null       nothing there; something there
  FIELD like '%word%', ilike       % is any text, _ one character; ilike in
                                   any case; not like, not ilike
  FIELD in (a, b), not in          one of these
  FIELD overlap (a, b)             a list that has one of these; not overlap
  FIELD regexp 'x', jsquery 'x'    as the service reads them

Join conditions by and, or, and parentheses; and binds first. Several --where
are joined by and. A value with blanks, commas or parentheses stands in quotes.

A date is all of its day: = 2026-10-05 is from its start to its end. Dates are
written as after --from. Lengths of time are seconds, 90s, 5m, 2h or 00:01:30.

comagic filters REPORT lists fields and operators; with FIELD behind it, the
values of a list. A mistake is shown with a caret, before anything is sent.

Examples:
  comagic filters calls call_status --sandbox -f table
  comagic calls --sandbox --where 'call_total_duration > 5m' --max-rows 5
  comagic communications --sandbox --where 'communication_type in (Звонки, Чаты)' --count
  comagic communications --sandbox --where 'tags is null and visit_date >= -3d' --count"""

FORMATS = """\
How rows are written: -f FORMAT, or by the end of the name after -o.

  table    to look at; usual on a terminal        .txt
  jsonl    JSON, one row a line; usual in a pipe  .jsonl .ndjson
  json     JSON, one array                        .json
  csv      commas; --delimiter for another        .csv
  tsv      tabs; \\t \\n \\r \\\\ are written so       .tsv
  xlsx     Excel; pip install 'comagic[xlsx]'     .xlsx
  parquet  pip install 'comagic[parquet]'         .parquet
  sqlite   a table that is updated in place       .db .sqlite .sqlite3

.gz or .zst after the name packs csv, tsv, json and jsonl (.zst wants pip
install 'comagic[zst]'). {date} or {month} in the name writes one file a day or
a month, and a second run writes only what is new.

Values are written as the service gave them. These change that: --enum,
--list-separator, --header, --newlines, --decimal, --excel, --times, --flatten,
--record-urls. An option that a format has no use for is an error.

Examples:
  comagic calls --sandbox --period yesterday -o calls.csv.gz
  comagic calls --sandbox --period yesterday -f csv --excel --header title -o for-excel.csv
  comagic calls --sandbox --period 3d -o 'calls/{date}.jsonl'"""

CRON = """\
Every night by itself. Nothing is printed unless something fails, and the exit
code tells what (comagic help exit-codes). In a crontab % must be written \\%.

  0 6 * * * comagic calls --profile work --period 7d -o 'calls/{date}.csv' --refresh 3d

{date} writes a file a day. Days that are there already cost no call, so a night
that was missed is made up for by the next one within --period.

Rows change afterwards: tags, deals, the source of a visit and recordings come
hours or days later, and the service promises no times. --refresh 3d writes the
last three days again, for what is late by hours or a few days. It never reaches
beyond --period. For what comes later still, write last month again now and then
(--period 1mo --refresh all), or put rows into a database with a longer period
(--from -3mo -o calls.db): rows that are there are updated.

A run holds a lock: a second one for the same output ends with code 9. Let cron
wait for points no longer than you want: --max-wait 30m.

Examples:
  comagic calls --sandbox --period 7d -o 'calls/{date}.csv' --refresh 3d
  comagic calls --sandbox --period 7d -o calls.db"""
