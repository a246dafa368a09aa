"""`comagic help`: pages on topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from comagic_cli.api.errors import ERRORS as API_ERRORS
from comagic_cli.errors import ExitCode, UsageProblem
from comagic_cli.query.suggest import did_you_mean

DATES = """\
The period of an export: --from and --till, or --period.

All three take
  2026-10-05, 5.10.2026, 20261005    a day; with dots, the day comes first
  today, yesterday
  this-week, this-month, this-quarter, this-year
  last-week, last-month, last-quarter, last-year
                                     weeks begin on Monday
  2026, 2026-10, 2026-Q3, 2026-W41   a year, month, quarter, ISO week

--from starts at the beginning of it, --till ends at its end. They also take
  2026-10-05 14:30, now      a minute; with :00 after it, a second
  2026-10-05T14:30+03:00     converted to the account's time zone
  -7d, -2w, -3mo, -1y        midnight 7 days, 2 weeks, 3 months, 1 year ago
  -12h                       exactly 12 hours ago

--period also takes
  7d, 4w, 3mo, 1y            whole days, weeks, months, years before the current
                             one

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
  FIELD overlap (a, b)             a list that contains one of these; not overlap
  FIELD regexp 'x', jsquery 'x'    see the documentation of the API

Join conditions with and, or, and parentheses; and binds first. Several --where
are joined by and. Quote a value with blanks, commas or parentheses.

A date means the whole day: = 2026-10-05 is from its start to its end. Dates
are written as after --from. Durations are seconds, 90s, 5m, 2h or 00:01:30. The
account's title of a field can stand for its name, in quotes if it has blanks.

comagic filters REPORT lists fields and operators; comagic filters REPORT FIELD
the values of a field. A mistake is shown with a caret before anything is sent.

Examples:
  comagic filters calls call_status --sandbox -f table
  comagic calls --sandbox --where 'call_total_duration > 5m' --max-rows 5
  comagic communications --sandbox --where 'communication_type in (Звонки, Чаты)' --count
  comagic communications --sandbox --where 'tags is null and visit_date >= -3d' --count"""

FORMATS = """\
Output formats: -f FORMAT, or the suffix of the file after -o.

  table    for reading; default on a terminal     .txt
  jsonl    JSON, one row per line; default        .jsonl .ndjson
           in a pipe
  json     JSON, one array                        .json
  csv      commas; --delimiter for another        .csv
  tsv      tabs; escapes \\t \\n \\r \\\\             .tsv
  xlsx     Excel; pip install 'comagic[xlsx]'     .xlsx
  parquet  pip install 'comagic[parquet]'         .parquet
  sqlite   a table that is updated in place       .db .sqlite .sqlite3

.gz or .zst after the name compresses csv, tsv, json and jsonl (.zst needs pip
install 'comagic[zst]'). {date} or {month} in the name writes one file per day
or month; another run writes only the missing files.

Values are written as the service sends them, unless these options change them:
--coded-values, --list-separator, --header, --newlines, --decimal, --excel,
--times, --flatten, --record-urls. Options that don't apply to the format are
refused.

Examples:
  comagic calls --sandbox --period yesterday -o calls.csv.gz
  comagic calls --sandbox --period yesterday -f csv --excel --header title -o for-excel.csv
  comagic calls --sandbox --period 3d -o 'calls/{date}.jsonl'"""

CRON = """\
Scheduled exports. Nothing is printed unless something fails; the exit code says
what (comagic help exit-codes). In a crontab, write % as \\%.

  0 6 * * * comagic calls --profile work --period 7d -o 'calls/{date}.csv' --refresh 3d

{date} writes one file per day. Existing files are skipped without an API call,
and the next run writes the days of a missed run, within --period.

Rows change later: tags, deals, the source of a visit and recordings are added
hours or days afterwards, and the service does not say when. --refresh 3d writes
the last three days again, but never beyond --period. For later changes, write
last month again from time to time (--period 1mo --refresh all), or export a
longer period to a database (--from -3mo -o calls.db): existing rows are updated.

A run locks its output: a second run for it ends with exit code 9. Limit the
wait for points with --max-wait 30m.

