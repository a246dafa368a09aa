"""Read the rows of a query, every one exactly once.

The position is `since`, a shown second: everything shown before it is written, nothing at or after
it is. A stretch asks from `since` on by offsets, and consecutive pages overlap by one row. A page
that does not fit what came before it ends the stretch, and a new one begins at `since`.
In descending order the same holds, mirrored.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import msgspec

from comagic_cli.errors import ComagicError, RowsMissing, UsageProblem
from comagic_cli.paging.lookahead import Lookahead, Question
from comagic_cli.paging.order import Order, shown
from comagic_cli.paging.source import Ask, PageSource, Totals, page_question
from comagic_cli.paging.stretch import (
    UNSORTED,
    End,
    Position,
    RowIdentity,
    Rows,
    Stretch,
    identity,
)
from comagic_cli.paging.window import (
    MAX_OFFSET,
    SECOND,
    Window,
    find_cap,
    split_by_days,
    window_around,
)
from comagic_cli.query.query import Query
from comagic_cli.rows.page import Answer, Marks, Page

MINUTE = timedelta(minutes=1)
STRETCHES = 5  # new stretches without progress that end the reading
AGAIN = "Run the export again; rows may have changed while it was reading."
NARROW = "Narrow it with --where, and export the parts one by one."
CHECK_ZONE = "The time zone may be another: check --tz, or the timezone of the profile."


class WindowResult(msgspec.Struct, frozen=True):
    """A window that was read to its end: what the service said matches, and what came of it.

    `user_id` is the customer's user, where an agent exports several.
    """

    window: Window
    total: int | None
    received: int
    written: int
    user_id: int | None = None


@dataclass
class Reader:
    """Read a query's pages through `ask(window, offset, limit)`.

    `since` is where an earlier run ended. `note` is told a line about each window. `cut` cuts rows
    into all columns, for sinks that write them so. `reach` is the largest offset that may be asked
    for. `answers` counts those that came, `matching` is the first one's total. `done` lists the
    windows read to their end; `overstated` counts those with a total one too large. `outside`
    counts rows that show a time outside of what was asked, `unreadable_times` those whose time is
    of an unknown form. `unsorted` says that the service refused to sort by a time that its
    documentation sorts by. `missing` says which rows are missing, `hint` what to do then. `totals`
    is shared by all readers of an export, and so is `ahead`, which asks several questions at once;
    `follow` returns those after the reader's own. A reader of one batch of many only lists what is
    missing.
    """

    query: Query
    ask: Ask
    note: Callable[[str], None] = lambda _: None
    since: str = ""
    zone: str | None = None
    cut: bool = False
    reach: int = MAX_OFFSET
    done: list[WindowResult] = field(default_factory=list)
    matching: int | None = None
    overstated: int = 0
    outside: int = 0
    unreadable_times: int = 0
    unsorted: bool = False
    missing: list[str] = field(default_factory=list)
    hint: str = AGAIN
    answers: int = 0
    ahead: Lookahead = field(default_factory=Lookahead)
    follow: Callable[[], Iterable[Question]] = tuple
    is_batch: bool = False
    totals: Totals = field(default_factory=Totals)
    _received: int = 0
    _written: int = 0
    _held: Rows = field(
        default_factory=Rows
    )  # those of the last second, and of an hour shown twice
    _begun: bool = False  # once rows without a time that come first may be written already
    _inside: bool = False  # once a row came that shows a time within what was asked
    _pending: list[Window] = field(default_factory=list)
    _taken: bool = False  # once rows of the window came
    _unsettled: str = ""  # the first second that is not settled, since only rows outside came

    def __post_init__(self) -> None:
        self._order = Order.of(self.query, self.zone)

    def pages(self) -> Iterator[Page]:
        """Yield the pages, at least one, of the rows to write.

        Raises `UsageProblem` for a period or sort that can't be cut into windows, `RowsMissing`
        where rows are missing (after the last window, so that all the others are there), and what
        `ask` raises.
        """
        query, order = self.query, self._order
        self._source = PageSource(
            query,
            self.ask,
            self.ahead,
            self.totals,
            self._count_answer,
            self.cut,
            self.reach,
            self._following,
        )
        position = Position(self.since or order.start)
        # An earlier run that has come further has written the rows without a time that come first.
        self._begun = self._inside = position.since != order.start
        pending = self._pending = self._windows(position.since)
        while pending:
            window = pending.pop(0)
            try:
                position = yield from self._read_window(window, position, final=not pending)
            except ComagicError as error:
                pending[:0] = self._shorten(error, window)
                continue
            except _UnsortedError as error:
                pending[:0] = self._cut_unsorted(window, error.total)
                continue
            if self._wanted == 0:
                return
        if self._only_outside:
            self.hint = CHECK_ZONE
            self.missing.append(
                f"all {self._received} rows that came are outside the period asked for "
                f"({order.first} … {order.last})"
            )
        if not self.is_batch:
            raise_missing(self.missing, self.hint)

    # Windows

    def first_question(self) -> Question:
        """Return the question that is asked first."""
        window = self._windows(self.since or self._order.start)[0]
        return page_question(self.ask, self.ahead, window, 0, self._limit(0))

    def _windows(self, since: str) -> list[Window]:
        whole = window_around(self.query.period, self.query.report)
        return self._split(self._order.rest_of(whole, since), self.query.report.max_days)

    def _following(self) -> Iterator[Question]:
        """Yield the questions after those of the window that is read."""
        for window in self._pending:
            yield self._source.question(window, 0, self._limit(0))
        yield from self.follow()

    def _split(self, window: Window, max_days: int) -> list[Window]:
        """Cut a window by the cap of days; parts come in the order of reading."""
        windows = split_by_days(window, max_days, self.query.report)
        if len(windows) > 1 and not self.query.by_time:
            raise UsageProblem(
                f"the period is longer than {max_days - 1} days, the most at once in this order",
                hint="Ask for a shorter one, or sort by time.",
            )
        windows = windows[::-1] if self.query.descending else windows
        joined = [self._order.join(*pair) for pair in pairwise(windows)]
        return windows[:1] + joined

    def _shorten(self, error: ComagicError, window: Window) -> list[Window]:
        """Cut a window that is longer than the service takes. Raises any other error."""
        cap = find_cap(error, window, self.query.report)
        self.note(f"the service takes {cap} days at once: cutting {window}")
        return self._split(window, cap)

    def _cut_unsorted(self, window: Window, total: int | None) -> list[Window]:
        """Read a window in whatever order its rows come; halve it where they are too many for that.

        Raises `RowsMissing` where a short window has more rows than paging reaches.
        """
        if self._order.by_time:
            self.note("the service does not sort by time: rows of a window come in any order")
            report = self.query.report
            self.unsorted = all(report.field(name).sort for name in report.time)
        self._order = replace(self._order, by_time=False)
        if total is None or total <= self.reach:
            return [window]
        if window.span <= MINUTE:
            raise RowsMissing(
                f"{total} rows of {window} match, and paging reaches {self.reach} of them",
                hint=NARROW,
            )
        middle = window.start + timedelta(seconds=window.span.total_seconds() // 2)
        return [Window(window.start, middle), Window(middle - SECOND, window.end)]

    def _read_window(
        self, window: Window, position: Position, *, final: bool
    ) -> Generator[Page, None, Position]:
        """Read a window in as many stretches as it takes; return where the next one begins."""
        far = self._order.far if final else self._order.window_end(window)
        begin, written, part = self._unsettled or position.since, self._written, window
        self._taken = False
        while True:
            before = self._order.before_all if self._begun else position.since
            self._begun = True
            reached, due, end = position.since, None, End()
            stretch = Stretch(self._source, self._order, part, position, self._limit, before)
            for rows in stretch.read():
                if isinstance(rows, End):
                    end = rows
                    break
                page, reached, due = self._take(rows, part, reached, due, far)
                del rows
                yield page
                del page  # else its memory is held until the next one has come
                if self._wanted == 0:
                    return Position(reached)
            if not end.rejected:
                pending = self._count_pending(reached, far)
                is_short = self._close(part, end, self._written + pending - written)
                self._unsettled = begin if self._only_outside else ""
                settles = "" if is_short or self._unsettled else begin
                yield self._release(reached, far, settles=settles, is_end=True)
                self._held = Rows()
                return Position(far)
            self._held = Rows()
            self.note(f"{end.rejected}: reading again from {reached}")
            self._source.begin(window, most=0)  # what was asked for in this stretch is in vain
            position = self._next_position(position, reached, end, due)
            part = self._order.rest_of(window, position.since, tight=position.tight)

    def _take(
        self, rows: Rows, window: Window, reached: str, due: RowIdentity | None, far: str
    ) -> tuple[Page, str, RowIdentity | None]:
        """Take new rows; return those to write, the position behind them, and the next row.

        The next row is the first that is not written: a tight stretch must bring it.
        """
        order = self._order
        self._taken = True
        self._count(rows.page, window)
        self._held = self._held.join(rows)
        complete = order.complete_until(rows.times[-1]) if order.by_time else far
        bound = order.earlier(complete, far)
        due = due or self._find_due(reached)
        page = self._release(reached, bound)
        if order.by_time and order.is_before(reached, bound):
            reached = bound
            due = self._find_due(reached)
        return page, reached, due

    def _next_position(
        self, position: Position, reached: str, end: End, due: RowIdentity | None
    ) -> Position:
        """Return where the next stretch begins. Raises `RowsMissing` after too many."""
        if not self._order.by_time:
            self._check_unwritten(end)
        if end.rejected == UNSORTED and (self._written or reached != position.since):
            # What was taken to be complete may not be: later pages could bring earlier rows.
            raise RowsMissing(f"{UNSORTED}: {reached}", hint=AGAIN)
        if self._order.by_time and reached != position.since:
            return Position(reached, due=due)
        if end.dense and (position.tight or due is None):
            raise RowsMissing(
                f"more rows of one second match than paging reaches ({self.reach}): "
                f"{position.since}",
                hint=NARROW,
            )
        if position.tries == STRETCHES:
            place = f": {position.since}" if self.query.is_dated else ""
            raise RowsMissing(f"{end.rejected}, again and again{place}", hint=AGAIN)
        return Position(position.since, position.tries + 1, end.dense, due)

    def _check_unwritten(self, end: End) -> None:
        """Raise `RowsMissing` where an order that can't be begun anew has ended early."""
        if end.dense:
            raise RowsMissing(
                f"more than {self.reach} rows match, and there is no time to cut it by",
                hint=NARROW,
            )
        if self._written:
            raise RowsMissing(f"{end.rejected}, and this order can't be begun anew", hint=AGAIN)

    def _close(self, window: Window, end: End, written: int) -> bool:
        """Compare a window's rows with its total; tell whether rows are missing."""
        self.done.append(WindowResult(window, end.total, end.received, written))
        of_total = "" if end.total is None else f" of {end.total}"
        what = f"{window}" if self.query.is_dated else self.query.report.words
        label = f"window {window}" if self.query.is_dated else what
        self.note(f"{label}: {end.received}{of_total} rows")
        missing = (end.total or 0) - end.received
        if missing == 1:
            self.overstated += 1
            self.note(f"the service says that {what} has one row more, but none came")
        elif missing > 0:
            self.missing.append(f"{missing} of {end.total} rows of {what} did not come")
        return missing > 1

    # Rows

    @property
    def _wanted(self) -> int | None:
        """How many rows are still to be written, `None` for all."""
        return None if self.query.max_rows is None else max(0, self.query.max_rows - self._written)

    def _limit(self, overlap: int) -> int:
        """Return how many rows to ask for: two at least, since pages overlap by one."""
        limit = max(2, self.query.page_size)
        if self._wanted is None:
            return limit
        return max(2, min(limit, self._wanted - self._held.page.count + overlap))

    def _release(self, since: str, bound: str, *, settles: str = "", is_end: bool = False) -> Page:
        """Return the held rows that show a time from `since` to before `bound`; forget those.

        `settles` is the first second of a window whose rows were counted: all of it is settled.
        The position stays where it is until a row inside came, so that a resumed run judges too.
        In any order there is none but at the `is_end` of a window: a resumed run would repeat rows.
        """
        held, order = self._held, self._order
        places: Sequence[int]
        if order.by_time:
            done = order.count_before(held.times, bound)
            places = order.select(held.times[:done], since)
        else:
            done = held.page.count
            places = range(done)
            if self.query.is_dated:
                last = order.second_before(bound)
                places = Marks.of(held.page.marks).within(since, last, places)
        if self._wanted is not None and self._count_pending(since, order.far) >= self._wanted:
            places = order.select(held.times, since) if order.by_time else places
            places = places[: self._wanted]
        page = held.page.pick(places)
        self._held = held.skip(done).detach_few()
        self._written += page.count
        if (order.by_time or is_end) and order.is_before(since, bound):
            since = bound
        settled = order.settled(settles, bound) if settles and not self.missing else None
        position = since if self._inside else order.start
        if not order.by_time and not is_end:
            position = ""
        return msgspec.structs.replace(page, settled=settled, since=position)

    def _count_pending(self, since: str, bound: str) -> int:
        """Count the held rows to write that show a time from `since` to before `bound`."""
        if not self._order.by_time:
            return self._held.page.count
        times = self._held.times
        return len(self._order.select(times[: self._order.count_before(times, bound)], since))

    def _find_due(self, since: str) -> RowIdentity | None:
        """Return the identity of the first held row that shows `since` or a later time."""
        held, order = self._held, self._order
        place = order.count_before(held.times, since) if order.by_time else 0
        return identity(Marks.of(held.page.marks), place) if place < held.page.count else None

    # What came

    def _count_answer(self, answer: Answer) -> None:
        """Count an answer, and remember the first one's total."""
        if not self.answers:
            self.matching = answer.total
        self.answers += 1
        is_too_long = (answer.total or 0) > self.reach and not self._taken
        if not answer.is_sorted and (self._order.by_time or is_too_long):
            raise _UnsortedError(answer.total)

    def _count(self, page: Page, window: Window) -> None:
        """Count new rows, those beyond the margin of what was asked, and unreadable times."""
        times = Marks.of(page.marks).times
        first, last = shown(window.start - SECOND), shown(window.end + SECOND)
        outside, known = 0, list(filter(None, times))
        is_dated = self.query.is_dated
        if is_dated and known and (min(known) < first or max(known) > last):
            outside = sum(not first <= time <= last for time in known)
        self._received += len(times)
        self.outside += outside
        self._inside = self._inside or outside < len(times)
        self.unreadable_times += self._source.count_unreadable(page)

    @property
    def _only_outside(self) -> bool:
        """Check that rows came, and all outside of what was asked: then nothing is proven."""
        return self._received > 0 and not self._inside


class _UnsortedError(Exception):
    """The service does not sort by time; `total` rows match."""

    def __init__(self, total: int | None) -> None:
        super().__init__(total)
        self.total = total


def raise_missing(missing: Sequence[str], hint: str = AGAIN) -> None:
    """Raise `RowsMissing` where rows are."""
    if missing:
        more = f"; and so in {len(missing) - 1} more windows" if missing[1:] else ""
        raise RowsMissing(f"rows are missing: {missing[0]}{more}", hint=hint)
