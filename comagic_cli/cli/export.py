"""The export commands: one per report, made from the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from comagic_cli.cli.console import CONSOLE, is_stdout_file
from comagic_cli.cli.options import (
    drop_profile_period,
    export_options,
    make_context,
    read_command_line,
    split_users,
)
from comagic_cli.cli.params import ReportCommand
from comagic_cli.export.context import Context
from comagic_cli.export.options import ExportOptions
from comagic_cli.query.catalog import ReportType, report
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
    examples = EXAMPLES_WITH_IDS if IDS in entry.params else EXAMPLES
    ids = "person_id" if name == "person-details" else "communication_id"

    @click.command(
        name,
        cls=ReportCommand,
        short_help=entry.title,
        help=f"Export: {entry.title}.\n\n{examples.format(command=name, ids=ids)}",
        epilog=EPILOG,
    )
    @export_options(entry.params)
    def command(**values: Any) -> None:
        values = split_users(drop_profile_period(values))
        options = ExportOptions(**values, **read_command_line())
        context = make_context(options)
        run(entry, options, context)
        if is_redirected(options) and CONSOLE.outcome.facts.get("rows"):
            context.reporter.info(JSON_LINES_WRITTEN)

    return command
