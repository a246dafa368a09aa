"""`comagic help`: pages on topics."""

from __future__ import annotations

import os
import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple, NoReturn, TypeAlias

import click
from click.shell_completion import CompletionItem

from comagic_cli.api.errors import ERRORS as API_ERRORS
from comagic_cli.errors import ExitCode, UsageProblem
from comagic_cli.query.catalog import MAX_OTHERS, having, reports
from comagic_cli.query.suggest import first_of, suggest_command

DATES = """\
The period of an export: --from and --till, or --period.

All three take
  2026-10-05, 20261005               a day
  5.10.2026, 5.10.26, 10.2026        with dots: the day first; a month
  today, yesterday
  this-week, this-month, this-quarter, this-year
  last-week, last-month, last-quarter, last-year
                                     weeks begin on Monday
  2026, 2026-10, 2026-Q3, 2026-W41   a year, month, quarter, ISO week
  Q1, Q2, Q3, Q4                     the last such quarter that has begun

--from starts at the beginning of it, --till ends at its end. They also take
  2026-10-05 14:30, now      a minute; with :00 after it, a second
  2026-10-05T14:30+03:00     converted to the account's time zone
  -7d, -2w, -3mo, -1y        midnight 7 days, 2 weeks, 3 months, 1 year ago
  -12h                       exactly 12 hours ago

--period also takes
  7d, 4w, 3mo, 1y            whole days, weeks, months, years before the current
                             one
  1.10.2026-7.10.2026        from the first day to the last, both included; also
                             2026-10-01..2026-10-07, 2026-Q1..2026-Q3

7d, -7d and '7 days' mean the same. --from alone ends now. The default is the
seven days before today, and today. All words mean the account's time zone, not
this machine's. A period ends now at the latest. --dry-run shows the period that
was understood.

Examples:
  comagic calls --sandbox --period last-week --dry-run
  comagic calls --sandbox --from -7d --till yesterday --count
  comagic calls --sandbox --from '-2w' --till '-1w' --max-rows 5 -f table"""

FILTERS = """\
Filters: --where 'CONDITION', in quotes for the shell.

  FIELD = VALUE, != < > <= >=      a number, a text, a date
  FIELD is null, is not null       the field has no value; it has one
  FIELD like '%word%', ilike       % is any text, _ one character; ilike
                                   ignores case; not like, not ilike
  FIELD in (a, b), not in          one of these
  FIELD overlap (a, b)             a list that has one of these; not overlap
  FIELD regexp 'x', jsquery 'x'    see the documentation of the API

Join conditions with and, or, and parentheses; and binds first. Several --where
are joined by and. Quote a value with blanks, commas or parentheses.

A date means the whole day: = 2026-10-05 is from its start to its end. Dates
are written as after --from. Durations are seconds, 90s, 5m, 2h or 00:01:30. The
account's title of a field can stand for its name, in quotes if it has commas.

comagic filters REPORT lists fields and operators; comagic filters REPORT FIELD
the values of a field. A mistake is shown with a caret before anything is sent.

Examples:
  comagic filters calls call_status --sandbox -f table
  comagic calls --sandbox --where 'call_total_duration > 5m' --max-rows 5
  comagic communications --sandbox --where 'communication_type = Чаты' --count
  comagic calls --sandbox --where 'tags is null and call_start_date >= -3d'"""

