"""`comagic verify`: check a file against the manifest of its export."""

from __future__ import annotations

from pathlib import Path

import click

from comagic_cli.cli.console import CONSOLE
from comagic_cli.errors import UsageProblem
from comagic_cli.export.manifest import Manifest, manifest_beside, read_manifest, verify_file


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
    """Check a file against the manifest of its export.

    FILE is the output, whose manifest is FILE.manifest.json, or the manifest itself. Size, SHA-256
    and, for csv, tsv and jsonl, the number of rows must match, and the export must be complete.

    \b
    Examples:
      comagic calls --sandbox -o calls.csv --manifest calls.csv.manifest.json
      comagic verify calls.csv
    """  # noqa: D301 - \b is Click's
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
