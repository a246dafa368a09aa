"""Equal forms of filters where the service does not take an operator."""

from __future__ import annotations

import operator
from datetime import date

import pytest
from filters import REPORT, both, either, leaf
from hypothesis import given
from hypothesis import strategies as st
from program import DAYS, Watched

from comagic_cli.api.errors import refused_operators
from comagic_cli.errors import Refused
from comagic_cli.query.catalog import Field
from comagic_cli.query.filter.operators import avoid_refused, replace_operators, unlisted, uses_of
from comagic_cli.query.filter.tree import TooDeep, levels
from comagic_cli.sandbox.methods.filters import OPERATORS

WORDS = ["in", "not_in", "<=", ">=", "is_null", "is_not_null"]


def replaced(tree, *operators, field=REPORT.field):
    refused = {(name, one) for name, one in uses_of(tree) if one in operators}
    return replace_operators(tree, refused, field)


@pytest.mark.parametrize(
    ("tree", "equal"),
    [
        (leaf("id", "in", ["a", "b"]), either(leaf("id", "=", "a"), leaf("id", "=", "b"))),
        (leaf("id", "in", ["a"]), leaf("id", "=", "a")),
        (leaf("id", "not_in", ["a", "b"]), both(leaf("id", "!=", "a"), leaf("id", "!=", "b"))),
        (leaf("id", "is_null"), leaf("id", "=", None)),
        (leaf("id", "is_not_null"), leaf("id", "!=", None)),
        (leaf("size", "<=", 5), leaf("size", "<", 6)),
        (leaf("size", ">=", 5), leaf("size", ">", 4)),
        (leaf("size", "<=", 0.5), either(leaf("size", "<", 0.5), leaf("size", "=", 0.5))),
        (leaf("size", ">=", "5"), either(leaf("size", ">", "5"), leaf("size", "=", "5"))),
        (leaf("day", "<=", "2026-12-31"), leaf("day", "<", "2027-01-01")),
        (leaf("day", ">=", "2024-03-01"), leaf("day", ">", "2024-02-29")),
        (leaf("day", ">=", "today"), either(leaf("day", ">", "today"), leaf("day", "=", "today"))),
        (leaf("took", "<=", 60), either(leaf("took", "<", 60), leaf("took", "=", 60))),
        (
            leaf("at", ">=", "2026-10-05 00:00:00"),
            either(leaf("at", ">", "2026-10-05 00:00:00"), leaf("at", "=", "2026-10-05 00:00:00")),
        ),
        (leaf("id", "like", "a%"), leaf("id", "like", "a%")),
        (
            both(leaf("size", "<", 9), leaf("id", "in", ["a", "b"])),
            both(leaf("size", "<", 9), either(leaf("id", "=", "a"), leaf("id", "=", "b"))),
        ),
        (
            both(leaf("size", "<", 9), leaf("id", "not_in", ["a", "b"])),
            both(leaf("size", "<", 9), leaf("id", "!=", "a"), leaf("id", "!=", "b")),
        ),
    ],
)
def test_refused_operators_become_equal_forms(tree, equal):
    assert replaced(tree, *WORDS, "like") == equal


def test_only_the_refused_uses_change():
    tree = both(leaf("id", "in", ["a"]), leaf("cc_17", "in", ["b"]), leaf("size", ">=", 1))
    refused = {("id", "in"), ("other", ">=")}
    equal = both(leaf("id", "=", "a"), leaf("cc_17", "in", ["b"]), leaf("size", ">=", 1))
    assert replace_operators(tree, refused, REPORT.field) == equal


def test_an_equal_form_that_is_too_large_is_refused():
    long = leaf("id", "in", [str(number) for number in range(100)])
    with pytest.raises(TooDeep):
        replaced(long, "in")


def test_the_operators_that_the_account_does_not_list():
    tree = both(leaf("id", "in", ["a"]), leaf("size", ">=", 1), leaf("cc_17", "in", ["b"]))
    listed = {"id": ["=", "!="], "size": ["=", ">="]}
    assert unlisted(tree, listed) == {("id", "in")}


# Values of whole numbers and days: an equal form takes the same rows

NUMBERS, DAYS_ = st.integers(-3, 3), st.dates(date(2026, 2, 27), date(2026, 3, 2)).map(str)
TESTS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "in": lambda value, items: value in items,
    "not_in": lambda value, items: value not in items,
}


def takes(tree, row):
    if "filters" in tree:
        every = all if tree["condition"] == "and" else any
        return every(takes(part, row) for part in tree["filters"])
    value, name = row[tree["field"]], tree["operator"]
    if name in {"is_null", "is_not_null"} or tree["value"] is None:
        return (value is None) == (name in {"is_null", "="})
    return value is not None and TESTS[name](value, tree["value"])


def leaves(field, values):
    ordered = st.builds(leaf, st.just(field), st.sampled_from(["<=", ">=", "="]), values)
    lists = st.lists(values, min_size=1, max_size=3)
    among = st.builds(leaf, st.just(field), st.sampled_from(["in", "not_in"]), lists)
    null = st.builds(leaf, st.just(field), st.sampled_from(["is_null", "is_not_null"]))
    return ordered | among | null


LEAVES = leaves("size", NUMBERS) | leaves("day", DAYS_) | leaves("took", NUMBERS)
PARTS = st.lists(LEAVES, min_size=2, max_size=3)
GROUPS = st.builds(lambda join, parts: join(*parts), st.sampled_from([both, either]), PARTS)
TREES = LEAVES | st.builds(
    lambda join, parts: join(*parts),
    st.sampled_from([both, either]),
    st.lists(LEAVES | GROUPS, min_size=2, max_size=3),
)
ROWS = st.fixed_dictionaries(
    {"size": NUMBERS | st.none(), "day": DAYS_ | st.none(), "took": NUMBERS | st.none()}
)


