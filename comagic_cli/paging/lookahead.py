"""A lookahead of questions: the next ones are asked while an answer is read, several at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future
from itertools import islice
from threading import Lock, Thread
from typing import Any, TypeAlias, TypeVar

Result = TypeVar("Result")
Question: TypeAlias = tuple[Hashable, Callable[[], Any]]
"""A question: what tells it from others, and what asks it."""

SLOW = 0.05  # seconds of waiting for an answer, from which on it is worth asking ahead
RESERVE = 5  # points of the minute that are left to others
LATEST = 16  # answers that are compared with those of another number at once


def waited() -> float:
    """Return the seconds that this thread has waited, from some start: not those it computed."""
    return time.monotonic() - time.thread_time()


class Lookahead:
    """Ask questions before their answers are wanted, at most `limit` at once.

    `limit` begins with one and grows to `jobs` while answers are waited for longer than they are
    worked on, and while more questions at once bring more answers. It halves when the service has
    trouble. Where answers come at once, nothing is asked ahead: threads would only wait for each
    other. `spare` returns the points that may be used, `None` where they are not known; `note` is
    told what was asked in vain. Questions about pages measure themselves: see `measure`.
    """

    def __init__(
        self,
        jobs: int = 1,
        *,
        limit: int = 1,
        clock: Callable[[], float] = time.monotonic,
        latency_clock: Callable[[], float] = waited,
        spare: Callable[[], int | None] = lambda: None,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.jobs = jobs
        self.limit = min(limit, jobs)
        self.spare = spare
        self.note = note
        self._clock = clock
        self._latency_clock = latency_clock
        self._most = jobs  # more at once bring no more
        self._begun: dict[Hashable, Future[Any]] = {}
        self._running = 0  # questions whose answers have not come, also forgotten ones
        self._lock = Lock()
        # That the latest answer took; those of an earlier run, if several at once were good.
        self._seconds = SLOW if limit > 1 else 0.0
        self._latencies: dict[int, deque[float]] = {}  # by how many may be asked at once
        self._asked_at = self._clock()

    def begin(self, questions: Iterable[Question], most: int | None = None) -> None:
        """Begin to ask the first of all questions that are known to follow, at most so many.

        Forget what was begun and is not among the first of them.
        """
        known = dict(islice(questions, self.jobs))
        with self._lock:
            forgotten = [key for key in self._begun if key not in known]
            for key in forgotten:
                del self._begun[key]
            room = min(self._room(), self.jobs if most is None else most)
            for key, ask in known.items():
                if self._seconds < SLOW or max(len(self._begun), self._running) >= room:
                    break
                if key not in self._begun:
                    self._begun[key] = self._start(ask)
        if forgotten:
            self.note(f"{len(forgotten)} API call{'s' * bool(forgotten[1:])} made in vain")

    def call(self, key: Hashable, ask: Callable[[], Result]) -> Result:
        """Return the answer to a question; raise what asking raises."""
        started = self._clock()
        with self._lock:
            begun = self._begun.pop(key, None)
        answer: Result = ask() if begun is None else begun.result()
        answered = self._clock()
        self._adapt(waited=answered - started, worked=started - self._asked_at)
        self._asked_at = answered
        return answer

    def keep(self, key: Hashable, outcome: Future[Any]) -> None:
        """Keep what came of a question that was asked together with another."""
        with self._lock:
            self._begun[key] = outcome

    def measure(self, ask: Callable[[], Result]) -> Result:
        """Ask for a page, and note how long its answer takes."""
        at_once, started = self.limit, self._latency_clock()
        answer = ask()
        with self._lock:
            self._seconds = self._latency_clock() - started
            self._latencies.setdefault(at_once, deque(maxlen=LATEST)).append(self._seconds)
        return answer

    def slow_down(self) -> None:
        """Ask half as many questions at once: the service has trouble."""
        with self._lock:
            self.limit = max(1, self.limit // 2)

    def _start(self, ask: Callable[[], Result]) -> Future[Result]:
        """Ask in a thread, which a program that is stopped does not wait for."""
        outcome: Future[Result] = Future()

        def run() -> None:
            outcome_of(ask, outcome)
            with self._lock:
                self._running -= 1

        self._running += 1
        Thread(target=run, daemon=True, name="answer").start()
        return outcome

    def _room(self) -> int:
        """Return how many questions may be begun."""
        spare = self.spare()
        return self.limit if spare is None else max(1, min(self.limit, spare - RESERVE))

    def _adapt(self, waited: float, worked: float) -> None:
        """Allow one question more, or one less where more at once brought no more answers."""
        with self._lock:
            if self.limit > 1 and self._brings_no_more():
                self._most = self.limit = self.limit - 1
            elif waited > worked and waited >= SLOW and self.limit < self._most:
                self.limit += 1

    def _brings_no_more(self) -> bool:
        """Check that answers got slower by more than they got more."""
        before, now = (self._latencies.get(each, ()) for each in (self.limit - 1, self.limit))
        if len(now) < self.limit or not before:
            return False
        return _middle(now) > _middle(before) * self.limit / (self.limit - 1)


def outcome_of(ask: Callable[[], Result], outcome: Future[Result] | None = None) -> Future[Result]:
    """Ask, and return the answer, or the error to raise where the answer is wanted."""
    outcome = outcome or Future()
    try:
        outcome.set_result(ask())
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        outcome.set_exception(error)
    return outcome


def _middle(numbers: Sequence[float]) -> float:
    """Return the median: a single answer that was waited for long tells nothing."""
    return sorted(numbers)[len(numbers) // 2]
