"""What is said of what people type: the whole message and the exit code."""

from __future__ import annotations

import io
import shlex

import pytest
from program import Watched, fault

from comagic_cli.query.period import DATES, PERIODS

# A line at the margin is typed; the indented lines below it are what is said.
MISTAKES = """
version
    No such command 'version'. Write comagic --version.
      See comagic --help.
calls -V
    No such option '-V'. Write comagic --version.
      See comagic calls --help.
list employees --sandbox --search Белова
    No such option '--search'. Write a condition: --where 'FIELD ilike "%TEXT%"'.
      See comagic list employees --help.
calls --sandbox -f xls -o calls.xls
    Excel does not open calls.xls as xlsx.
      Write -o calls.xlsx.
call --sandbox
    No such command 'call'. Did you mean calls, call-details or calls-report?
      See comagic --help.
--foo
    No such option '--foo'.
      See comagic --help.
-v
    No such option '-v'. Options follow a command: comagic calls -v
      See comagic --help.
calls --feilds x
    No such option '--feilds'. Did you mean --fields?
      See comagic calls --help.
calls --json
    No such option '--json'. Write -f json or -f jsonl.
      See comagic calls --help.
calls --csv
    No such option '--csv'. Write -f csv.
      See comagic calls --help.
login --csv
    No such option '--csv'.
      See comagic login --help.
calls --key SECRET
    No such option '--key'. Save the token with comagic login, or name a file with --token-file.
      See comagic calls --help.
calls --api-key=SECRET
    No such option '--api-key'. Save the token with comagic login, or name a file with --token-file.
      See comagic calls --help.
calls --token SECRET
    No such option '--token'. Save the token with comagic login, or name a file with --token-file.
      See comagic calls --help.
calls --token-file SECRET
    --token-file: there is no such file; its name is not shown, as it may be the token
      Save the token with comagic login, or put it in a file.
calls --employee Иван
    No such option '--employee'. Write a condition after --where; see comagic filters calls.
      See comagic calls --help.
calls --append
    No such option '--append'. Rows are added to a database (-o FILE.db); {date} in the name makes \
one file per day.
      See comagic calls --help.
calls --full
    No such option '--full'. For all columns write --fields @all.
      See comagic calls --help.
calls -p yesterday
    No such option '-p'. Did you mean --period or --profile?
      See comagic calls --help.
users -p work
    No such option '-p'. Did you mean --profile?
      See comagic users --help.
calls --enum id
    No such option '--enum'. Did you mean --coded-values?
      See comagic calls --help.
call-details --entity-id 1
    No such option '--entity-id'. Did you mean --ids?
      See comagic call-details --help.
calls -sandbox
    No such option '-sandbox'. Did you mean --sandbox?
      See comagic calls --help.
calls sandbox
    Got unexpected extra argument (sandbox)
      Did you mean --sandbox?
calls now
    Got unexpected extra argument (now)
      See comagic calls --help.
calls --sandbox --fields communication_id call_status
    Got unexpected extra argument (call_status)
      Write a list without blanks: --fields communication_id,call_status
calls --sandbox --fields communication_id, call_status
    Got unexpected extra argument (call_status)
      Write a list without blanks: --fields communication_id,call_status
calls --sandbox --fields Тип звонка
    Got unexpected extra argument (звонка)
      Put a title with blanks in quotes: --fields 'Тип звонка'
calls --sandbox --sort Дата звонка
    Got unexpected extra argument (звонка)
      Put a title with blanks in quotes: --sort 'Дата звонка'
calls --sandbox --sort 'Дата звонка' :desc
    Got unexpected extra argument (:desc)
      Write it without a blank: --sort 'Дата звонка:desc'
calls --sandbox --sort call_start_date DESC
    Got unexpected extra argument (DESC)
      Write it without a blank: --sort call_start_date:DESC
calls --sandbox --where call_status = x
    Got unexpected extra arguments (= x)
      Put the whole condition in quotes: --where 'FIELD = VALUE'
calls --sandbox --period 7 days
    Got unexpected extra argument (days)
      Put a value with blanks in quotes: --period '7 days'
calls -o b.csv --manifest
    Option '--manifest' requires an argument.
      See comagic calls --help.
calls --sandbox --fields ''
    --fields: the list is empty
      Name fields or groups, for example @default.
calls --sandbox --fields ',,,'
    --fields: the list is empty
      Name fields or groups, for example @default.
calls --sandbox --fields comunication_id
    --fields: calls has no field 'comunication_id'
      Did you mean communication_id?
calls --sandbox --fields customer_id
    --fields: calls has no field 'customer_id'
      customer_id, user_id and customer_name are added by themselves where several customers are \
exported; to choose customers, write --user-id.
calls --sandbox --user-id all --fields customer_name
    --fields: calls has no field 'customer_name'
      customer_id, user_id and customer_name are added by themselves where several customers are \
exported; to choose customers, write --user-id.
calls --sandbox --user-id all --where user_id=7001
    --where: calls has no field 'user_id'
      user_id=7001
      ^^^^^^^
      customer_id, user_id and customer_name are added by themselves where several customers are \
exported; to choose customers, write --user-id.
calls --sandbox --fields utm_source
    --fields: calls has no field 'utm_source'
      These reports have it: communications, visits, calls-report.
calls --sandbox --fields 'Тип звон'
    --fields: calls has no field 'Тип звон'
      Did you mean call_type (Тип звонка)?
calls --sandbox --sort call_status:up
    --sort: 'call_status:up' is not a sort order
      Write FIELD, FIELD:asc or FIELD:desc.
chart calls --sandbox --by call_type,call_status
    --by call_type,call_status: it takes one field
      Write --by call_type --split call_status.
chart calls --sandbox --by utm_source,utm_campaign
    --by utm_source,utm_campaign: it takes one field
      Write --by utm_source --split utm_campaign.
calls --sandbox -f xlxs
    Invalid value for '--format' / '-f': 'xlxs' is not a format of this command. Did you mean xlsx?
      See comagic calls --help.
calls --sandbox -f docx
    Invalid value for '--format' / '-f': 'docx' is not a format of this command. Formats: table, \
csv, tsv, jsonl, json, xlsx, parquet, sqlite.
      See comagic calls --help.
calls --sandbox -o calls.xls
    The name calls.xls has no suffix of a known format.
      Did you mean calls.xlsx?
calls --sandbox -f csv -o s3://me:SECRET@host/x.csv
    -o s3://...: a bucket's name is expected after //
      Example: -o s3://BUCKET/calls.csv. Credentials come from the environment, see comagic help \
buckets.
calls --sandbox -o s3://bucket/x.db
    -o s3://bucket/x.db: a database can't be changed in a bucket.
      Write a local database, or day files into the bucket: {date}.parquet.
calls --sandbox -o s3://bucket/x.csv --resume
    --resume: an object is put whole: there is no unfinished one to continue.
      Omit --resume to start again.
calls --sandbox -o postgresql://me:SECRET@host/db
    -o postgresql://...: a password can't be in the URL, where other programs can read it
      Set PGPASSWORD, or use ~/.pgpass or a service: postgresql:///?service=NAME.
calls --sandbox -o 'postgres:///db?user=me&sslpassword=SECRET'
    -o postgres://...: the parameter sslpassword can't be in the URL, where other programs can \
read it
      Set PGPASSWORD, or use ~/.pgpass or a service: postgresql:///?service=NAME.
calls --sandbox -o postgresql://host/db -f csv
    -f csv can't be used with -o postgresql://
      Omit -f: rows go into a table.
calls --sandbox -o sqlite:///x.db
    -o sqlite://...: there is no output of this kind
      Write the path without the scheme.
chart calls --sandbox -o postgresql://host/db
    -o postgresql://...: chart writes only files
      Name a file, such as x.csv.
calls --sandbox -o ftp://host/x.csv
    -o ftp://...: there is no output of this kind
      Write to a file, or to postgresql://, clickhouse://, s3://, gs://, az://.
calls --sandbox -o mysql://me:SECRET@host/db
    -o mysql://...: there is no output of this kind
      Write to a file, or to postgresql://, clickhouse://, s3://, gs://, az://.
calls --sandbox -o x.csv --manifest ftp://me:SECRET@host/m.json
    --manifest ftp://...: a manifest is a file, or an object in a bucket
      Write a path, or s3://BUCKET/NAME, gs://BUCKET/NAME, az://CONTAINER/NAME.
verify x.csv --manifest postgresql://host/db
    --manifest postgresql://...: a manifest is a file, or an object in a bucket
      Write a path, or s3://BUCKET/NAME, gs://BUCKET/NAME, az://CONTAINER/NAME.
calls --sandbox -o 'calls-%Y-%m.csv'
    -o calls-%Y-%m.csv: % is not replaced by a date
      Write {date} for one file per day, {month} for one per month.
calls --sandbox --excel -f tsv
    --excel can't be used with -f tsv, only with csv and xlsx
calls --sandbox --report-id 9999
    --report-id: no report of the type calls has the id '9999'; there are: 1002 Звонки
      See comagic reports.
calls --sandbox --tz Moscow
    --tz: there is no time zone 'Moscow'
      Did you mean Europe/Moscow?
calls --sandbox --tz MSK
    --tz: there is no time zone 'MSK'
      Did you mean Europe/Moscow?
calls --sandbox --tz +3
    --tz: there is no time zone '+3'
      Did you mean Europe/Moscow?
calls --sandbox --tz Nowhere
    --tz: there is no time zone 'Nowhere'
      Example: --tz Europe/Moscow
calls --sandbox --max-wait soon
    Invalid value for '--max-wait': 'soon' is not a duration: write 90, 90s, 5m or 2h.
      See comagic calls --help.
calls --sandbox --refresh soon
    Invalid value for '--refresh': 'soon' is not a duration: write 3d, 2w, 1mo or all.
      See comagic calls --help.
calls --sandbox --from 01.11
    --from '01.11': not a date
      Write the year too: 01.11.2026.
calls --sandbox --from '1 ноября'
    --from '1 ноября': not a date
      Write the month as a number: 5.10.2026.
calls --sandbox --period '1 ноября 2026'
    --period '1 ноября 2026': not a period
      Write the month as a number: 5.10.2026.
calls --sandbox --from monday
    --from 'monday': not a date
      Write the day as a date, for example 2026-10-05.
calls --sandbox --from soon
    --from 'soon': not a date
      DATES
calls --sandbox --period soon
    --period 'soon': not a period
      PERIODS
calls --sandbox --period 24h
    --period '24h': not a period
      A period is whole days. Write --from -24h.
calls --sandbox --where 'call_total_duration > 5 min'
    --where: 'min' does not belong to the value
      call_total_duration > 5 min
                              ^^^
      Write a duration without a blank: 90s, 5m or 2h.
calls --sandbox --where 'call_total_duration > 5 минут'
    --where: 'минут' does not belong to the value
      call_total_duration > 5 минут
                              ^^^^^
      Write a duration without a blank: 90s, 5m or 2h.
calls --sandbox --where 'call_total_duration between 10 and 20'
    --where: 'between' is not an operator
      call_total_duration between 10 and 20
                          ^^^^^^^
      Write call_total_duration >= 10 and call_total_duration <= 20.
calls --sandbox --where 'call status = x'
    --where: calls has no field 'call status'
      call status = x
      ^^^^^^^^^^^
      Did you mean call_status?
calls --sandbox --where 'Признак, что звонок потерянный = x'
    --where: an operator is missing after Признак
      Признак, что звонок потерянный = x
             ^
      Quote a title that has commas or parentheses: 'one, two' = VALUE.
calls --sandbox --where 'call_status равно = x'
    --where: 'равно' is not an operator
      call_status равно = x
                  ^^^^^
      Did you mean =?
calls --sandbox --where 'a b and call_status = x'
    --where: 'b' is not an operator
      a b and call_status = x
        ^
      Operators: =, !=, <, >, <=, >=, like, ilike, regexp, jsquery, in, overlap, is; not before \
ilike, in, like, overlap.
calls --sandbox --where 'call_status = x или call_status = y'
    --where: there is no 'или' here
      call_status = x или call_status = y
                      ^^^
      Write or.
calls --sandbox --where 'call_status = x и call_type = y'
    --where: there is no 'и' here
      call_status = x и call_type = y
                      ^
      Write and.
calls --sandbox --where 'call_status не in (x)'
    --where: 'не' is not an operator
      call_status не in (x)
                  ^^
      Did you mean not?
chats --sandbox --where 'messages_count > 10'
    --where: chats has no field 'messages_count'
      messages_count > 10
      ^^^^^^^^^^^^^^
      Here it is chat_messages_count.
calls --sandbox --where 'сотрудник = x'
    --where: calls has no field 'сотрудник'
      сотрудник = x
      ^^^^^^^^^
      Did you mean employees (Сотрудники, которые участвовали в звонке)?
calls --sandbox --where 'call_talk_duration > 1,5m'
    --where: and, or or the end was expected, not ','
      call_talk_duration > 1,5m
                            ^
      Write 1.5m.
chart calls --sandbox --by employees --split hour
    --split hour: it takes a field, not a time
      Write --by hour --split employees.
chart calls --sandbox --by weekday --split hour
    --split hour: it takes a field, not a time
      Draw a chart of each.
chart campaign-daily-stat --sandbox --by campaign_name
    a chart of campaign-daily-stat needs --site-id
      Add --site-id N; the ids: comagic list sites.
campaign-daily-stat --sandbox
    Missing option '--site-id'.
      The values: comagic list sites --fields id,name
list metrics --sandbox
    Missing option '--report-type'.
      The values: comagic list report-types
list --sandbox employees
    No such option '--sandbox'. Options follow a command: comagic list employees --sandbox
      See comagic list --help.
employees --sandbox
    No such command 'employees'. It is a list: comagic list employees
      See comagic --help.
calls-report --sandbox --where 'call_status = Пропущенный'
    --where: calls-report has no field 'call_status'
      call_status = Пропущенный
      ^^^^^^^^^^^
      Here it is is_lost (false for Принятый, true for Пропущенный).
calls-report --sandbox --fields call_status,call_start_date_time
    --fields: calls-report has no field 'call_status'
      Here it is is_lost (false for Принятый, true for Пропущенный).
calls-report --sandbox --sort call_start_date_time
    --sort: calls-report has no field 'call_start_date_time'
      Here it is start_time.
calls-report --sandbox --sort call_talk_duration
    --sort: calls-report has no field 'call_talk_duration'
      Here it is talk_duration, but rows can't be sorted by it.
chart calls-report --sandbox --by call_status
    --by: calls-report has no field 'call_status'
      Here it is is_lost (false for Принятый, true for Пропущенный).
calls --sandbox --fields is_lost
    --fields: calls has no field 'is_lost'
      Here it is call_status (Принятый for false, Пропущенный for true).
calls --sandbox --where 'start_time > 2026-10-01'
    --where: calls has no field 'start_time'
      start_time > 2026-10-01
      ^^^^^^^^^^
      Here it is call_start_date_time.
сотрудники --sandbox
    No such command 'сотрудники'. Did you mean comagic list employees?
      See comagic --help.
теги
    No such command 'теги'. Did you mean tags-history or comagic list tags?
      See comagic --help.
звонки
    No such command 'звонки'. Did you mean calls?
      See comagic --help.
sitess
    No such command 'sitess'. Did you mean comagic list sites or comagic list site?
      See comagic --help.
list сотрудники
    there is no list 'сотрудники'
      Did you mean employees?
list Номера --sandbox
    there is no list 'Номера'
      Did you mean virtual-numbers?
list виртуальные номера
    there is no list 'виртуальные'
      Did you mean virtual-numbers?
list 'черный список'
    there is no list 'черный список'
      Did you mean blacklist-phone-numbers?
list звонки
    there is no list 'звонки'
      Did you mean comagic calls?
list wat
    there is no list 'wat'
      See comagic list.
fields сотрудники
    there is no report 'сотрудники'
      Did you mean employees?
help сайты
    there is no topic or command 'сайты'
      Did you mean list sites?
calls --sandbox --user-id client-one
    Invalid value for '--user-id': 'client-one' is neither a user id nor all. comagic users lists \
the ids.
      See comagic calls --help.
login x --token-command 'cat token.txt | head -n 1'
    login: profiles.x.token-command: cat failed (exit code 1)
      No shell runs the command, so | means nothing: write sh -c '...'.
login x --token-command 'echo SECRET >&2; exit 3'
    login: profiles.x.token-command: the token has blanks or line breaks
      No shell runs the command, so >&2; means nothing: write sh -c '...'.
calls --sandbox --period 'прошлый месяц'
    --period 'прошлый месяц': not a period
      Write last-month.
calls --sandbox --period 'за эту неделю'
    --period 'за эту неделю': not a period
      Write this-week.
calls --sandbox --period 'октябрь 2026'
    --period 'октябрь 2026': not a period
      Write the year and the month: 2026-10.
login x --with-token
    --with-token: no token came on standard input
      Type: comagic login PROFILE --with-token < FILE
login x --token-command 'sh -c "echo SECRET >&2; exit 3"'
    login: profiles.x.token-command: sh failed (exit code 3)
      Run the command by hand to see why; what it prints may be secret and is not shown.
звонки
    No such command 'звонки'. Did you mean calls?
      See comagic --help.
Звонок --sandbox
    No such command 'Звонок'. Did you mean calls?
      See comagic --help.
заявка
    No such command 'заявка'. Did you mean leads or communications?
      See comagic --help.
отчеты
    No such command 'отчеты'. Did you mean reports?
      See comagic --help.
чушь
    No such command 'чушь'.
      See comagic --help.
chart обращения
    there is no report 'обращения'
      Did you mean communications?
help визиты
    there is no topic or command 'визиты'
      Did you mean visits?
help utm
    there is no topic or command 'utm'
      It is a group of fields of communications, visits, calls-report and 5 more: write --fields \
@utm; see comagic fields communications.
help @utm
    there is no topic or command '@utm'
      It is a group of fields of communications, visits, calls-report and 5 more: write --fields \
@utm; see comagic fields communications.
help groups
    there is no topic or command 'groups'
      See comagic fields REPORT; a group of fields is written as --fields @utm.
help utm_source
    there is no topic or command 'utm_source'
      It is a field of communications, visits, calls-report and 5 more: see comagic \
fields communications.
help колонки
    there is no topic or command 'колонки'
      Did you mean fields?
help wat
    there is no topic or command 'wat'
      Topics: filters, dates, formats, buckets, points, cron, exit-codes, environment, errors.
"""


