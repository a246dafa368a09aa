"""A report with a field of every type, and trees written shortly."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from comagic_cli.query.catalog import Field, Member, ReportType
from comagic_cli.query.filter.compiler import Filter

PAIR = (Member("value", "string"), Member("value_id", "string"))
REPORT = ReportType(
    command="calls",
    method="get.calls",
    title="Calls",
    type="calls",
    max_days=366,
    key=("id",),
    key_is_unique=True,
    time=("at",),
    fields=(
        Field("id", "string"),
        Field("at", "iso8601", format="YYYY-MM-DD hh:mm:ss"),
        Field("day", "iso8601", format="YYYY-MM-DD"),
        Field("clock", "iso8601", format="hh:mm:ss"),
        Field("size", "number"),
        Field("took", "duration"),
        Field("done", "boolean"),
        Field("kind", "object", members=PAIR),
        Field("people", "array"),
        Field("closed", "string", filter=False),
    ),
    more=(Field("cc_17"), Field("cc_18", "number")),
)
NOON = datetime(2026, 10, 8, 12, tzinfo=ZoneInfo("Europe/Moscow"))


def leaf(field, operator, *value):
    return {"field": field, "operator": operator, **({"value": value[0]} if value else {})}


def both(*parts):
    return {"filters": list(parts), "condition": "and"}


def either(*parts):
    return {"filters": list(parts), "condition": "or"}


ONE, TWO, THREE = (leaf("size", "=", size) for size in (1, 2, 3))


def raised(kind, *where, given=()):
    with pytest.raises(kind) as caught:
        Filter(where, given).check(REPORT)
    return caught.value
