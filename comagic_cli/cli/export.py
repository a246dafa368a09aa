"""The export commands, one a report, made from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from comagic_cli.cli.options import export_options, own_options, typed_options, world
from comagic_cli.cli.params import ExportCommand
from comagic_cli.export.options import ExportOptions

EXAMPLES = """\b
Examples:
  comagic {command} --sandbox --period last-week
  comagic {command} --sandbox --from -7d -f csv -o week.csv
  comagic {command} --sandbox --period yesterday | jq ."""

OF_IDS = """\b
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


def report_command(entry: Mapping[str, Any]) -> click.Command:
    """Make the command that exports a report, from its entry in the catalogue."""
    name, title = entry["command"], entry["title"]
    examples = OF_IDS if "entity_ids" in entry["params"] else EXAMPLES
    ids = "person_id" if name == "person-details" else "communication_id"

    @click.command(
        name,
        cls=ExportCommand,
        short_help=title,
        help=f"Export: {title}.\n\n{examples.format(command=name, ids=ids)}",
        epilog=EPILOG,
    )
    @own_options(entry["params"])
    @export_options
    @click.help_option("-h", "--help", help="Show this help.")
    def command(**typed: Any) -> None:
        # The export loads the network: --help does without.
        from comagic_cli.export.pipeline import run_export  # noqa: PLC0415
        from comagic_cli.query.catalog import report  # noqa: PLC0415

        options = ExportOptions(**_one_user(dated(typed)), **typed_options())
        run_export(report(name), options, world(options))

    return command


def dated(typed: dict[str, Any]) -> dict[str, Any]:
    """Let dates that are typed override the period of a profile."""
    source = click.get_current_context().get_parameter_source("period")
    if source is ParameterSource.DEFAULT_MAP and (typed["from_"] or typed["till"]):
        return typed | {"period": None}
    return typed


def _one_user(typed: dict[str, Any]) -> dict[str, Any]:
    """Make a single customer's user that of the account; only several are a list."""
    users = typed["users"]
    if len(users) == 1 and users != ("all",):
        return typed | {"user_id": users[0], "users": ()}
    return typed | {"user_id": None}
