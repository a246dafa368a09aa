"""Rows that are formed as they are read are what a sink would have written of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measuring import unmeasured
from sinks import page_of, text_fields, written

from comagic_cli.fetch.drafts import Drafter
from comagic_cli.request.catalog import report
from comagic_cli.request.pages import AT_ONCE, LEAST_AT_ONCE, Page
from comagic_cli.request.rows import RowReader

COMMUNICATIONS = report("communications")
ASKED = ("utm_source", "communication_id", "communication_date_time", "communication_type")
MANY = 3 * LEAST_AT_ONCE + 7  # rows that do not fit together, where each is so long
LONG = "x" * (AT_ONCE // LEAST_AT_ONCE)


def row(number: int) -> str:
    return json.dumps({"communication_id": number, "utm_source": LONG})


WHOLE = page_of(*map(row, range(MANY)), marker="MARK")


@unmeasured
@given(st.sets(st.integers(0, MANY - 1)).map(sorted) | st.builds(range, st.integers(0, MANY)))
@pytest.mark.parametrize("columns", [ASKED, ASKED[:1], ("communication_id", "utm_source")])
def test_texts_are_those_of_the_rows_that_are_picked(columns, places):
    form = RowReader(columns).json_lines
    draft = Drafter(COMMUNICATIONS, ASKED, form).read(WHOLE)
    page = draft.pick(places)
    assert b"".join(page.texts) == form(WHOLE.pick(places))
    assert page.count == len(page.marks) == len(places)
    assert [mark.key for mark in page.marks] == [None] * len(places)


@pytest.mark.parametrize("places", [range(MANY), range(1, MANY), [0, 5, 120], []])
def test_without_a_form_the_rows_stay(places):
    page = Drafter(COMMUNICATIONS, ASKED, None).read(WHOLE).pick(places)
    assert page.texts is None
    assert page.marker == WHOLE.marker
    assert list(map(bytes, page.rows)) == [bytes(WHOLE.rows[place]) for place in places]
    assert len(page.marks) == len(places)


def test_only_what_is_not_picked_whole_is_formed_again():
    formed = []

    def form(page: Page) -> bytes:
        formed.append(page.count)
        return b"%d." % page.count

    draft = Drafter(COMMUNICATIONS, ASKED, form).read(WHOLE)
    assert formed == [50, 50, 50, 7]
    assert draft.pick(range(1, MANY)).texts == [b"49.", b"50.", b"50.", b"7."]
    assert formed == [50, 50, 50, 7, 49]


def test_formed_rows_can_not_be_read():
    page = Drafter(COMMUNICATIONS, ASKED, RowReader(ASKED).json_lines).read(WHOLE).pick(range(2))
    with pytest.raises(TypeError, match="formed already"):
        list(page.rows)
    with pytest.raises(TypeError, match="formed already"):
        written("table", text_fields(*ASKED), page)


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "tsv"])
def test_sinks_write_texts_as_they_write_rows(form):
    """The sink's own `form` is used for both; see that its `write` takes either."""
    from comagic_cli.output.sinks import Look, make_sink  # noqa: PLC0415

    fields = [COMMUNICATIONS.field(name) for name in ASKED]
    sink = make_sink(form, None, fields, Look())
    page = Drafter(COMMUNICATIONS, ASKED, sink.form).read(WHOLE).pick(range(3, MANY))
    whole = WHOLE.pick(range(3, MANY))
    assert written(form, fields, page, page) == written(form, fields, whole, whole)
