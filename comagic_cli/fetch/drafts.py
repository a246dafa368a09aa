"""The rows of an answer, read some at a time while a processor's cache holds them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from comagic_cli.api.envelope import Answer
from comagic_cli.fetch.marks import MarkReader
from comagic_cli.query.catalog import ReportType
from comagic_cli.request.pages import Marks, Page, Rendered, slices
from comagic_cli.request.rows import RowReader

Render: TypeAlias = Callable[[Page], bytes]
"""What makes of rows that are cut into the asked columns the text that a sink writes of them."""

NO_ROWS = (b"null", b"{}")  # some services write an empty list so


def page_of(answer: Answer) -> Page:
    """Return the rows of an answer, whole. Raises `msgspec.DecodeError` for what is no list."""
    empty = not isinstance(answer.came, list) and bytes(memoryview(answer.came)[:5]) in NO_ROWS
    return Page([] if empty else answer.rows, answer.marker, unbroken=answer.unbroken)


class Drafter:
    """Read the rows of answers: their marks, and with `render` their texts beside them.

    So every row is cut once, while what it was cut of is near.
    """

    def __init__(self, report: ReportType, asked: tuple[str, ...], render: Render | None) -> None:
        self.marks = MarkReader(report, asked)
        self.render = render
        self._rows = RowReader(asked)

    def read(self, page: Page) -> Draft:
        """Read a page of whole rows. Raises `msgspec.DecodeError`."""
        return Draft(self, page)

    def cut(self, page: Page) -> Page:
        """Return a page's rows cut into all asked columns where texts are made of them."""
        return self._rows.cut(page) if self.render else page


class Draft:
    """A page of rows whose marks and texts are known, before it is known which of them count."""

    def __init__(self, drafter: Drafter, page: Page) -> None:
        self._drafter = drafter
        self._page = page
        self._parts = list(slices(page))
        self._texts: list[bytes] = []
        marks = []
        for part in self._parts:
            cut = drafter.cut(part)
            marks.append(drafter.marks.read(cut))
            if drafter.render:
                self._texts.append(drafter.render(cut))
        self.marks = Marks.joined(marks)

    def pick(self, places: Sequence[int]) -> Page:
        """Return a page of the rows at some places, each once and in rising order."""
        picked, render = self._page, self._drafter.render
        if render is None:
            picked = picked.pick(places)
        else:
            picked = Page(Rendered(self._picked(places, render), len(places)))
        return msgspec.structs.replace(picked, marks=self.marks.pick(places))

    def _picked(self, places: Sequence[int], render: Render) -> list[bytes]:
        """Return the texts of some rows; only parts not picked whole are rendered again."""
        texts, start = [], 0
        for part, text in zip(self._parts, self._texts, strict=True):
            end = start + part.count
            some = places[bisect_left(places, start) : bisect_left(places, end)]
            if len(some) == part.count:
                texts.append(text)
            elif some:
                cut = self._drafter.cut(part.pick([place - start for place in some]))
                texts.append(render(cut))
            start = end
        return texts
