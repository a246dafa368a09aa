from __future__ import annotations

import pytest

from comagic_cli.query.catalog import report
from comagic_cli.query.empty import listed_values, unlisted_values, wrong_quotes


def condition(field, operator, value):
    return {"field": field, "operator": operator, "value": value}


LISTED = {"call_status": ["Успешный", "Потерянный"], "tags": [f"тег {n}" for n in range(8)]}
UNKNOWN = "the account lists no 'Пропущенный' for call_status; it lists: Успешный, Потерянный"
MISSED = condition("call_status", "=", "Пропущенный")


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (MISSED, [UNKNOWN.replace("Успешный, Потерянный", "Потерянный, Успешный")]),
        (condition("call_status", "=", "Потерянный"), []),
        (condition("call_status", "!=", "Пропущенный"), []),
        (condition("call_status", "ilike", "%Проп%"), []),
        (condition("call_total_duration", "=", 17), []),
        (
            condition("call_status", "=", "успешный"),
            [
                "the account lists no 'успешный' for call_status; did you mean 'Успешный'?",
            ],
        ),
        (
            condition("employees", "=", "Громов"),
            ['for a part of the text, in any case, write employees ilike "%Громов%"'],
        ),
        (
            condition("employees", "overlap", ['ООО "Дом"', "7"]),
            ['for a part of the text, in any case, write employees ilike "%ООО ""Дом""%"'],
        ),
        (condition("employees", "ilike", "%Громов%"), []),
        (condition("contact_phone_number", "=", "79260000000"), []),
        (condition("call_start_date", "=", "2026-10-05"), []),
        (condition("call_start_date", "=", "today"), []),
        ({"filters": [MISSED, MISSED], "condition": "or"}, [UNKNOWN]),
        (
            condition("tags", "overlap", ["тег 1", "тег"]),
            [
                (
                    "the account lists no 'тег' for tags; it lists: "
                    "тег 0, тег 1, тег 2, тег 3, тег 4 and 3 more"
                )
            ],
        ),
    ],
)
def test_values_that_the_account_does_not_list(tree, said):
    found = [*unlisted_values(tree, report("calls"), LISTED)]
    assert [sorted(text) for text in found] == [sorted(text) for text in said]


@pytest.mark.parametrize(
    ("item", "listed"),
    [
        ({"id": "a", "values": ["x", 1]}, {"a": ["x", "1"]}),
        ({"id": "a", "values": [{"id": 1, "name": "x"}, {"id": 2}]}, {"a": ["x", "2"]}),
        ({"id": "a", "values": []}, {}),
        ({"id": "a", "values": None}, {}),
        ({"values": ["x"]}, {}),
    ],
)
def test_the_values_of_lists(item, listed):
    assert listed_values([item]) == listed


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (["a = 'ООО «x»' and b = \"«y»\""], []),
        (["a = «x»"], ["« in --where are part of the value: quote it with ' or \""]),
        (
            ["a = “x”", "b = „y“"],
            ["“ and „ in --where are part of the value: quote it with ' or \""],
        ),
    ],
)
def test_quotes_of_an_editor(where, said):
    assert [*wrong_quotes(where)] == said
