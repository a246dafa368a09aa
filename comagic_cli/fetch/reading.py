"""The reading of one window: page after page, each overlapping the one before by a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from comagic_cli.api.envelope import Answer
from comagic_cli.errors import NetworkFailure, RowsMissing, UsageProblem
from comagic_cli.fetch.drafts import Drafter, Render, page_of
from comagic_cli.fetch.seen import Seen, Tail
from comagic_cli.fetch.windows import SECOND, Window, cut_near, parse_time, rest_after, rest_from
from comagic_cli.query.query import TIME_FORMAT, Query
from comagic_cli.request.pages import Mark, Marks, Page

Place = tuple[Window, int, int]
Ask = Callable[[Window, int, int], Answer]
Begin = Callable[[Window, int, int], None]

PASSES = 3  # how often a window is read at most, where rows vanish or move while paging
IDLE_PAGES = 3  # pages without a new row, one after another, that are still believed
NOTHING: tuple[str | None, bytes] = (None, b"")
FULL = 0.8  # how much of the room within reach a cut aims to fill, since density varies


class Reading:
    """Read one window: where it stands, and what it has seen.

    `before` is what was read before it, whose end it may bring again. `wanted` caps the rows to
    write. `reach` is the largest offset that may be asked for. `render` makes texts of the rows, as
    they are read. After `pages` has ended, `window` is
    what was read (its far end may have been moved), `total` what the service said of it last
    (`None`: nothing), `seen.received` the distinct rows that came in the latest pass, `passed_by`
    how many arrived during it before what was read already, and `unsure` whether rows vanished even
    in that.
    """

    def __init__(
        self,
        query: Query,
        window: Window,
        before: Tail,
        wanted: int | None,
        reach: int,
        render: Render | None = None,
    ) -> None:
        self._due = before.due
        self.query = query
        self._reach = reach
        self.window = self._asked = window
        self.seen = Seen(before.marks())
        self.tail: Tail = Tail(descending=query.descending, before=before.marks())
        self.total: int | None = None
        self.written = 0
        self.passed_by = 0
        self.unsure = False
        self.position = 0  # how many of the window's rows stand before the next one
        self._offset = 0  # where the next page is asked for: at `position`, or one row before
        self._last = self._anchor = NOTHING  # the last row received; the next page must hold it
        self._page_length = query.page_size
        self._page_span = timedelta(0)
        self._done = self._tight = False
        self._passes = 1
        self._moved = self._doubted = False
        self._idle_pages = 0
        self._wanted = wanted
        self._drafter = Drafter(query.report, query.asked, render)
        self._first_time = query.period.start.strftime(TIME_FORMAT)
        self._last_time = query.period.end.strftime(TIME_FORMAT)

    @property
    def enough(self) -> bool:
        """Tell whether all wanted rows are written."""
        return self._wanted is not None and self.written >= self._wanted

    @property
    def rest(self) -> Window | None:
        """Return what of the window is still to be read, as its far end was moved."""
        if self._tight:
            return rest_from(self._asked, self.window, descending=self.query.descending)
        return rest_after(self._asked, self.window, descending=self.query.descending)

    def pages(self, ask: Ask, begin: Begin | None = None) -> Iterator[Page]:
        """Yield the window's pages to its end, or until there are enough rows.

        `begin` is told as early as possible what will be asked next, where that is known. Raises
        `RowsMissing` where paging can't reach the end, and what `ask` raises.
        """
        while not self._done and not self.enough:
            self._keep_in_reach()
            if not self._done:
                yield self._page(ask(self.window, self._offset, self._limit()), begin)
                self._once_more_if_short()
        if self._due and self._done and not self.seen.holds(self._due):
            edge = self._asked.end if self.query.descending else self._asked.start
            raise self._too_dense(edge)

    def _limit(self) -> int:
        overlap = self.position - self._offset
        most = max(self.query.page_size, overlap + 1)
        return most if self._wanted is None else min(most, self._wanted - self.written + overlap)

    def _page(self, answer: Answer, begin: Begin | None) -> Page:
        try:
            page = page_of(answer)
            changed = self._note_total(answer.total, self._offset + page.count)
            if begin and (place := self._foreseen(page)):
                begin(*place)
            draft = self._drafter.read(page)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NetworkFailure(f"the answer's data is no list of rows ({error})") from error
        picked = self._take(draft.marks, changed=changed)
        self.written += len(picked)
        return draft.pick(picked)

    def _foreseen(self, page: Page) -> Place | None:
        """Tell what is asked after a page, where its first row and its length are enough to know.

        `None` where all of its marks decide: rows have moved, the end is near, or is to be moved.
        """
        count, overlap = page.count, self.position - self._offset
        end = self._offset + count
        if end <= self.position or self._is_probe:
            return None
        if self.total == end or not self._is_within_reach(end - 1, count):
            return None
        limit = max(self.query.page_size, 2)
        if self._wanted is not None and self._wanted - self.written - count < limit - 1:
            return None
        if overlap and _name(self._drafter.marks.read(page.pick([0]))[0]) != self._anchor:
            return None
        return self.window, end - 1, limit

    def _note_total(self, total: int | None, least: int) -> bool:
        """Keep the total; tell whether it changed since the answer before.

        One that is less than what came at `least` tells nothing: only an empty page is the end.
        """
        if total is None:
            return False
        changed = self.total is not None and total != self.total
        self._moved = self._moved or changed
        self.total = total if total >= least else None
        self._check_order(total)
        return changed

    def _check_order(self, total: int) -> None:
        wanted = total if self._wanted is None else min(total, self._wanted)
        if wanted > self._reach and not self.query.by_time:
            raise UsageProblem(
                f"{total} rows match, and paging reaches {self._reach} of them in this order",
                hint="Sort by time, ask for a shorter period, or narrow it with --where.",
            )

    def _take(self, marks: Marks, *, changed: bool) -> Sequence[int]:
        """Take a page in, move on, and choose the places of the rows to write."""
        found = self._head(marks)
        if found is None and self._read_again():
            return []
        if self._is_probe and self._has_moved(marks):
            self._offset = self.position - 1
            return []
        head, received = found or 0, self.seen.received
        new = self._new(marks, head)
        pushed = self._pushed(head)
        self.passed_by += pushed - sum(place < pushed for place in new[:pushed])
        self._check_progress(received, marks)
        if marks:
            self._measure(marks)
        self._advance(marks, head, changed=changed)
        picked = marks.within(self._first_time, self._last_time, new)
        return picked if self._wanted is None else picked[: self._wanted - self.written]

    @property
    def _is_probe(self) -> bool:
        """Tell whether a page is asked for without the row before it."""
        return 0 < self.position == self._offset

    def _has_moved(self, marks: Marks) -> bool:
        """Tell whether a probe brings rows that came before: pushed there, it counts for nothing.

        Rows without a key may only be equal to those: they are believed where they come again.
        """
        keyed, keyless = self.seen.repeats(marks)
        moved = keyed or (keyless and not self._doubted)
        self._doubted = moved
        if moved:
            self._moved = True
            self._check_progress(self.seen.received, marks)
        return moved

    def _new(self, marks: Marks, head: int) -> Sequence[int]:
        """Find the rows that are new; those at the head may be known."""
        first = [
            place
            for place, mark in enumerate(marks[:head])
            if not self.seen.holds(mark) and self.seen.add(mark)
        ]
        rest = self.seen.take(marks, head)
        return [*first, *rest] if first else rest

    def _pushed(self, head: int) -> int:
        """Count the rows at a page's head that arrivals before it have pushed there."""
        return max(0, head - (self.position - self._offset))

    def _check_progress(self, received: int, marks: Marks) -> None:
        """Stop at a service that gives the same rows whatever the offset."""
        self._idle_pages = self._idle_pages + 1 if self.seen.received == received else 0
        if marks and self._idle_pages > IDLE_PAGES:
            raise RowsMissing(
                f"the service gives the same rows again and again in {self.window}",
                hint="It does not follow `offset`; ask for a shorter period.",
            )

    def _head(self, marks: Marks) -> int | None:
        """Count the rows at a page's head that were received before.

        `None` where the row that it must begin with is gone: others before it have vanished.
        """
        if self._offset == self.position:
            return 0
        for place, mark in enumerate(marks):
            if _name(mark) == self._anchor:
                self._moved, self._doubted = self._moved or place > 0, self._doubted and not place
                return place + self.position - self._offset
        return None

    def _advance(self, marks: Marks, head: int, *, changed: bool) -> None:
        """Choose where the next page is asked for, or that this was the last.

        A page of nothing but the row before may be a short one, or the end: the next is asked for
        without that row, and only an empty page is the end. Where rows come after all, or the total
        changed, the row before is asked for once more, since others before it may have vanished.
        """
        if self._is_probe and (marks or (changed and self._idle_pages < IDLE_PAGES)):
            self._offset = self.position - 1
            self.position += len(marks)
            self._last = _name(marks[-1]) if marks else self._last
            return
        verified = self._anchor != self._last
        reached = self.position + self._pushed(head)
        end = self._offset + len(marks)
        self.position = max(reached, end)
        if marks and end >= reached:
            self._last = _name(marks[-1])
        self._anchor = self._last
        if self.total is not None and self.position >= self.total and end >= reached:
            self._done = True
        elif end > reached or verified:
            self._offset = self.position - 1
        else:
            self._done = not marks
            self._offset = self.position

    def _measure(self, marks: Marks) -> None:
        self.tail.add(marks)
        self._page_length = len(marks)
        times = [time for mark in (marks[0], marks[-1]) if (time := parse_time(mark.time))]
        self._page_span = abs(times[-1] - times[0]) if times else timedelta(0)

    def _read_again(self) -> bool:
        """Begin a further pass over the window, within bounds."""
        self._moved = True
        if self._passes >= PASSES:
            self.unsure = True
            return False
        self._passes += 1
        self.seen.begin_pass()
        self.position = self._offset = 0
        self.passed_by = 0
        self.total = None
        self._last = self._anchor = NOTHING
        self._done = self._moved = self._doubted = False
        self._idle_pages = 0
        return True

    def _once_more_if_short(self) -> None:
        """Read the window again where it came out short and rows were seen to move meanwhile.

        In the end, rows that arrived before those that were read already are not missing.
        """
        received = self.seen.received
        short = self.total is not None and received < self.total
        repeated = received < self.position
        explained = self._passes >= PASSES and received + self.passed_by >= (self.total or 0)
        if self._done and short and (self._moved or repeated) and not explained:
            self._read_again()

    def _keep_in_reach(self) -> None:
        """Move the far end nearer as offsets near their cap, while more rows than that match."""
        if self._is_within_reach(self._offset, self._page_length):
            return
        reached = parse_time(self.tail.farthest)
        if reached is None or not self.query.by_time:
            raise self._out_of_reach("its rows have no time to cut it by")
        if self._offset > self._reach:
            self._end_at(reached)
            return
        room = (self._reach - self._offset) / self._page_length + 1
        ahead = self._page_span * room * FULL
        nearer = cut_near(self.window, reached, ahead, descending=self.query.descending)
        if nearer != self.window:
            self.window, self.total = nearer, None

    def _is_within_reach(self, offset: int, page_length: int) -> bool:
        """Tell whether the window's end can be reached, or that cap is a page away at least."""
        fits = self.total is not None and self.total <= self._reach
        return offset + 2 * page_length <= self._reach or (fits and offset <= self._reach)

    def _end_at(self, reached: datetime) -> None:
        """End the window at the time reached, which the rest of it begins with."""
        if self.query.descending:
            self.window = Window(reached, self.window.end)
        else:
            self.window = Window(self.window.start, reached)
        if self.rest is None or self.rest.span >= self._asked.span:
            # Two seconds are too many for one window. All before the last row have come; where the
            # rest brings that row again, it brings all after it.
            self._tight = self._asked.start < reached < self._asked.end
            if not self._tight:
                raise self._too_dense(reached)
            self.tail.due = Mark(self._last[0], "", self._last[1])
        self.total, self._done = None, True

    def _too_dense(self, second: datetime) -> RowsMissing:
        self.window = Window(second - SECOND, second)
        return self._out_of_reach(f"too many of them are of one second, {second}")

    def _out_of_reach(self, why: str) -> RowsMissing:
        return RowsMissing(
            f"more than {self._reach} rows match in {self.window}, and {why}",
            hint="Narrow it with --where, and export the parts one by one.",
        )


def _name(mark: Mark) -> tuple[str | None, bytes]:
    return mark.key, mark.whole
