"""Read the rows of a query, every one exactly once.

The position is `since`, a shown second: everything shown before it is written, nothing at or after
it is. A stretch asks from `since` on by offsets, and consecutive pages overlap by one row. A page
that does not fit what came before it ends the stretch, and a new one begins at `since`.
In descending order the same holds, mirrored.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from comagic_cli.errors import ComagicError, NetworkFailure, RowsMissing, UsageProblem
from comagic_cli.paging.prefetch import Prefetch, waited
from comagic_cli.paging.totals import Totals
from comagic_cli.paging.window import (
    MAX_OFFSET,
    SECOND,
    Window,
    margin_of,
    parse_time,
    read_day_limit,
    repeated_hours,
    split_by_days,
    window_around,
)
from comagic_cli.query.query import IDS, TIME_FORMAT, Query
from comagic_cli.rows.answer import Answer
from comagic_cli.rows.decode import RowReader
from comagic_cli.rows.identity import MarkReader
from comagic_cli.rows.page import Marks, Page, join_pages

Ask = Callable[[Window, int, int], Answer]
Identity = tuple[str | None, bytes]

STRETCHES = 5  # new stretches without progress that end the reading
REPEATS = 5  # answers without a new row, though there are some, that end a stretch
EMPTY = (b"null", b"{}")  # some services write an empty list like this
NO_TIME = b'" 0-:.TZnulfase'  # what an absent or a zero time is made of
MOVED = "rows moved while they were read"
UNSORTED = "rows did not come by time"
REPEATED = "the service gives the same rows again and again"
AGAIN = "Run the export again; rows may have changed while it was reading."
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


@dataclass(frozen=True)
class Position:
    """Where a stretch begins: everything shown before `since` is written.

    `tries` counts the stretches begun here without progress. A `tight` stretch has no margin at
    `since`: its first row of that second must be `due`, which proves that none was left out.
    """

    since: str
    tries: int = 0
    tight: bool = False
    due: Identity | None = None


@dataclass(frozen=True)
class Place:
    """Where the next page of a stretch begins.

    `received` rows stand before it, `last` is the identity of the last of them and `time` its
    shown time. `short` says that a page was not full. `repeats` counts answers without a new row,
    and `total` is what the service said last.
    """

    received: int = 0
    last: Identity | None = None
    time: str = ""
    short: bool = False
    repeats: int = 0
    total: int | None = None

    @property
    def overlap(self) -> int:
        """How many rows of the next page are known: the last row of the page before it."""
        return min(1, self.received)

    @property
    def offset(self) -> int:
        """The offset to ask for."""
        return self.received - self.overlap

    def precedes(self, page: Page) -> bool:
        """Tell whether a page begins with the last row of the page before it, if there was one."""
        if self.last is None:
            return True
        return page.count > 0 and identity(Marks.of(page.marks), 0) == self.last


@dataclass(frozen=True)
class Accepted:
    """New rows that fit what came before them, and their times: of one without the one before."""

    page: Page
    times: Sequence[str]


@dataclass(frozen=True)
class End:
    """Why a stretch ended: at the window's end, or because a page was `rejected`.

    `dense` says that offsets reach no further. `total` is the service's last word, if believable.
    """

    rejected: str = ""
    dense: bool = False
    total: int | None = None
    received: int = 0


@dataclass
class Reader:
    """Read a query's pages through `ask(window, offset, limit)`.

    `since` is where an earlier run ended. `note` is told a line about each window. `cut` cuts rows
    into all columns, for sinks that write them so. `reach` is the largest offset that may be asked
    for. `answers` counts those that came, `matching` is the first one's total. `done` lists the
    windows read to their end; `overstated` counts those with a total one too large. `outside`
    counts rows that show a time outside of what was asked, `unreadable_times` those whose time is
    of an unknown form. `missing` says which rows are missing,
    `hint` what to do then. `totals` is shared by all readers of an export.
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
    missing: list[str] = field(default_factory=list)
    hint: str = AGAIN
    answers: int = 0
    clock: Callable[[], float] = waited
    totals: Totals = field(default_factory=Totals)
    _received: int = 0
    _inside: bool = False  # once a row came that shows a time within what was asked
    _unsettled: str = ""  # the first second that is not settled, since only rows outside came
    _written: int = 0

    def __post_init__(self) -> None:
        self._asking = Prefetch(self.ask, self.clock)
        self._marks = MarkReader(self.query.report, self.query.asked)
        self._rows = RowReader(self.query.asked)
        self._margin = margin_of(len(self.query.report.time))
        period = self.query.period
        self._first, self._last = shown(period.start), shown(period.end)
        self._repeated = repeated_hours(period, self.zone)
        self._start = self._last if self.query.descending else self._first
        self._begun = False
        self._held, self._held_times = Page(()), list[str]()
        self._edge = "~" if self.query.descending else ""  # before every time, in reading order

    def pages(self) -> Iterator[Page]:
        """Yield the pages, at least one, of the rows to write.

        Raises `UsageProblem` for a period or sort that can't be cut into windows, `RowsMissing`
        where rows are missing (after the last window, so that all the others are there), and what
        `ask` raises.
        """
        yield from self.read()
        raise_missing(self.missing, self.hint)

    def read(self) -> Iterator[Page]:
        """Yield the pages like `pages`, and leave what is missing in `missing`, untold."""
        query = self.query
        position = Position(self.since or self._start)
        # An earlier run that has come further has written the rows without a time that come first.
        self._begun = self._inside = position.since != self._start
        whole = window_around(query.period, len(query.report.time))
        pending = self._spread(self._rest(whole, position), query.report.max_days)
        while pending:
            window = pending.pop(0)
            try:
                position = yield from self._window(window, position, final=not pending)
            except ComagicError as error:
                pending[:0] = self._shorten(error, window)
                continue
            if self._wanted == 0:
                return
        if self._only_outside:
            self.hint = CHECK_ZONE
            self.missing.append(
                f"all {self._received} rows that came are outside the period asked for "
                f"({self._first} … {self._last})"
            )

    @property
    def _only_outside(self) -> bool:
        """Check that rows came, and all outside of what was asked: then nothing is proven."""
        return self._received > 0 and not self._inside

    @property
    def _wanted(self) -> int | None:
        return None if self.query.most is None else max(0, self.query.most - self._written)

    def _window(
        self, window: Window, position: Position, *, final: bool
    ) -> Generator[Page, None, Position]:
        """Read a window in as many stretches as it takes; return where the next one begins."""
        far = self._far if final else self._edge_of(window)
        begin = self._unsettled or position.since
        written, first = self._written, True
        while True:
            part = window if first else self._rest(window, position)
            reached, end = position.since, End()
            due = None
            for item in self._stretch(part, position):
                if isinstance(item, End):
                    end = item
                    break
                if not self._held.count:
                    self._held_times = []
                self._held = join_pages(self._held, item.page)
                self._held_times += item.times
                bound = self._earlier(self._bound(item.times[-1]), far)
                due = due or self._due(reached)
                yield from self._release(reached, bound)
                if self._is_before(reached, bound) and self.query.by_time:
                    reached, due = bound, None
                    due = self._due(reached)
                if self._wanted == 0:
                    return Position(reached)
            if not end.rejected:
                short = self._close(
                    part, end, self._written + self._pending(reached, far) - written
                )
                self._unsettled = begin if self._only_outside else ""
                settles = None if short or self._unsettled else begin
                yield from self._release(reached, far, settles=settles)
                self._drop_held()
                return Position(far)
            self._drop_held()
            self.note(f"{end.rejected}: reading again from {reached}")
            position = self._next(position, reached, end, due)
            first = False

    def _next(self, position: Position, reached: str, end: End, due: Identity | None) -> Position:
        """Return where the next stretch begins. Raises `RowsMissing` after too many."""
        if not self.query.by_time:
            self._check_order(end)
        if end.rejected == UNSORTED and (self._written or reached != position.since):
            # What was taken to be complete may not be: later pages could bring earlier rows.
            raise RowsMissing(f"{UNSORTED}: {reached}", hint=AGAIN)
        if self.query.by_time and reached != position.since:
            return Position(reached, due=due)
        if end.dense and (position.tight or due is None):
            raise RowsMissing(
                f"more rows of one second match than paging reaches ({self.reach}): "
                f"{position.since}",
                hint="Narrow it with --where, and export the parts one by one.",
            )
        if position.tries == STRETCHES:
            raise RowsMissing(f"{end.rejected}, again and again: {position.since}", hint=AGAIN)
        return Position(position.since, position.tries + 1, end.dense, due)

    def _check_order(self, end: End) -> None:
        """Raise `RowsMissing` where a stretch that can't be begun anew has ended early."""
        if end.dense:
            raise RowsMissing(
                f"more than {self.reach} rows match, and there is no time to cut it by",
                hint="Narrow it with --where, and export the parts one by one.",
            )
        if self._written:
            raise RowsMissing(f"{end.rejected}, and this order can't be begun anew", hint=AGAIN)

    def _stretch(  # noqa: C901, PLR0912, PLR0915 - all that ends a stretch, in the order in which it is looked at
        self, window: Window, position: Position
    ) -> Iterator[Accepted | End]:
        """Yield the new rows of each page that fits the page before, then why there are no more."""
        start = self._edge if self._begun else position.since
        self._begun = True
        place, known = Place(), _Known(due=position.due if position.tight else None)
        while place.offset <= self.reach:
            limit = self._limit(place.overlap)
            answer = self._ask(window, place.offset, limit)
            page = read_page(answer)
            received = place.offset + page.count
            total = self.totals.read(answer.total, received)
            self._check_reach(total)
            gained, full = page.count - place.overlap, page.count >= limit
            if gained > 0 and (total != received or full or place.short):
                self._begin_next(window, received)
            elif gained > 0:
                self._begin_check(window, received)
            page = self._with_marks(page)
            # A total that shrinks says that rows vanished, perhaps before the last row: another row
            # of its second may have taken its place since.
            shrunk = None not in {total, place.total} and (total or 0) < (place.total or 0)
            if shrunk or not place.precedes(page):
                yield End(MOVED)
                return
            if gained <= 0:
                if total == received:
                    if self._confirm(window, received):
                        yield known.end(total, received)
                        return
                    total = None
                if place.received > self.reach:
                    break
                behind = self._ask(window, place.received, limit)
                if behind.total is not None:
                    total = self.totals.read(behind.total, place.received)
                page = self._with_marks(read_page(behind))
                if not page.count:
                    yield known.end(total, place.received)
                    return
                # A service may give one row at a time. Then the page behind the last row is taken
                # if the last row is still in its place after that.
                after = self._with_marks(read_page(self._ask(window, place.offset, limit)))
                if not place.received or after.count > 1 or not place.precedes(after):
                    if place.repeats == REPEATS:
                        yield End(REPEATED)
                        return
                    place = replace(place, repeats=place.repeats + 1)
                    continue
                received, full, total = place.received + page.count, False, None
            else:
                page = page.pick(range(place.overlap, page.count))
            accepted = self._accept(page, place.time or start, place.time, known, position)
            if isinstance(accepted, End):
                yield accepted
                return
            self._count_outside(Marks.of(page.marks).times, window)
            self._count_unreadable(page)
            last = identity(Marks.of(page.marks), -1)
            yield accepted
            # A service that gave a short page before its end may do so again: then the end is
            # proven. So it is where the total is just the end of a full page.
            if (
                total == received
                and not full
                and not place.short
                and self._confirm(window, received)
            ):
                yield known.end(total, received)
                return
            short = place.short or not full
            place = Place(received, last, accepted.times[-1], short, total=total)
        yield End("offsets reach no further", dense=True)

    def _accept(
        self, page: Page, before: str, last: str, known: _Known, position: Position
    ) -> Accepted | End:
        """Return the rows of a page with their times, or why they do not fit those before them."""
        marks = Marks.of(page.marks)
        times = fill_times(marks.times, before)
        if problem := self._problem(last, times, marks, known):
            return End(problem)
        place = self._count_before(times, position.since)
        if known.due and place < len(times):
            if identity(marks, place) != known.due:
                return End(MOVED, dense=True)
            known.due = None
        return Accepted(page, times)

    def _problem(self, time: str, times: Sequence[str], marks: Marks, known: _Known) -> str:
        """Say why new rows do not fit those before them; "" where they do."""
        if self.query.by_time and not self._is_in_order(time, times):
            return UNSORTED
        start = self._bound(times[-1]) if self.query.by_time else ""
        if known.takes(marks, times, start, self._is_before, by_time=self.query.by_time):
            return ""
        return "a row came twice"

    def _is_in_order(self, time: str, times: Sequence[str]) -> bool:
        """Tell whether times do not go back, but within an hour that clocks repeat."""
        whole = [time, *times] if time else list(times)
        if whole == sorted(whole, reverse=self.query.descending):
            return True
        return all(
            not self._is_before(later, earlier)
            or any(span.holds(earlier) and span.holds(later) for span in self._repeated)
            for earlier, later in pairwise(whole)
        )

    def _release(self, since: str, bound: str, *, settles: str | None = None) -> Iterator[Page]:
        """Yield the held rows that show a time from `since` to before `bound`; forget those.

        `settles` is the first second of a window whose rows were counted: all of it is settled.
        The position stays where it is until a row inside came, so that a resumed run judges too.
        """
        held, times = self._held, self._held_times
        if not self.query.by_time:
            inside = Marks.of(held.marks).within(self._first, self._last, range(held.count))
            page, rest = held.pick(inside), held.count
        else:
            rest = self._count_before(times, bound)
            page = held.pick(self._places(times[:rest], since))
        wanted = self._wanted
        if wanted is not None and self._pending(since, self._far) >= wanted:
            places = self._places(times, since) if self.query.by_time else range(page.count)
            page = (held if self.query.by_time else page).pick(places[:wanted])
        self._held, self._held_times = held.pick(range(rest, held.count)), times[rest:]
        self._written += page.count
        if self.query.by_time and self._is_before(since, bound):
            since = bound
        settled = self._settled(settles, bound) if settles and not self.missing else None
        position = since if self._inside else self._start
        yield msgspec.structs.replace(page, settled=settled, since=position)

    def _places(self, times: Sequence[str], since: str) -> Sequence[int]:
        """Choose the rows to write: those that show a time from `since` to the period's end."""
        if self._repeated:
            return [
                place
                for place, time in enumerate(times)
                if not self._is_before(time, since) and self._is_before(time, self._far)
            ]
        return range(self._count_before(times, since), self._count_before(times, self._far))

    def _pending(self, since: str, bound: str) -> int:
        if not self.query.by_time:
            return self._held.count
        some = self._held_times[: self._count_before(self._held_times, bound)]
        return len(self._places(some, since))

    def _due(self, since: str) -> Identity | None:
        """Return the identity of the first held row that `since` or a later time shows."""
        place = self._count_before(self._held_times, since) if self.query.by_time else 0
        return identity(Marks.of(self._held.marks), place) if place < self._held.count else None

    def _count_before(self, times: Sequence[str], bound: str) -> int:
        return bisect_left(times, True, key=lambda time: not self._is_before(time, bound))  # noqa: FBT003

    def _is_before(self, time: str, other: str) -> bool:
        return other < time if self.query.descending else time < other

    def _earlier(self, time: str, other: str) -> str:
        return time if self._is_before(time, other) else other

    def _bound(self, time: str) -> str:
        """Return the second up to which rows are complete, once `time` was shown."""
        for span in self._repeated:
            if span.holds(time):
                return span.last if self.query.descending else span.first
        return time

    @property
    def _far(self) -> str:
        """The second behind the period, in the order of reading."""
        period = self.query.period
        return shown(period.start - SECOND if self.query.descending else period.end + SECOND)

    def _edge_of(self, window: Window) -> str:
        """Return the first second that a window does not bring for certain at its far end."""
        more = self._margin - SECOND
        edge = shown(window.start + more if self.query.descending else window.end - more)
        return self._bound(edge)

    def _settled(self, since: str, bound: str) -> tuple[str, str] | None:
        first, last = parse_time(since), parse_time(bound)
        if first is None or last is None:
            return None
        if self.query.descending:
            return shown(last + SECOND), shown(first)
        return shown(first), shown(last - SECOND)

    def _rest(self, window: Window, position: Position) -> Window:
        """Return what of a window is to be read from a position on."""
        since = parse_time(position.since)
        if since is None or not self.query.by_time:
            return window
        margin = timedelta(0) if position.tight else self._margin
        if self.query.descending:
            return Window(window.start, max(window.start, min(window.end, since + margin)))
        return Window(min(window.end, max(window.start, since - margin)), window.end)

    def _ask(self, window: Window, offset: int, limit: int) -> Answer:
        answer = self._asking(window, offset, limit)
        if not self.answers:
            self.matching = answer.total
        self.answers += 1
        return answer

    def _limit(self, overlap: int) -> int:
        """Return how many rows to ask for: two at least, since pages overlap by one."""
        limit = max(2, self.query.page_size)
        if self.query.most is None:
            return limit
        rest = self.query.most - self._written - self._held.count + overlap
        return max(2, min(limit, rest))

    def _begin_next(self, window: Window, received: int) -> None:
        """Ask for the page behind this one while this one is read, unless enough rows are there."""
        if self.query.most is None and received - 1 <= self.reach:
            self._asking.begin([(window, received - 1, self._limit(1))])

    def _begin_check(self, window: Window, received: int) -> None:
        """Ask for the page that checks a total while the page with that total is read."""
        if self.query.most is None and (page := self.totals.check(received)):
            self._asking.begin([(window, *page)])

    def _confirm(self, window: Window, received: int) -> bool:
        """Tell whether a window ends where the total says so: surely if each id has its row."""
        if IDS in self.query.extra and received >= len(self.query.extra[IDS]):
            return True

        def ask(offset: int, limit: int) -> tuple[int | None, int]:
            answer = self._ask(window, offset, limit)
            return answer.total, read_page(answer).count

        return self.totals.confirm(received, ask)

    def _check_reach(self, total: int | None) -> None:
        if self.query.by_time or total is None:
            return
        wanted = total if self.query.most is None else min(total, self.query.most)
        if wanted > self.reach:
            raise UsageProblem(
                f"{total} rows match, and paging reaches {self.reach} of them in this order",
                hint="Sort by time, ask for a shorter period, or narrow it with --where.",
            )

    def _with_marks(self, page: Page) -> Page:
        try:
            page = self._rows.cut(page) if self.cut else page
            return msgspec.structs.replace(page, marks=self._marks.read(page))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _no_rows(error) from error

    def _count_outside(self, times: Sequence[str], window: Window) -> None:
        """Count the rows that show a time beyond the margin of what was asked."""
        self._received += len(times)
        shown_times = list(filter(None, times))
        if not shown_times:
            self._inside = self._inside or len(times) > 0
            return
        first, last = shown(window.start - SECOND), shown(window.end + SECOND)
        outside = 0
        if min(shown_times) < first or max(shown_times) > last:
            outside = sum(not first <= time <= last for time in shown_times)
        self.outside += outside
        self._inside = self._inside or outside < len(times)

    def _count_unreadable(self, page: Page) -> None:
        """Count the rows that state a time in an unknown form: they are written unchecked."""
        times, names = Marks.of(page.marks).times, self.query.report.time
        if "" not in times or not names:
            return
        unknown = page.pick([place for place, time in enumerate(times) if not time])
        cut = unknown if unknown.columns else RowReader(names).cut(unknown)
        columns = [[bytes(value).strip(NO_TIME) for value in cut.column(name)] for name in names]
        self.unreadable_times += sum(map(all, zip(*columns, strict=True)))

    def _drop_held(self) -> None:
        self._held, self._held_times = Page(()), []

    def _spread(self, window: Window, max_days: int) -> list[Window]:
        """Cut a window by the cap of days; parts come in the order of reading."""
        windows = split_by_days(window, max_days)
        if len(windows) > 1 and not self.query.by_time:
            raise UsageProblem(
                f"the period is longer than {max_days - 1} days, the most at once in this order",
                hint="Ask for a shorter one, or sort by time."
                if self.query.report.time
                else "Ask for a shorter one.",
            )
        return windows[::-1] if self.query.descending else windows

    def _shorten(self, error: ComagicError, window: Window) -> list[Window]:
        """Cut a window that is longer than the service takes. Raises any other error."""
        if error.mnemonic != "date_interval_limit_reached":
            raise error
        cap = read_day_limit(error.message, window)
        self.note(f"the service takes {cap} days at once: cutting {window}")
        return self._spread(window, cap)

    def _close(self, window: Window, end: End, written: int) -> bool:
        """Compare a window's rows with its total; tell whether rows are missing."""
        self.done.append(WindowResult(window, end.total, end.received, written))
        of_total = "" if end.total is None else f" of {end.total}"
        self.note(f"window {window}: {end.received}{of_total} rows")
        missing = (end.total or 0) - end.received
        if missing == 1:
            self.overstated += 1
            self.note(f"the service says that {window} has one row more, but none came")
        elif missing > 0:
            self.missing.append(f"{missing} of {end.total} rows of {window} did not come")
        return missing > 1


