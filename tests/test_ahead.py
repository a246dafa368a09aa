"""One page of lead, no more."""

from __future__ import annotations

import time
from threading import Event, current_thread, main_thread

import pytest

from comagic_cli.fetch.ahead import SLOW, AskAhead, one_ahead, waited


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


class Service:
    """Answers questions, each after the seconds that it says."""

    def __init__(self, *, seconds: float = SLOW):
        self.asked: list[tuple[str, str]] = []
        self.seconds = seconds
        self.now = 0.0

    def ask(self, question: str) -> str:
        self.asked.append((question, current_thread().name))
        self.now += self.seconds
        if question == "wrong":
            raise ValueError(question)
        return question.upper()

    def clock(self) -> float:
        return self.now


def test_what_was_begun_is_not_asked_again():
    service = Service()
    ask = AskAhead(service.ask, service.clock)
    assert ask("a") == "A"
    ask.begin("b")
    ask.begin("c")  # one at a time
    assert ask("b") == "B"
    assert ask("c") == "C"
    here = current_thread().name
    assert service.asked == [("a", here), ("b", "answer"), ("c", here)]


@pytest.mark.parametrize("begun", ["b", "wrong"])
def test_what_was_begun_in_vain_is_dropped(begun):
    service = Service()
    ask = AskAhead(service.ask, service.clock)
    ask("a")
    ask.begin(begun)
    assert ask("c") == "C"
    assert ask("d") == "D"


def test_what_asking_ahead_raises_is_raised_where_it_is_asked_for():
    service = Service()
    ask = AskAhead(service.ask, service.clock)
    ask("a")
    ask.begin("wrong")
    with pytest.raises(ValueError, match="wrong"):
        ask("wrong")


def test_where_answers_come_at_once_nothing_is_asked_ahead():
    service = Service(seconds=SLOW / 2)
    ask = AskAhead(service.ask, service.clock)
    ask("a")
    ask.begin("b")
    service.seconds = SLOW
    ask("b")
    ask.begin("c")
    service.seconds = 0
    ask("c")
    ask.begin("d")
    ask("d")
    here = current_thread().name
    assert service.asked == [("a", here), ("b", here), ("c", "answer"), ("d", here)]


def test_waiting_is_what_is_not_computing(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 7.5)
    monkeypatch.setattr(time, "thread_time", lambda: 5.0)
    assert waited() == 2.5
