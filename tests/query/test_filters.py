"""Expressions, and the trees that the API gets."""

from __future__ import annotations

import operator

import pytest
from filters import NOON, ONE, REPORT, THREE, TWO, both, either, leaf

from comagic_cli.query.catalog import report
from comagic_cli.query.fields import build_request
from comagic_cli.query.filter.compiler import Filter
from comagic_cli.query.filter.json import JsonFilter

DAY = ("2026-10-05 00:00:00", "2026-10-06 00:00:00")
WEEK_AGO = ("2026-10-01 00:00:00", "2026-10-02 00:00:00")
SECOND = ("2026-10-05 01:02:03", "2026-10-05 01:02:04")


def day_of(field="at", span=DAY):
    return [leaf(field, ">=", span[0]), leaf(field, "<", span[1])]


def not_of(span, field="at"):
    return either(leaf(field, "<", span[0]), leaf(field, ">=", span[1]))


GOOD = [
    # Texts keep what was typed.
    ("id = 5", leaf("id", "=", "5")),
    ("id=5", leaf("id", "=", "5")),
    ("id = 007", leaf("id", "=", "007")),
    ("id = 1e5", leaf("id", "=", "1e5")),
    ("id = true", leaf("id", "=", "true")),
    ("id = 2026-10-05", leaf("id", "=", "2026-10-05")),
    ("id = 2026-10-05 14:30", leaf("id", "=", "2026-10-05 14:30")),
    ("id = 'две части'", leaf("id", "=", "две части")),
    ('id = "две части"', leaf("id", "=", "две части")),
    ("id = 'O''Brien'", leaf("id", "=", "O'Brien")),
    ("id = \"O'Brien\"", leaf("id", "=", "O'Brien")),
    ("id = O'Brien", leaf("id", "=", "O'Brien")),
    ('id = "say ""so"""', leaf("id", "=", 'say "so"')),
    ("id = ''", leaf("id", "=", "")),
    ("id = 'and'", leaf("id", "=", "and")),
    ("id = android", leaf("id", "=", "android")),
    ("id = https://a.example/?b=c&d<e>", leaf("id", "=", "https://a.example/?b=c&d<e>")),
    ("id=-7d", leaf("id", "=", "-7d")),
    ("id\u00a0=\u00a0a", leaf("id", "=", "a")),
    ("\n\tid = a\n", leaf("id", "=", "a")),
    ("id != a", leaf("id", "!=", "a")),
    ("id < a", leaf("id", "<", "a")),
    ("id>=b", leaf("id", ">=", "b")),
    ("id like %а_\\%", leaf("id", "like", "%а_\\%")),
    ("id like'%a'", leaf("id", "like", "%a")),
    ("id not like '%a b%'", leaf("id", "not_like", "%a b%")),
    ("id ilike ABC%", leaf("id", "ilike", "ABC%")),
    ("id not ilike ABC%", leaf("id", "not_ilike", "ABC%")),
    ("id regexp '^(a|b)$'", leaf("id", "regexp", "^(a|b)$")),
    ("id jsquery 'a = 1'", leaf("id", "jsquery", "a = 1")),
    ("id in (a)", leaf("id", "in", ["a"])),
    ("id in(a,'b c' , \"d\")", leaf("id", "in", ["a", "b c", "d"])),
    ("id not in (1, 2)", leaf("id", "not_in", ["1", "2"])),
    ("id overlap a", leaf("id", "overlap", ["a"])),
    ("id NOT Overlap (a, b)", leaf("id", "not_overlap", ["a", "b"])),
    # Nothing.
    ("id is null", leaf("id", "is_null")),
    ("id IS NOT NULL", leaf("id", "is_not_null")),
    ("id = null", leaf("id", "is_null")),
    ("id != NULL", leaf("id", "is_not_null")),
    ("id = 'null'", leaf("id", "=", "null")),
    ("id like 'null'", leaf("id", "like", "null")),
    ("size = null", leaf("size", "is_null")),
    ("at is null", leaf("at", "is_null")),
    # Numbers, digit for digit.
    ("size > 60", leaf("size", ">", 60)),
    ("size = '60'", leaf("size", "=", 60)),
    ("size = -0.5", leaf("size", "=", -0.5)),
    ("size = 1.10", leaf("size", "=", 1.1)),
    ("size = 1e3", leaf("size", "=", 1000.0)),
    ("size = 12345678901234567890123", leaf("size", "=", 12345678901234567890123)),
    ("size in (1, 2.5)", leaf("size", "in", [1, 2.5])),
    ("size not in (1,2)", leaf("size", "not_in", [1, 2])),
    # Lengths of time, in seconds.
    ("took > 90", leaf("took", ">", 90)),
    ("took > 90s", leaf("took", ">", 90)),
    ("took > 5m", leaf("took", ">", 300)),
    ("took <= 1.5h", leaf("took", "<=", 5400)),
    ("took = 00:01:30", leaf("took", "=", 90)),
    ("took in (100:00:00, 1)", leaf("took", "in", [360_000, 1])),
    # True and false, values of lists, lists.
    ("done = true", leaf("done", "=", True)),
    ("done != FALSE", leaf("done", "!=", False)),
    ("kind = Звонки", leaf("kind", "=", "Звонки")),
    ("kind in (Звонки, 'Офлайн заявки')", leaf("kind", "in", ["Звонки", "Офлайн заявки"])),
    ("kind = true", leaf("kind", "=", "true")),
    ("people overlap ('Иванов И.', Петров)", leaf("people", "overlap", ["Иванов И.", "Петров"])),
    ("people = 5", leaf("people", "=", "5")),
    ("cc_17 > 5", leaf("cc_17", ">", "5")),
    ("cc_18 > 5", leaf("cc_18", ">", 5)),
    # A date means its start or its end.
    ("at < 2026-10-05", leaf("at", "<", DAY[0])),
    ("at >= 2026-10-05", leaf("at", ">=", DAY[0])),
    ("at > 2026-10-05", leaf("at", ">=", DAY[1])),
    ("at <= 05.10.2026", leaf("at", "<", DAY[1])),
    ("at <= 2026-12-31", leaf("at", "<", "2027-01-01 00:00:00")),
    ("at = 2026-10-05", both(*day_of())),
    ("at != 2026-10-05", not_of(DAY)),
    ("at = '2026-10-05 01:02:03'", both(*day_of(span=SECOND))),
    ("at = 2026-10-05T01:02:03", both(*day_of(span=SECOND))),
    ("at != 2026-10-05 01:02:03", not_of(SECOND)),
    ("at > 2026-10-05 01:02:03", leaf("at", ">=", SECOND[1])),
    ("at > 2026-10-05 14:30", leaf("at", ">=", "2026-10-05 14:31:00")),
    ("at = -7d", both(*day_of(span=WEEK_AGO))),
    ("at >= yesterday", leaf("at", ">=", "2026-10-07 00:00:00")),
    ("at <= now", leaf("at", "<", "2026-10-08 12:00:01")),
    ("at>-12h", leaf("at", ">=", "2026-10-08 00:00:01")),
    ("at in ('2026-10-05 01:02:03')", both(*day_of(span=SECOND))),
    (
        "at in ('2026-10-05 01:02:03', 2026-10-05)",
        either(both(*day_of(span=SECOND)), both(*day_of())),
    ),
    ("at not in (2026-10-05, -7d)", both(not_of(DAY), not_of(WEEK_AGO))),
    ("day = 2026-10-05", leaf("day", "=", "2026-10-05")),
    ("day <= today", leaf("day", "<=", "2026-10-08")),
    ("day > -1mo", leaf("day", ">", "2026-09-08")),
    ("day in (2026-10-05, -7d)", leaf("day", "in", ["2026-10-05", "2026-10-01"])),
    ("clock < 14:30", leaf("clock", "<", "14:30:00")),
    ("clock > 14:30", leaf("clock", ">=", "14:31:00")),
    ("clock <= 14:30:20", leaf("clock", "<", "14:30:21")),
    ("clock = 14:30", both(*day_of("clock", ("14:30:00", "14:31:00")))),
    # Nothing comes after the last minute, and no service knows 24:00:00.
    ("clock <= 23:59", leaf("clock", ">=", "00:00:00")),
    ("clock > 23:59:59", leaf("clock", "<", "00:00:00")),
    ("clock = 23:59", both(leaf("clock", ">=", "23:59:00"), leaf("clock", ">=", "00:00:00"))),
    ("clock != 23:59", either(leaf("clock", "<", "23:59:00"), leaf("clock", "<", "00:00:00"))),
    # And, or, parentheses; equal neighbours become one.
    ("(size = 1)", ONE),
    ("((size = 1))", ONE),
    ("size = 1 and size = 2", both(ONE, TWO)),
    ("size = 1 OR size = 2", either(ONE, TWO)),
    ("size = 1 and size = 2 or size = 3", either(both(ONE, TWO), THREE)),
    ("size = 1 or size = 2 and size = 3", either(ONE, both(TWO, THREE))),
    ("(size = 1 or size = 2) and size = 3", both(either(ONE, TWO), THREE)),
    ("(size = 1)and(size = 2)", both(ONE, TWO)),
    ("(size = 1 and size = 2) and size = 3", both(ONE, TWO, THREE)),
    ("size = 1 or (size = 2 or (size = 3))", either(ONE, TWO, THREE)),
    ("size = 1 and at = 2026-10-05", both(ONE, *day_of())),
    # Deeper than the API takes: an equal tree of two levels.
    (
        "size = 1 and (size = 2 or (size = 3 and id = a))",
        either(both(ONE, TWO), both(ONE, THREE, leaf("id", "=", "a"))),
    ),
    (
        "size = 1 or (size = 2 and (size = 3 or size = 1))",
        either(ONE, both(TWO, THREE)),
    ),
    (
        "size = 1 and (size = 2 or at = 2026-10-05)",
        either(both(ONE, TWO), both(ONE, *day_of())),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tree"), GOOD, ids=[text for text, _ in GOOD])
def test_expressions_become_trees(text, tree):
    assert Filter((text,)).tree(REPORT, lambda: NOON) == tree


STORED = [
    "10-04 23:59:59.6",
    "10-05 00:00:00",
    "10-05 23:59:59",
    "10-05 23:59:59.6",
    "10-06 00:00:00",
]
SIGNS = {"<": operator.lt, ">=": operator.ge, "<=": operator.le, ">": operator.gt}


def selected(tree, time):
    if "filters" in tree:
        every = all if tree["condition"] == "and" else any
        return every(selected(part, time) for part in tree["filters"])
    return SIGNS[tree["operator"]](f"2026-{time}", tree["value"])


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("at < 2026-10-05", STORED[:1]),
        ("at <= 2026-10-04", STORED[:1]),
        ("at <= 2026-10-05", STORED[:4]),
        ("at = 2026-10-05", STORED[1:4]),
        ("at in (2026-10-05, 2026-10-06)", STORED[1:]),
        ("at = '2026-10-05 23:59:59'", STORED[2:4]),
        ("at > 2026-10-05", STORED[4:]),
        ("at >= 2026-10-06", STORED[4:]),
        ("at != 2026-10-05", [STORED[0], STORED[4]]),
    ],
)
def test_fractions_of_the_last_second_belong_to_a_day(text, rows):
    """A service may compare the times that it stores, not those that it shows."""
    tree = Filter((text,)).tree(REPORT, lambda: NOON)
    assert [time for time in STORED if selected(tree, time)] == rows


