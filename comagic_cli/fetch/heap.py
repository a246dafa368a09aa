"""Memory of large answers goes back to the system once they are written."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

M_MMAP_THRESHOLD = -3  # glibc's number for it
LARGE = 1 << 20  # bytes


@cache
def map_large_blocks() -> None:
    """Let each large block have memory of its own from now on, where the C library is glibc.

    Else the size of what counts as large grows with the first page that is let go, and later pages
    share a heap, whose holes take up as much as another page or two.
    """
    import ctypes  # noqa: PLC0415 - once the first answer comes: the request need not wait for it

    with suppress(AttributeError, OSError, TypeError):  # another C library; Windows has none such
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