FORMATS = """\
Output formats: -f FORMAT, or the suffix of the file after -o.

  table    for reading; default on a terminal     .txt
  jsonl    JSON, one row per line; default        .jsonl .ndjson
           in a pipe
  json     JSON, one array                        .json
  csv      commas; --delimiter for another        .csv
  tsv      tabs; escapes \\t \\n \\r \\\\             .tsv
  xlsx     Excel, with typed cells                .xlsx
  parquet  needs the package pyarrow             .parquet
  sqlite   a table that is updated in place       .db .sqlite .sqlite3

-o postgresql://HOST/DB and -o clickhouse://HOST/DB update a table of a server
(--table NAME). The password comes from PGPASSWORD, ~/.pgpass or a service, or
from CLICKHOUSE_PASSWORD, never from the URL.

.gz or .zst after the name compresses csv, tsv, json and jsonl (.zst needs the
package zstandard). {date} or {month} in the name writes one file per day or
month; another run writes only the missing files. {user_id} or {customer}
writes one file per customer of an agent.

Values are written as the service sends them, unless these options change them:
--coded-values, --list-separator, --header, --newlines, --decimal, --excel,
--times, --flatten, --record-urls. Options that don't apply to the format are
refused.

Examples:
  comagic calls --sandbox --period yesterday -o calls.csv.gz
  comagic calls --sandbox --excel --header title -o for-excel.csv
  comagic calls --sandbox --period 3d -o 'calls/{date}.jsonl'"""

BUCKETS = """\
Buckets: -o s3://BUCKET/NAME, gs://BUCKET/NAME or az://CONTAINER/NAME. They need
the package obstore.

A bucket takes all that a folder takes, except databases: one file, or {date},
{month}, {user_id} and {customer}. Existing files are skipped, --refresh and
--manifest work, and comagic verify s3://... checks files. comagic
recordings and transcripts write there too, with the manifest beside the
recordings. An object is first written to a temporary file, then put whole: a
failed or killed run leaves no half object. So there is nothing to --resume.

Credentials and endpoints come from the environment, never from options:
  s3://   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
          AWS_REGION, AWS_ENDPOINT_URL for other services; AWS_PROFILE and the
          files of aws configure; the role of a machine of AWS
  gs://   GOOGLE_APPLICATION_CREDENTIALS, a key file
  az://   AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY, or
          AZURE_STORAGE_CONNECTION_STRING
Keys need the rights to list, read, write and delete objects below the name.

A run locks its output by an object NAME.lock that it renews. After a killed run
the next one waits 20 seconds to see if it is alive. A storage that has no
conditional puts has no locks: two runs must not write the same files at once.

Rows go to temporary files in TMPDIR first, which needs as much room. An object
of more than 5 GB is put in parts: let a lifecycle rule of the bucket delete
incomplete uploads that a killed run leaves.

Example:
  comagic calls --sandbox --period 7d -o 'calls/date={date}/part.parquet'
For a bucket, write s3://BUCKET/ before the name."""

CRON = """\
Scheduled exports. Nothing is printed unless something fails; the exit code says
what (comagic help exit-codes). In a crontab, write % as \\%.

  0 6 * * * comagic calls --period 7d -o 'calls/{date}.csv' --refresh 3d

--profile NAME chooses a saved account. {date} writes one file per day. Existing
files are skipped without an API call, and the next run writes the days of a
missed run, within --period.

Rows change later: tags, deals, the source of a visit and recordings are added
hours or days afterwards, and the service does not say when. --refresh 3d writes
the last three days again, but never beyond --period. For later changes, write
last month again from time to time (--period 1mo --refresh all), or export a
longer period to a database (--from -3mo -o calls.db): its rows are updated, and
those that the service no longer has are deleted.

--period {{ ds }} is the day of a run of Airflow; --till includes its day, so
--from {{ ds }} --till {{ next_ds }} would be two days.

A run locks its output: a second run for it ends with exit code 9. Limit the
wait for points with --max-wait 30m. With --log-format json the last line on
stderr says what came of the run: rows, points, warnings, exit code.

Examples:
  comagic calls --sandbox --period 7d -o 'calls/{date}.csv' --refresh 3d
  comagic calls --sandbox --period 7d -o calls.db"""