@dataclass
class _Known:
    """The rows of a stretch that the order of time does not tell from later ones.

    Rows without a key can be equal: they are only known from earlier pages, and only by time.
    """

    start: str = ""
    rows: set[Identity] = field(default_factory=set)
    last: str = ""
    due: Identity | None = None  # the row that a tight stretch must bring

    def end(self, total: int | None, received: int) -> End:
        """Return the end of a window, unless the row that is due did not come."""
        return End(MOVED, dense=True) if self.due else End(total=total, received=received)

    def takes(
        self,
        marks: Marks,
        times: Sequence[str],
        start: str,
        is_before: Callable[[str, str], bool],
        *,
        by_time: bool,
    ) -> bool:
        """Tell whether rows are new, and keep those from `start` on."""
        keys = [key for key in marks.keys if key is not None]
        if len(set(keys)) < len(keys):
            return False
        if self.rows:
            for place, time in enumerate(times):
                if by_time and self.start != time and is_before(self.last, time):
                    break
                if identity(marks, place) in self.rows:
                    return False
        if by_time and start != self.start:
            self.rows = set()
        place = len(times)
        while place and not (by_time and is_before(times[place - 1], start)):
            place -= 1
            if by_time or marks.keys[place] is not None:
                self.rows.add(identity(marks, place))
        self.start, self.last = start, times[-1]
        return True


