"""The whole request as one frozen value, and the parameters that it sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from comagic_cli.query.catalog import Field, ReportType
from comagic_cli.query.filter.tree import fields_of, rename_fields
from comagic_cli.query.period import Period

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
IDS = ("entity_ids", "chat_ids")  # the parameters with ids: of rows, of chats of rows


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
    """The request for the rows of one report, or of a list.

    `columns` are written, in this order; `needed` are only asked for. `page_size` is rows per call;
    `max_rows` is how many to write, `None` for all. `extra` are the parameters of the report.
    `key_last` says that rows of the same time are sorted by the key, `is_sorted` that rows are
    sorted at all, `names_fields` that fields are sent: else the service chooses them. `names` are
    the names under which the service knows some of the fields.
    """

    report: ReportType
    report_id: int | str | None
    period: Period
    columns: tuple[str, ...]
    report_type: str | None = None
    sort: tuple[Sort, ...] = ()
    filter: Mapping[str, Any] | None = None
    page_size: int = 10_000
    max_rows: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    key_last: bool = True
    is_sorted: bool = True
    names_fields: bool = True
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
    def ids(self) -> list[int] | None:
        """Return the ids that name rows, or chats of rows; `None` where a period does."""
        return next((self.extra[name] for name in IDS if name in self.extra), None)

    @property
    def row_ids(self) -> list[int] | None:
        """Return the ids of rows; `None` where something else chooses them."""
        return self.extra.get(IDS[0])

    def with_ids(self, ids: Sequence[int]) -> Query:
        """Return the query with other ids."""
        name = next(name for name in IDS if name in self.extra)
        return replace(self, extra={**self.extra, name: list(ids)})

    @property
    def is_dated(self) -> bool:
        """Check that a period is sent."""
        return self.report.dated and IDS[1] not in self.extra

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
        if not self.is_sorted:
            return ()
        by_time = tuple(Sort(name, self.descending) for name in self.report.time)
        asked = self.sort if self.sort and not self.by_time else (*by_time, *self.sort)
        ties = (Sort(path) for path in self.report.key if self._can_sort_by(path))
        first: dict[str, Sort] = {}
        for sort in (*asked, *ties):
            first.setdefault(sort.field, sort)
        return tuple(first.values())

    def _can_sort_by(self, path: str) -> bool:
        """Check that the program may sort by a part of the key, which nobody asked for."""
        takes_sort = "sort" in self.report.takes and self.key_last
        return takes_sort and "." not in path and self.report.field(path).sort

    @property
    def by_time(self) -> bool:
        """Check that rows are sorted by time, so that the period can be cut into windows.

        Rows that ids choose have no period to cut.
        """
        head = self.sort[: len(self.report.time)]
        one_way = len({sort.descending for sort in head}) < 2  # noqa: PLR2004 - both ways
        named = tuple(sort.field for sort in head)
        is_timed = self.is_dated and bool(self.report.time)
        return is_timed and one_way and named == self.report.time[: len(head)]

    @property
    def descending(self) -> bool:
        """Check that the latest rows come first."""
        return bool(self.sort) and self.by_time and self.sort[0].descending

    def params(self, start: datetime, end: datetime, offset: int, limit: int) -> dict[str, Any]:
        """Return the parameters of one page, without the token and the user."""
        params: dict[str, Any] = {"report_id": self.report_id} if self.report.is_flat else {}
        if self.report_type is not None:
            params["report_type"] = self.report_type
        if self.is_dated:
            params["date_from"] = start.isoformat(" ", "seconds")
            params["date_till"] = end.isoformat(" ", "seconds")
        has_fields = self.names_fields and self.report.fields  # some are documented
        if "fields" in self.report.takes and has_fields:
            params["fields"] = list(map(self.sent, self.asked))
        if self.order:
            order = [Sort(self.sent(sort.field), sort.descending) for sort in self.order]
            params["sort"] = [sort.param() for sort in order]
        if self.filter:
            params["filter"] = dict(rename_fields(self.filter, self.names))
        paging = {"limit": limit, "offset": offset} if self.report.paged else {}
        return params | dict(self.extra) | paging