POINTS = """\
Points: what the API costs.

A point is one successful call of the API. An account has a number of points per
minute and per day; they depend on the contract: 60 to 250 a minute and 1 000 to
10 000 a day are usual. comagic account shows how many are left.

What an export costs:
  1 point    for each page of 10 000 rows, or fewer with --page-size
  1 point    for each period that the API takes at once: a year, or less
  1 or 2     to find the report and the time zone; the zone is saved for a day,
             --report-id and --tz make both unnecessary
  1 point    to check that no row is missing, where the count leaves a doubt
So a month of 8 000 calls costs about 3 points, a million calls about 100.

--count costs about as much as one page, --dry-run nothing. With -o and {date},
files that exist cost nothing. Calls that fail cost nothing.

When the points of a minute are used up, comagic waits; those of a day end the
run with exit code 7. --max-wait sets the longest wait; --resume continues the
export of a file. On a terminal, and with --log-format json, the last line says
how many points were used and are left.

Examples:
  comagic account --sandbox | jq .day_points_left
  comagic calls --sandbox --period last-month --count"""


ERRORS = """\
Errors of the service, by the name in parentheses in our error messages; what
they mean, and what to do."""

CODES = "Exit codes, for scripts and cron."

ENVIRONMENT = """\
Environment variables. Options override the environment; the environment
overrides the profile. Options of a single run have no variable."""

Rows = Iterator[tuple[str, str]]
Items: TypeAlias = list[CompletionItem[str]]
Say: TypeAlias = Callable[[str], str]  # translates a phrase; `str` leaves it in English

# The variables that are not those of options.
OTHER_VARIABLES = {
    "COMAGIC_TOKEN": "The token; it overrides the login",
    "COMAGIC_TOKEN_FILE": "As --token-file: a file with the token",
    "COMAGIC_LOGIN": "A login, with COMAGIC_PASSWORD, instead of a token",
    "COMAGIC_PASSWORD": "The password for COMAGIC_LOGIN",
    "COMAGIC_LANG": "Language of help topics, en or ru; default: the locale",
    "NO_COLOR": "If set, no colours",
    "XDG_CONFIG_HOME": "The folder of comagic/config.toml; default: ~/.config",
    "XDG_CACHE_HOME": "The folder of the cache; default: ~/.cache",
    "REQUESTS_CA_BUNDLE": "A file of CA certificates, for networks with their own",
    "HTTPS_PROXY": "The proxy; none is used to this machine",
}


def exit_codes(say: Say = str) -> Rows:
    """Yield the exit codes and their meanings."""
    yield from ((str(code), say(code.meaning)) for code in ExitCode)


def variables(root: click.Group, say: Say = str) -> Rows:
    """Yield the environment variables, and the option that each sets."""
    options: dict[str, str] = {}
    for _, command in commands(root):
        for param in command.params:
            if isinstance(param, click.Option) and isinstance(param.envvar, str):
                options.setdefault(param.envvar, max(param.opts, key=len))
    text = say("As {option}")
    yield from ((name, text.replace("{option}", options[name])) for name in sorted(options))
    yield from ((name, say(meaning)) for name, meaning in OTHER_VARIABLES.items())


def commands(root: click.Group, name: str = "comagic") -> Iterator[tuple[str, click.Command]]:
    """Yield every command of a group and its groups, with its full name."""
    context = click.Context(root, info_name=name)
    for word in root.list_commands(context):
        command = root.get_command(context, word)
        if command is not None:
            yield f"{name} {word}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")


def mnemonics(say: Say = str) -> Iterator[tuple[str, str, str, int]]:
    """Yield the errors of the service: mnemonic, meaning, what to do, and exit code."""
    for mnemonic, (error, meaning, hint) in API_ERRORS.items():
        text = say(hint).replace("{option}", say("the option it names"))
        text = text.replace("{address}", say("the address it names"))
        yield mnemonic, say(meaning), text, error.exit_code


def align(rows: Mapping[str, str]) -> Iterator[str]:
    """Yield lines of two columns."""
    width = max(map(len, rows))
    yield from (f"  {left.ljust(width)}  {right}" for left, right in rows.items())


