from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sinks import page_of, text_fields, written

from comagic_cli.rows.page import Page

FIELDS = text_fields("b", "a")
PAGE = page_of(
    '{"a": 1.10, "b": {"value": "Звонки",\n  "value_id": null}}',
    '{"a": "\\u0041MARKdc00", "communication_id": 7}',
    marker="MARK",
)
ROWS = [
    '{"b":{"value":"Звонки","value_id":null},"a":1.10}',
    '{"b":null,"a":"\\u0041\\udc00"}',
]


def test_json_lines():
    assert written("jsonl", FIELDS, PAGE) == f"{ROWS[0]}\n{ROWS[1]}\n"


def test_json():
    assert written("json", FIELDS, PAGE) == f"[\n{ROWS[0]},\n{ROWS[1]}\n]\n"


def test_json_of_several_pages():
    assert written("json", FIELDS, PAGE, PAGE) == (
        f"[\n{ROWS[0]},\n{ROWS[1]},\n{ROWS[0]},\n{ROWS[1]}\n]\n"
    )


NO_ROWS = [[], [page_of()], [page_of(), Page(())]]


@pytest.mark.parametrize("pages", NO_ROWS)
@pytest.mark.parametrize(("form", "text"), [("jsonl", ""), ("json", "[]\n")])
def test_no_rows(form, text, pages):
    assert written(form, FIELDS, *pages) == text


COUNTS = st.lists(st.integers(0, 3), max_size=4)


@given(COUNTS)
def test_json_is_an_array_of_the_lines(counts):
    pages = [page_of(*['{"a":"x\\n"}'] * count) for count in counts]
    lines = written("jsonl", FIELDS, *pages).splitlines()
    assert json.loads(written("json", FIELDS, *pages)) == [json.loads(line) for line in lines]
    assert len(lines) == sum(counts)
