"""How many rows a written file has: by its lines, or what Parquet says of itself."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from gzip import BadGzipFile
from typing import Any, BinaryIO

from comagic_cli.errors import RowsMissing
from comagic_cli.files.compression import open_decompressor

CHUNK = 1 << 20
COMPRESSIONS = {b"\x1f\x8b": ".gz", b"\x28\xb5": ".zst"}  # by the first two bytes
HEADERS = {"csv": 1, "tsv": 1, "jsonl": 0}
"""The lines before the rows, of the formats that are counted by lines."""
COUNTED = (*HEADERS, "parquet")


def count_file_rows(file: BinaryIO, name: str, asked: Mapping[str, Any]) -> int:
    """Count the rows of a file, which messages call `name`; `asked` has its format and header.

    Raises `RowsMissing` where it is damaged; what a cut Zstandard file has is counted up to there.
    """
    if asked["format"] == "parquet":
        from comagic_cli.formats.parquet import count_rows  # noqa: PLC0415 - pyarrow may be missing

        return count_rows(file, name)
    chunks, is_csv = _chunks(file), asked["format"] == "csv"
    try:
        lines = _count_records(chunks) if is_csv else sum(chunk.count(b"\n") for chunk in chunks)
    except (EOFError, zlib.error, BadGzipFile) as error:
        raise RowsMissing(f"{name} can't be unpacked: {error}.") from error
    except Exception as error:
        if type(error).__name__ != "ZstdError":  # of the library that is installed
            raise
        raise RowsMissing(f"{name} can't be unpacked: {error}.") from error
    header = 0 if asked.get("header") == "none" else HEADERS[asked["format"]]
    if lines < header:
        raise RowsMissing(f"{name} has no header: it was cut.")
    return lines - header


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    compression = COMPRESSIONS.get(file.read(2), "")
    file.seek(0)
    return iter(partial(open_decompressor(file, compression).read, CHUNK), b"")


def _count_records(chunks: Iterator[bytes]) -> int:
    """Count the lines of CSV that end outside of quotes."""
    is_quoted, records = 0, 0
    for chunk in chunks:
        parts = chunk.split(b'"')
        records += sum(part.count(b"\n") for part in parts[is_quoted::2])
        is_quoted = (is_quoted + len(parts) - 1) % 2
    return records
