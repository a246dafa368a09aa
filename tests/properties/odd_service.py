"""A service in memory with every oddity of paging that has been seen or must be feared."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

import msgspec

from comagic_cli.paging.window import Window
from comagic_cli.rows.page import Answer

START = datetime(2026, 10, 24, 23, 59, 30)  # noqa: DTZ001 - the account's zone, as everywhere
REPEATED = datetime(2026, 10, 25, 3)  # noqa: DTZ001 - 03:00 to 04:00 is shown twice in `repeat`


@dataclass(frozen=True)
class Row:
    """A stored row: its exact time in seconds after START, its key, and what else it says."""

    at: float
    id: int
    text: int = 0


@dataclass
class OddService:
    """Answer pages of rows; each field is an oddity.

    `changes` are the rows to add, to remove and to put in the place of others before a call.
    """

    rows: list[Row]
    order: str = "key"  # ties: key, time (any order, but always the same), random; none, shuffled
    inclusive: bool = True
    rounded: bool = False
    days_only: bool = False
    repeat: bool = False
    keyless: bool = False
    offset: str = "right"  # ignored, one_more, one_less
    limit: str = "right"  # ignored, halved, one, random
    totals: str = "exact"
    empty: int = 0  # every so many answers come empty
    doubles: float = 0.0  # how often a page brings a row twice
    reach: int = 100_000
    changes: dict[int, tuple[list[Row], list[Row], list[Row]]] = field(default_factory=dict)
    seed: int = 1
    calls: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.lock = Lock()
        self.first_total: int | None = None

    def ask(self, window: Window, offset: int, limit: int) -> Answer:
        with self.lock:
            return self._answer(window, offset, limit)

    def _answer(self, window: Window, offset: int, limit: int) -> Answer:
        self._change()
        self.calls += 1
        assert self.calls < 2_000, "the reader does not come to an end"
        assert 0 <= offset <= self.reach
        assert limit >= 1
        matching = self._matching(window)
        place = {
            "right": offset,
            "ignored": 0,
            "one_more": offset + 1 if offset else 0,
            "one_less": max(0, offset - 1),
        }[self.offset]
        page = matching[place : place + self._size(limit)]
        if self.empty and self.calls % self.empty == 0:
            page = []
        if page and self.rng.random() < self.doubles:
            twice = self.rng.randrange(len(page))
            page.insert(twice, page[twice])
        data = msgspec.json.encode([self._row(row) for row in page])
        return Answer(data, self._total(len(matching), len(page), offset))

    def shown(self, row: Row) -> str:
        """Return the time that a row shows."""
        seconds = round(row.at) if self.rounded else int(row.at // 1)
        moment = START + timedelta(seconds=seconds)
        if self.repeat and moment >= REPEATED + timedelta(hours=1):
            moment -= timedelta(hours=1)
        return str(moment)

    def truth(self, first: datetime, last: datetime) -> list[Row]:
        """Return the rows of a period in the order in which they happened."""
        rows = [row for row in self.rows if str(first) <= self.shown(row) <= str(last)]
        return sorted(rows, key=lambda row: (row.at, row.id))

    def _change(self) -> None:
        arrived, gone, edited = self.changes.get(self.calls, ([], [], []))
        ids = {row.id for row in gone} | {row.id for row in edited}
        replaced = {row.id for row in self.rows} & {row.id for row in edited}
        self.rows = [row for row in self.rows if row.id not in ids] + arrived
        self.rows += [row for row in edited if row.id in replaced]

    def _matching(self, window: Window) -> list[Row]:
        low, high = window.start, window.end
        if self.days_only:
            low = low.replace(hour=0, minute=0, second=0)
            high = high.replace(hour=23, minute=59, second=59, microsecond=999_999)
        rows = [row for row in self.rows if self._is_within(row, low, high)]
        if self.order == "none":
            return rows
        if self.order == "shuffled":
            return self.rng.sample(rows, len(rows))
        ties = {
            "key": lambda row: row.id,
            "time": lambda row: (row.id * 7919) % 101,
            "random": lambda _: self.rng.random(),
        }[self.order]
        whole = self.rounded or self.order != "key"  # sorted by what is shown
        return sorted(rows, key=lambda row: (self._second(row) if whole else row.at, ties(row)))

    def _second(self, row: Row) -> int:
        return round(row.at) if self.rounded else int(row.at // 1)

    def _is_within(self, row: Row, low: datetime, high: datetime) -> bool:
        at = START + timedelta(seconds=row.at)
        if self.repeat and at >= REPEATED + timedelta(hours=1):
            at -= timedelta(hours=1)
        return low <= at and (at <= high if self.inclusive else at < high)

    def _size(self, limit: int) -> int:
        return {
            "right": limit,
            "ignored": 1_000,
            "halved": max(1, limit // 2),
            "one": 1,
            "random": self.rng.randint(1, limit),
        }[self.limit]

    def _total(self, matching: int, page: int, offset: int) -> int | None:
        total = {
            "exact": matching,
            "absent": None,
            "one_more": matching + (matching > 0),
            "one_less": max(0, matching - 1),
            "zero": 0,
            "negative": -1,
            "of_page": page,
            "of_sent": offset + page,
            "capped": min(matching, 10),
            "stale": self.first_total if self.first_total is not None else matching,
            "first_only": matching if offset == 0 else None,
            "much_more": matching + 7,
            "random": self.rng.randint(0, 80),
        }[self.totals]
        if self.first_total is None:
            self.first_total = matching
        return total

    def _row(self, row: Row) -> dict[str, object]:
        return {
            "communication_id": row.id,
            "communication_date_time": self.shown(row),
            "communication_type": {"value": "Звонки", "value_id": None if self.keyless else "call"},
            "contact_full_name": str(row.text),
        }


def edited(row: Row) -> Row:
    """Return a row that says something else, at the same time."""
    return replace(row, text=row.text + 1)
