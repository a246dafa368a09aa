"""Windows to pages, every row once. Given a callable that asks, it knows no HTTP.

Pages overlap by one row: each later page is asked for from the last row received, which must be in
it. What stands before that row was pushed there by arrivals; where it is missing, rows have
vanished and the window is read again, rows already written being known by their keys. Windows
overlap by a second, and their seams are de-duplicated in the same way.

The far end of a window can be moved while it is read: all rows received stand before it, so
offsets hold. So a window with more rows than offsets reach is cut only when they near their cap,
where the latest page's times tell, and no page is read in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from comagic_cli.api.envelope import Answer
from comagic_cli.errors import ComagicError, RowsMissing, UsageProblem
from comagic_cli.fetch.ahead import AskAhead, waited
from comagic_cli.fetch.drafts import Render
from comagic_cli.fetch.reading import Ask, Reading
from comagic_cli.fetch.seen import Tail
from comagic_cli.fetch.windows import OFFSET_MOST, SECOND, Window, named_cap, outer, spread
from comagic_cli.query.query import TIME_FORMAT, Query
from comagic_cli.request.pages import Mark, Page


class WindowDone(msgspec.Struct, frozen=True):
    """A window that was read to its end: what the service said matches, and what came of it.

    `user_id` is the client's user, where an agent exports several clients.
    """

    window: Window
    total: int | None
    received: int
    written: int
    user_id: int | None = None


@dataclass
class Pager:
    """Read a query's pages through `ask(window, offset, limit)`.

    `note` is told a line about each window. `done` lists the windows read to their end, in order.
    `matching` is the first answer's total, `None` where it gave none. `reach` is the largest offset
    that may be asked for; `answers` counts those that came. `before` are marks of rows that are
    written already, by an earlier run. `overstated` says that a total one too large was believed,
    which is done once an export; `missing` tells which rows are missing. An earlier run's are given
    to go on with. `render` makes texts of the rows: then the next page is asked for while one is
    read, where the service lets wait by `clock`; without it that is left to `one_ahead`.
    """

    query: Query
    ask: Ask
    note: Callable[[str], None] = lambda _: None
    before: Sequence[Mark] = ()
    reach: int = OFFSET_MOST
    done: list[WindowDone] = field(default_factory=list)
    matching: int | None = None
    overstated: bool = False
    missing: list[str] = field(default_factory=list)
    answers: int = 0
    render: Render | None = None
    clock: Callable[[], float] = waited
    _asking: AskAhead[Answer] = field(init=False)

    def __post_init__(self) -> None:
        self._asking = AskAhead(self.ask, self.clock)

    def pages(self) -> Iterator[Page]:
        """Yield the pages, at least one, of the rows to write.

        Raises `UsageProblem` for a period or sort that can't be cut into windows, `RowsMissing`
        where fewer rows came than the service says there are (after the last window, so that all
        the others are there), and what `ask` raises.
        """
        yield from self.read()
        tell_missing(self.missing)

    def read(self) -> Iterator[Page]:
        """Yield the pages like `pages`, and leave what is missing in `missing`, untold."""
        outermost = outer(self.query.period, len(self.query.report.time))
        pending = self._cut(outermost, self.query.report.max_days)
        tail = Tail(descending=self.query.descending, before=self.before)
        wanted = self.query.most
        while pending:
            window = pending.pop(0)
            reading = Reading(self.query, window, tail, wanted, self.reach, self.render)
            try:
                yield from reading.pages(self._ask, self._asking.begin if self.render else None)
            except ComagicError as error:
                pending[:0] = self._shorter(error, reading)
                continue
            if wanted is not None:
                wanted -= reading.written
            if wanted == 0:
                break
            if self._close(reading):
                yield Page((), settled=settled(reading.window))
            pending[:0] = [reading.rest] if reading.rest else []
            tail = reading.tail

    def _ask(self, window: Window, offset: int, limit: int) -> Answer:
        answer = self._asking(window, offset, limit)
        if not self.answers:
            self.matching = answer.total
        self.answers += 1
        return answer

    def _cut(self, window: Window, max_days: int) -> list[Window]:
        """Cut a window by the cap of days; parts come in the order of reading."""
        windows = spread(window, max_days)
        if len(windows) > 1 and not self.query.by_time:
            raise UsageProblem(
                f"the period is longer than {max_days - 1} days, the most at once in this order",
                hint="Ask for a shorter one, or sort by time."
                if self.query.report.time
                else "Ask for a shorter one.",
            )
        return windows[::-1] if self.query.descending else windows

    def _shorter(self, error: ComagicError, reading: Reading) -> list[Window]:
        """Cut a window that is longer than the service takes, before anything of it was read."""
        if error.mnemonic != "date_interval_limit_reached" or reading.position:
            raise error
        cap = named_cap(error.message, reading.window)
        self.note(f"the service takes {cap} days at once: cutting {reading.window}")
        return self._cut(reading.window, cap)

    def _close(self, reading: Reading) -> bool:
        """Hold a window's rows against its total; tell whether they are all there."""
        done = WindowDone(reading.window, reading.total, reading.seen.received, reading.written)
        self.done.append(done)
        of_total = "" if done.total is None else f" of {done.total}"
        self.note(f"window {done.window}: {done.received}{of_total} rows")
        if reading.passed_by:
            self.note(
                f"{reading.passed_by} of them arrived while it was read, too late to be in it"
            )
        missing = (done.total or 0) - done.received - reading.passed_by
        if reading.unsure:
            self.missing.append(f"rows kept vanishing in {done.window} while it was read")
            return False
        if missing == 1 and not self.overstated:
            # The service is known to say one row more than there is; no more than one is believed.
            self.overstated = True
            self.note(f"the service says that {done.window} has one row more, but none came")
        elif missing > 0:
            self.missing.append(f"{missing} of {done.total} rows of {done.window} did not come")
            return False
        return True


def tell_missing(missing: Sequence[str]) -> None:
    """Raise `RowsMissing` where rows are."""
    if missing:
        more = f"; and so in {len(missing) - 1} more windows" if missing[1:] else ""
        raise RowsMissing(
            f"rows are missing: {missing[0]}{more}",
            hint="Run the export again; rows may have changed while it was reading.",
        )


def settled(window: Window) -> tuple[str, str]:
    """Return the first and last shown time that a window brings for certain."""
    first, last = window.start + SECOND, window.end - SECOND
    return first.strftime(TIME_FORMAT), last.strftime(TIME_FORMAT)
