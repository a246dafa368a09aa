"""The rows of an answer, read some at a time while a processor's cache holds them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from comagic_cli.fetch.marks import MarkReader
from comagic_cli.request.catalog import ReportType
from comagic_cli.request.pages import Formed, Marks, Page, slices
from comagic_cli.request.rows import RowReader

Form: TypeAlias = Callable[[Page], bytes]
"""What makes of rows that are cut into the asked columns the text that a sink writes of them."""


class Drafter:
    """Read the rows of answers: their marks, and where there is a `form`, their texts beside them.

    So every row is cut once, while what it was cut of is near.
    """

    def __init__(self, report: ReportType, asked: tuple[str, ...], form: Form | None) -> None:
        self.marks = MarkReader(report, asked)
        self.form = form
        self._rows = RowReader(asked)

    def read(self, page: Page) -> Draft:
        """Read a page of whole rows. Raises `msgspec.DecodeError`."""
        return Draft(self, page)

    def cut(self, page: Page) -> Page:
        """Return a page's rows cut into all asked columns where a form needs them."""
        return self._rows.cut(page) if self.form else page


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
            if drafter.form:
                self._texts.append(drafter.form(cut))
        self.marks = Marks.joined(marks)

    def pick(self, places: Sequence[int]) -> Page:
        """Return a page of the rows at some places, in rising order."""
        form = self._drafter.form
        picked = self._page.pick(places) if form is None else Page(Formed(len(places)))
        texts = None if form is None else self._picked(places, form)
        return msgspec.structs.replace(picked, marks=self.marks.pick(places), texts=texts)

    def _picked(self, places: Sequence[int], form: Form) -> list[bytes]:
        """Return the texts of some rows; only parts that are not picked whole are formed again."""
        texts, start = [], 0
        for part, text in zip(self._parts, self._texts, strict=True):
            end = start + part.count
            some = places[bisect_left(places, start) : bisect_left(places, end)]
            if len(some) == part.count:
                texts.append(text)
            elif some:
                cut = self._drafter.cut(part.pick([place - start for place in some]))
                texts.append(form(cut))
            start = end
        return texts
