"""A stretch: pages of a window from a position on, each overlapping the one before by one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from comagic_cli.errors import UsageProblem
from comagic_cli.paging.order import Order, fill_times
from comagic_cli.paging.source import PageSource
from comagic_cli.paging.window import Window
from comagic_cli.rows.page import Marks, Page, join_pages

RowIdentity = tuple[str | None, bytes]

FEW = 100  # rows that are copied, so that they do not hold the memory of a whole answer
REPEATS = 5  # answers without a new row, though there are some, that end a stretch
MOVED = "rows moved while they were read"
UNSORTED = "rows did not come by time"
REPEATED = "the service gives the same rows again and again"
BEYOND = "offsets reach no further"


@dataclass(frozen=True)
class Position:
    """Where a stretch begins: everything shown before `since` is written.

    `tries` counts the stretches begun here without progress. A `tight` stretch has no margin at
    `since`: its first row of that second must be `due`, which proves that none was left out.
    """

    since: str
    tries: int = 0
    tight: bool = False
    due: RowIdentity | None = None


@dataclass(frozen=True)
class Rows:
    """Rows and their times; a row without a time has that of the row before it."""

    page: Page = field(default_factory=lambda: Page(()))
    times: Sequence[str] = ()

    def join(self, other: Rows) -> Rows:
        """Return these rows and others behind them."""
        return Rows(join_pages(self.page, other.page), [*self.times, *other.times])

    def skip(self, count: int) -> Rows:
        """Return the rows without the first ones."""
        return Rows(self.page.pick(range(count, self.page.count)), self.times[count:])

    def detach_few(self) -> Rows:
        """Return the rows without the answer that they are views of, if they are few."""
        return replace(self, page=self.page.detach()) if self.page.count <= FEW else self


@dataclass(frozen=True)
class End:
    """Why a stretch ended: at the window's end, or because a page was `rejected`.

    `dense` says that offsets reach no further. `total` is the service's last word, if believable.
    """

    rejected: str = ""
    dense: bool = False
    total: int | None = None
    received: int = 0


@dataclass(frozen=True)
class Place:
    """Where the next page of a stretch begins.

    `received` rows stand before it, `last` is the identity of the last of them and `time` its
    shown time. `size` is the rows of that page, `short` says that a page was not full. `repeats`
    counts answers without a new row, and `total` is what the service said last.
    """

    received: int = 0
    last: RowIdentity | None = None
    time: str = ""
    size: int = 0
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
        """Check that a page begins with the last row of the page before it, if there was one."""
        if self.last is None:
            return True
        return page.count > 0 and identity(Marks.of(page.marks), 0) == self.last

    def has_shrunk(self, total: int | None) -> bool:
        """Check that a total is smaller than the one before: rows vanished.

        They may have vanished before the last row, and another row of its second may have taken its
        place since.
        """
        return total is not None and self.total is not None and total < self.total


@dataclass(frozen=True)
class Chunk:
    """The new rows of a page, and what its answer says: `received` rows up to their end."""

    page: Page
    received: int
    total: int | None
    full: bool

    @property
    def is_last(self) -> bool:
        """Check that the total says so. The end of a full page may be all that a total counts."""
        return self.total == self.received and not self.full


@dataclass
class Stretch:
    """Read the pages of a window from a position on.

    `limit` returns how many rows to ask for, given the overlap. `before` is the time of the first
    rows, if they have none.
    """

    source: PageSource
    order: Order
    window: Window
    position: Position
    limit: Callable[[int], int]
    before: str

    def __post_init__(self) -> None:
        self._known = KnownRows(self.order, self.position.due if self.position.tight else None)

    def read(self) -> Iterator[Rows | End]:
        """Yield the new rows of each page that fits the page before, then why there are no more."""
        place = Place()
        self.source.begin(self.window, [(place.offset, self.limit(place.overlap))])
        while place.offset <= self.source.reach:
            limit = self.limit(place.overlap)
            page, total = self.source.read(self.window, place.offset, limit)
            step = self._judge(page, total, place, limit)
            if isinstance(step, Place):
                place = step
                continue
            rows = step if isinstance(step, End) else self._accept(step.page, place)
            if isinstance(rows, End) or isinstance(step, End):
                if isinstance(rows, End) and not rows.rejected:
                    self.source.begin(self.window)
                yield rows
                return
            self._ask_ahead(step, place)
            yield rows
            # A service that gave a short page before its end may do so again: then asking behind
            # the end must prove it.
            if step.is_last and not place.short and self._confirm(step.received):
                yield self._known.end(step.total, step.received)
                return
            last = identity(Marks.of(step.page.marks), -1)
            short = place.short or not step.full
            size = step.page.count + place.overlap
            place = Place(step.received, last, rows.times[-1], size, short, total=step.total)
            del page, step, rows  # else their memory is held until the next page has come
        yield End(BEYOND, dense=True)

    def _judge(
        self, page: Page, total: int | None, place: Place, limit: int
    ) -> Chunk | Place | End:
        """Return the new rows of a page, the end, or the place to ask for again."""
        received = place.offset + page.count
        total = self.source.totals.read(total, received)
        chunk = Chunk(page, received, total, full=page.count >= limit)
        self._check_reach(total)
        if page.count > place.overlap:
            self._ask_ahead(chunk, place, most=max(1, self.source.ahead.jobs - 1))
        page = self.source.mark(page)
        if place.has_shrunk(total) or not place.precedes(page):
            return End(MOVED)
        if page.count <= place.overlap:
            return self._read_behind(place, limit, chunk)
        return replace(chunk, page=page.pick(range(place.overlap, page.count)))

    def _ask_ahead(self, chunk: Chunk, place: Place, most: int | None = None) -> None:
        """Ask for what follows a page with new rows while it is read.

        At most for so many pages, where the page may yet be rejected: then they are in vain.
        """
        self.source.begin(self.window, self._expected(chunk, place), most)

    def _expected(self, chunk: Chunk, place: Place) -> Iterator[tuple[int, int]]:
        """Yield the offsets and limits of the pages that will be asked for, if nothing moves."""
        if chunk.is_last and not place.short:
            check = self.source.check(chunk.received)
            yield from (check,) if check else ()
            return
        received, limit = chunk.received, self.limit(1)
        yield received - 1, limit
        if chunk.total is None or not self.source.totals.are_whole:  # it may be that of a page
            return
        size = received - place.offset
        is_steady = chunk.full or size == place.size  # others can't be foreseen
        while is_steady and size > 1:
            count = min(size, chunk.total - received + 1)
            received += count - 1
            if received == chunk.total and count < limit:
                return
            yield received - 1, limit

    def _read_behind(self, place: Place, limit: int, chunk: Chunk) -> Chunk | Place | End:
        """Ask behind the last row, where a page brought no new one.

        A service may give one row at a time. Then the page behind the last row is taken if the last
        row is still in its place after that.
        """
        total = chunk.total
        if total == chunk.received:
            if self._confirm(chunk.received):
                return self._known.end(total, chunk.received)
            total = None
        if place.received > self.source.reach:
            return End(BEYOND, dense=True)
        page, new_total = self.source.read(self.window, place.received, limit)
        if new_total is not None:
            total = self.source.totals.read(new_total, place.received + page.count)
        page = self.source.mark(page)
        if not page.count:
            return self._known.end(total, place.received)
        after = self.source.read_marked(self.window, place.offset, limit)
        if place.received and after.count <= 1 and place.precedes(after):
            return Chunk(page, place.received + page.count, None, full=False)
        if place.repeats == REPEATS:
            return End(REPEATED)
        return replace(place, repeats=place.repeats + 1)

    def _confirm(self, received: int) -> bool:
        return self.source.confirm(self.window, received)

    def _accept(self, page: Page, place: Place) -> Rows | End:
        """Return the rows of a page with their times, or why they do not fit those before them."""
        marks = Marks.of(page.marks)
        times = fill_times(marks.times, place.time or self.before)
        with_last = [place.time, *times] if place.time else times
        if self.order.by_time and not self.order.is_sorted(with_last):
            return End(UNSORTED)
        if not self._known.accept(marks, times):
            return End("a row came twice")
        first = self.order.count_before(times, self.position.since)
        if self._known.due and first < len(times):
            if identity(marks, first) != self._known.due:
                return End(MOVED, dense=True)
            self._known.due = None
        return Rows(page, times)

    def _check_reach(self, total: int | None) -> None:
        """Refuse more rows than paging reaches in an order that can't be cut into windows."""
        if self.order.by_time or total is None:
            return
        most, reach = self.source.query.max_rows, self.source.reach
        if (total if most is None else min(total, most)) > reach:
            raise UsageProblem(
                f"{total} rows match, and paging reaches {reach} of them in this order",
                hint="Sort by time, ask for a shorter period, or narrow it with --where.",
            )


