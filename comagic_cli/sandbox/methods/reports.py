"""One query of one report: which rows, in what order, cut to a page.

Pages by time without a filter are found by bisection, however many rows there are. Any other query
is evaluated once and remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.sources import find_entity
from comagic_cli.sandbox.methods.filters import plain
from comagic_cli.sandbox.methods.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from comagic_cli.query.catalog import ReportType
    from comagic_cli.sandbox.data.business import Row
    from comagic_cli.sandbox.data.sources import Rows
    from comagic_cli.sandbox.quirks import Quirks

    Test = Callable[[Row], bool]
    Sort = tuple[tuple[str, bool], ...]

_SECOND: Final = 1_000_000
_REMEMBERED: Final = 8  # queries
_LARGE: Final = 512  # rows of one time that are worth remembering in their order


@dataclass(frozen=True)
class Query:
    """What is asked of a report. `key` tells queries apart; `call` is the number of the call."""

    key: str
    start: int
    end: int  # exclusive
    sort: Sort = ()
    test: Test | None = None
    entities: tuple[int, ...] | None = None
    call: int = 0


class Report:
    """One report of one account, ready to be asked."""

    def __init__(self, report: ReportType, rows: Rows, quirks: Quirks) -> None:
        self.type = report
        self.rows = rows
        self.quirks = quirks
        self._shift = _SECOND // 2 if quirks.shown == "rounded" else 0
        self._is_scanned = rows.source.scan(0, 0) is not None
        self._remembered: OrderedDict[tuple[Any, ...], list[Row]] = OrderedDict()

    def page(self, query: Query, offset: int, limit: int) -> tuple[list[Row], int]:
        """Return a page of rows and how many rows match."""
        is_plain = query.test is None and query.entities is None and not self._is_scanned
        if is_plain and self._by_time(query.sort):
            return self._timed_page(query, offset, limit)
        rows = self._evaluated(query)
        return rows[offset : offset + limit], len(rows)

    @property
    def _has_own_order(self) -> bool:
        """Tell whether rows come by their ids: those of reports that can't be sorted by time."""
        time = self.type.time
        sortable = self.quirks.sort_by_time or all(self.type.field(name).sort for name in time)
        return self.type.family == "older" and not sortable

    def between(self, start: int, end: int) -> tuple[int, int]:
        """Return the ranks of the rows stored from `start` to before `end`."""
        if not self.type.time:
            return 0, len(self.rows)
        return self.rows.rank_from(start), self.rows.rank_from(end)

    def _by_time(self, sort: Sort) -> bool:
        """Tell whether a sort goes by time first, in one direction."""
        time = self.type.time
        if not sort or not time:
            return not sort and not self._has_own_order
        names, downs = zip(*sort[: len(time)], strict=True)
        return names == time and len(set(downs)) == 1

    def _timed_page(self, query: Query, offset: int, limit: int) -> tuple[list[Row], int]:
        first, last = self.between(query.start, query.end)
        down = bool(query.sort) and query.sort[0][1]
        if down:
            high = max(first, last - offset)
            low = max(first, high - limit)
        else:
            low = min(last, first + offset)
            high = min(last, low + limit)
        return self._ordered(query, (first, low, high, last), down=down), last - first

    def _ordered(self, query: Query, ranks: tuple[int, int, int, int], *, down: bool) -> list[Row]:
        """Return the rows of ranks low … high; those of one time as the sort orders them."""
        first, low, high, last = ranks
        if low >= high:
            return []
        if not query.sort and not self.quirks.unstable_ties:
            return [self.rows.row(rank) for rank in range(low, high)]
        start = max(first, self._edge(low, 0))
        end = min(last, self._edge(high - 1, 1))
        ties = groupby(range(start, end), key=self._tick)
        rest = query.sort[len(self.type.time) :]
        groups = [self._group(query, list(group), rest) for _, group in ties]
        rows = [row for group in (reversed(groups) if down else groups) for row in group]
        skipped = end - high if down else low - start
        return rows[skipped : skipped + high - low]

    def _tick(self, rank: int) -> int:
        """Return what sorting by time goes by: the shown second, or the stored time."""
        if self.quirks.time_sort == "stored":
            return self.rows.stored(rank)
        return (self.rows.stored(rank) + self._shift) // _SECOND

    def _edge(self, rank: int, after: int) -> int:
        """Return the first rank of that rank's tick, or of the next."""
        tick = self._tick(rank) + after
        if self.quirks.time_sort == "stored":
            return self.rows.rank_from(tick)
        return self.rows.rank_from(tick * _SECOND - self._shift)

    def _group(self, query: Query, ranks: list[int], rest: Sort) -> list[Row]:
        """Order the rows of one time; a crowd is remembered."""
        if len(ranks) == 1:
            return [self.rows.row(ranks[0])]
        if len(ranks) < _LARGE:
            return self._sorted([self.rows.row(rank) for rank in ranks], rest, query.call)
        key = (rest, ranks[0], ranks[-1])
        return self._remember(
            key,
            query,
            lambda: self._sorted([self.rows.row(rank) for rank in ranks], rest, query.call),
        )

    def _evaluated(self, query: Query) -> list[Row]:
        key = (query.key, query.start, query.end, query.sort, query.entities)
        return self._remember(key, query, lambda: self._evaluate(query))

    def _remember(
        self, key: tuple[Any, ...], query: Query, make: Callable[[], list[Row]]
    ) -> list[Row]:
        now = (*key, self.rows.version, query.call if self.quirks.unstable_ties else 0)
        if now not in self._remembered:
            self._remembered[now] = make()
        self._remembered.move_to_end(now)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return self._remembered[now]

    def _evaluate(self, query: Query) -> list[Row]:
        rows = self._named(query) if query.entities is not None else self._scanned(query)
        if query.test is not None:
            rows = [row for row in rows if query.test(row)]
        order = self.type.key if self._has_own_order else self.type.time
        unsorted = tuple((name, False) for name in order)
        return self._sorted(rows, query.sort or unsorted, query.call)

    def _scanned(self, query: Query) -> list[Row]:
        if self._is_scanned:
            return self.rows.source.scan(query.start, query.end) or []
        first, last = self.between(query.start, query.end)
        most = self.quirks.max_rows_evaluated
        if last - first > most:
            raise Refusal(
                "error",
                f"The sandbox filters and sorts at most {most} rows, and here are {last - first}: "
                "ask for a shorter period",
            )
        return [self.rows.row(rank) for rank in range(first, last)]

    def _named(self, query: Query) -> list[Row]:
        """Find the rows that `entity_ids` name, within the period."""
        if self.rows.source.givens is not None:
            return self._named_givens(query)
        source = self.rows.source
        rows_of_ids = source.of_ids(query.entities or ())
        if rows_of_ids is not None:
            return rows_of_ids
        found = (find_entity(self.type.command, source, one) for one in query.entities or ())
        rows = (source.row(index) for index in sorted({i for i in found if i is not None}))
        return [row for row in rows if not self.type.time or query.start <= row.stored < query.end]

    def _named_givens(self, query: Query) -> list[Row]:
        make = self.rows.source.maker(self.type.key[0])
        names = {str(one) for one in query.entities or ()}
        return [row for row in self._scanned(query) if str(make(row)) in names]

    def _sorted(self, rows: Sequence[Row], sort: Sort, call: int) -> list[Row]:
        """Sort rows, by the last key first: sorting is stable. Nulls are last, first descending."""
        ordered = list(rows)
        if self.quirks.unstable_ties:
            Random(call).shuffle(ordered)  # noqa: S311  # no secret
        for name, down in reversed(sort):
            ordered.sort(key=self._sort_key(name), reverse=down)
        return ordered

    def _sort_key(self, name: str) -> Callable[[Row], Any]:
        if self.quirks.time_sort == "stored" and (name,) == self.type.time:
            return lambda row: row.stored
        type_, make = self.type.field(name).type, self.rows.source.maker(name)
        return lambda row: comparable(plain(make(row), type_))

    def truth(self, start: int, end: int, key: Callable[[Row], Any]) -> list[Row]:
        """Return every row that shows a time from second `start` to second `end`, in key order."""
        if not self.type.time:
            return [self.rows.row(rank) for rank in range(len(self.rows))]
        edges = (start * _SECOND - self._shift, (end + 1) * _SECOND - self._shift)
        if self._is_scanned:
            rows = self.rows.source.scan(*edges) or []
        else:
            first, last = (self.rows.rank_from(edge) for edge in edges)
            rows = [self.rows.row(rank) for rank in range(first, last)]
        return sorted(rows, key=lambda row: (row.seconds, key(row)))


def comparable(value: Any) -> tuple[bool, bool, Any]:
    """Make values comparable: numbers, then texts, then nothing."""
    if value is None:
        return True, True, 0
    text = not isinstance(value, int | float)
    return False, text, str(value) if text else value