Examples:
  comagic calls --sandbox --period 7d -o 'calls/{date}.csv' --refresh 3d
  comagic calls --sandbox --period 7d -o calls.db"""


Rows = Iterator[tuple[str, str]]

# The variables that are not those of options.
OTHER_VARIABLES = {
    "COMAGIC_TOKEN": "The token; it overrides the login",
    "COMAGIC_TOKEN_FILE": "As --token-file: a file with the token",
    "COMAGIC_LOGIN": "A login, with COMAGIC_PASSWORD, instead of a token",
    "COMAGIC_PASSWORD": "The password for COMAGIC_LOGIN",
    "NO_COLOR": "If set, no colours",
    "XDG_CONFIG_HOME": "The folder of comagic/config.toml; default: ~/.config",
    "XDG_CACHE_HOME": "The folder of the cache; default: ~/.cache",
    "REQUESTS_CA_BUNDLE": "A file of CA certificates, for networks with their own",
    "HTTPS_PROXY": "The proxy",
}


def exit_codes() -> Rows:
    """Yield the exit codes and their meanings."""
    yield from ((str(code), code.meaning) for code in ExitCode)


def variables(root: click.Group) -> Rows:
    """Yield the environment variables, and the option that each sets."""
    options: dict[str, str] = {}
    for _, command in commands(root):
        for param in command.params:
            if isinstance(param, click.Option) and isinstance(param.envvar, str):
                options.setdefault(param.envvar, max(param.opts, key=len))
    yield from ((name, f"As {option}") for name, option in sorted(options.items()))
    yield from OTHER_VARIABLES.items()


def commands(root: click.Group, name: str = "comagic") -> Iterator[tuple[str, click.Command]]:
    """Yield every command of a group and its groups, with its full name."""
    context = click.Context(root, info_name=name)
    for word in root.list_commands(context):
        command = root.get_command(context, word)
        if command is not None:
            yield f"{name} {word}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")


def mnemonics() -> Iterator[tuple[str, str, str, int]]:
    """Yield the errors of the service: mnemonic, meaning, what to do, and exit code."""
    for mnemonic, (error, meaning, hint) in API_ERRORS.items():
        text = hint.replace("{option}", "the option it names")
        yield mnemonic, meaning, text.replace("{address}", "the address it names"), error.exit_code


def align(rows: Mapping[str, str]) -> Iterator[str]:
    """Yield lines of two columns."""
    width = max(map(len, rows))
    yield from (f"  {left.ljust(width)}  {right}" for left, right in rows.items())


ERRORS = """\
Errors of the service, by the name in parentheses in our error messages; what
they mean, and what to do."""

CODES = "Exit codes, for scripts and cron."

ENVIRONMENT = """\
Environment variables. Options override the environment; the environment
overrides the profile. Options of a single run have no variable."""


def _exit_codes(_: click.Group) -> Iterator[str]:
    yield from (CODES, "", *align(dict(exit_codes())))
    yield from ("", "Example:", "  comagic calls --sandbox --period yesterday -o calls.csv")


def _environment(root: click.Group) -> Iterator[str]:
    yield from (ENVIRONMENT, "", *align(dict(variables(root))))
    yield from ("", "Example:", "  COMAGIC_FORMAT=csv comagic calls --sandbox --max-rows 3")


def _errors(_: click.Group) -> Iterator[str]:
    yield ERRORS
    for mnemonic, sentence, remedy, code in mnemonics():
        yield f"\n{mnemonic}\n  {sentence} (exit code {code})\n  {remedy}"


def _page(text: str) -> Callable[[click.Group], Iterator[str]]:
    return lambda _: iter(text.splitlines())


TOPICS = {
    "filters": ("Filters: the language of --where", _page(FILTERS)),
    "dates": ("Dates: --from, --till, --period", _page(DATES)),
    "formats": ("Output formats and files", _page(FORMATS)),
    "cron": ("Scheduled exports, and rows that change later", _page(CRON)),
    "exit-codes": ("Exit codes", _exit_codes),
    "environment": ("Environment variables", _environment),
    "errors": ("Errors of the service, and what to do", _errors),
}


OTHER_TOPICS = {
    "date": "dates",
    "error": "errors",
    "excel": "formats",
    "exit": "exit-codes",
    "filter": "filters",
    "format": "formats",
    "from": "dates",
    "period": "dates",
    "points": "errors",
    "time": "dates",
    "where": "filters",
    "xlsx": "formats",
}
"""Other words for topics."""


class Topic(click.Choice[str]):
    """A topic, or a command, whose help is that of its own --help."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002 - Click's
        """Return the name. Raises `UsageProblem` if there is no such topic."""
        root = ctx and ctx.find_root().command
        commands = root.list_commands(ctx) if ctx and isinstance(root, click.Group) else []
        if value in commands:
            return str(value)
        if (topic := OTHER_TOPICS.get(value, value)) in TOPICS:
            return str(topic)
        hint = did_you_mean(str(value), [*TOPICS, *commands]) or f"Topics: {', '.join(TOPICS)}."
        raise UsageProblem(f"there is no topic or command {value!r}", hint=hint)


@click.command("help")
@click.argument("topic", metavar="[TOPIC]", required=False, type=Topic([*TOPICS]), default=None)
@click.argument("subcommand", metavar="[SUBCOMMAND]", required=False)
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def help_(context: click.Context, topic: str | None, subcommand: str | None) -> None:
    """Print the help of a topic or a command; without one, list them.

    \b
    Examples:
      comagic help
      comagic help dates
      comagic help calls
    """  # noqa: D301 - \b is Click's
    root = context.find_root()
    if topic is not None and topic not in TOPICS:
        words = [topic, subcommand, "--help"] if subcommand else [topic, "--help"]
        root.command.main(words, prog_name="comagic", standalone_mode=False)
        return
    if topic is None:
        click.echo(f"{root.get_help()}\n\nTopics of comagic help:")
        lines = align({name: title for name, (title, _) in TOPICS.items()})
    else:
        command = root.command
        lines = TOPICS[topic][1](command) if isinstance(command, click.Group) else iter(())
    for line in lines:
        click.echo(line)
