"""A lead of one: pages are taken while others are written, or asked for while others are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
SLOW = 0.05  # seconds of waiting for an answer, from which on it is worth asking ahead


def one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield `items`, taking each from a thread while the one before is in use; never two ahead.

    What taking an item raises is raised here. Closed early, it takes no further item.
    """
    wanted = Semaphore(1)
    taken: SimpleQueue[tuple[list[Item], BaseException | None]] = SimpleQueue()
    closed = False

    def take() -> None:
        while wanted.acquire() and not closed:
            try:
                taken.put(([next(items)], None))
            except StopIteration:
                taken.put(([], None))
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                taken.put(([], error))

    # A daemon: a program that is stopped does not wait for the answer under way.
    Thread(target=take, daemon=True, name="next page").start()
    try:
        while True:
            one, error = taken.get()
            if error is not None:
                raise error
            if not one:
                return
            wanted.release()
            yield one.pop()  # not held here, so that its memory goes when its user is done
    finally:
        closed = True
        wanted.release()


def waited() -> float:
    """Return the seconds that this thread has waited, from some start: not those it computed."""
    return time.monotonic() - time.thread_time()


class AskAhead(Generic[Item]):
    """Ask questions one after another, the next of them already while an answer is read.

    Where answers come at once nothing is asked ahead: threads would only wait for each other.
    """

    def __init__(self, ask: Callable[..., Item], clock: Callable[[], float] = waited) -> None:
        self._ask = ask
        self._clock = clock
        self._seconds = 0.0  # that the latest answer was waited for
        self._begun: tuple[tuple[Any, ...], Future[Item]] | None = None

    def begin(self, *question: Any) -> None:
        """Begin to ask what will be asked next, unless something is being asked."""
        if self._begun is None and self._seconds >= SLOW:
            self._begun = question, _later(partial(self._timed, *question))

    def __call__(self, *question: Any) -> Item:
        """Return the answer; raise what asking raises.

        What was begun otherwise is in vain, and may still be under way: `ask` sees to that.
        """
        begun, self._begun = self._begun, None
        return begun[1].result() if begun and begun[0] == question else self._timed(*question)

    def _timed(self, *question: Any) -> Item:
        started = self._clock()
        answer = self._ask(*question)
        self._seconds = self._clock() - started
        return answer


def _later(call: Callable[[], Item]) -> Future[Item]:
    """Call in a thread, which a program that is stopped does not wait for."""
    outcome: Future[Item] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            outcome.set_exception(error)

    Thread(target=run, daemon=True, name="answer").start()
    return outcome
