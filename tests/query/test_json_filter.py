"""Filters that are trees already: read from JSON, and checked before anything is sent."""

from __future__ import annotations

import json

import pytest
from filters import NOON, ONE, REPORT, TWO, both, either, leaf

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.query.filter.compiler import Filter
from comagic_cli.query.filter.json import SHAPES, JsonFilter, read_json_filter


def tree_of(text):
    return Filter((), (read_json_filter(text, "f.json"),)).tree(REPORT, lambda: NOON)


def problem(text, *, kind=UsageProblem):
    with pytest.raises(kind) as caught:
        tree_of(text)
    return caught.value


@pytest.mark.parametrize(
    "tree",
    [
        ONE,
        leaf("size", "=", 12345678901234567890123),
        leaf("size", ">", 1.5),
        leaf("size", ">", "60"),
        leaf("id", "=", "Иван\u2028"),
        leaf("id", "="),
        leaf("id", "=", None),
        leaf("id", "!=", None),
        leaf("id", "is_null"),
        leaf("id", "is_not_null", None),
        leaf("id", "in", ["a", "b"]),
        leaf("kind", "overlap", "a"),
        leaf("kind", "not_overlap", ["a"]),
        leaf("kind", "jsquery", "x = 1"),
        leaf("done", "=", True),
        leaf("at", "<", "2026-10-05 00:00:00"),
        leaf("cc_17", "regexp", "^a"),
        both(ONE, TWO),
        either(both(ONE, TWO), leaf("id", "not_in", ["a"])),
    ],
)
def test_trees_are_sent_as_they_are(tree):
    assert tree_of(json.dumps(tree)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("{}", None),
        ("[]", None),
        ('{"filters": [], "condition": "and"}', None),
        (json.dumps(ONE | both()), ONE),
        (json.dumps(either(ONE | both(), TWO | {"filters": []})), either(ONE, TWO)),
        ('\n {"field": "size", "operator": "=", "value": 1}\n', ONE),
        (json.dumps({"filters": [ONE]}), ONE),
        (json.dumps(both(both(ONE), TWO)), both(ONE, TWO)),
        (
            json.dumps(both(ONE, either(TWO, both(leaf("id", "=", "a"), leaf("id", "!=", "b"))))),
            either(both(ONE, TWO), both(ONE, leaf("id", "=", "a"), leaf("id", "!=", "b"))),
        ),
    ],
)
def test_what_is_made_of_others(text, tree):
    assert tree_of(text) == tree


BAD = """
{                                                | not JSON: Expecting property name enclosed in double quotes at line 1, column 2
                                                 | not JSON: Expecting value at line 1, column 1
size > 1                                         | not JSON: Expecting value at line 1, column 1
[7]                                              | must be an object, not a list
null                                             | must be an object, not null
3                                                | must be an object, not a number
true                                             | must be an object, not a boolean
{"filters": [7]}                                 | filters[0]: must be an object, not a number
{"filters": {}}                                  | filters: must be a list of filters
{"condition": "and"}                             | filters: must be a list of filters
{"filters": [A, {"filters": []}], "condition": "or"} | filters[1].filters: must be a list of filters
{"filters": [A, A]}                              | condition: must be 'and' or 'or'
{"filters": [A, A], "condition": "xor"}          | condition: must be 'and' or 'or'
{"filters": [A], "condition": 1}                 | condition: must be 'and' or 'or'
{"filters": [A], "field": "size"}                | field: the API takes no such member here
{"field": "size", "operator": "=", "not": true}  | not: the API takes no such member here
{"operator": "="}                                | field: must be a text
{"field": 3, "operator": "="}                    | field: must be a text
{"field": "size"}                                | operator: must be a text
{"field": "size", "operator": "is"}              | operator: 'is' is not an operator
{"filters": [A, {"field": "id", "operator": "NOT LIKE", "value": "a"}], "condition": "or"} | filters[1].operator: 'NOT LIKE' is not an operator
{"field": "size", "operator": "like", "value": "1"} | operator: like does not go with size
{"field": "closed", "operator": "=", "value": "1"} | field: calls can't be filtered by closed
{"field": "size", "operator": "<"}               | value: < takes a value
{"field": "id", "operator": "like", "value": null} | value: like takes a value
{"field": "id", "operator": "in", "value": "a"}  | value: in takes a list of values
{"field": "id", "operator": "in"}                | value: in takes a list of values
{"field": "id", "operator": "in", "value": []}   | value: in takes a list of values
{"field": "id", "operator": "in", "value": ["a", null]} | value: in takes a value
{"field": "id", "operator": "in", "value": [["a"]]} | value: in takes texts, numbers or booleans
{"field": "id", "operator": "=", "value": ["a"]} | value: = takes one value, not a list
{"field": "id", "operator": "=", "value": {}}    | value: = takes a text, number or boolean
{"field": "id", "operator": "is_null", "value": "a"} | value: is_null takes no value
{"field": "id", "field": "size", "operator": "="} | an object has 'field' twice
{"field": "size", "operator": "=", "value": NaN} | NaN is not JSON
{"field": "size", "operator": "=", "value": 1e999} | 1e999 has more digits than can be sent
{"field": "size", "operator": "=", "value": 0.12345678901234567890} | 0.12345678901234567890 has more digits than can be sent
{"field": "id", "operator": "=", "value": "\\ud83d"} | half a surrogate pair is not a text
"""  # noqa: E501 - a table
MISTAKES = [line.partition(" | ")[::2] for line in BAD.split("\n")[1:-1]]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_mistakes_are_named_by_their_place(text, message):
    error = problem(text.strip().replace("A", json.dumps(ONE)))
    assert error.message == f"f.json: {message}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('{"field": "id", "operator": "NOT LIKE"}', "Did you mean not_like or not_ilike?"),
        (
            '{"field": "done", "operator": "<"}',
            "Operators: =, !=, in, not_in, is_null, is_not_null.",
        ),
        ('{"field": "closed", "operator": "="}', "See comagic filters calls."),
        ("3", SHAPES),
    ],
)
def test_mistakes_have_a_way_out(text, hint):
    assert problem(text).hint == hint


def test_unknown_fields_are_told_last():
    unknown = leaf("sise", "=", 1)
    error = problem(json.dumps(both(ONE, unknown)), kind=UnknownField)
    assert error.message == "f.json: filters[1].field: calls has no field 'sise'"
    assert error.field == "sise"
    assert error.hint == "Did you mean size?"
    assert not isinstance(problem(json.dumps(both(unknown, leaf("id", "in", "a")))), UnknownField)


@pytest.mark.parametrize("depth", [51, 900, 100_000])
def test_what_is_nested_without_end_is_a_mistake_not_a_crash(depth):
    text = '{"filters": [' * depth + json.dumps(ONE) + "]}" * depth
    assert "nested too deeply" in problem(text).message


def test_what_the_service_saved_need_not_fit_the_catalogue():
    for tree in (leaf("closed", "=", "a"), leaf("size", "like", "1%")):
        assert (
            Filter((), (JsonFilter("saved", tree, trusted=True),)).tree(REPORT, lambda: NOON)
            == tree
        )
    for nothing in (None, {}, [], {"filters": []}):
        saved = Filter((), (JsonFilter("saved", nothing, trusted=True),))
        assert saved.tree(REPORT, lambda: NOON) is None
        assert saved.texts == []
