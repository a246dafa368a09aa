"""One page of lead: the next page is fetched while the last one is written."""

from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import TypeVar

Item = TypeVar("Item")


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
