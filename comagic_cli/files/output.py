"""Outputs: standard output, a device or a file, compressed or not."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from comagic_cli.errors import CannotWrite, UsageProblem
from comagic_cli.files.atomic_file import check_name
from comagic_cli.files.compression import compression_suffix, find_compressor, open_compressor
from comagic_cli.files.store import (
    FindStore,
    UnfinishedFile,
    find_folder,
    open_atomic_file,
)
from comagic_cli.files.stream import Output, RawStream, write_errors

STDOUT = frozenset({"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
DESCRIPTORS = ("/dev/stderr", "/dev/fd/", "/proc/self/fd/")  # open already, of any kind
FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".txt": "table",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
"""The format of each suffix."""
OTHER_SUFFIXES = {".xls": ".xlsx", ".xlsm": ".xlsx", ".pq": ".parquet"}
"""Suffixes of other programs, and ours."""
DATABASE_SCHEMES = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "clickhouse": "clickhouse",
}
"""The format that the URL of a database means, by its scheme."""
BUCKET_SCHEMES = ("s3", "gs", "az")
SCHEMES = (*dict.fromkeys(DATABASE_SCHEMES.values()), *BUCKET_SCHEMES)
"""The schemes of URLs that are written to, without other names of the same."""
URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.ASCII | re.IGNORECASE)
BINARY_FORMATS = frozenset({"xlsx", "parquet", "sqlite"})  # they are not compressed


def check_suffix(format: str, path: str | None) -> None:  # noqa: A002 - the option's own name
    """Raise `UsageProblem` for a workbook with a suffix that Excel takes for another format."""
    suffix = Path(path).suffix.lower() if path is not None and is_file(path) else ""
    if format == "xlsx" and OTHER_SUFFIXES.get(suffix) == ".xlsx":
        name = Path(str(path)).with_suffix(".xlsx")
        raise UsageProblem(f"Excel does not open {path} as xlsx.", hint=f"Write -o {name}.")


def scheme_of(target: str | None) -> str:
    """Return the scheme of a URL, in small letters; "" for a path or standard output."""
    found = URL.match(target or "")
    return found[1].lower() if found else ""


def format_of(path: str | None) -> str | None:
    """Return the format of a database, or of a path's suffix, before `.gz` or `.zst`.

    `None` if it is not a file.
    """
    if (scheme := scheme_of(path)) in DATABASE_SCHEMES:
        return DATABASE_SCHEMES[scheme]
    if path is None or not is_file(path):
        return None
    check_name(path)
    suffix = Path(path.removesuffix(compression_suffix(path))).suffix
    if suffix.lower() in FORMATS:
        return FORMATS[suffix.lower()]
    if suffix.lower() in OTHER_SUFFIXES:
        name = Path(path).with_suffix(OTHER_SUFFIXES[suffix.lower()])
        raise UsageProblem(
            f"The name {path} has no suffix of a known format.", hint=f"Did you mean {name}?"
        )
    known = ", ".join(FORMATS)
    raise UsageProblem(
        f"The name {path} has no suffix of a known format.",
        hint=f"Choose a format with -f, or a suffix: {known} (then .gz or .zst to compress); "
        "see comagic help formats.",
    )


def check_compression(format_: str, path: str | None) -> None:
    """Raise `UsageProblem` for a binary format whose path asks for compression."""
    if format_ in BINARY_FORMATS and path and (suffix := compression_suffix(path)):
        raise UsageProblem(
            f"{path}: {format_} files can't be compressed.", hint=f"Remove {suffix} from the name."
        )


@contextmanager
def open_output(
    target: str | None, stdout: TextIO | None = None, *, find_store: FindStore = find_folder
) -> Iterator[BinaryIO]:
    """Open a file, a device or standard output (`None`, `-`) to write bytes to.

    `stdout` is standard output, `None` if it is closed; `find_store` finds the place of a file,
    default: a local one. A file is renamed when the block ends; see
    `open_atomic_file` for exceptions. Raises `CannotWrite`, before the block if the target can't be
    opened; `OutputBusy` if another run writes it; `UsageProblem` if no compressor is installed.
    """
    with (
        open_target(target, stdout, find_store=find_store) as opened_target,
        open_stream(Output(opened_target.raw, opened_target.name), target) as stream,
    ):
        yield stream


@dataclass(frozen=True)
class Target:
    """An open output; `file` is `None` for a device, a pipe or standard output."""

    raw: RawStream
    name: str
    file: UnfinishedFile | None = None


@contextmanager
def open_target(
    target: str | None,
    stdout: TextIO | None = None,
    *,
    keep_incomplete: bool = False,
    find_store: FindStore = find_folder,
) -> Iterator[Target]:
    """Open the raw stream of an output, as `open_output` does."""
    find_compressor(target or "")  # a missing package is an error before anything is opened
    if is_file(target):
        store, name = find_store(cast("str", target))
        with open_atomic_file(store, name, keep_incomplete=keep_incomplete) as file:
            yield Target(file, file.name, file)
    else:
        with _open_unbuffered(target, stdout) as opened_target:
            yield opened_target


@contextmanager
def open_stream(output: Output, target: str | None) -> Iterator[BinaryIO]:
    """Compress what is written to an output if its name ends in `.gz` or `.zst`."""
    with open_compressor(cast("BinaryIO", output), find_compressor(target or "")) as stream:
        yield stream


@contextmanager
def _open_unbuffered(target: str | None, stdout: TextIO | None) -> Iterator[Target]:
    if target is None or target in STDOUT:
        yield _stdout(stdout)
        return
    with write_errors(target):
        raw = open(target, "ab", buffering=0)  # noqa: SIM115, PTH123 - closed one line below
    with raw:
        yield Target(raw, target)


def is_file(target: str | None) -> bool:
    """Check that a target is, or will be, a regular file."""
    if target is None or target in STDOUT or scheme_of(target) in DATABASE_SCHEMES:
        return False
    return not _is_device_or_pipe(target)


def _is_device_or_pipe(path: str) -> bool:
    """Check that a path is a device or a pipe, which is written directly."""
    if path.startswith(DESCRIPTORS):
        return True
    with suppress(OSError):
        mode = os.stat(path).st_mode  # noqa: PTH116 - "" is not a path, but Path("") is
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


def _stdout(stdout: TextIO | None) -> Target:
    """Return standard output, unbuffered: its buffer could fail after the export has ended."""
    name = "Standard output"
    if stdout is None or stdout.closed:
        raise CannotWrite(f"{name} is closed.", hint="Write to a file with -o FILE.")
    with write_errors(name):
        stdout.flush()
        raw = getattr(stdout.buffer, "raw", stdout.buffer)
        with suppress(io.UnsupportedOperation):  # a stream in memory has no descriptor
            os.fstat(raw.fileno())
    return Target(cast("RawStream", raw), name)


class MeasuredOutput(Output):
    """Count and hash the bytes that are written, continuing from `digest` and `size`."""

    def __init__(
        self, raw: RawStream, name: str, digest: hashlib._Hash | None = None, size: int = 0
    ) -> None:
        super().__init__(raw, name)
        self.digest = hashlib.sha256() if digest is None else digest
        self.bytes = size

    @property
    def sha256(self) -> str:
        """Return the hash of all bytes so far, in hexadecimal."""
        return self.digest.hexdigest()

    def _write_some(self, rest: memoryview) -> int:
        written = super()._write_some(rest)
        self.digest.update(rest[:written])
        self.bytes += written
        return written
