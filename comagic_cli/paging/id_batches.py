"""Read rows by their ids, in batches: how many ids a call may name is unknown.

The lots follow the order of the ids, and so do the rows of one lot after those of another; within
a lot rows come by time. A lot that the service refuses is halved, and so are those after it. A
service might also answer the first ids of a lot and pass over the others: where the last ones have
no row, they are asked for again at the head of the next lot. Ids of chats name any number of rows,
so nothing follows from a chat without one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TypeAlias

from comagic_cli.errors import Refused, UsageProblem
from comagic_cli.paging.lookahead import Lookahead, Question
from comagic_cli.paging.reader import AGAIN, Reader, WindowResult, raise_missing
from comagic_cli.paging.source import Ask, Totals
from comagic_cli.paging.whole_answer import WholeAnswerReader
from comagic_cli.query.query import IDS, Query
from comagic_cli.query.suggest import first_of
from comagic_cli.rows.page import Marks, Page

MOST = 100  # ids a call
MOST_NAMED = 5  # ids that a message names
# Refusals that never mean the ids. Any other may, if it names no parameter.
NOT_ABOUT_IDS = frozenset(
    {
        "batch_operations_not_supported",
        "batch_opreations_not_supported",
        "date_interval_limit_reached",
        "filter_prohibited",
        "method_not_found",
        "notifications_not_supported",
        "parse_error",
        "required_parameter_missed",
        "sort_prohibited",
        "unexpected_parameters",
    }
)


@dataclass
class IdBatchReader:
    """Read the pages of the ids of `query`, through what `asking` makes of a lot's query.

    It is used like a `Reader`. `matching` is the sum of the lots' totals, `None` where one gave
    none or was not asked. `found` counts the rows. `error` gets a line about rows of other
    ids, `warn` one about ids without a row.
    """

    query: Query
    asking: Callable[[Query], Ask]
    note: Callable[[str], None] = lambda _: None
    error: Callable[[str], None] = lambda _: None
    warn: Callable[[str], None] = lambda _: None
    done: list[WindowResult] = field(default_factory=list)
    matching: int | None = None
    overstated: int = 0
    outside: int = 0
    unreadable_times: int = 0
    unsorted: bool = False
    missing: list[str] = field(default_factory=list)
    hint: str = AGAIN
    found: int = 0
    totals: Totals = field(default_factory=Totals)
    ahead: Lookahead = field(default_factory=Lookahead)
    _readers: dict[tuple[int, ...], Reader] = field(default_factory=dict)  # of the next lots
    _passes_over: bool = False  # ids of a lot, so that the lots after it can't be foreseen
    _keys: set[str] = field(default_factory=set)
    _new_keys: set[str] = field(default_factory=set)  # those of this lot
    _totals: list[int | None] = field(default_factory=list)

    def pages(self) -> Iterator[Page]:
        """Yield the pages, at least one; none is asked for where there are no ids.

        Raises what `Reader.pages` does; `Refused`, naming it, for an id that is refused alone; and
        `UsageProblem` for a sort that can't hold over several lots.
        """
        left, size = deque(self._ids), MOST
        if not left:
            yield Page(())
        while left and not self._enough:
            self._check_sort(len(left), size)
            lot = list(islice(left, size))
            pager = self._reader(lot)
            pager.follow = partial(self._following, left, size)
            try:
                yield from self._new_rows(pager)
            except Refused as error:
                if pager.answers or not is_about_ids(error):
                    raise
                size = halve_batch(lot, error, self.note)
                continue
            answered = self._answered(lot)
            self._passes_over |= answered < len(lot)
            for _ in lot[:answered]:
                left.popleft()
            self._close(pager)
        self._sum_up(finished=not left)

    @property
    def unfound(self) -> int:
        """Count the ids that brought no row; 0 where enough rows came before all were asked."""
        without_id = self.found - len(self._keys)  # such a row can be that of any id
        return 0 if self._enough else max(0, len(self._missing_ids) - without_id)

    @property
    def _ids(self) -> list[int]:
        return self.query.ids or []

    @property
    def _missing_ids(self) -> list[str]:
        """List the ids without a row; none where ids are not those of rows."""
        ids = map(str, self.query.row_ids or ())
        return [text for text in ids if text not in self._keys]

    @property
    def _enough(self) -> bool:
        return self.query.max_rows is not None and self.found >= self.query.max_rows

    def _reader(self, lot: Sequence[int]) -> Reader:
        """Return the reader of a lot: its first question may be asked already."""
        known = self._readers.get(tuple(lot))
        if known is not None:
            return known
        query = replace(self.query.with_ids(lot), max_rows=None)
        ask = self.asking(query)
        return Reader(query, ask, self.note, totals=self.totals, ahead=self.ahead, is_batch=True)

    def _following(self, left: Sequence[int], size: int) -> Iterator[Question]:
        """Yield the first questions of the lots after this one."""
        if self.query.max_rows is not None or self.query.sort or self._passes_over:
            return
        starts = range(size, min(len(left), size * (1 + self.ahead.jobs)), size)
        lots = [tuple(islice(left, start, start + size)) for start in starts]
        self._readers = {lot: self._reader(lot) for lot in lots}
        for reader in self._readers.values():
            yield reader.first_question()

    def _answered(self, lot: list[int]) -> int:
        """Count the ids of a lot that are done with: all, or those up to the last with a new row.

        So each lot that leaves some brings a row, and the asking comes to an end.
        """
        places = [place for place, id_ in enumerate(lot, 1) if str(id_) in self._new_keys]
        self._new_keys = set()
        is_known = places and self.query.row_ids is not None and not self._enough
        return places[-1] if is_known else len(lot)

    def _new_rows(self, pager: Reader) -> Iterator[Page]:
        """Yield a lot's pages without rows that came before: two ids may name the same."""
        for page in pager.pages():
            rows = self._new(page)
            if rows.count and self._totals:  # of a lot before this one
                self._check_sort(self.found + rows.count, self.found)
            self.found += rows.count
            yield rows
            if self._enough:
                return

    def _new(self, page: Page) -> Page:
        room = page.count if self.query.max_rows is None else self.query.max_rows - self.found
        new = [
            place
            for place, key in enumerate(Marks.of(page.marks).keys)
            if key is None or key not in self._keys
        ][:room]
        picked = page.pick(new)
        keys = set(filter(None, Marks.of(picked.marks).keys))
        self._keys |= keys
        self._new_keys |= keys
        return picked

    def _close(self, pager: Reader) -> None:
        self._totals.append(pager.matching)
        self.done += pager.done
        self.missing += pager.missing
        self.hint = pager.hint if pager.missing else self.hint
        self.overstated += pager.overstated
        self.outside += pager.outside
        self.unreadable_times += pager.unreadable_times
        self.unsorted = self.unsorted or pager.unsorted

    def _sum_up(self, *, finished: bool) -> None:
        others = sorted(self._keys.difference(map(str, self._ids)))
        if others and self.query.row_ids is not None:
            count = len(others)
            rows = "1 row has an id that was" if count == 1 else f"{count} rows have ids that were"
            self.error(f"{rows} not asked for: {first_of(others, MOST_NAMED)}")
        if self.unfound > 0:
            verb = "id has" if self.unfound == 1 else "ids have"
            missing = first_of(self._missing_ids, MOST_NAMED)
            self.warn(f"{self.unfound} {verb} no row in this period: {missing}")
        totals = [total for total in self._totals if total is not None]
        if finished and len(totals) == len(self._totals):
            self.matching = sum(totals)
        raise_missing(self.missing, self.hint)

    def _check_sort(self, ids: int, size: int) -> None:
        if self.query.sort and ids > size:
            raise UsageProblem(
                f"--sort: {ids} ids are asked for {size} at once, and the order holds only in each",
                hint="Leave --sort out and sort the output, or ask for fewer ids.",
            )


