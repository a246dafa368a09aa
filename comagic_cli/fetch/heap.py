"""Memory of large answers goes back to the system once they are written."""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's numbers for them
LARGE = 1 << 20  # bytes
SPARE = 8 << 20  # bytes that are kept for the next rows, instead of given back and taken again


def map_large_blocks() -> None:
    """Let each large block have memory of its own, where the C library is glibc.

    Else the size of what counts as large grows with the first page that is let go, and later pages
    share a heap, whose holes take up as much as another page or two.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library; Windows has none such
        set_option = ctypes.CDLL(None).mallopt
        set_option(M_MMAP_THRESHOLD, LARGE)
        set_option(M_TRIM_THRESHOLD, SPARE)
