"""Compression by a file's suffix: gzip and Zstandard."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias, cast

from comagic_cli.errors import UsageProblem

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


Compressor: TypeAlias = Callable[[BinaryIO], BinaryIO]

SUFFIXES = (".gz", ".zst")
LAST_BLOCK = b"\x01\x00\x00"  # an empty one that ends a Zstandard frame of no checksum


def compression_suffix(path: str) -> str:
    """Return the suffix of a compressed file as it is written, "" for none."""
    ending = next((suffix for suffix in SUFFIXES if path.lower().endswith(suffix)), "")
    return path[len(path) - len(ending) :]


def find_compressor(path: str) -> Compressor | None:
    """Return the compressor for a path. Raises `UsageProblem` where it isn't installed."""
    packing = compression_suffix(path).lower()
    return _zstd() if packing == ".zst" else _gzip if packing else None


@contextmanager
def open_compressor(stream: BinaryIO, packer: Compressor | None) -> Iterator[BinaryIO]:
    """Compress what is written to the stream, and finish with the block.

    After `flush` all bytes so far are in the stream, and another run can continue from there: see
    `gone_on`. Where the block fails before the first byte, the stream gets none.
    """
    if packer is None:
        yield stream
        return
    packing = CompressedStream(stream, packer)
    try:
        yield cast("BinaryIO", packing)
    except BaseException:
        with suppress(Exception):  # the first error is the one to report
            packing.end()
        raise
    if not packing.begun:
        packing.write(b"")  # an empty file has a header, too
    packing.end()


def new_frame(path: str) -> bytes:
    """Return the bytes that finish an interrupted file, so that more can follow."""
    return LAST_BLOCK if compression_suffix(path).lower() == ".zst" else b""


class CompressedStream(io.RawIOBase):
    """Compress with what `packer` makes, from the first byte on.

    With gzip, `flush` finishes a member, and the next write begins another. With Zstandard it
    finishes a block, because some readers stop at the end of the first frame.
    """

    def __init__(self, stream: BinaryIO, packer: Compressor) -> None:
        self._stream = stream
        self._packer = packer
        self._packing: BinaryIO | None = None
        self.begun = False

    def writable(self) -> bool:
        """Return true."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Compress all the bytes."""
        if self._packing is None:
            self._packing = self._packer(self._stream)
            self.begun = True
        return self._packing.write(data)

    def flush(self) -> None:
        """Write all bytes so far to the stream."""
        if self._packer is _gzip:
            self.end()
        elif self._packing is not None:
            self._packing.flush()

    def end(self) -> None:
        """Finish what was begun."""
        if self._packing is not None:
            packing, self._packing = self._packing, None
            packing.close()


def _gzip(stream: BinaryIO) -> BinaryIO:
    """Compress without name and time in the header: equal rows make equal files."""
    import gzip  # noqa: PLC0415 - read when needed

    return cast("BinaryIO", gzip.GzipFile("", "wb", 6, stream, mtime=0))


def _ungzip(stream: BinaryIO) -> BinaryIO:
    import gzip  # noqa: PLC0415 - read when needed

    return cast("BinaryIO", gzip.open(stream, "rb"))


def _zstd() -> Compressor:
    """Find Zstandard in Python (3.14 and later) or in the package `zstandard`."""
    with suppress(ImportError):
        file = import_module("compression.zstd").ZstdFile
        return lambda stream: cast("BinaryIO", file(stream, "wb"))
    with suppress(ImportError):
        compressor = import_module("zstandard").ZstdCompressor
        return lambda stream: cast("BinaryIO", compressor().stream_writer(stream, closefd=False))
    raise _not_installed("Writing")


class _Zstandard(Protocol):
    """The part of the package that reading needs."""

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
        hint="pip install 'comagic[zst]', or write .gz.",
    )


class GuardedStream(io.RawIOBase):
    """Pass bytes to a stream while it is opened, and discard them otherwise.

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
        """Do nothing, even once closed: garbage is closed in any order."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Pass bytes on until the block ends."""
        self._open = True
        try:
            yield
        finally:
            self._open = False
