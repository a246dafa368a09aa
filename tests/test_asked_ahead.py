"""Pages that are asked for while the one before is read are those that would be asked for after."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from threading import current_thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measuring import unmeasured
from paging import FIRST, LAST, START, Row, Service, evenly, oddities, run, stored_rows, unique

from comagic_cli.api.envelope import Answer
from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.fetch.pager import Pager
from comagic_cli.query.catalog import report
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query, Sort
from comagic_cli.request.rows import RowReader


@unmeasured
@given(stored_rows(most=120), oddities, st.integers(2, 8), st.sampled_from([30, 100_000]))
def test_to_ask_ahead_costs_no_call_and_changes_nothing(rows, odd, page_size, reach):
    ends = []
    for ahead in (False, True):
        service = Service(unique(rows), **odd | {"ahead": ahead}, reach=reach)
        try:
            end = run(service, FIRST, LAST, page_size).keys
        except RowsMissing as error:
            end = error.message
        ends.append((end, service.calls))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("most", [1, 9, 10, 11, 20, 21, 35, 40, 50])
def test_to_ask_ahead_asks_for_no_more_rows_than_are_wanted(most):
    plain, ahead = (Service(evenly(40), ahead=ahead) for ahead in (False, True))
    assert run(ahead, FIRST, LAST, 10, most).keys == run(plain, FIRST, LAST, 10, most).keys
    assert ahead.calls == plain.calls


def threads_of(ahead: bool, seconds: float) -> list[str]:
    """Tell in which threads the pages of forty rows are asked for, ten at a time."""
    service, names = Service(evenly(40)), []

    def ask(*place: Any) -> Answer:
        names.append(current_thread().name)
        return service.ask(*place)

    period = Period(START, START + timedelta(seconds=LAST))
    columns = ("communication_date_time", "communication_id", "communication_type")
    query = Query(report("communications"), 1, period, columns, page_size=10)
    render = RowReader(columns).json_lines if ahead else None
    clock = count(0, seconds).__next__
    assert sum(page.count for page in Pager(query, ask, render=render, clock=clock).pages()) == 40
    return names


HERE = current_thread().name


@pytest.mark.parametrize(
    ("ahead", "seconds", "names"),
    [
        (True, 1.0, [HERE, *["answer"] * 4]),
        (True, 0.001, [HERE] * 5),
        (False, 1.0, [HERE] * 5),
    ],
)
def test_a_slow_service_is_asked_ahead_where_rows_are_rendered(ahead, seconds, names):
    assert threads_of(ahead, seconds) == names


@pytest.mark.parametrize("ahead", [False, True])
def test_what_is_refused_for_its_total_costs_no_call_more(ahead):
    service = Service(evenly(40), ahead=ahead, reach=30)
    with pytest.raises(UsageProblem, match="40 rows match"):
        run(service, FIRST, LAST, 10, sort=(Sort("total_duration"),))
    assert len(service.calls) == 1


@pytest.mark.parametrize("ahead", [False, True])
def test_totals_that_come_and_go_cost_no_call_more(ahead):
    class Forgetful(Service):
        def _total(self, matching: list[Row]) -> int | None:
            return None if len(self.calls) == 3 else super()._total(matching)

    service = Forgetful(evenly(28), ahead=ahead)
    run(service, FIRST, LAST, 10)
    assert len(service.calls) == 3
