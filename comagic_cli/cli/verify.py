"""`comagic verify`: check a file against the manifest of its export."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from comagic_cli.cli.console import CONSOLE, StderrReporter
from comagic_cli.errors import UsageProblem
from comagic_cli.export.context import Clock, Context, Progress
from comagic_cli.export.manifest import SUFFIX, Manifest, read_manifest, verify_file
from comagic_cli.files.cloud import is_bucket, split_url


@click.command()
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "--manifest",
    metavar="M",
    type=click.Path(),
    help="The manifest. [default: FILE.manifest.json, or FILE]",
)
@click.help_option("-h", "--help", help="Show this help.")
def verify(file: str, manifest: str | None) -> None:
    """Check a file against the manifest of its export, also in a bucket.

    FILE is the output, whose manifest is FILE.manifest.json, or the manifest itself. Size, SHA-256
    and, for csv, tsv and jsonl, the number of rows must match, and the export must be complete.

    \b
    Examples:
      comagic calls --sandbox -o calls.csv --manifest calls.csv.manifest.json
      comagic verify calls.csv
    """  # noqa: D301 - \b is Click's
    context = Context(
        reporter=StderrReporter(False, False, Progress),  # noqa: FBT003 - neither quiet nor verbose
        clock=click.get_current_context().find_object(Clock) or Clock(),
        environ=os.environ,
    )
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
    return _find_output(file, manifest.output), manifest


def _find_output(manifest: str, output: str) -> str:
    """Return the path or URL of an output that a manifest names from its own folder."""
    if is_bucket(output):
        return output
    if not is_bucket(manifest):
        return str(Path(manifest).parent / output)
    scheme, bucket, key = split_url(manifest)
    return (
        f"{scheme}://{bucket}/{posixpath.normpath(posixpath.join(posixpath.dirname(key), output))}"
    )


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
