"""Rows that arrive and leave while pages are probed for: what is asked then, and what comes."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from paging import START

from comagic_cli.paging.reader import Reader
from comagic_cli.paging.window import Window
from comagic_cli.query.catalog import report
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query
from comagic_cli.rows.answer import Answer
from comagic_cli.rows.decode import RowReader

# Stored rows by their second, what arrives and leaves before a call, how long its page is at most,
# and the calls: offsets and the rows that came.
MOVES = [
    pytest.param(
        "calls", range(1, 10), {3: ((), (6, 7))}, {0: 5, 1: 1, 2: 2, 3: 1}, 5,
        [(0, [1, 2, 3, 4, 5]), (4, [5]), (5, [6, 7]), (4, [5]), (6, [9]), (0, [1, 2, 3, 4, 5]),
         (4, [5, 8, 9])],
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
        id="what a probe brought vanishes, behind a short page",
    ),
    pytest.param(
        "leads", range(10, 16), {1: ((1,), ()), 2: ((2,), ()), 3: ((3,), ())}, {}, 2,
        [(0, [10, 11]), (1, [10, 11]), (3, [11, 12]), (2, [3, 10]), (0, [1, 2]), (1, [2, 3]),
         (2, [3, 10]), (3, [10, 11]), (4, [11, 12]), (5, [12, 13]), (6, [13, 14]), (7, [14, 15])],
        [10, 11, 1, 2, 3, 12, 13, 14, 15],
        id="a probe brings rows without a key that came before",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("command", "stored", "moves", "short", "size", "calls", "out"), MOVES)
def test_rows_that_move_around_a_probe(command, stored, moves, short, size, calls, out):
    type_, rows, made = report(command), list(stored), []

    def ask(_window: Window, offset: int, limit: int) -> Answer:
        arrived, gone = moves.get(len(made), ((), ()))
        rows[:] = sorted([row for row in rows if row not in gone] + list(arrived))
        page = rows[offset : offset + min(limit, short.get(len(made), limit))]
        made.append((offset, page))
        members = [
            {type_.key[-1]: str(row), type_.time[0]: str(START + timedelta(seconds=row))}
            for row in page
        ]
        return Answer(msgspec.json.encode(members), len(rows))

    period = Period(START, START + timedelta(days=1))
    pager = Reader(Query(type_, 1, period, (type_.key[-1],), page_size=size), ask)
    reader = RowReader((type_.key[-1],))
    assert [int(row[0]) for page in pager.pages() for row in reader.plain(page)] == out
    assert made == calls
