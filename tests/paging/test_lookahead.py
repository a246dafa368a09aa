"""Questions asked ahead: how many at once, in which order they are taken, and what is forgotten."""

from __future__ import annotations

from functools import partial
from threading import Event
from time import monotonic, sleep

import pytest
from program import PATIENCE

from comagic_cli.paging.lookahead import RESERVE, SLOW, Lookahead, outcome_of


class Clock:
    """Seconds that pass only where a test lets them."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


class Service:
    """Answers to numbered questions, each of which comes when a test lets it."""

    def __init__(self):
        self.asked = []
        self.answers = {}

    def question(self, number):
        self.answers.setdefault(number, Event())
        return number, partial(self._ask, number)

    def questions(self, *numbers):
        return [self.question(number) for number in numbers]

    def _ask(self, number):
        self.asked.append(number)
        assert self.answers[number].wait(PATIENCE)
        return f"answer {number}"

    def give(self, *numbers):
        for number in numbers:
            self.answers[number].set()


def eventually(check):
    """Wait until something is so that another thread does."""
    start = monotonic()
    while not check():
        assert monotonic() - start < PATIENCE
        sleep(0.001)


def slow(jobs, limit, **more):
    """Make a lookahead that has waited for an answer."""
    clock = Clock()
    ahead = Lookahead(jobs, limit=limit, clock=clock, latency_clock=clock, **more)
    ahead.measure(partial(clock.wait, SLOW))
    return ahead


def read(ahead, clock, waits, works=()):
    """Take answers that are waited and then worked on so long; return the limits after each."""
    limits = []
    for number, wait in enumerate(waits):
        ahead.call(number, partial(ahead.measure, partial(clock.wait, wait)))
        limits.append(ahead.limit)
        clock.wait(works[number] if number < len(works) else 0)
    return limits


@pytest.mark.parametrize(
    ("jobs", "waits", "works", "limits"),
    [
        (4, [1, 1, 1, 1, 1], [], [2, 3, 4, 4, 4]),
        (1, [1, 1, 1], [], [1, 1, 1]),
        (4, [SLOW / 2] * 4, [], [1, 1, 1, 1]),  # answers come at once
        (4, [SLOW] * 2, [], [2, 3]),
        (4, [1, 1, 1, 1], [2, 2, 2, 2], [2, 2, 2, 2]),  # the work takes longer
        (4, [1, 0, 1, 0, 1], [], [2, 2, 3, 3, 4]),
    ],
)
def test_it_grows_while_answers_are_waited_for(jobs, waits, works, limits):
    clock = Clock()
    ahead = Lookahead(jobs, clock=clock, latency_clock=clock)
    assert read(ahead, clock, waits, works) == limits


@pytest.mark.parametrize(
    ("seconds", "limits"),
    [
        ({2: 1, 3: 1, 4: 1}, [2, 3, 4, 4, 4, 4, 4, 4, 4]),
        ({2: 1.9, 3: 2.8, 4: 3.7}, [2, 3, 4, 4, 4, 4, 4, 4, 4]),  # a little more come
        ({2: 1.4, 3: 1.9, 4: 4}, [2, 3, 4, 4, 4, 4, 3, 3, 3]),  # four bring less than three
    ],
)
def test_it_compares_with_one_less_once_as_many_answers_came(seconds, limits):
    clock = Clock()
    ahead = Lookahead(4, clock=clock, latency_clock=clock)
    grown = []
    for number in range(9):
        wait = seconds.get(ahead.limit, 1)
        ahead.call(number, partial(ahead.measure, partial(clock.wait, wait)))
        grown.append(ahead.limit)
    assert grown == limits


@pytest.mark.parametrize(
    ("one", "two", "limit"), [([1], [1, 1], 3), ([1], [1.9] * 2, 3), ([1], [2.1] * 2, 1)]
)
def test_more_at_once_that_bring_no_more_are_given_up_for_good(one, two, limit):
    clock = Clock()
    ahead = Lookahead(3, clock=clock, latency_clock=clock)

    def measure(seconds):
        for each in seconds:
            ahead.measure(partial(clock.wait, each))

    measure(one)
    ahead.limit = 2
    measure(two)
    assert read(ahead, clock, [1, 1, 1])[-1] == limit


def test_a_single_long_wait_does_not_count_as_slow():
    clock = Clock()
    ahead = Lookahead(2, clock=clock, latency_clock=clock)
    ahead.measure(partial(clock.wait, 1))
    ahead.limit = 2
    for seconds in (1, 60, 1):
        ahead.measure(partial(clock.wait, seconds))
    assert read(ahead, clock, [1])[-1] == 2


def test_trouble_halves_it():
    clock = Clock()
    ahead = Lookahead(8, limit=8, clock=clock, latency_clock=clock)
    halved = []
    for _ in range(4):
        ahead.slow_down()
        halved.append(ahead.limit)
    assert halved == [4, 2, 1, 1]
    assert read(ahead, clock, [1, 1]) == [2, 3]  # and it grows again


@pytest.mark.parametrize(("jobs", "known", "limit"), [(3, 2, 2), (3, 16, 3), (1, 4, 1)])
def test_it_begins_with_what_is_known_and_no_more_than_allowed(jobs, known, limit):
    assert Lookahead(jobs, limit=known).limit == limit


@pytest.mark.parametrize(
    ("jobs", "limit", "points", "most", "begun"),
    [
        (4, 4, None, None, 4),
        (4, 2, None, None, 2),
        (1, 1, None, None, 1),
        (4, 4, RESERVE + 2, None, 2),
        (4, 4, RESERVE + 9, None, 4),
        (4, 4, RESERVE, None, 1),
        (4, 4, 0, None, 1),
        (4, 4, None, 3, 3),
        (4, 4, None, 0, 0),
    ],
)
def test_so_many_are_asked_at_once(jobs, limit, points, most, begun):
    service = Service()
    ahead = slow(jobs, limit, spare=lambda: points)
    ahead.begin(service.questions(*range(9)), most)
    assert sorted(service.asked) == list(range(begun))
    ahead.begin(service.questions(*range(9)), most)  # they are asked once
    assert sorted(service.asked) == list(range(begun))
    service.give(*range(9))
    taken = [ahead.call(*service.question(number)) for number in range(9)]
    assert taken == [f"answer {number}" for number in range(9)]
    assert sorted(service.asked) == list(range(9))


def test_what_was_good_a_day_ago_is_asked_ahead_at_once():
    service = Service()
    ahead = Lookahead(4, limit=2)
    ahead.begin(service.questions(1, 2, 3))
    assert service.asked == [1, 2]


def test_nothing_is_asked_ahead_before_an_answer_was_waited_for():
    service = Service()
    ahead = Lookahead(4)
    ahead.begin(service.questions(1, 2))
    assert service.asked == []


def test_answers_are_taken_in_order_whenever_they_come():
    service, ahead = Service(), slow(3, 3)
    ahead.begin(service.questions(1, 2, 3))
    eventually(lambda: len(service.asked) == 3)
    service.give(3)
    service.give(2, 1)
    assert [ahead.call(*service.question(number)) for number in (1, 2, 3)] == [
        "answer 1",
        "answer 2",
        "answer 3",
    ]
    assert len(service.asked) == 3


def test_what_is_forgotten_is_told_and_still_counts_until_it_is_answered():
    service, told = Service(), []
    ahead = slow(3, 3, note=told.append)
    ahead.begin(service.questions(1, 2, 3))
    ahead.begin(service.questions(3, 4))
    eventually(lambda: len(service.asked) == 3)
    assert told == ["2 API calls made in vain"]
    service.give(1)
    eventually(lambda: ahead._running == 2)
    ahead.begin(service.questions(3, 4, 5))
    eventually(lambda: 4 in service.asked)
    assert 5 not in service.asked
    ahead.begin([])
    assert told[1:] == ["2 API calls made in vain"]
    service.give(2, 3, 4, 5)
    assert ahead.call(*service.question(3)) == "answer 3"  # asked again
    assert service.asked.count(3) == 2


def test_only_the_first_of_many_questions_are_looked_at():
    looked_at = []

    def many():
        for number in range(100_000):
            looked_at.append(number)
            yield number, int

    slow(3, 3).begin(many())
    assert len(looked_at) <= 4


def fail(*_):
    raise KeyError("told")


def test_an_error_is_raised_where_its_answer_is_taken():
    service, ahead = Service(), slow(2, 2)
    ahead.begin([service.question(1), ("bad", fail)])
    service.give(1)
    assert ahead.call(*service.question(1)) == "answer 1"
    with pytest.raises(KeyError, match="told"):
        ahead.call("bad", fail)
    assert ahead.call("bad", lambda: "asked anew") == "asked anew"


def test_an_error_of_a_forgotten_question_is_never_raised():
    ahead = slow(2, 2)
    ahead.begin([("bad", fail)])
    ahead.begin([])
    assert ahead.call("good", lambda: 1) == 1


def test_what_came_of_a_question_can_be_kept():
    ahead = Lookahead()
    ahead.keep("good", outcome_of(lambda: 1))
    ahead.keep("bad", outcome_of(fail))
    assert ahead.call("good", fail) == 1
    with pytest.raises(KeyError, match="told"):
        ahead.call("bad", lambda: 1)


def test_one_at_once_asks_one_ahead():
    service, ahead = Service(), slow(1, 1)
    ahead.begin(service.questions(1, 2))
    eventually(lambda: service.asked == [1])
    service.give(1, 2)
    assert ahead.call(*service.question(1)) == "answer 1"
    ahead.begin(service.questions(2))
    assert ahead.call(*service.question(2)) == "answer 2"
    assert service.asked == [1, 2]