def kinds(value):
    return [kinds(one) for one in value] if isinstance(value, list) else type(value)


@pytest.mark.parametrize(("text", "tree"), GOOD, ids=[text for text, _ in GOOD])
def test_values_are_of_the_fields_type(text, tree):
    if "value" in tree:
        made = Filter((text,)).tree(REPORT, lambda: NOON)
        assert kinds(made["value"]) == kinds(tree["value"])


def test_the_table_is_as_long_as_it_should_be():
    assert len(GOOD) >= 60


def test_several_filters_are_joined_by_and():
    given = JsonFilter("a file", leaf("id", "in", ["a"]))
    filter_ = Filter(("size = 1 or size = 2", "at >= yesterday"), (given,))
    assert filter_.tree(REPORT, lambda: NOON) == both(
        leaf("id", "in", ["a"]), either(ONE, TWO), leaf("at", ">=", "2026-10-07 00:00:00")
    )


def test_no_filter_is_none():
    assert Filter().tree(REPORT, lambda: NOON) is None
    assert Filter((), (JsonFilter("a file", {}),)).tree(REPORT, lambda: NOON) is None


def test_the_time_is_asked_once_and_only_for_relative_dates():
    asked = []

    def now():
        asked.append(1)
        return NOON

    Filter(("at > 2026-10-05 and day = 2026-10-05", "size = 1")).tree(REPORT, now)
    assert asked == []
    Filter(("at > -7d and day = today", "at < now")).tree(REPORT, now)
    assert asked == [1]


