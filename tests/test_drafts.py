"""Rows that are rendered as they are read are what a sink would have written of them."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measuring import unmeasured
from sinks import page_of, written

from comagic_cli.fetch.drafts import Drafter
from comagic_cli.formats.base import Look, make_sink
from comagic_cli.query.catalog import report
from comagic_cli.request.pages import AT_ONCE, LEAST_AT_ONCE, Page, dealt, with_members
from comagic_cli.request.rows import RowReader

COMMUNICATIONS = report("communications")
ASKED = ("utm_source", "communication_id", "communication_date_time", "communication_type")
MANY = 3 * LEAST_AT_ONCE + 7  # rows that do not fit together, where each is so long
LONG = "x" * (AT_ONCE // LEAST_AT_ONCE)


def row(number: int) -> str:
    members = {"communication_id": number, "utm_source": f"MARKd800{LONG}"}
    return json.dumps({**members, "communication_type": {"value_id": "call"}})


WHOLE = page_of(*map(row, range(MANY)), marker="MARK")


@unmeasured
@given(st.sets(st.integers(0, MANY - 1)).map(sorted) | st.builds(range, st.integers(0, MANY)))
@pytest.mark.parametrize("columns", [ASKED, ASKED[:1], ("communication_id", "utm_source")])
def test_texts_are_those_of_the_rows_that_are_picked(columns, places):
    render = RowReader(columns).json_lines
    draft = Drafter(COMMUNICATIONS, ASKED, render).read(WHOLE)
    page = draft.pick(places)
    assert b"".join(page.rows.texts) == render(WHOLE.pick(places))
    assert b"" not in page.rows.texts
    assert page.count == len(places)
    assert [mark.key for mark in page.marks] == [f"{place}\x1fcall" for place in places]


@pytest.mark.parametrize("places", [range(MANY), range(1, MANY), [0, 5, 120], []])
def test_without_a_render_the_rows_stay(places):
    page = Drafter(COMMUNICATIONS, ASKED, None).read(WHOLE).pick(places)
    assert page.marker == WHOLE.marker
    assert list(map(bytes, page.rows)) == [bytes(WHOLE.rows[place]) for place in places]
    assert len(page.marks) == len(places)


def test_only_what_is_not_picked_whole_is_rendered_again():
    rendered = []

    def render(page: Page) -> bytes:
        rendered.append(page.count)
        return b"%d." % page.count

    draft = Drafter(COMMUNICATIONS, ASKED, render).read(WHOLE)
    assert rendered == [50, 50, 50, 7]
    assert draft.pick(range(1, MANY)).rows.texts == [b"49.", b"50.", b"50.", b"7."]
    assert rendered == [50, 50, 50, 7, 49]


FIELDS = [COMMUNICATIONS.field(name) for name in ASKED]


@pytest.mark.parametrize("form", ["table", "parquet"])
def test_rendered_rows_are_refused_by_who_reads_rows(form):
    page = Drafter(COMMUNICATIONS, ASKED, RowReader(ASKED).json_lines).read(WHOLE).pick(range(2))
    with pytest.raises(TypeError, match="rendered already"):
        list(page.rows)
    with pytest.raises(TypeError, match="rendered already"):
        written(form, FIELDS, page)
    with pytest.raises(TypeError, match="rendered already"):
        written("jsonl", FIELDS, page, times="iso", zone="Europe/Moscow")
    with pytest.raises(TypeError, match="rendered already"):
        dealt(page, ["a", "b"])
    with pytest.raises(TypeError, match="rendered already"):
        with_members(page, {"a": b"1"})


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "tsv"])
def test_sinks_write_texts_as_they_write_rows(form):
    """The sink's own `render` is used for both; see that its `write` takes either."""
    sink = make_sink(form, BytesIO(), FIELDS, Look())
    page = Drafter(COMMUNICATIONS, ASKED, sink.render).read(WHOLE).pick(range(3, MANY))
    whole = WHOLE.pick(range(3, MANY))
    assert written(form, FIELDS, page, page) == written(form, FIELDS, whole, whole)
