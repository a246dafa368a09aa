"""`comagic verify`: check a file against the manifest of its export."""

from __future__ import annotations

from pathlib import Path

import click

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

    FILE is the output, its manifest being FILE.manifest.json, or the manifest itself. Size, SHA-256
    and, of csv, tsv and jsonl, the rows must be what it says, and it must say complete.

    \b
    Examples:
      comagic calls --sandbox -o calls.csv --manifest calls.csv.manifest.json
      comagic verify calls.csv
    """  # noqa: D301 - \b is Click's
    output, found = find(Path(file), Path(manifest) if manifest else None)
    verify_file(output, found)
    line = f"{output}: {found.rows} rows, {found.bytes} bytes, {found.state}\n"
    click.echo(line.encode(), nl=False)


def find(file: Path, named: Path | None) -> tuple[Path, Manifest]:
    """Find an output and its manifest. Raises `UsageProblem`."""
    if named is not None:
        return file, _manifest(named)
    if manifest_beside(file).exists():
        return file, _manifest(manifest_beside(file))
    told = read_manifest(file)
    if told is None:
        hint = f"Name it: comagic verify {file} --manifest M."
        raise UsageProblem(f"{file} has no manifest beside it, and is not one.", hint=hint)
    if told.output is None:
        hint = f"Name what holds the rows: comagic verify ROWS --manifest {file}."
        raise UsageProblem(f"{file} is of an export without a file.", hint=hint)
    return file.parent / told.output, told


def _manifest(path: Path) -> Manifest:
    told = read_manifest(path)
    if told is None:
        raise UsageProblem(f"{path} is not a manifest that this version of comagic can read.")
    return told