def test_the_fields_that_are_filtered_by():
    filter_ = Filter(
        ("size = 1 or (cc_17 = a and size > 3)", "at > -7d"), (JsonFilter("a file", TWO),)
    )
    assert filter_.fields(REPORT) == ["at", "cc_17", "size"]
    assert Filter().fields(REPORT) == []
    wish = build_request(REPORT, ["id"], [], Filter(("cc_18 = 5 and size = 1",)))
    assert wish.own_types == ["cc_18 number"]


def test_what_was_asked_keeps_relative_dates():
    given = JsonFilter("a file", ONE)
    filter_ = Filter(("at > -7d",), (given, JsonFilter("nothing", {})))
    assert filter_.texts == ['{"field": "size", "operator": "=", "value": 1}', "at > -7d"]


@pytest.mark.parametrize(
    ("command", "text", "field", "value"),
    [
        ("communications", "total_duration > 5m", "total_duration", 300),
        ("communications", "total_duration > 90s", "total_duration", 90),
        ("communications", "total_duration > 00:01:30", "total_duration", 90),
        ("communications", "total_duration > 300", "total_duration", 300),
        ("mgf-calls", "call_processed_mark_duration > 2h", "call_processed_mark_duration", 7200),
        ("communications", "segment_name > VIP", "segment_name", "VIP"),
        ("visits", "segment_name > VIP", "segment_name", "VIP"),
    ],
)
def test_values_of_the_catalogue(command, text, field, value):
    tree = Filter((text,)).tree(report(command), lambda: NOON)
    assert tree == leaf(field, ">", value)
