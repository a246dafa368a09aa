"""A service that does not sort by time, and has more rows than paging reaches.

Every row comes once, or an error says that they can't.
"""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest
from odd_service import START, OddService, Row

from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.paging.reader import Reader
from comagic_cli.query.catalog import report
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query
from comagic_cli.rows.decode import RowReader

COLUMNS = ("communication_id", "communication_date_time")
PARTS, CASES = 4, 100


def read(number):
    """Return the ids that come in a case, those that should, and the error."""
    rng = random.Random(number)
    span = rng.choice([3_600, 86_400, 400 * 86_400])
    count = rng.choice([0, 1, 5, 40, 90, 200])
    rows = [Row(rng.uniform(-3, span + 3), 1 + place) for place in range(count)]
    rng.shuffle(rows)
    service = OddService(
        rows,
        order="none",
        inclusive=rng.random() < 0.5,
        rounded=rng.random() < 0.3,
        totals=rng.choice(["exact", "exact", "absent", "one_more"]),
        reach=rng.choice([20, 40, 100]),
        seed=number,
    )

    def ask(window, offset, limit):
        answer = service.ask(window, offset, limit)
        return msgspec.structs.replace(answer, is_sorted=False)

    period = Period(START, START + timedelta(seconds=span))
    query = Query(report("communications"), 1, period, COLUMNS, page_size=rng.choice([5, 12, 30]))
    expected = [row.id for row in service.truth(period.start, period.end)]
    reader = Reader(query, ask, reach=service.reach, zone="UTC")
    ids: list[int] = []
    try:
        for page in reader.pages():
            ids += [row[0] for row in RowReader(COLUMNS).plain(page)]
    except (RowsMissing, UsageProblem) as error:
        return ids, expected, error.message, service
    return ids, expected, "", service


@pytest.mark.parametrize("part", range(PARTS))
def test_every_row_comes_once_whatever_the_order(part):
    complete = 0
    for number in range(part, CASES, PARTS):
        ids, expected, error, service = read(number)
        assert len(ids) == len(set(ids)), (number, service.totals)
        if not error:
            assert sorted(ids) == sorted(expected), (number, service.totals)
            complete += 1
        elif service.totals == "exact":
            pytest.fail(f"case {number}: {error}")
    assert complete > CASES / PARTS / 2
