"""Rows that are parts of a communication: the legs of a call, the messages of a chat."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from comagic_cli.sandbox.data.older import messages_of
from comagic_cli.sandbox.data.older_calls import legs_of
from comagic_cli.sandbox.data.rhythm import HOUR, SECOND
from comagic_cli.sandbox.data.source import EXTRA, Source
from comagic_cli.sandbox.data.talks import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from comagic_cli.sandbox.data.business import Row

_LONGEST: Final = HOUR  # that a chat takes


@dataclass
class Legs(Source):
    """The legs of calls, in the order of the calls, and all at the call's time."""

    def __post_init__(self) -> None:
        self._first_call, self._call_stored = self.first, self.stored
        calls = (super(Legs, self).row(call, 0) for call in range(self.first, self.last))
        self._ends = array("Q", accumulate(legs_of(call) for call in calls))
        self.first, self.last = 0, self._ends[-1] if self._ends else 0
        self.stored = self._leg_stored

    def _leg_stored(self, index: int) -> int:
        return self._call_stored(self._first_call + bisect_right(self._ends, index))

    def row(self, index: int, stored: int | None = None) -> Row:
        """Return the leg of a number."""
        if index >= EXTRA:
            return super().row(index, stored)
        call = bisect_right(self._ends, index)
        number = self._first_call + call
        row = super().row(number, self._call_stored(number) if stored is None else stored)
        row.part = index - (self._ends[call - 1] if call else 0)
        return row


@dataclass
class Messages(Source):
    """The messages of chats. They come in the order of their times only when a period is read."""

    def scan(self, start: int, end: int) -> list[Row]:
        """Return the messages stored from `start` to before `end`."""
        numbers = range(self.first, self.last)
        first, last = (
            bisect_left(numbers, edge, key=self.stored) for edge in (start - _LONGEST, end)
        )
        rows = self._messages(numbers[first:last])
        return [row for row in rows if start <= row.stored < end]

    def of_ids(self, ids: Iterable[int]) -> list[Row]:
        """Return the messages of chats with these ids."""
        found = map(self.business.chat_number, ids)
        numbers = {number for number in found if number is not None}
        known = {bisect_left(range(number + 1), number, key=self.place) for number in numbers}
        return list(self._messages(n for n in sorted(known) if self.first <= n < self.last))

    def _messages(self, numbers: Iterable[int]) -> Iterator[Row]:
        for number in numbers:
            chat = self.row(number)
            count, took = messages_of(chat), seconds(chat) * SECOND
            for part in range(count):
                row = self.row(number, chat.stored + took * part // count)
                row.part = part
                yield row
