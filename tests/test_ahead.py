"""One page of lead, no more."""

from __future__ import annotations

from threading import Event, current_thread, main_thread

import pytest

from comagic_cli.fetch.ahead import one_ahead


def test_items_come_in_order():
    assert list(one_ahead(iter(range(100)))) == list(range(100))


def test_the_next_is_taken_while_the_last_is_in_use_and_no_further():
    taken = [Event() for _ in range(4)]

    def items():
        for number, event in enumerate(taken):
            event.set()
            yield number

    ahead = one_ahead(items())
    assert next(ahead) == 0
    assert taken[1].wait(10)
    assert next(ahead) == 1
    assert taken[2].wait(10)
    assert not taken[3].is_set()
    ahead.close()


def test_it_takes_in_another_thread():
    threads = list(one_ahead(current_thread() for _ in range(2)))
    assert main_thread() not in threads


def test_errors_are_raised_where_they_are_waited_for():
    def items():
        yield 1
        raise ValueError("no more")

    ahead = one_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="no more"):
        next(ahead)


def test_closed_early_it_takes_no_further():
    taken = []

    def items():
        for number in range(10):
            taken.append(number)
            yield number

    ahead = one_ahead(items())
    next(ahead)
    ahead.close()
    assert len(taken) <= 2
