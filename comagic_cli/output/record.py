"""The record of an export: what was asked, and what came of it."""

from __future__ import annotations

from typing import Any

import msgspec


class WindowCount(msgspec.Struct, frozen=True, omit_defaults=True, rename={"from_": "from"}):
    """A window that was read to its end: the two times sent, and its rows.

    `total` is what the service said matches; `received` are the distinct rows that came, `written`
    those that were not written before. `user_id` is there where several clients are exported.
    """

    from_: str
    till: str
    total: int | None
    received: int
    written: int
    user_id: int | None = None


class RowEnd(msgspec.Struct, frozen=True):
    """The first or last row: its shown time ("": unreadable) and key (null: it may repeat)."""

    time: str
    key: list[str] | None


class Stop(msgspec.Struct, frozen=True):
    """Where an earlier run was stopped: how many rows were safe, and the time of the last."""

    rows: int
    time: str


class ClientCount(msgspec.Struct, frozen=True, omit_defaults=True):
    """One client of an agent, and the rows that came of it; `refused` says why no more did."""

    customer_id: Any
    user_id: int
    report_id: int | str | None
    period: tuple[str, str] | None
    rows: int
    refused: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an export asked, as typed and as resolved, and what of it was written.

    `bytes` and `sha256` are those of the output, packed where it is. `points` are the calls that
    cost one. `clients` are there where an agent exports several. `overstated` windows had a
    total one too large; `outside` rows came that show a time outside the period.
    """

    version: str
    asked: dict[str, Any]
    period: tuple[str, str]
    report_id: int | str
    filter: dict[str, Any] | None
    rows: int
    bytes: int
    sha256: str
    first: RowEnd | None
    last: RowEnd | None
    windows: list[WindowCount]
    stops: list[Stop]
    points: int
    clients: list[ClientCount] = []
    overstated: int = 0
    outside: int = 0
