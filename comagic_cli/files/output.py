"""Outputs: standard output, a device or a file, compressed or not."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from comagic_cli.errors import CannotWrite, UsageProblem
from comagic_cli.files.atomic_file import Part, check_name, whole_file
from comagic_cli.files.compression import compression_suffix, find_compressor, open_compressor
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
"""The format that each suffix names."""
WHOLE = frozenset({"xlsx", "parquet", "sqlite"})  # binary formats, which are not compressed


def format_of(path: str | None) -> str | None:
    """Return the format of a path's suffix, before `.gz` or `.zst`; `None` for no file."""
    if path is None or not is_file(path):
        return None
    check_name(path)
    suffix = Path(path.removesuffix(compression_suffix(path))).suffix
    if suffix.lower() in FORMATS:
        return FORMATS[suffix.lower()]
    known = ", ".join(FORMATS)
    raise UsageProblem(
        f"The name {path} doesn't say which format to write.",
        hint=f"Say it with -f, or end the name in one of {known} (and .gz or .zst after it); "
        "see comagic help formats.",
    )


def check_packing(format_: str, path: str | None) -> None:
    """Raise `UsageProblem` for a binary format whose path asks for compression."""
    if format_ in WHOLE and path and (packing := compression_suffix(path)):
        raise UsageProblem(
            f"{path}: {format_} is not packed by us.", hint=f"Leave {packing} out of the name."
        )


@contextmanager
def open_output(target: str | None, stdout: TextIO | None = None) -> Iterator[BinaryIO]:
    """Open a file, a device or standard output (`None`, `-`) to write bytes to.

    `stdout` is standard output, `None` where it is closed.

    A file gets its name when the block ends; see `whole_file` for what an exception leaves. Raises
    `CannotWrite`, before the block where the target can't be opened; `OutputBusy` where another run
    writes it; `UsageProblem` where the compressor isn't installed.
    """
    with (
        open_target(target, stdout) as opened,
        open_stream(Output(opened.under, opened.name), target) as stream,
    ):
        yield stream


@dataclass(frozen=True)
class Target:
    """An open output; `part` is the unfinished file, `None` for what is not a file."""

    under: RawStream
    name: str
    part: Part | None = None


@contextmanager
def open_target(
    target: str | None, stdout: TextIO | None = None, *, keep_incomplete: bool = False
) -> Iterator[Target]:
    """Open the raw stream of an output, by the rules of `open_output`."""
    find_compressor(target or "")  # a missing package is an error before anything is opened
    if is_file(target):
        with whole_file(cast("str", target), keep_incomplete=keep_incomplete) as part:
            yield Target(part, part.name, part)
    else:
        with _opened_straight(target, stdout) as opened:
            yield opened


@contextmanager
def open_stream(output: Output, target: str | None) -> Iterator[BinaryIO]:
    """Compress what is written to an output where its name says so."""
    with open_compressor(cast("BinaryIO", output), find_compressor(target or "")) as stream:
        yield stream


@contextmanager
def _opened_straight(target: str | None, stdout: TextIO | None) -> Iterator[Target]:
    if target is None or target in STDOUT:
        yield _stdout(stdout)
        return
    with write_errors(target):
        raw = open(target, "ab", buffering=0)  # noqa: SIM115, PTH123 - closed one line below
    with raw:
        yield Target(raw, target)


def is_file(target: str | None) -> bool:
    """Return whether a target is, or will be, a regular file."""
    return target is not None and target not in STDOUT and not _is_straight(target)


def _is_straight(path: str) -> bool:
    """Return whether a path is a device or a pipe, which is written directly."""
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
    """Count and hash the bytes that are written; start at the `digest` and `size` given."""

    def __init__(
        self, under: RawStream, name: str, digest: hashlib._Hash | None = None, size: int = 0
    ) -> None:
        super().__init__(under, name)
        self.digest = hashlib.sha256() if digest is None else digest
        self.bytes = size

    @property
    def sha256(self) -> str:
        """Return the hash of all bytes so far, as hexadecimal text."""
        return self.digest.hexdigest()

    def _some(self, left: memoryview) -> int:
        written = super()._some(left)
        self.digest.update(left[:written])
        self.bytes += written
        return written
