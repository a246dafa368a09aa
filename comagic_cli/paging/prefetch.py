"""A lookahead of questions: the next ones are asked while an answer is read."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
SLOW = 0.05  # seconds of waiting for an answer, from which on it is worth asking ahead


def waited() -> float:
    """Return the seconds that this thread has waited, from some start: not those it computed."""
    return time.monotonic() - time.thread_time()


class Prefetch(Generic[Item]):
    """Ask questions in order, at most `ahead` of them before their answers are wanted.

    Where answers come at once nothing is asked ahead: threads would only wait for each other.
    """

    def __init__(
        self, ask: Callable[..., Item], clock: Callable[[], float] = waited, ahead: int = 1
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._ahead = ahead
        self._seconds = 0.0  # that the latest answer was waited for
        self._begun: deque[tuple[tuple[Any, ...], Future[Item]]] = deque()

    def begin(self, questions: Sequence[tuple[Any, ...]]) -> None:
        """Begin to ask the first of the questions that are known to follow."""
        if self._seconds < SLOW:
            return
        for question in questions[len(self._begun) : self._ahead]:
            self._begun.append((question, _start(partial(self._measure, *question))))

    def __call__(self, *question: Any) -> Item:
        """Return the answer; raise what asking raises. Another question drops all begun ones."""
        if self._begun and self._begun[0][0] == question:
            return self._begun.popleft()[1].result()
        self._begun.clear()
        return self._measure(*question)

    def _measure(self, *question: Any) -> Item:
        started = self._clock()
        answer = self._ask(*question)
        self._seconds = self._clock() - started
        return answer


def _start(call: Callable[[], Item]) -> Future[Item]:
    """Call in a thread, which a program that is stopped does not wait for."""
    outcome: Future[Item] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            outcome.set_exception(error)

    Thread(target=run, daemon=True, name="answer").start()
    return outcome
