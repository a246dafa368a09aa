"""`comagic verify`: check a file against its manifest, a table against the service."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
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
from comagic_cli.export.context import Context
from comagic_cli.export.manifest import SUFFIX, Manifest, find_named, read_manifest
from comagic_cli.export.options import ExportOptions
from comagic_cli.export.verify import verify_file, verify_table
from comagic_cli.files.cloud import is_bucket
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
    values = split_users(values) | read_command_line() | NOT_CHOSEN
    options = ExportOptions(output=file, table=table, **values)
    context = make_context(options)
    if scheme_of(file) in DATABASE_SCHEMES:
        if table is None or manifest is not None:
            raise UsageProblem("verify: name the table of the database", hint="Add --table NAME.")
        verify_table(options, context)
        return
    if table is not None:
        raise UsageProblem("--table is of databases.", hint="Name one: postgresql://host/db.")
    with ExitStack() as stores:
        fetch = partial(_fetch, context, stores)
        output, record = find_manifest(file, manifest, fetch)
        verify_file(fetch(output) or _missing(output), record, output)
    line = f"{output}: {record.rows} rows, {record.bytes} bytes, {record.state}\n"
    click.echo(line.encode(), nl=False)
    CONSOLE.record(line.strip(), rows=record.rows, output=output, bytes=record.bytes)


Fetch = Callable[[str], Path | None]
"""Return a local file with the bytes of a path or URL; `None` if there is none."""


def _fetch(context: Context, stores: ExitStack, target: str) -> Path | None:
    store, name = context.find_store(target)
    stores.enter_context(store.open())
    return store.fetch(name)


def find_manifest(file: str, path: str | None, fetch: Fetch) -> tuple[str, Manifest]:
    """Return the output and its manifest; `path` is --manifest. Raises `UsageProblem`."""
    if path is not None:
        return file, _read(path, fetch(path))
    beside = file + SUFFIX
    if found := fetch(beside):
        return file, _read(beside, found)
    manifest = read_manifest(fetch(file) or _missing(file), file)
    if manifest is None:
        hint = f"Name it: comagic verify {file} --manifest M."
        raise UsageProblem(f"{file} has no manifest beside it, and is not one.", hint=hint)
    if manifest.output is None:
        hint = f"Name the file with the rows: comagic verify ROWS --manifest {file}."
        raise UsageProblem(f"{file} is the manifest of an export to stdout.", hint=hint)
    return find_named(file, manifest.output), manifest


def _missing(target: str) -> Path:
    """Return the path of what is not there: to read it tells why."""
    if is_bucket(target):
        raise UsageProblem(f"{target} can't be read: there is no such object.")
    return Path(target)


def _read(path: str, found: Path | None) -> Manifest:
    manifest = read_manifest(found or _missing(path), path)
    if manifest is None:
        raise UsageProblem(f"{path} is not a manifest that this version of comagic can read.")
    return manifest
