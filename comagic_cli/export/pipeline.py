"""The one function that joins the three: a query's pages go to a sink."""

from __future__ import annotations

from collections.abc import Iterator

from comagic_cli.errors import RowsMissing
from comagic_cli.formats.base import Sink
from comagic_cli.rows.page import Page


def export(pages: Iterator[Page], sink: Sink) -> int:
    """Write every page and return the number of rows written.

    Nothing is written before the first page: a request that fails at once leaves no header. Where
    rows are missing, those that came are ended like a whole output before `RowsMissing` is raised.
    """
    written = 0
    begun = False
    try:
        for page in pages:
            if not begun:
                sink.begin()
                begun = True
            if page.count or page.settled or page.since:
                sink.write(page)
                written += page.count
            del page  # else its memory is held until the next one has come
    except RowsMissing:
        if begun:
            sink.end()
        raise
    sink.end()
    return written
