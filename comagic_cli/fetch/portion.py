"""How many rows are asked for at once: fewer, where the service fails on many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SAME = 2  # tries of a page before it is halved: the first failure is seldom about its size
SMALL = 1_000  # rows; the API's own page, which every service can make


@dataclass
class Portion:
    """The rows that a page may have; `note` is told when they become fewer."""

    note: Callable[[str], None]
    most: int | None = None

    def fit(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters of a call, with no larger `limit` than the service can answer."""
        return params if self._rows(params) == _asked(params) else {**params, "limit": self.most}

    def halve(self, params: Mapping[str, Any], failures: int) -> None:
        """Take in that a call has failed so often, in a way that fewer rows may avoid."""
        rows = self._rows(params)
        if failures >= SAME and rows > SMALL:
            self.most = -(-rows // 2)
            self.note(f"the service fails on {rows} rows a page: asking for {self.most} from now")

    def is_large(self, params: Mapping[str, Any]) -> bool:
        """Tell whether fewer rows could be asked for."""
        return self._rows(params) > SMALL

    def _rows(self, params: Mapping[str, Any]) -> int:
        asked = _asked(params)
        return asked if self.most is None else min(asked, self.most)


def _asked(params: Mapping[str, Any]) -> int:
    limit = params.get("limit")
    return limit if isinstance(limit, int) else 0
