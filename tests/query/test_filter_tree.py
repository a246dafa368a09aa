"""Trees of filters: deep ones become equal ones of two levels, and can be written down."""

from __future__ import annotations

import json
from itertools import product

import pytest
from coverage_marks import unmeasured
from filters import NOON, REPORT, both, either, leaf
from hypothesis import given
from hypothesis import strategies as st

from comagic_cli.query.filter.compiler import Filter
from comagic_cli.query.filter.tree import TooDeep, conditions, levels, to_expression, two_levels

A, B, C, D = (leaf(name, "=", "1") for name in "abcd")

atoms = st.sampled_from([leaf(name, "=", "1") for name in "abcdef"])
deep_trees = st.recursive(
    atoms,
    lambda parts: st.builds(
        lambda filters, condition: {"filters": filters, "condition": condition},
        st.lists(parts, min_size=1, max_size=4),
        st.sampled_from(["and", "or"]),
    ),
    max_leaves=24,
)
ROWS = [dict(zip("abcdef", bits, strict=True)) for bits in product((True, False, None), repeat=6)]
"""Every row there can be: each condition true, false, or neither, where a value is null."""


def selects(tree, row):
    """Evaluate plainly, as SQL does: what is neither true nor false selects nothing."""
    if "filters" not in tree:
        return row[tree["field"]]
    known = [selects(part, row) for part in tree["filters"]]
    deciding = tree["condition"] == "or"
    if deciding in known:
        return deciding
    return None if None in known else not deciding


@unmeasured
@given(deep_trees)
def test_a_rewritten_tree_selects_the_same_rows(tree):
    try:
        made = two_levels(tree)
    except TooDeep:
        return
    assert levels(made) <= 2
    assert conditions(made) <= max(99, conditions(tree))
    chosen = [selects(tree, row) is True for row in ROWS]
    assert [selects(made, row) is True for row in ROWS] == chosen


@given(deep_trees)
def test_six_conditions_always_fit(tree):
    """There are at most 20 clauses of 3 that none is a part of another."""
    assert conditions(two_levels(tree)) <= max(60, conditions(tree))


@pytest.mark.parametrize(
    ("tree", "made"),
    [
        (A, A),
        (both(A), A),
        (both(both(A)), A),
        (both(A, both(B, C)), both(A, B, C)),
        (either(A, either(B, either(C, D))), either(A, B, C, D)),
        (both(A, either(B)), both(A, B)),
        (both(A, either(B, C)), both(A, either(B, C))),
        (both(A, A), both(A, A)),
        (both(either(A, B), either(A, B)), both(either(A, B), either(A, B))),
        (both(A, either(B, both(C, D))), either(both(A, B), both(A, C, D))),
        (either(A, both(B, either(C, D))), either(A, both(B, C), both(B, D))),
        (either(A, both(B, either(A, C))), either(A, both(B, C))),
        (both(A, either(B, both(A, C))), both(A, either(B, C))),
        (both(A, either(A, both(B, C))), A),
        (both(either(both(A, B), C), either(both(A, B), D)), None),
    ],
)
def test_trees_of_two_levels(tree, made):
    found = two_levels(tree)
    assert found == made or made is None
    assert levels(found) <= 2
    assert all((selects(found, row) is True) == (selects(tree, row) is True) for row in ROWS)


def pairs(count, inner, outer):
    return outer(*(inner(leaf("a", "=", n), leaf("b", "=", n)) for n in range(count)))


def test_99_conditions_are_the_most():
    made = two_levels(both(leaf("c", "=", 1), either(leaf("d", "=", 1), pairs(24, either, both))))
    assert conditions(made) == 1 + 24 * 3
    wide = both(leaf("c", "=", 1), either(leaf("d", "=", 1), pairs(33, either, both)))
    with pytest.raises(TooDeep) as caught:
        two_levels(wide)
    assert caught.value.conditions == "100"


def test_a_flat_tree_may_have_any_number():
    wide = either(*(leaf("a", "=", n) for n in range(500)))
    assert two_levels(wide) == wide
    assert conditions(two_levels(pairs(200, both, either))) == 400


@pytest.mark.parametrize("count", [30, 300])
def test_what_would_be_huge_is_given_up_soon(count):
    """Each way out of it has 2 to the power of `count` clauses."""
    with pytest.raises(TooDeep, match="more than 500"):
        two_levels(both(pairs(count, both, either), pairs(count, either, both)))


def test_what_is_wide_one_way_is_written_the_other():
    """As any of all it has 2500 clauses, as all of any 4 of a hundred conditions."""
    fifties = [[leaf(name, "=", n) for n in range(50)] for name in "abcd"]
    a, b, c, d = (either(*fifty) for fifty in fifties)
    with pytest.raises(TooDeep) as caught:
        two_levels(either(both(a, b), both(c, d)))
    assert caught.value.conditions == "400"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
leaves = st.one_of(
    st.builds(leaf, st.just("id"), st.sampled_from(["=", "!=", "<", "like", "not_ilike"]), texts),
    st.builds(leaf, st.just("id"), st.sampled_from(["regexp", "jsquery"]), texts),
    st.builds(
        leaf,
        st.just("kind"),
        st.sampled_from(["in", "not_in", "overlap", "not_overlap"]),
        st.lists(texts, min_size=1, max_size=3),
    ),
    st.builds(leaf, st.sampled_from(["id", "at"]), st.sampled_from(["is_null", "is_not_null"])),
    st.builds(leaf, st.just("size"), st.sampled_from(["=", ">="]), st.integers()),
    st.builds(leaf, st.just("size"), st.just("in"), st.lists(st.floats(-9, 9), min_size=1)),
    st.builds(leaf, st.just("done"), st.just("="), st.booleans()),
    st.builds(
        lambda operator, at: leaf("at", operator, f"{at:%Y-%m-%d %H:%M:%S}"),
        st.sampled_from(["<", ">="]),  # others say a second, which takes both
        st.datetimes(NOON.replace(year=2001, tzinfo=None), NOON.replace(tzinfo=None)),
    ),
)
flat_trees = st.one_of(leaves, st.builds(both, leaves, leaves), st.builds(either, leaves, leaves))


@given(st.one_of(flat_trees, st.builds(both, leaves, st.builds(either, leaves, leaves))))
def test_what_is_shown_of_a_tree_means_the_tree(tree):
    read = Filter((to_expression(tree),)).tree(REPORT, lambda: NOON)
    assert json.dumps(read) == json.dumps(tree)


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (leaf("size", "=", None), "size is null"),
        (leaf("size", "!="), "size is not null"),
        (leaf("id", "not_in", ["a", "b c"]), "id not in ('a', 'b c')"),
        (leaf("id", "=", "O'Brien"), 'id = "O\'Brien"'),
        (leaf("id", "=", "'\""), "id = '''\"'"),
        (both(A, either(B, C)), "a = '1' and (b = '1' or c = '1')"),
    ],
)
def test_how_trees_are_shown(tree, text):
    assert to_expression(tree) == text
