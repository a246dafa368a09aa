"""`comagic help`: what is worth a page of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from comagic_cli.errors import ExitCode

DATES = """\
Which days an export is about.

--from and --till take
  2026-10-05             that day; --till a day means to its end
  05.10.2026             the same, day first
  2026-10-05 14:30       that minute; with :00 after it, that second
  today, yesterday, now
  -7d, -2w, -3mo, -1y    midnight so many days, weeks, months, years ago
  -12h                   exactly 12 hours ago

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

  table    to read; default on a terminal        .txt
  jsonl    JSON, one row a line; default in a pipe .jsonl .ndjson
  json     JSON, one array                        .json
  csv      commas; --delimiter for another        .csv
  tsv      tabs; \\t \\n \\r \\\\ are written so       .tsv
  xlsx     Excel; pip install 'comagic[xlsx]'     .xlsx
  parquet  pip install 'comagic[parquet]'         .parquet
  sqlite   a table that is updated in place       .db .sqlite .sqlite3

.gz or .zst after the name packs csv, tsv, json and jsonl (.zst wants pip
install 'comagic[zst]'). {date} or {month} in the name writes one file a day or
a month, and a second run writes only what is new.

Values are written as the service gave them. These change that: --coded-values,
--list-separator, --header, --newlines, --decimal, --excel, --times, --flatten,
--record-urls. Options that don't apply to the
format are refused.

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


Rows = Iterator[tuple[str, str]]

# What is heeded beside the options' own variables.
OTHERS = {
    "COMAGIC_TOKEN": "The token; it overrides the login",
    "COMAGIC_TOKEN_FILE": "As --token-file: a file with the token",
    "COMAGIC_LOGIN": "With COMAGIC_PASSWORD: a login, instead of a token",
    "COMAGIC_PASSWORD": "Its password",
    "NO_COLOR": "Where it is set, no colours",
    "XDG_CONFIG_HOME": "The folder of comagic/config.toml, usually ~/.config",
    "XDG_CACHE_HOME": "The folder of the cache, usually ~/.cache",
    "REQUESTS_CA_BUNDLE": "A file of certificates, where the network has its own",
    "HTTPS_PROXY": "The proxy to go through",
}


def exit_codes() -> Rows:
    """Yield codes and what they mean."""
    yield from ((str(code), code.meaning) for code in ExitCode)


def variables(root: click.Group) -> Rows:
    """Yield the environment variables, and the option that each stands in for."""
    found: dict[str, str] = {}
    for _, command in commands(root):
        for param in command.params:
            if isinstance(param, click.Option) and isinstance(param.envvar, str):
                found.setdefault(param.envvar, max(param.opts, key=len))
    yield from ((name, f"As {option}") for name, option in sorted(found.items()))
    yield from OTHERS.items()


def commands(root: click.Group, name: str = "comagic") -> Iterator[tuple[str, click.Command]]:
    """Yield every command below a group, as it is typed, those of its groups too."""
    context = click.Context(root, info_name=name)
    for below in root.list_commands(context):
        command = root.get_command(context, below)
        if command is not None:
            yield f"{name} {below}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {below}")


def mnemonics() -> Iterator[tuple[str, str, str, int]]:
    """Yield how the service refuses, out of the table that the program goes by.

    Each is its mnemonic, what that means, what to do about it, and the exit code.
    """
    from comagic_cli.api.errors import ERRORS as API_ERRORS  # noqa: PLC0415 - loads the network

    for mnemonic, (kind, sentence, remedy) in API_ERRORS.items():
        told = remedy.replace("{option}", "the option it names")
        yield mnemonic, sentence, told.replace("{address}", "the address it names"), kind.exit_code


def listed(rows: Mapping[str, str]) -> Iterator[str]:
    """Yield lines of two columns."""
    widest = max(map(len, rows))
    yield from (f"  {left.ljust(widest)}  {right}" for left, right in rows.items())


ERRORS = """\
How the service refuses, by the name that stands in parentheses in our errors;
what that means, and what to do about it."""

CODES = "What the program ends with, for scripts and cron."

ENVIRONMENT = """\
What can be set in the environment. Options override the environment; the
environment overrides the profile. What changes one run only can't be set here."""


def _exit_codes(_: click.Group) -> Iterator[str]:
    yield from (CODES, "", *listed(dict(exit_codes())))
    yield from ("", "Example:", "  comagic calls --sandbox --period yesterday -o calls.csv")


def _environment(root: click.Group) -> Iterator[str]:
    yield from (ENVIRONMENT, "", *listed(dict(variables(root))))
    yield from ("", "Example:", "  COMAGIC_FORMAT=csv comagic calls --sandbox --max-rows 3")


def _errors(_: click.Group) -> Iterator[str]:
    yield ERRORS
    for mnemonic, sentence, remedy, code in mnemonics():
        yield f"\n{mnemonic}\n  {sentence} (exit code {code})\n  {remedy}"


def _page(text: str) -> Callable[[click.Group], Iterator[str]]:
    return lambda _: iter(text.splitlines())


TOPICS = {
    "filters": ("Which rows: the language of --where", _page(FILTERS)),
    "dates": ("Which days: --from, --till, --period", _page(DATES)),
    "formats": ("How rows are written, and where to", _page(FORMATS)),
    "cron": ("Every night by itself, and rows that change later", _page(CRON)),
    "exit-codes": ("What the program ends with", _exit_codes),
    "environment": ("What can be set in the environment", _environment),
    "errors": ("How the service refuses, and what to do", _errors),
}


class Topic(click.Choice[str]):
    """A topic, or a command, whose help is told as by its own --help."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return its name."""
        root = ctx and ctx.find_root().command
        if ctx and isinstance(root, click.Group) and value in root.list_commands(ctx):
            return str(value)
        return super().convert(value, param, ctx)


@click.command("help")
@click.argument("topic", metavar="[TOPIC]", required=False, type=Topic([*TOPICS]), default=None)
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def help_(context: click.Context, topic: str | None) -> None:
    """Print the help of a topic or a command; without one, list them.

    \b
    Examples:
      comagic help
      comagic help dates
      comagic help calls
    """  # noqa: D301 - \b is Click's
    root = context.find_root()
    if topic is not None and topic not in TOPICS:
        root.command.main([topic, "--help"], prog_name="comagic", standalone_mode=False)
        return
    if topic is None:
        click.echo(f"{root.get_help()}\n\nTopics of comagic help:")
        lines = listed({name: title for name, (title, _) in TOPICS.items()})
    else:
        command = root.command
        lines = TOPICS[topic][1](command) if isinstance(command, click.Group) else iter(())
    for line in lines:
        click.echo(line)