def read_page(answer: Answer) -> Page:
    """Return the rows of an answer. Raises `NetworkFailure` where it has no list."""
    try:
        data = answer.came
        empty = not isinstance(data, list) and bytes(memoryview(data)[:5]) in EMPTY
        return Page([] if empty else answer.rows, answer.marker, unbroken=answer.unbroken)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _no_rows(error) from error


def identity(marks: Marks, place: int) -> Identity:
    """Return what tells a row: its key, or where that can repeat or is null a digest of the row."""
    mark = marks[place]
    return mark.key, b"" if mark.key is not None else mark.whole


def fill_times(times: Sequence[str], before: str) -> Sequence[str]:
    """Give each row without a time that of the row before it."""
    if "" not in times:
        return times
    filled = []
    for time in times:
        before = time or before
        filled.append(before)
    return filled


def shown(moment: datetime) -> str:
    """Return a moment as the service shows it."""
    return moment.strftime(TIME_FORMAT)


def raise_missing(missing: Sequence[str], hint: str = AGAIN) -> None:
    """Raise `RowsMissing` where rows are."""
    if missing:
        more = f"; and so in {len(missing) - 1} more windows" if missing[1:] else ""
        raise RowsMissing(f"rows are missing: {missing[0]}{more}", hint=hint)


def _no_rows(error: Exception) -> NetworkFailure:
    return NetworkFailure(f"the answer's data is no list of rows ({error})")
