"""`comagic verify`: check a file against its manifest, day files and tables against the service."""

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
from comagic_cli.cli.params import ExportCommand, ManifestFile, OutputFile, Text, bundle
from comagic_cli.errors import UsageProblem
from comagic_cli.export.context import Context
from comagic_cli.export.manifest import SUFFIX, Manifest, find_named, read_manifest
from comagic_cli.export.options import ExportOptions
from comagic_cli.export.verify import verify_file, verify_partitions, verify_table
from comagic_cli.files.cloud import is_bucket
from comagic_cli.files.output import DATABASE_SCHEMES, format_of, scheme_of
from comagic_cli.formats.partitions import (
    CUSTOMER_NAMES,
    FORMATS,
    Template,
    names_customers,
    read_template,
)
from comagic_cli.formats.registry import DATABASES

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
        type=ManifestFile(),
        help="The manifest of a file. [default: FILE.manifest.json, or FILE]",
    ),
    output_option("--table", metavar="NAME", type=Text(), help="The table of a database."),
    *(
        query_option(*names, metavar=metavar, help=f"Of day files or a table: {help_}")
        for names, metavar, help_ in (
            (("--period",), "P", "the days. [default: the files' or last export's]"),
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
    """Check a file against its manifest, day files and tables against the service.

    FILE is the output, whose manifest is FILE.manifest.json, or the manifest itself. Size, SHA-256
    and, for csv, tsv and jsonl, the number of rows must match, and the export must be complete.

    Or FILE names day files as their export did: 'calls/{date}.csv'. Or it is a database:
    postgresql://host/db, clickhouse://host/db or calls.db, with --table calls. The rows of each day
    (or month) there and those that the service counts are printed side by side; each costs a call.
    Days that differ, or whose file is missing, end with code 3.

    \b
    Examples:
      comagic calls --sandbox -o calls.csv --manifest calls.csv.manifest.json
      comagic verify calls.csv
      comagic calls --sandbox --period 3d -o 'calls/{date}.csv'
      comagic verify --sandbox 'calls/{date}.csv'
    """  # noqa: D301 - \b is Click's
    values = split_users(values) | read_command_line() | NOT_CHOSEN
    options = ExportOptions(output=file, table=table, **values)
    context = make_context(options)
    if template := find_template(file):
        if option := "--manifest" * bool(manifest) or "--table" * bool(table):
            raise UsageProblem(f"{option} can't be used with {file}", hint=f"Omit {option}.")
        verify_partitions(template, options, context)
        return
    if scheme_of(file) in DATABASE_SCHEMES or table is not None:
        _check_database(file, table, manifest)
        verify_table(options, context)
        return
    with ExitStack() as stores:
        fetch = partial(_fetch, context, stores)
        output, record = find_manifest(file, manifest, fetch)
        verify_file(fetch(output) or _missing(output), record, output)
    line = f"{output}: {record.rows} rows, {record.bytes} bytes, {record.state}\n"
    click.echo(line.encode(), nl=False)
    facts = {name: getattr(record, name) for name in ("rows", "period", "bytes")}
    CONSOLE.record(line.strip(), output=output, **facts)


def find_template(file: str) -> Template | None:
    """Return the template of day files; `None` for a single file. Raises `UsageProblem`."""
    if not any(f"{{{name}}}" in file for name in (*FORMATS, *CUSTOMER_NAMES)):
        return None  # braces of a single file stand for themselves
    if names_customers(file):
        raise UsageProblem(
            f"{file} names the files of several customers: verify one customer's at a time",
            hint="Write a customer's own number or name instead of the placeholder.",
        )
    template = read_template(file)
    return template if isinstance(template, Template) else None


def _check_database(file: str, table: str | None, manifest: str | None) -> None:
    """Refuse what is not a table of a database that is there."""
    is_server = scheme_of(file) in DATABASE_SCHEMES
    if not is_server and (is_bucket(file) or format_of(file) != "sqlite"):
        raise UsageProblem(
            "--table is of databases.", hint="Name one: postgresql://host/db, or calls.db."
        )
    if table is None:
        raise UsageProblem("verify: name the table of the database", hint="Add --table NAME.")
    if manifest is not None:
        raise UsageProblem("--manifest can't be used with --table", hint="Omit --manifest.")
    if not is_server and not Path(file).is_file():  # else it would be created
        raise UsageProblem(f"{file} can't be read: there is no such file.")


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
        if manifest.asked.get("format") in DATABASES:
            raise UsageProblem(
                f"{file} is the manifest of an export to a table.",
                hint="Compare the table with the service: comagic verify DATABASE --table NAME.",
            )
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
