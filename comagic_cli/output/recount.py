"""A file held against its manifest: its size, its hash, and its rows counted again."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from comagic_cli.errors import RowsMissing
from comagic_cli.files.compression import unpacked
from comagic_cli.files.stream import reading
from comagic_cli.output.manifest import Manifest

CHUNK = 1 << 20
PACKED = {b"\x1f\x8b": ".gz", b"\x28\xb5": ".zst"}  # by the first two bytes, whatever its name
HEADERS = {"csv": 1, "tsv": 1, "jsonl": 0}
"""The lines before the rows, of the formats whose rows can be counted."""


def check_file(path: Path, manifest: Manifest) -> None:
    """Raise `RowsMissing` where a file is not what its manifest says, or that says incomplete.

    Raises `UsageProblem` where the file can't be read.
    """
    with reading(str(path)), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check(path, "bytes", size, manifest.bytes)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        _check(path, "as SHA-256", digest, manifest.sha256)
        file.seek(0)
        if manifest.asked.get("format") in HEADERS:
            _check(path, "rows", _rows(path, file, manifest.asked), manifest.rows)
    if manifest.state != "complete":
        raise RowsMissing(f"{path} is incomplete: {manifest.missing}.")


def _check(path: Path, what: str, found: object, said: object) -> None:
    if found != said:
        raise RowsMissing(
            f"{path} is not what its manifest says: it has {found} {what}, not {said}.",
            hint="It was changed or cut after it was written, or the manifest is another file's.",
        )


def _rows(path: Path, file: BinaryIO, asked: Mapping[str, Any]) -> int:
    """Count the rows; a damaged packing counts up to the damage."""
    chunks, is_csv = _chunks(file), asked["format"] == "csv"
    try:
        lines = _records(chunks) if is_csv else sum(chunk.count(b"\n") for chunk in chunks)
    except (EOFError, zlib.error) as error:
        raise RowsMissing(f"{path} can't be unpacked: {error}.") from error
    return lines - (0 if asked.get("header") == "none" else HEADERS[asked["format"]])


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    packing = PACKED.get(file.read(2), "")
    file.seek(0)
    return iter(partial(unpacked(file, packing).read, CHUNK), b"")


def _records(chunks: Iterator[bytes]) -> int:
    """Count the lines of CSV that end outside of quotes."""
    quoted, records = 0, 0
    for chunk in chunks:
        parts = chunk.split(b'"')
        records += sum(part.count(b"\n") for part in parts[quoted::2])
        quoted = (quoted + len(parts) - 1) % 2
    return records
