"""The export commands: one per report, made from the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from comagic_cli.cli.console import is_stdout_file
from comagic_cli.cli.options import (
    drop_profile_period,
    export_options,
    inapplicable_options,
    make_context,
    read_command_line,
    split_users,
    take_params,
)
from comagic_cli.cli.params import ReportCommand
from comagic_cli.export.context import Context
from comagic_cli.export.options import ExportOptions
from comagic_cli.query.catalog import ReportType, list_named, report
from comagic_cli.query.query import IDS

Export = Callable[[ReportType, ExportOptions, Context], None]

JSON_LINES_WRITTEN = "comagic: JSON Lines were written. For CSV: -f csv, or -o FILE.csv."

EXAMPLES = """\b
Examples:
  comagic {command} --sandbox --period last-week
  comagic {command} --sandbox --from -7d -f csv -o week.csv
  comagic {command} --sandbox --period yesterday | jq ."""

EXAMPLES_WITH_IDS = """\b
Examples:
  comagic {command} --sandbox --period last-month --ids 5001,5002
  comagic communications --sandbox --fields {ids} -f csv > ids.csv
  comagic {command} --sandbox --ids ids.csv -f csv
  comagic {command} --sandbox --ids - --max-rows 3 < ids.csv"""

EXAMPLES_OF_LIST = """\b
Examples:
  comagic {words}
  comagic {words} -f csv -o {name}.csv"""

EPILOG = """\b
The default --format is that of the suffix of -o (.csv, .tsv, .jsonl, .json,
.xlsx, .parquet, .db), then COMAGIC_FORMAT, else table on a terminal (50 rows)
and jsonl in a pipe. The default period is the seven days before today, and
today. SQLite: rows are added to, or updated in, the existing table.
See comagic help filters, dates, formats; comagic fields REPORT.

\b
The token comes from --token-file, COMAGIC_TOKEN or a profile (comagic login).
COMAGIC_PROFILE, _BASE_URL, _TOKEN_FILE, _USER_ID, _TZ, _REPORT_ID, _FIELDS,
_FORMAT, _TIMEOUT and _MAX_WAIT set the options of those names and override
the profile. So do COMAGIC_CODED_VALUES, _LIST_SEPARATOR, _HEADER, _DELIMITER,
_NEWLINES, _DECIMAL, _EXCEL, _FLATTEN, _TIMES and _RECORD_HOST, in formats
that they apply to."""


def is_redirected(options: ExportOptions) -> bool:
    """Check if rows went to a file, as by `> calls.csv`, and nothing says in which format."""
    is_chosen = options.format or options.output or options.count or options.dry_run
    return not is_chosen and is_stdout_file()


def report_command(name: str, run: Export) -> click.Command:
    """Make the command that exports a report; `run` exports it."""
    entry = report(name)
    ids = "person_id" if name == "person-details" else "communication_id"
    examples = EXAMPLES_WITH_IDS if IDS[0] in entry.params else EXAMPLES
    return export_command(entry, name, examples.format(command=name, ids=ids), run)


def list_command(name: str, run: Export) -> click.Command:
    """Make the command that exports a list; `run` exports it."""
    entry = list_named(name)
    required = [
        f"--{each.replace('_', '-')} …" for each, param in entry.params.items() if param.required
    ]
    words = " ".join([entry.words, "--sandbox", *required])
    return export_command(entry, name, EXAMPLES_OF_LIST.format(words=words, name=name), run)


def export_command(entry: ReportType, name: str, examples: str, run: Export) -> click.Command:
    """Make the command that exports a report or a list; `run` exports it."""

    @click.command(
        name,
        cls=ReportCommand,
        short_help=entry.title,
        help=f"Export: {entry.title}.\n\n{examples}",
        epilog=EPILOG,
    )
    @export_options(entry)
    def command(**values: Any) -> None:
        values = take_params(entry, split_users(drop_profile_period(values)))
        options = ExportOptions(**values, **read_command_line())
        context = make_context(options)
        run(entry, options, context)
        if is_redirected(options):
            context.reporter.info(JSON_LINES_WRITTEN)

    inapplicable = inapplicable_options(entry)
    command.params = [param for param in command.params if param.name not in inapplicable]
    return command