WIDTH = 80  # columns of a page


def _exit_codes(_: click.Group, say: Say) -> Iterator[str]:
    yield from ("", *align(dict(exit_codes(say))))
    yield from ("", say("Example:"), "  comagic calls --sandbox --period yesterday -o calls.csv")


def _environment(root: click.Group, say: Say) -> Iterator[str]:
    yield from ("", *align(dict(variables(root, say))))
    yield from ("", say("Example:"), "  COMAGIC_FORMAT=csv comagic calls --sandbox --max-rows 3")


def _errors(_: click.Group, say: Say) -> Iterator[str]:
    for mnemonic, sentence, remedy, code in mnemonics(say):
        yield f"\n{mnemonic}"
        for text in (f"{sentence} ({say('exit code')} {code})", remedy):
            yield from textwrap.wrap(
                text,
                WIDTH,
                initial_indent="  ",
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )


def _nothing(_: click.Group, _say: Say) -> Iterator[str]:
    return iter(())


class Topic(NamedTuple):
    """A topic: its title, its text, and what is generated below the text."""

    title: str
    text: str
    rest: Callable[[click.Group, Say], Iterator[str]] = _nothing


TOPICS: dict[str, Topic] = {
    "filters": Topic("Filters: the language of --where", FILTERS),
    "dates": Topic("Dates: --from, --till, --period", DATES),
    "formats": Topic("Output formats and files", FORMATS),
    "buckets": Topic("Buckets of S3, Google Cloud and Azure", BUCKETS),
    "points": Topic("Points: what the API costs", POINTS),
    "cron": Topic("Scheduled exports, and rows that change later", CRON),
    "exit-codes": Topic("Exit codes", CODES, _exit_codes),
    "environment": Topic("Environment variables", ENVIRONMENT, _environment),
    "errors": Topic("Errors of the service, and what to do", ERRORS, _errors),
}


OTHER_TOPICS = {
    "azure": "buckets",
    "bucket": "buckets",
    "crontab": "cron",
    "csv": "formats",
    "date": "dates",
    "error": "errors",
    "excel": "formats",
    "exit": "exit-codes",
    "file": "formats",
    "filter": "filters",
    "format": "formats",
    "from": "dates",
    "json": "formats",
    "limits": "points",
    "output": "formats",
    "clickhouse": "formats",
    "database": "formats",
    "databases": "formats",
    "parquet": "formats",
    "postgres": "formats",
    "postgresql": "formats",
    "period": "dates",
    "point": "points",
    "quota": "points",
    "schedule": "cron",
    "sqlite": "formats",
    "till": "dates",
    "time": "dates",
    "variables": "environment",
    "where": "filters",
    "xlsx": "formats",
    "баллы": "points",
    "даты": "dates",
    "коды": "exit-codes",
    "ошибки": "errors",
    "отбор": "filters",
    "переменные": "environment",
    "период": "dates",
    "расписание": "cron",
    "фильтры": "filters",
    "форматы": "formats",
}
"""Other words for topics."""


class Translation(NamedTuple):
    """Texts of topics by name, and phrases by their English; what it lacks stays English."""

    pages: Mapping[str, str]
    phrases: Mapping[str, str]

    def say(self, phrase: str) -> str:
        """Return a phrase in the language."""
        return self.phrases.get(phrase, phrase)


