"""The rows that are served: the sandbox's, taken over and over with ids and times of their own."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from functools import cached_property

from comagic_cli.query.catalog import report
from comagic_cli.sandbox.server import Sandbox

FIRST_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - the account's time
SPAN = timedelta(days=540)
MADE = 5_000  # rows of the sandbox; the others repeat them
ID, TIME = "communication_id", "communication_date_time"
TWELVE = (
    ID,
    TIME,
    "communication_type",
    "contact_phone_number",
    "contact_full_name",
    "total_duration",
    "source_name",
    "campaign_name",
    "tags",
    "employees",
    "utm_source",
    "site_domain_name",
)
ALL = tuple(field.name for field in report("communications").fields)


class Rows:
    """So many rows of some fields, ordered by time, each as the JSON that it is sent as."""

    def __init__(self, count: int, fields: tuple[str, ...]) -> None:
        self.count = count
        self.fields = fields
        self._step = SPAN / count

    def time(self, number: int) -> str:
        return (FIRST_DAY + number * self._step).strftime("%Y-%m-%d %H:%M:%S")

    def between(self, start: str, end: str) -> range:
        """Find the rows of a window, both ends included."""
        numbers = range(self.count)
        return range(
            bisect_left(numbers, start, key=self.time), bisect_right(numbers, end, key=self.time)
        )

    def encoded(self, numbers: range) -> bytes:
        """Return rows as a JSON array."""
        return b"[" + b",".join(map(self._row, numbers)) + b"]"

    def _row(self, number: int) -> bytes:
        before, after = self._made[number % MADE]
        own = f'"{ID}":{3_200_000_000 + number},"{TIME}":"{self.time(number)}"'
        return before + own.encode() + after

    @cached_property
    def _made(self) -> list[tuple[bytes, bytes]]:
        """Return what stands before and after the id and time of each made row."""
        span = ("2024-01-01 00:00:00", "2024-12-31 23:59:59")
        with Sandbox(rows=MADE, span=span, now="2025-01-01 00:00:00") as box:
            rows = box.truth("communications", *span, fields=self.fields)
        others = ({name: row[name] for name in row if name not in {ID, TIME}} for row in rows)
        texts = (json.dumps(other, ensure_ascii=False, separators=(",", ":")) for other in others)
        return [(b"{", b"," * (text != "{}") + text[1:].encode()) for text in texts]
