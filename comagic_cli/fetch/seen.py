"""Which rows were seen: in this window, and by its neighbours near the seam."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from comagic_cli.fetch.keys import Keys
from comagic_cli.fetch.windows import parse_time
from comagic_cli.query.query import TIME_FORMAT
from comagic_cli.request.pages import Mark, Marks

# An hour can repeat when clocks go back, and a service may take its times for either: then rows
# of neighbouring windows overlap by that hour.
SEAM = timedelta(hours=1, seconds=2)


class Seen:
    """Tell new rows from those that came before.

    A row with a key is known by it. One without is known by its whole text, and equal ones are
    told apart by how many there are: the side of a seam that shows more of them is believed.
    """

    def __init__(self, before: Iterable[Mark] = ()) -> None:
        marks = list(before)
        self._keys = Keys()
        self._keys_before = {mark.key for mark in marks if mark.key is not None}
        self._wholes: Counter[bytes] = Counter()
        self._wholes_before = Counter(mark.whole for mark in marks if mark.key is None)

    @property
    def received(self) -> int:
        """Count the distinct rows that this pass over the window brought."""
        return len(self._keys) + self._wholes.total()

    def begin_pass(self) -> None:
        """Begin reading the window from its start again: what came so far came before."""
        self._keys_before |= self._keys.all()
        self._wholes_before |= self._wholes  # of each row the larger count
        self._keys, self._wholes = Keys(), Counter()

    def add(self, mark: Mark) -> bool:
        """Take a row in; tell whether it is new."""
        return bool(self.take(Marks.of([mark]), 0))

    def take(self, marks: Marks, start: int) -> Sequence[int]:
        """Take in the rows from a place on; return the places of the new ones."""
        keys = marks.keys[start:]
        once = set(filter(None, keys))
        known = self._keys.take(once)
        before = once & self._keys_before
        if not known and not before and len(once) == len(keys):
            return range(start, len(marks))
        old = known | before
        return [place for place in range(start, len(marks)) if self._is_new(marks[place], old)]

    def _is_new(self, mark: Mark, old: set[str]) -> bool:
        if mark.key is None:
            self._wholes[mark.whole] += 1
            return self._wholes[mark.whole] > self._wholes_before[mark.whole]
        new = mark.key not in old
        old.add(mark.key)
        return new

    def holds(self, mark: Mark) -> bool:
        """Tell whether this pass brought such a row already."""
        return self._keys.has(mark.key) if mark.key is not None else mark.whole in self._wholes

    def repeats(self, marks: Marks) -> tuple[bool, bool]:
        """Tell whether this pass brought rows of the same key already, and equal ones without."""
        keyed = self._keys.shared(set(filter(None, marks.keys)))
        wholes = marks.wholes or ()
        return bool(keyed), any(whole in self._wholes for whole in wholes if whole)


class Tail:
    """The marks near the end of what was read: a neighbouring window may bring them again."""

    def __init__(self, *, descending: bool, before: Iterable[Mark] = ()) -> None:
        self._far = min if descending else max
        self._pages: list[tuple[str, Marks]] = []
        self._timeless: list[Mark] = []
        self.farthest: str = ""
        self.due: Mark | None = None  # what a neighbour that begins in the midst must bring again
        self.add(list(before))

    def add(self, page: Sequence[Mark]) -> None:
        """Keep a page's marks, and let go of pages that are more than an hour behind."""
        marks = Marks.of(page)
        times = marks.times
        if "" in times:
            self._timeless.extend(mark for mark in marks if not mark.time)
            times = list(filter(None, times))
        if not times:
            return
        farthest = self._far(times)
        self.farthest = self._far(self.farthest or farthest, farthest)
        self._pages.append((farthest, marks))
        low, high = self._near()
        self._pages = [page for page in self._pages if low <= page[0] <= high]

    def marks(self) -> list[Mark]:
        """Return the marks that a neighbour may bring again."""
        low, high = self._near()
        pages = (marks for _, marks in self._pages)
        near = [mark for marks in pages for mark in marks if mark.time and low <= mark.time <= high]
        return near + self._timeless

    def _near(self) -> tuple[str, str]:
        """Return the first and last shown time that are near the end of what was read."""
        farthest = parse_time(self.farthest)
        if farthest is None:
            return "", "9"
        return (farthest - SEAM).strftime(TIME_FORMAT), (farthest + SEAM).strftime(TIME_FORMAT)