@dataclass
class KnownRows:
    """The rows of a stretch that the order of time does not tell from later ones.

    Rows without a key can be equal: they are only known from earlier pages, and only by time.
    `due` is the row that a tight stretch must bring.
    """

    order: Order
    due: RowIdentity | None = None
    _start: str = ""
    _last: str = ""
    _rows: set[RowIdentity] = field(default_factory=set)

    def end(self, total: int | None, received: int) -> End:
        """Return the end of a window, unless the row that is due did not come."""
        return End(MOVED, dense=True) if self.due else End(total=total, received=received)

    def accept(self, marks: Marks, times: Sequence[str]) -> bool:
        """Tell whether rows are new, and remember those that later ones may equal."""
        keys = [key for key in marks.keys if key is not None]
        if len(set(keys)) < len(keys) or self._has_any(marks, times):
            return False
        self._remember(marks, times)
        return True

    def _has_any(self, marks: Marks, times: Sequence[str]) -> bool:
        """Check for a known row among new ones; those after the last known time are new."""
        if not self._rows:
            return False
        for place, time in enumerate(times):
            is_later = self._start != time and self.order.is_before(self._last, time)
            if self.order.by_time and is_later:
                return False
            if identity(marks, place) in self._rows:
                return True
        return False

    def _remember(self, marks: Marks, times: Sequence[str]) -> None:
        """Remember rows of the last second or repeated hour; without a time all that have keys."""
        by_time = self.order.by_time
        start = self.order.complete_until(times[-1]) if by_time else ""
        if by_time and start != self._start:
            self._rows = set()
        place = len(times)
        while place and not (by_time and self.order.is_before(times[place - 1], start)):
            place -= 1
            if by_time or marks.keys[place] is not None:
                self._rows.add(identity(marks, place))
        self._start, self._last = start, times[-1]


def identity(marks: Marks, place: int) -> RowIdentity:
    """Return what tells a row: its key, or where that can repeat or is null a digest of the row."""
    mark = marks[place]
    return mark.key, b"" if mark.key is not None else mark.digest
