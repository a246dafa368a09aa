"""What of the tests is measured for coverage.

Measured, Python takes twice as long. So large tables of one path, and processes that do what is
done in this process too, are not: other tests run the same lines.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager

import pytest

unmeasured = pytest.mark.unmeasured


@contextmanager
def nothing_measured():
    """Measure nothing in this thread, and in those that it starts."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(in_threads)
        sys.settrace(here)


def measured() -> dict[str, str]:
    """Return the variables that make a process measure itself, where this one is measured."""
    return {name: text for name, text in os.environ.items() if name.startswith("COVERAGE_")}
