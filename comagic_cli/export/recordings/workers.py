"""Threads that work on items, of which one that is stopped waits for none."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

from comagic_cli.api.download import Abandoned

Item = TypeVar("Item")
Result = TypeVar("Result")

CLEANUP = 1.0  # seconds that a stopped run waits for what is being worked on


class Workers(Generic[Item, Result]):
    """Threads that work on items; `finish` gets each result, one at a time.

    What either raises is raised by `submit`, `check` and `finish_all`. Threads are daemons: a
    program that is stopped does not wait for them.
    """

    def __init__(
        self,
        most: int,
        work: Callable[[Item], Result],
        finish: Callable[[Result], None],
    ) -> None:
        self.changed = Condition()
        self._most = most
        self._work = work
        self._finish = finish
        self._items = deque[Item]()
        self._threads = 0
        self._running = 0
        self._is_stopped = False
        self._failure: BaseException | None = None

    def submit(self, item: Item) -> None:
        """Let an item be worked on; wait while there are enough."""
        with self.changed:
            self.changed.wait_for(lambda: len(self._items) < self._most or self._failure)
            self.check()
            self._items.append(item)
            if self._threads < self._most and self._threads <= self._running + len(self._items):
                self._threads += 1
                Thread(target=self._run, daemon=True, name="download").start()
            self.changed.notify_all()

    def check(self) -> None:
        """Raise what a thread raised."""
        if self._failure is not None:
            raise self._failure

    def finish_all(self) -> None:
        """Wait until all items are done."""
        with self.changed:
            self.changed.wait_for(lambda: self._failure or not (self._items or self._running))
            self.check()

    def stop(self) -> None:
        """Begin no more items, and wait a moment for those begun."""
        with self.changed:
            self._is_stopped = True
            self._items.clear()
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self._running, CLEANUP)

    def _run(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self._items or self._is_stopped)
                if self._is_stopped:
                    return
                item = self._items.popleft()
                self._running += 1
                self.changed.notify_all()
            self._do(item)

    def _do(self, item: Item) -> None:
        try:
            result = self._work(item)
            with self.changed:  # also where it is stopped: what is done is done
                self._finish(result)
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            with self.changed:
                self._failure = self._failure or error
                self._items.clear()
        finally:
            with self.changed:
                self._running -= 1
                self.changed.notify_all()