def halve_batch(lot: Sequence[int], error: Refused, note: Callable[[str], None]) -> int:
    """Return the size of the lots that are asked for now that one is refused.

    Raises `Refused`, naming the id, where that was the only one.
    """
    if len(lot) > 1:
        note(f"{len(lot)} ids at once are refused: asking for {len(lot) // 2}")
        return len(lot) // 2
    if not any(name in f"{error.field} {error.message}" for name in IDS):
        raise error
    raise Refused(
        f"the id {lot[0]} is refused: {error.message}",
        hint="Leave it out of the ids.",
        mnemonic=error.mnemonic,
        field=error.field,
    ) from error


def is_about_ids(error: Refused) -> bool:
    """Tell whether a refusal means the ids, or may mean them since it names nothing else."""
    text = error.field or error.message
    if any(name in text for name in IDS):
        return True
    return not error.field and error.mnemonic not in NOT_ABOUT_IDS


QueryReader: TypeAlias = Reader | IdBatchReader | WholeAnswerReader


def make_reader(  # noqa: PLR0913 - all that a reader needs of the export
    query: Query,
    asking: Callable[[Query], Ask],
    note: Callable[[str], None],
    *,
    error: Callable[[str], None],
    warn: Callable[[str], None],
    zone: Callable[[], str | None],
    totals: Totals,
    ahead: Lookahead,
    cut: bool = False,
) -> QueryReader:
    """Make the reader of a query: by batches of ids where it names them.

    `asking` makes what asks for pages of a query; `zone` tells the account's zone, if it is known.
    """
    if query.report.is_one_answer:
        return WholeAnswerReader(query, asking(query), note)
    if query.ids is not None:
        return IdBatchReader(query, asking, note, error, warn, totals=totals, ahead=ahead)
    return Reader(query, asking(query), note, zone=zone(), cut=cut, totals=totals, ahead=ahead)
