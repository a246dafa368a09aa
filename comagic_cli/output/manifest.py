"""The manifest: the record of an ended export, beside its file or anywhere else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

from comagic_cli.files.stream import reading
from comagic_cli.output.record import Record

FORMAT: Final = 1
ENDING = ".manifest.json"
MOST = 1 << 28  # bytes; what is longer is no manifest


class Manifest(Record, frozen=True, kw_only=True):
    """What an export asked and brought.

    `output` is the file, from the manifest's own folder; null for what is no file, and where no
    row came. `missing` says what an incomplete one lacks.
    """

    comagic_manifest: Literal[1]
    state: Literal["complete", "incomplete"]
    missing: str
    output: str | None


def write_manifest(stream: BinaryIO, manifest: Manifest) -> None:
    """Write a manifest as JSON to be read by people too."""
    text = msgspec.json.encode(manifest)
    stream.write(msgspec.json.format(text, indent=2) + b"\n")


def read_manifest(path: Path) -> Manifest | None:
    """Read a manifest; `None` where the file is something else. Raises `UsageProblem`."""
    with reading(str(path)):
        if path.stat().st_size > MOST:
            return None
        text = path.read_bytes()
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode(text, type=Manifest)
    return None


def beside_output(path: Path) -> Path:
    """Name the manifest that is looked for beside an output."""
    return path.with_name(path.name + ENDING)
