"""`comagic verify`: check a file against its manifest, a table against the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from comagic_cli.cli.console import CONSOLE
from comagic_cli.cli.options import (
    QUIET,
    VERBOSE,
    customers_options,
    help_option,
    make_context,
    output_option,
    query_option,
    read_command_line,
    split_users,
)
from comagic_cli.cli.params import ExportCommand, OutputFile, Text, bundle
from comagic_cli.errors import UsageProblem
from comagic_cli.export.manifest import Manifest, manifest_beside, read_manifest
from comagic_cli.export.options import ExportOptions
from comagic_cli.export.verify import verify_file, verify_table
from comagic_cli.files.output import DATABASE_SCHEMES, scheme_of

NOT_CHOSEN: dict[str, Any] = {
    **dict.fromkeys(("format", "max_rows", "manifest", "delimiter")),
    **dict.fromkeys(("vertical", "count", "dry_run", "keep_incomplete", "excel", "flatten"), False),
    "fields": (),
    "coded_values": "value",
    "list_separator": "; ",
    "header": "id",
    "newlines": "keep",
    "decimal": ".",
    "times": "keep",
}
"""The options of an export that mean nothing here."""
table_options = bundle(
    output_option(
        "--manifest",
        metavar="M",
        type=click.Path(),
        help="The manifest of a file. [default: FILE.manifest.json, or FILE]",
    ),
    output_option("--table", metavar="NAME", type=Text(), help="The table of a database."),
    *(
        query_option(*names, metavar=metavar, help=f"Of a table: {help_}")
        for names, metavar, help_ in (
            (("--period",), "P", "the days. [default: those of the last export]"),
            (("--from", "from_"), "WHEN", "the first day."),
            (("--till",), "WHEN", "the last day."),
        )
    ),
    QUIET,
    VERBOSE,
    customers_options,
    help_option,
)


@click.command(cls=ExportCommand)
@click.argument("file", metavar="FILE", type=OutputFile(tables=True))
@table_options
def verify(file: str, manifest: str | None, table: str | None, **values: Any) -> None:
    """Check a file against its manifest, or a table against the service.

    FILE is the output, whose manifest is FILE.manifest.json, or the manifest itself. Size, SHA-256
    and, for csv, tsv and jsonl, the number of rows must match, and the export must be complete.

    Or FILE is the URL of a database: postgresql://host/db --table calls. The rows of each day in
    the table and those that the service counts are printed side by side; a day costs a call. Days
    that differ end with code 3.

    \b
    Examples:
      comagic calls --sandbox -o calls.csv --manifest calls.csv.manifest.json
      comagic verify calls.csv
    """  # noqa: D301 - \b is Click's
    if scheme_of(file) in DATABASE_SCHEMES:
        if table is None or manifest is not None:
            raise UsageProblem("verify: name the table of the database", hint="Add --table NAME.")
        values = split_users(values) | read_command_line() | NOT_CHOSEN
        options = ExportOptions(output=file, table=table, **values)
        verify_table(options, make_context(options))
        return
    if table is not None:
        raise UsageProblem("--table is of databases.", hint="Name one: postgresql://host/db.")
    output, record = find_manifest(Path(file), Path(manifest) if manifest else None)
    verify_file(output, record)
    line = f"{output}: {record.rows} rows, {record.bytes} bytes, {record.state}\n"
    click.echo(line.encode(), nl=False)
    CONSOLE.record(line.strip(), rows=record.rows, output=str(output), bytes=record.bytes)


def find_manifest(file: Path, path: Path | None) -> tuple[Path, Manifest]:
    """Return the output and its manifest; `path` is --manifest. Raises `UsageProblem`."""
    if path is not None:
        return file, _read(path)
    if manifest_beside(file).exists():
        return file, _read(manifest_beside(file))
    manifest = read_manifest(file)
    if manifest is None:
        hint = f"Name it: comagic verify {file} --manifest M."
        raise UsageProblem(f"{file} has no manifest beside it, and is not one.", hint=hint)
    if manifest.output is None:
        hint = f"Name the file with the rows: comagic verify ROWS --manifest {file}."
        raise UsageProblem(f"{file} is the manifest of an export to stdout.", hint=hint)
    return file.parent / manifest.output, manifest


def _read(path: Path) -> Manifest:
    manifest = read_manifest(path)
    if manifest is None:
        raise UsageProblem(f"{path} is not a manifest that this version of comagic can read.")
    return manifest
