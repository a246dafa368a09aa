"""Rows that come in one answer: single objects, and lists whose methods do not page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from comagic_cli.paging.reader import AGAIN, WindowResult
from comagic_cli.paging.source import Ask, is_absent, read_page
from comagic_cli.paging.window import window_around
from comagic_cli.query.query import Query
from comagic_cli.rows.identity import MarkReader
from comagic_cli.rows.page import Answer, Page


@dataclass
class WholeAnswerReader:
    """Read the rows of a query through one call of `ask`. It is used like a `Reader`."""

    query: Query
    ask: Ask
    note: Callable[[str], None] = lambda _: None
    done: list[WindowResult] = field(default_factory=list)
    matching: int | None = None
    missing: list[str] = field(default_factory=list)
    hint: str = AGAIN
    overstated: int = 0
    outside: int = 0
    unreadable_times: int = 0
    unsorted: bool = False

    def pages(self) -> Iterator[Page]:
        """Yield the only page. Raises what `ask` raises."""
        page = self.read()
        yield page.pick(range(page.count)[: self.query.max_rows])

    def read(self) -> Page:
        """Return the rows of the answer; an object is one row."""
        window = window_around(self.query.period, self.query.report)
        page = read_page(as_rows(self.ask(window, 0, self.query.page_size)))
        marks = MarkReader(self.query.report, self.query.asked).read(page)
        self.matching = page.count
        self.note(f"{page.count} rows")
        self.done = [WindowResult(window, None, page.count, page.count)]
        return msgspec.structs.replace(page, marks=marks)


def as_rows(answer: Answer) -> Answer:
    """Return an answer whose data is an object as a list of it."""
    data = answer.content
    if isinstance(data, list) or is_absent(answer) or bytes(memoryview(data)[:1]) != b"{":
        return answer
    return msgspec.structs.replace(answer, content=msgspec.Raw(b"[" + bytes(data) + b"]"))
