"""The whole request as one frozen value, and the parameters that it sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from comagic_cli.query.catalog import Field, ReportType
from comagic_cli.query.filter.tree import fields_of, rename_fields
from comagic_cli.query.period import Period

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
IDS = "entity_ids"  # the parameter with the ids of the rows to return


class Sort(msgspec.Struct, frozen=True):
    """One field to sort by."""

    field: str
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.field}{':desc' * self.descending}"

    def param(self) -> dict[str, str]:
        """Return it as the API takes it."""
        return {"field": self.field, "order": "desc" if self.descending else "asc"}


@dataclass(frozen=True)
class Query:
    """The request for the rows of one report.

    `columns` are written, in this order; `needed` are only asked for. `page_size` is rows per call;
    `max_rows` is how many to write, `None` for all. `extra` are the parameters of the report.
    `key_last` says that rows of the same time are sorted by the key. `names` are the names under
    which the service knows some of the fields.
    """

    report: ReportType
    report_id: int | str
    period: Period
    columns: tuple[str, ...]
    report_type: str | None = None
    sort: tuple[Sort, ...] = ()
    filter: Mapping[str, Any] | None = None
    page_size: int = 10_000
    max_rows: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    key_last: bool = True
    needed: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return the columns as fields of the catalogue."""
        return tuple(self.report.field(name) for name in self.columns)

    @property
    def asked(self) -> tuple[str, ...]:
        """Return every field to send: the columns, and those that order and identify rows."""
        needed = (*self.report.time, *(path.split(".")[0] for path in self.report.key))
        return tuple(dict.fromkeys((*self.columns, *self.needed, *needed)))

    @property
    def used(self) -> set[str]:
        """Return every field of the request: asked for, sorted by, or in the filter."""
        in_filter = fields_of(self.filter) if self.filter else set()
        return {*self.asked, *(sort.field for sort in self.order), *in_filter}

    def sent(self, name: str) -> str:
        """Return the name under which a field is sent."""
        return self.names.get(name, name)

    @property
    def order(self) -> tuple[Sort, ...]:
        """Return what to sort by: what was asked or the time, then the key."""
        by_time = tuple(Sort(name, self.descending) for name in self.report.time)
        asked = self.sort if self.sort and not self.by_time else (*by_time, *self.sort)
        ties = (Sort(path) for path in self.report.key if self.key_last and "." not in path)
        first: dict[str, Sort] = {}
        for sort in (*asked, *ties):
            first.setdefault(sort.field, sort)
        return tuple(first.values())

    @property
    def by_time(self) -> bool:
        """Check that rows are sorted by time, so that the period can be cut into windows."""
        head = self.sort[: len(self.report.time)]
        one_way = len({sort.descending for sort in head}) < 2  # noqa: PLR2004 - both ways
        named = tuple(sort.field for sort in head)
        return bool(self.report.time) and one_way and named == self.report.time[: len(head)]

    @property
    def descending(self) -> bool:
        """Check that the latest rows come first."""
        return bool(self.sort) and self.by_time and self.sort[0].descending

    def params(self, start: datetime, end: datetime, offset: int, limit: int) -> dict[str, Any]:
        """Return the parameters of one page, without the token and the user."""
        params: dict[str, Any] = {"report_id": self.report_id}
        if self.report_type is not None:
            params["report_type"] = self.report_type
        params |= {
            "date_from": start.isoformat(" ", "seconds"),
            "date_till": end.isoformat(" ", "seconds"),
            "fields": list(map(self.sent, self.asked)),
            "sort": [Sort(self.sent(sort.field), sort.descending).param() for sort in self.order],
        }
        if self.filter:
            params["filter"] = dict(rename_fields(self.filter, self.names))
        return params | dict(self.extra) | {"limit": limit, "offset": offset}