def language(environ: Mapping[str, str]) -> str:
    """Return the language of topics, en or ru: COMAGIC_LANG decides, else the locale."""
    names = ("COMAGIC_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environ[name] for name in names if environ.get(name)), "")
    return "ru" if re.split(r"[\W_]", locale)[0].lower() == "ru" else "en"


def translation(name: str) -> Translation:
    """Read the texts of a language; English has none."""
    if name == "en":
        return Translation({}, {})
    text = files("comagic_cli.cli").joinpath(f"topics.{name}.toml").read_text("utf-8")
    return Translation(**tomllib.loads(text))


def complete_topics(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete topics and commands; after a group its commands."""
    group = _find_command(context.find_root(), context.params.get("words") or ())
    names = {name: topic.title for name, topic in TOPICS.items()}
    if isinstance(group, click.Group):
        inner = click.Context(group, parent=context.find_root())
        titles = {name: group.get_command(inner, name) for name in group.list_commands(inner)}
        commands = {name: each.get_short_help_str() for name, each in titles.items() if each}
        names = commands | (names if group == context.find_root().command else {})
    elif group is not None:
        names = {}
    return [
        CompletionItem(name, help=title)
        for name, title in names.items()
        if name.startswith(incomplete)
    ]


def _find_command(root: click.Context, words: Sequence[str]) -> click.Command | None:
    """Return the command that words name, below the root; `None` if there is none."""
    command: click.Command | None = root.command
    for word in words:
        if not isinstance(command, click.Group):
            return None
        command = command.get_command(root, word)
    return command


@click.command("help")
@click.argument("words", metavar="[TOPIC]", nargs=-1, shell_complete=complete_topics)
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def help_(context: click.Context, words: tuple[str, ...]) -> None:
    """Print the help of a topic or a command; without one, list them.

    \b
    Examples:
      comagic help
      comagic help dates
      comagic help calls
      comagic help profiles show
    """  # noqa: D301 - \b is Click's
    root = context.find_root()
    # The encoding of a terminal may lack a character, as KOI8-R lacks «.
    encoding = sys.stdout.encoding or "utf-8"
    for line in _help_on(words, root, translation(language(os.environ))):
        click.echo(line.encode(encoding, "replace").decode(encoding))


def _help_on(words: Sequence[str], root: click.Context, texts: Translation) -> Iterator[str]:
    """Yield the lines of help. Raises `UsageProblem` if there is neither topic nor command."""
    if not words:
        yield f"{root.get_help()}\n\n{texts.say('Topics of comagic help:')}"
        yield from align({name: texts.say(topic.title) for name, topic in TOPICS.items()})
        return
    name = "-".join(words).lower()
    name = OTHER_TOPICS.get(name, name)
    if name in TOPICS and isinstance(root.command, click.Group):
        yield from texts.pages.get(name, TOPICS[name].text).splitlines()
        yield from TOPICS[name].rest(root.command, texts.say)
    elif _find_command(root, words):
        root.command.main([*words, "--help"], prog_name="comagic", standalone_mode=False)
    else:
        _suggest(" ".join(words), root)


def _explain_field(word: str) -> str:
    """Say what a field or a group of fields is; "" for any other word."""
    if word in {"columns", "groups"}:
        return "See comagic fields REPORT; a group of fields is written as --fields @utm."
    others = having(word)
    if others:
        return f"It is a field of {first_of(others, MAX_OTHERS)}: see comagic fields {others[0]}."
    groups = [each.command for each in reports() if word in {one.group for one in each.fields}]
    if not word or not groups:
        return ""
    return (
        f"It is a group of fields of {first_of(groups, MAX_OTHERS)}: write --fields @{word}; "
        f"see comagic fields {groups[0]}."
    )


LIST = "list "


def _suggest(words: str, root: click.Context) -> NoReturn:
    """Raise `UsageProblem` with the nearest topics and commands."""
    names = [*TOPICS]
    if isinstance(root.command, click.Group):
        names += [name.removeprefix("comagic ") for name, _ in commands(root.command)]
    topics = f"Topics: {', '.join(TOPICS)}."
    hint = (
        _explain_field(words.removeprefix("@"))
        or suggest_command(
            words,
            {name: name for name in names if not name.startswith(LIST)},
            {name.removeprefix(LIST): name for name in names if name.startswith(LIST)},
        )
        or topics
    )
    raise UsageProblem(f"there is no topic or command {words!r}", hint=hint)
