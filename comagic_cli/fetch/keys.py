"""The keys of a window's rows, kept in little memory: a hundred thousand may come."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

BETWEEN = "\x1e"
TOGETHER = 1 << 18  # characters that are kept in one text, where pages are small


class Batch(msgspec.Struct, frozen=True):
    """Keys as one text, framed by what stands between them, and the least and the greatest."""

    text: str
    first: str
    last: str

    @classmethod
    def of(cls, keys: Iterable[str], first: str, last: str) -> Batch:
        """Join keys."""
        return cls(BETWEEN.join(["", *keys, ""]), first, last)

    def joined(self, more: Batch) -> Batch:
        """Return the keys of both."""
        first, last = min(self.first, more.first), max(self.last, more.last)
        return Batch(self.text + more.text[1:], first, last)

    def keys(self) -> list[str]:
        """Return the keys."""
        return self.text[1:-1].split(BETWEEN)

    def may_have(self, first: str, last: str) -> bool:
        """Tell whether keys between two may be among them: most ids grow from page to page."""
        return first <= self.last and self.first <= last


class Keys:
    """A set of texts that grows by pages: each page's are kept as one text, cut when looked at."""

    def __init__(self, together: int = TOGETHER) -> None:
        self._together = together
        self._pages: list[Batch] = []
        self._odd: set[str] = set()  # keys that hold what stands between two others
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def take(self, keys: set[str]) -> set[str]:
        """Take keys in; return those that were in it already."""
        if not keys:
            return keys
        first, last = min(keys), max(keys)
        known = self._among(keys, first, last)
        if new := keys - known:
            self._add(new, first, last)
        return known

    def shared(self, keys: set[str]) -> set[str]:
        """Return those of the keys that are in it."""
        return self._among(keys, min(keys), max(keys)) if keys else keys

    def _among(self, keys: set[str], first: str, last: str) -> set[str]:
        """Find those keys that are in it, all of them between two."""
        known = keys & self._odd
        for page in self._pages:
            if page.may_have(first, last):
                known |= keys.intersection(page.keys())
        return known

    def _add(self, keys: set[str], first: str, last: str) -> None:
        self._count += len(keys)
        page = Batch.of(keys, first, last)
        if page.text.count(BETWEEN) > len(keys) + 1:
            odd = {key for key in keys if BETWEEN in key}
            self._odd |= odd
            page = Batch.of(keys - odd, first, last)
            if odd == keys:
                return
        if self._pages and len(self._pages[-1].text) < self._together:
            page = self._pages.pop().joined(page)
        self._pages.append(page)

    def has(self, key: str) -> bool:
        """Tell whether a single key is in it, without cutting the pages."""
        framed = f"{BETWEEN}{key}{BETWEEN}"
        return key in self._odd or (
            BETWEEN not in key
            and any(page.may_have(key, key) and framed in page.text for page in self._pages)
        )

    def all(self) -> set[str]:
        """Return all keys."""
        return self._odd.union(*(page.keys() for page in self._pages))
