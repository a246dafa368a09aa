"""Compression by a file's suffix: gzip and Zstandard."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias, cast

from comagic_cli.errors import UsageProblem, install_command

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


Compressor: TypeAlias = Callable[[BinaryIO], BinaryIO]

SUFFIXES = (".gz", ".zst")
LAST_BLOCK = b"\x01\x00\x00"  # an empty block that ends a Zstandard frame without a checksum


def compression_suffix(path: str) -> str:
    """Return the suffix of a compressed file in the case as typed; "" for any other file."""
    suffix = next((suffix for suffix in SUFFIXES if path.lower().endswith(suffix)), "")
    return path[len(path) - len(suffix) :]


def find_compressor(path: str) -> Compressor | None:
    """Return the compressor for a path. Raises `UsageProblem` if its package is not installed."""
    suffix = compression_suffix(path).lower()
    return _zstd() if suffix == ".zst" else _gzip if suffix else None


@contextmanager
def open_compressor(stream: BinaryIO, compressor: Compressor | None) -> Iterator[BinaryIO]:
    """Compress what is written to the stream; the compressed data ends with the block.

    After `flush` all bytes are in the stream, and another run can continue there: see `new_frame`.
    If the block fails before its first byte, nothing is written.
    """
    if compressor is None:
        yield stream
        return
    compressed = CompressedStream(stream, compressor)
    try:
        yield cast("BinaryIO", compressed)
    except BaseException:
        with suppress(Exception):  # the first error is the one to report
            compressed.end()
        raise
    if not compressed.is_started:
        compressed.write(b"")  # an empty file has a header, too
    compressed.end()


def new_frame(path: str) -> bytes:
    """Return the bytes that end the last frame of an interrupted file, before a new one."""
    return LAST_BLOCK if compression_suffix(path).lower() == ".zst" else b""


class CompressedStream(io.RawIOBase):
    """Compress to a stream.

    `flush` ends a member of gzip, and the next write starts another. Of Zstandard it ends only a
    block, because some readers stop at the end of the first frame.
    """

    def __init__(self, stream: BinaryIO, compressor: Compressor) -> None:
        self._stream = stream
        self._compressor = compressor
        self._member: BinaryIO | None = None
        self.is_started = False

    def writable(self) -> bool:
        """Return true."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Compress all the bytes."""
        if self._member is None:
            self._member = self._compressor(self._stream)
            self.is_started = True
        return self._member.write(data)

    def flush(self) -> None:
        """Write all bytes to the stream."""
        if self._compressor is _gzip:
            self.end()
        elif self._member is not None:
            self._member.flush()

    def end(self) -> None:
        """End the member or frame, if one is started."""
        if self._member is not None:
            member, self._member = self._member, None
            member.close()


def _gzip(stream: BinaryIO) -> BinaryIO:
    """Compress without name and time in the header, so that equal rows make equal files."""
    import gzip  # noqa: PLC0415 - read when needed

    return cast("BinaryIO", gzip.GzipFile("", "wb", 6, stream, mtime=0))


def _ungzip(stream: BinaryIO) -> BinaryIO:
    import gzip  # noqa: PLC0415 - read when needed

    return cast("BinaryIO", gzip.open(stream, "rb"))


def _zstd() -> Compressor:
    """Return the compressor of Python (3.14 and later) or of the package `zstandard`."""
    with suppress(ImportError):
        file = import_module("compression.zstd").ZstdFile
        return lambda stream: cast("BinaryIO", file(stream, "wb"))
    with suppress(ImportError):
        compressor = import_module("zstandard").ZstdCompressor
        return lambda stream: cast("BinaryIO", compressor().stream_writer(stream, closefd=False))
    raise _not_installed("Writing")


class _Zstandard(Protocol):
    """The part of the package `zstandard` that reading needs."""

    def stream_reader(self, source: BinaryIO, *, read_across_frames: bool) -> BinaryIO:
        """Return the decompressed bytes of all frames."""


def open_decompressor(stream: BinaryIO, path: str) -> BinaryIO:
    """Return the decompressed bytes of a file.

    Raises `UsageProblem` where the package is not installed. Reading a damaged file raises
    `OSError`, `EOFError`, `zlib.error` or the library's error.
    """
    packing = compression_suffix(path).lower()
    if packing != ".zst":
        return _ungzip(stream) if packing else stream
    with suppress(ImportError):
        return cast("BinaryIO", import_module("compression.zstd").ZstdFile(stream, "rb"))
    with suppress(ImportError):
        reader: _Zstandard = import_module("zstandard").ZstdDecompressor()
        return reader.stream_reader(stream, read_across_frames=True)
    raise _not_installed("Reading")


def _not_installed(doing: str) -> UsageProblem:
    return UsageProblem(
        f"{doing} .zst needs Python 3.14 or the package zstandard.",
        hint=f"{install_command('zstandard')}, or write .gz.",
    )


class GuardedStream(io.RawIOBase):
    """Pass bytes to a stream inside a block of `pass_through`, and discard all others.

    xlsxwriter and pyarrow write the end of the file when they are garbage-collected after an error:
    a truncated file would look complete.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._open = False

    def writable(self) -> bool:
        """Return true."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Write the bytes, or discard them."""
        if self._open:
            self._stream.write(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Do nothing, even after it is closed: garbage is collected in any order."""

    @contextmanager
    def pass_through(self) -> Iterator[None]:
        """Pass bytes to the stream until the block ends."""
        self._open = True
        try:
            yield
        finally:
            self._open = False
