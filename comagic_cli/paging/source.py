"""The source of pages: it asks for them, ahead where that is worth it, and reads their marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import msgspec

from comagic_cli.errors import NetworkFailure
from comagic_cli.paging.lookahead import Lookahead, Question
from comagic_cli.paging.window import Window
from comagic_cli.query.query import Query
from comagic_cli.rows.decode import RowReader
from comagic_cli.rows.identity import MarkReader
from comagic_cli.rows.page import Answer, Marks, Page

Ask = Callable[[Window, int, int], Answer]

EMPTY = (b"null", b"{}")  # some services write an empty list like this
NO_TIME = b'" 0-:.TZnulfase'  # what an absent or a zero time is made of


@dataclass
class Totals:
    """Remember whether totals count all rows; share one between all readers of an export.

    A service may count only the rows of a page, or those it has sent so far. Where its pages are
    also shorter than asked for, such a total looks like the end. So the first end that only a total
    tells is checked by one more call: a page of one row, whose total must be larger than that. An
    honest service with a single page looks the same, so each export of one page pays for this call.
    It costs nothing where a total was larger than what was sent with it, as on the first of several
    pages.

    `are_whole` is `None` until it is known.
    """

    are_whole: bool | None = None
    _one_is_all: bool = False  # once no row came behind one that was alone

    def read(self, total: int | None, sent: int) -> int | None:
        """Return a total that may be believed, given the rows sent up to the end of its page."""
        if total is None or total < sent or self.are_whole is False:
            return None
        if total > sent:
            self.are_whole = True
        return total

    def check(self, received: int) -> tuple[int, int] | None:
        """Return the offset and the limit of the page that checks a total of so many rows.

        `None` where no check is needed. A page can't have fewer rows than one: where a row is
        alone, it is checked that no row comes next.
        """
        if not received or self.are_whole is not None or (received == 1 and self._one_is_all):
            return None
        return (0 if received > 1 else 1), 1

    def confirm(self, received: int, ask: Callable[[int, int], tuple[int | None, int]]) -> bool:
        """Tell whether rows end where a total says; `ask(offset, limit)` gives total and rows."""
        if not (page := self.check(received)):
            return self.are_whole is not False
        total, rows = ask(*page)
        if received > 1:
            self.are_whole = total is not None and total > rows
            return self.are_whole
        self._one_is_all = not rows
        self.are_whole = False if rows else None
        return self._one_is_all


@dataclass
class PageSource:
    """Ask for the pages of a query through `ask(window, offset, limit)`.

    `ahead` asks several questions at once; `follow` returns those after the window's own. `cut`
    cuts rows into all columns. `reach` is the largest offset that may be asked for. `on_answer` is
    told of every answer that is used.
    """

    query: Query
    ask: Ask
    ahead: Lookahead = field(default_factory=Lookahead)
    totals: Totals = field(default_factory=Totals)
    on_answer: Callable[[Answer], None] = lambda _: None
    cut: bool = False
    reach: int = 0
    follow: Callable[[], Iterable[Question]] = tuple

    def __post_init__(self) -> None:
        self._marks = MarkReader(self.query.report, self.query.asked)
        self._rows = RowReader(self.query.asked)

    def read(self, window: Window, offset: int, limit: int) -> tuple[Page, int | None]:
        """Return a page without marks, and the total as it came."""
        answer: Answer = self.ahead.call(*self.question(window, offset, limit))
        self.on_answer(answer)
        page = read_page(answer)
        if not offset and answer.total is None and not page.count and is_absent(answer):
            raise NetworkFailure(
                f"{self.query.report.method}: the answer has neither rows nor a number of rows",
                hint="Check that --base-url is the Data API's.",
            )
        return page, answer.total

    def read_marked(self, window: Window, offset: int, limit: int) -> Page:
        """Return a page with its marks."""
        return self.mark(self.read(window, offset, limit)[0])

    def mark(self, page: Page) -> Page:
        """Return a page with its marks, cut into columns where that is wanted."""
        try:
            page = self._rows.cut(page) if self.cut else page
            return msgspec.structs.replace(page, marks=self._marks.read(page))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _not_rows(error) from error

    def question(self, window: Window, offset: int, limit: int) -> Question:
        """Return the question for a page."""
        return page_question(self.ask, self.ahead, window, offset, limit)

    def begin(
        self, window: Window, pages: Iterable[tuple[int, int]] = (), most: int | None = None
    ) -> None:
        """Begin to ask for the pages that follow, and what follows after them, at most so many.

        Nothing is asked ahead where enough rows may have come before.
        """
        if self.query.max_rows is None:
            known = (self.question(window, *page) for page in pages if page[0] <= self.reach)
            self.ahead.begin(chain(known, self.follow()), most)

    def check(self, received: int) -> tuple[int, int] | None:
        """Return the offset and the limit of the page that `confirm` will ask for, if any."""
        return None if self._is_each_there(received) else self.totals.check(received)

    def _is_each_there(self, received: int) -> bool:
        ids = self.query.row_ids
        return ids is not None and received >= len(ids)

    def confirm(self, window: Window, received: int) -> bool:
        """Tell whether a window ends where its total says: surely if each id has its row."""
        if self._is_each_there(received):
            return True

        def ask(offset: int, limit: int) -> tuple[int | None, int]:
            page, total = self.read(window, offset, limit)
            return total, page.count

        return self.totals.confirm(received, ask)

    def count_unreadable(self, page: Page) -> int:
        """Count the rows that state a time in an unknown form: they are written unchecked."""
        times, names = Marks.of(page.marks).times, self.query.report.time
        if "" not in times or not names:
            return 0
        unknown = page.pick([place for place, time in enumerate(times) if not time])
        cut = unknown if unknown.columns else RowReader(names).cut(unknown)
        columns = [[bytes(value).strip(NO_TIME) for value in cut.column(name)] for name in names]
        return sum(map(all, zip(*columns, strict=True)))


def page_question(ask: Ask, ahead: Lookahead, window: Window, offset: int, limit: int) -> Question:
    """Return the question for a page."""
    page = (window, offset, limit)
    return (ask, *page), partial(ahead.measure, partial(ask, *page))


def is_absent(answer: Answer) -> bool:
    """Check that an answer has null or an empty object instead of rows."""
    data = answer.content
    return not isinstance(data, list) and bytes(memoryview(data)[:5]) in EMPTY


def read_page(answer: Answer) -> Page:
    """Return the rows of an answer. Raises `NetworkFailure` where it has no list."""
    try:
        rows = [] if is_absent(answer) else answer.rows
        return Page(rows, answer.marker, unbroken=answer.unbroken)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_rows(error) from error


def _not_rows(error: Exception) -> NetworkFailure:
    return NetworkFailure(f"the data of the answer is not a list of rows ({error})")
