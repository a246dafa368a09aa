"""Pages made by hand, and what a sink writes of them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.catalog import Field, Member
from comagic_cli.rows.page import Page


def text_fields(*names: str) -> list[Field]:
    return [Field(name, "string") for name in names]


def members(*names: str) -> tuple[Member, ...]:
    return tuple(Member(name, "string") for name in names)


def page_of(*rows: str, marker: str = "") -> Page:
    """Make a page of rows that are JSON text."""
    return Page([row.encode() for row in rows], marker.encode())


def written(form: str, fields: list[Field], *pages: Page, **format_options: Any) -> str:
    """Return all that a sink writes of some pages."""
    return piped(form, fields, *pages, **format_options).decode()


def piped(form: str, fields: list[Field], *pages: Page, **format_options: Any) -> bytes:
    """Return the bytes of it."""
    stream = BytesIO()
    sink = make_sink(form, stream, fields, FormatOptions(**format_options))
    sink.begin()
    for page in pages:
        sink.write(page)
    sink.end()
    return stream.getvalue()
