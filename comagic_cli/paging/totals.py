"""Check that a service's totals count all matching rows.

A service may count only the rows of a page, or those it has sent so far. Where its pages are also
shorter than asked for, such a total looks like the end. So the first end that only a total tells is
checked by one more call: a page of one row, whose total must be larger than that. An honest service
with a single page looks the same, so each export of one page pays for this call. It costs nothing
where a total was larger than what was sent with it, as it is on the first of several pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Totals:
    """Remember whether totals count all rows; share one between all readers of an export.

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
