"""The keys of a window's rows, kept in little memory: a hundred thousand may come."""

from __future__ import annotations

from collections.abc import Iterable

BETWEEN = "\x1e"
TOGETHER = 1 << 18  # characters that are kept in one text, where pages are small


class Keys:
    """A set of texts that grows by pages: each page's are kept as one text, cut when looked at."""

    def __init__(self, together: int = TOGETHER) -> None:
        self._together = together
        self._pages: list[str] = []
        self._odd: set[str] = set()  # keys that hold what stands between two others
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, keys: set[str]) -> None:
        """Take keys in; none of them may be in it already."""
        if not keys:
            return
        self._count += len(keys)
        text = BETWEEN.join(["", *keys, ""])
        if text.count(BETWEEN) > len(keys) + 1:
            odd = {key for key in keys if BETWEEN in key}
            self._odd |= odd
            text = BETWEEN.join(["", *(keys - odd), ""])
        if self._pages and len(self._pages[-1]) < self._together:
            text = self._pages.pop() + text[1:]
        self._pages.append(text)

    def shared(self, keys: Iterable[str]) -> set[str]:
        """Return those of the keys that are in it."""
        asked = set(keys)
        found = asked & self._odd
        for page in self._pages:
            found |= asked.intersection(page[1:-1].split(BETWEEN))
        return found

    def has(self, key: str) -> bool:
        """Tell whether a single key is in it, without cutting the pages."""
        framed = f"{BETWEEN}{key}{BETWEEN}"
        return key in self._odd or (
            BETWEEN not in key and any(framed in page for page in self._pages)
        )

    def all(self) -> set[str]:
        """Return all keys."""
        return self._odd.union(*(page[1:-1].split(BETWEEN) for page in self._pages))