def mistakes():
    """Yield what is typed, and the lines that are said."""
    for block in MISTAKES.strip().split("\n"):
        if not block.startswith(" "):
            lines: list[str] = []
            yield block, lines
        else:
            lines.append(block[4:])


CASES = [pytest.param(typed, lines, id=typed) for typed, lines in list(mistakes())]
FORMS = {"  DATES": f"  {DATES.hint}", "  PERIODS": f"  {PERIODS.hint}"}


@pytest.fixture(autouse=True)
def nothing_typed(monkeypatch, tmp_path):
    """Give the program an empty standard input and a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))


@pytest.mark.parametrize(("typed", "lines"), CASES)
def test_mistake_is_answered_with_what_to_write(comagic, typed, lines):
    ran = comagic(*shlex.split(typed))

    wanted = "".join(f"{FORMS.get(line, line)}\n" for line in lines)
    assert (ran.code, ran.out, ran.err) == (2, "", f"comagic: {wanted}")
    assert "SECRET" not in ran.err


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        (
            "api get.calls --sandbox",
            (
                "get.calls: a parameter is missing (required_parameter_missed): Required parameter "
                '"report_id" has been missed [report_id]'
            ),
            "Put report_id into --params (comagic reports lists the ids).",
        ),
        (
            "campaign-daily-stat --sandbox --site-id 1",
            (
                "get.campaign_daily_stat: the value of a parameter is not allowed "
                '(invalid_parameter_value): Invalid value of the parameter "site_id": no such site '
                "[site_id = 1]"
            ),
            "Check --site-id (comagic list sites lists them).",
        ),
        (
            "api get.callz --sandbox",
            (
                "get.callz: the service has no such method (method_not_found): "
                'Method "get.callz" not found'
            ),
            "Check the name of the method.",
        ),
    ],
)
def test_refusal_of_a_method_speaks_of_its_parameters(comagic, typed, message, hint):
    ran = comagic(*typed.split())

    assert (ran.code, ran.out, ran.err) == (5, "", f"comagic: {message}\n  {hint}\n")


def test_name_that_is_too_long_is_shown(comagic):
    name = "x" * 300 + ".csv"
    ran = comagic("calls", "--sandbox", "-o", name)

    wanted = f"comagic: {name} can't be written: File name too long.\n  Choose a shorter name.\n"
    assert (ran.code, ran.err) == (8, wanted)


DAY = ["calls", "--sandbox", "--period", "yesterday"]
TWO = [*DAY, "--max-rows", "2", "-f", "csv"]
TIME = "call_start_date_time"
TAKEN = [
    ([*DAY, "--limit", "2", "--columns", TIME, "-f", "CSV"], [*TWO, "--fields", TIME]),
    (
        ["calls", "--sandbox", "--from", "7d", "--to", "yesterday", "--count"],
        ["calls", "--sandbox", "--period", "7d", "--count"],
    ),
    ([*TWO, "--fields", "all"], [*TWO, "--fields", "@all"]),
    ([*TWO, "--fields", "*"], [*TWO, "--fields", "@all"]),
    ([*TWO, "--fields", "Дата и время начала звонка"], [*TWO, "--fields", TIME]),
    (
        [*TWO, "--fields", "call_type,Признак, что звонок потерянный или успешный,Тип звонка"],
        [*TWO, "--fields", "call_type,call_status"],
    ),
    ([*TWO, "--fields", "'Тип звонка',tags"], [*TWO, "--fields", "call_type,tags"]),
    (
        [*TWO, "--fields", '"Признак, что звонок потерянный или успешный","Тип звонка"'],
        [*TWO, "--fields", "call_status,call_type"],
    ),
    ([*TWO, "--fields", "@default,-'Тип звонка'"], [*TWO, "--fields", "@default,-call_type"]),
    (
        [*TWO, "--sort", "'Дата звонка' :desc,communication_id"],
        [*TWO, "--sort", "call_start_date:desc,communication_id"],
    ),
    ([*TWO, "--fields", "@all,-тип звонка"], [*TWO, "--fields", "@all,-call_type"]),
    ([*TWO, "--sort", f"-{TIME}"], [*TWO, "--sort", f"{TIME}:desc"]),
    ([*TWO, "--sort", f"{TIME}:DESC"], [*TWO, "--sort", f"{TIME}:desc"]),
    ([*TWO, "--sort", f"{TIME} Asc"], [*TWO, "--sort", f"{TIME}:asc"]),
    (
        [*TWO, "--sort", "Дата и время начала звонка:desc"],
        [*TWO, "--sort", f"{TIME}:desc"],
    ),
    (
        [*DAY, "--count", "--where", "'Тип звонка' is not null and \"Дата звонка\" <= yesterday"],
        [*DAY, "--count", "--where", "call_type is not null and call_start_date <= yesterday"],
    ),
    (
        [*DAY, "--count", "--where", "Тип звонка is not null and Дата звонка <= yesterday"],
        [*DAY, "--count", "--where", "call_type is not null and call_start_date <= yesterday"],
    ),
    (
        [*DAY, "--count", "--where", "(Дата и время начала звонка>2020-01-01)"],
        [*DAY, "--count", "--where", "(call_start_date_time > 2020-01-01)"],
    ),
    (
        [*DAY, "--count", "--where", "Тип звонка not in (x, y)"],
        [*DAY, "--count", "--where", "call_type not in (x, y)"],
    ),
    (
        [*DAY, "--count", "--where", "call_total_duration > 5min"],
        [*DAY, "--count", "--where", "call_total_duration > 300"],
    ),
    (
        ["chart", *DAY, "--by", "Тип звонка", "--split", "Дата звонка", "-f", "csv"],
        ["chart", *DAY, "--by", "call_type", "--split", "call_start_date", "-f", "csv"],
    ),
    (
        ["chart", *DAY, "--sum", "Общая длительность звонка", "-f", "csv"],
        ["chart", *DAY, "--sum", "call_total_duration", "-f", "csv"],
    ),
    ([*DAY, "--count", "--max-wait", "5min"], [*DAY, "--count", "--max-wait", "5m"]),
    (["-V"], ["--version"]),
    (["help", "where"], ["help", "filters"]),
]


@pytest.mark.parametrize(("typed", "meant"), TAKEN, ids=[" ".join(each) for each, _ in TAKEN])
def test_what_is_understood_is_taken(comagic, typed, meant):
    ran, wanted = comagic(*typed), comagic(*meant)

    assert (ran.code, ran.err) == (0, "")
    assert ran == wanted
    assert ran.out


@pytest.mark.parametrize("name", ["xls", "excel", "XLSX"])
def test_excel_is_a_format(comagic, name, tmp_path):
    ran = comagic(*DAY, "-f", name, "--excel", "-o", "calls.xlsx")

    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (tmp_path / "calls.xlsx").read_bytes().startswith(b"PK")


@pytest.mark.parametrize("option", ["--count", "--dry-run"])
def test_time_with_an_offset_is_converted_to_the_zone_of_the_account(comagic, option):
    line = ["calls", "--sandbox", "--tz", "Europe/Moscow", option, "--period"]
    ends = ["--from", "2026-01-05T00:00+03:00", "--till", "2026-01-05T20:59:59Z"]

    ran = comagic(*line[:-1], *ends)

    assert ran == comagic(*line, "2026-01-05")
    assert ran.code == 0


def test_service_that_is_down_is_tried_later(comagic):
    with Watched(rows=1, faults=fault("503", method=None)) as box:
        ran = comagic(*DAY[:1], "--period", "2024-10-05", "--count", "--base-url", box.url, box=box)

    assert (ran.code, ran.err.splitlines()[-1:]) == (
        6,
        ["  The service is not available. Try again later."],
    )


def test_proxy_that_refuses_is_named_without_its_password(comagic):
    ran = comagic(
        *("calls", "--count", "--base-url", "https://dataapi.example"),
        COMAGIC_TOKEN="SECRET",
        HTTPS_PROXY="http://me:SECRET@127.0.0.1:9",
    )

    assert (ran.code, ran.out, ran.err) == (
        6,
        "",
        (
            "comagic: get.account: no answer from the proxy 127.0.0.1:9: Connection refused\n"
            "  Check the proxy in HTTPS_PROXY (or ALL_PROXY).\n"
        ),
    )


def test_http_behind_a_port_for_https_is_explained(comagic):
    with Watched(rows=1) as box:
        host = box.url.split("/")[2]
        ran = comagic("account", "--base-url", f"https://{host}", COMAGIC_TOKEN="x")

    assert (ran.code, ran.err) == (
        6,
        (
            f"comagic: get.account: {host} does not answer with TLS (https)\n"
            "  Check the host and port of --base-url.\n"
        ),
    )
