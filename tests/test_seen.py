"""Which rows are new: in a window, in a further pass, over a seam."""

from __future__ import annotations

import pytest

from comagic_cli.fetch.seen import Seen, Tail
from comagic_cli.request.pages import Mark


def keyed(key: str, time: str = "2026-10-05 12:00:00") -> Mark:
    return Mark(key, time, b"")


def whole(text: bytes, time: str = "2026-10-05 12:00:00") -> Mark:
    return Mark(None, time, text)


A, B, X = keyed("a"), keyed("b"), whole(b"x")


@pytest.mark.parametrize(
    ("before", "rows", "new", "received"),
    [
        ([], [A, B, A], [True, True, False], 2),
        ([A], [A, B], [False, True], 2),
        ([], [X, X, X], [True, True, True], 3),
        ([X], [X, X], [False, True], 2),
        ([X, X, X], [X, X], [False, False], 2),
        ([A], [X], [True], 1),
    ],
)
def test_new_rows(before, rows, new, received):
    seen = Seen(before)
    assert [seen.add(row) for row in rows] == new
    assert seen.received == received


def test_a_further_pass_counts_anew_and_knows_all():
    seen = Seen()
    for row in (A, X, X):
        seen.add(row)
    seen.begin_pass()
    assert seen.received == 0
    assert not seen.holds(A)
    assert [seen.add(row) for row in (A, B, X, X, X)] == [False, True, False, False, True]
    assert seen.received == 5
    assert seen.holds(A)
    assert seen.holds(X)
    assert not seen.holds(whole(b"y"))


EARLY, LATE = keyed("early", "2026-10-05 10:00:00"), keyed("late", "2026-10-05 12:00:00")
TIMELESS = keyed("timeless", "")


@pytest.mark.parametrize(
    ("descending", "pages", "kept", "farthest"),
    [
        (False, [[EARLY], [LATE]], [LATE], LATE.time),
        (True, [[LATE], [EARLY]], [EARLY], EARLY.time),
        (False, [[EARLY, LATE]], [LATE], LATE.time),
        (False, [[TIMELESS, EARLY], [LATE]], [LATE, TIMELESS], LATE.time),
        (False, [[TIMELESS]], [TIMELESS], ""),
        (False, [], [], ""),
        (False, [[keyed("x", "2026-02-30 12:00:00")]], [keyed("x", "2026-02-30 12:00:00")], None),
    ],
)
def test_the_tail_keeps_the_last_hour_and_rows_without_a_time(descending, pages, kept, farthest):
    tail = Tail(descending=descending)
    for page in pages:
        tail.add(page)
    assert tail.marks() == kept
    assert tail.farthest == (farthest if farthest is not None else "2026-02-30 12:00:00")


def test_the_next_window_begins_with_the_tail_of_the_one_before():
    tail = Tail(descending=False)
    tail.add([EARLY, LATE, TIMELESS])
    after = Tail(descending=False, before=tail.marks())
    assert after.marks() == [LATE, TIMELESS]