@given(TREES, st.lists(ROWS, min_size=1, max_size=20))
def test_equal_forms_take_the_same_rows(tree, rows):
    equal = replaced(tree, *WORDS)
    assert [takes(equal, row) for row in rows] == [takes(tree, row) for row in rows]
    assert levels(equal) <= 2
    assert not {one for _, one in uses_of(equal)} & set(WORDS)


# What a refusal is about

TREE = both(leaf("id", "in", ["a"]), leaf("size", ">=", 1), leaf("cc_17", "like", "b"))


@pytest.mark.parametrize(
    ("mnemonic", "field", "message", "refused"),
    [
        ("invalid_parameter_value", "operator", "'in' is not one of =, !=", {("id", "in")}),
        ("invalid_parameter_value", "filter", "operator >= is not allowed", {("size", ">=")}),
        ("invalid_parameter_value", "", "", {("id", "in"), ("size", ">=")}),
        ("invalid_parameters_combination", "", "no", {("id", "in"), ("size", ">=")}),
        ("data_type_error", "filter", "no", {("id", "in"), ("size", ">=")}),
        ("unexpected_parameters", "in", "", {("id", "in")}),
        ("unexpected_parameters", "", "", {("id", "in"), ("size", ">=")}),
        ("unexpected_parameters", "filter", "", None),
        ("invalid_parameter_value", "", "limit is too large", None),
        ("invalid_parameter_value", "filter.filters[0].value", "no", None),
        ("error", "", "no", None),
        ("error", "", "Unknown operator", {("id", "in"), ("size", ">=")}),
        ("filter_prohibited", "operator", "", {("id", "in"), ("size", ">=")}),
        ("invalid_parameter_value", "report_id", "no such report", None),
        ("forbidden", "operator", "", None),
        ("date_interval_limit_reached", "filter", "", None),
    ],
)
def test_what_a_refusal_is_about(mnemonic, field, message, refused):
    error = Refused(message, mnemonic=mnemonic, field=field)
    found = avoid_refused(TREE, refused_operators(error, uses_of(TREE)), Field)
    assert (found and found[1]) == refused


def test_a_refusal_without_an_equal_form_is_an_error():
    assert avoid_refused(leaf("id", "like", "a"), {("id", "like")}, Field) is None
    many = leaf("id", "in", [str(number) for number in range(100)])
    assert avoid_refused(many, {("id", "in")}, Field) is None


# As typed


def test_an_export_goes_on_with_equal_operators_and_remembers_them(comagic, monkeypatch):
    where = ["--where", "communication_type in (Звонки, Чаты) and total_duration >= 60"]
    asked = ["communications", *DAYS, "--report-id", 1001, "--fields", "communication_id", *where]
    with Watched(rows=60) as box:
        wanted = comagic(*asked, box=box).out
        few = ("=", "!=", "<", ">")
        monkeypatch.setattr(
            "comagic_cli.sandbox.methods.filters.OPERATORS", dict.fromkeys(OPERATORS, few)
        )
        first = len(box.pages)
        ran = comagic(*asked, box=box)
        second = len(box.pages)
        again = comagic(*asked, box=box)
        calls = (second - first, len(box.pages) - second)
    assert wanted
    assert (ran.code, ran.out, ran.err) == (0, wanted, "")
    assert (again.code, again.out) == (0, wanted)
    assert calls == (3, 1)


def options(*where):
    return ["communications", *DAYS, "--report-id", 1001, "--fields", "communication_id", *where]


@pytest.mark.parametrize("error_data", ["full", "null", "missing"])
def test_a_refusal_that_names_nothing_may_mean_the_operator(comagic, error_data):
    asked = options("--where", "communication_type in (Звонки, Чаты)")
    with Watched(rows=60) as box:
        wanted = comagic(*asked, box=box).out
    with Watched(rows=60, operators_refused=("in",), error_data=error_data) as box:
        ran = comagic(*asked, box=box)
    assert (ran.code, ran.out, ran.err, bool(wanted)) == (0, wanted, "", True)


@pytest.mark.parametrize("error_data", ["full", "null"])
@pytest.mark.parametrize("one", ["like", "not like", "overlap", "regexp"])
def test_an_operator_without_an_equal_form_is_an_error_that_says_where_to_look(
    comagic, one, error_data
):
    value = "(x)" if one == "overlap" else "x"
    name = one.replace(" ", "_")
    with Watched(rows=60, operators_refused=(name,), error_data=error_data) as box:
        ran = comagic(*options("--where", f"employees {one} {value}"), box=box)
    assert (ran.code, ran.out) == (5, "")
    assert "Check --where; see comagic filters communications." in ran.err


@pytest.mark.parametrize("first", [["filters", "communications"], options("--where", "cd_5 = x")])
def test_operators_that_the_account_does_not_list_are_not_sent(comagic, first):
    asked = options("--where", "communication_type in (Звонки, Чаты) and total_duration >= 60")
    with Watched(rows=60) as box:
        wanted = comagic(*asked, box=box).out
    with Watched(rows=60, operators="listed", dimensions=("cd_5",)) as box:
        assert comagic(*first, box=box).code == 0
        before = len(box.journal)
        ran = comagic(*asked, box=box)
    assert (ran.code, ran.out, ran.err) == (0, wanted, "")
    assert {call.outcome for call in box.journal[before:]} == {"ok"}
    assert "get.report_filters" not in [call.method for call in box.journal[before:]]
