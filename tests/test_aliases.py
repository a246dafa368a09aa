"""Columns that rows carry under another name."""

from __future__ import annotations

import pytest

from comagic_cli.formats.aliases import compare_members, fill_aliases
from comagic_cli.query.catalog import Field

FIELDS = [Field("id"), Field("communicatons_count", aliases=("communications_count",))]


@pytest.mark.parametrize("name", ["communicatons_count", "communications_count"])
def test_either_name_fills_the_column(name):
    assert fill_aliases({"id": 1, name: 2}, FIELDS) == {"id": 1, "communicatons_count": 2}


@pytest.mark.parametrize(
    ("rows", "missing", "unasked"),
    [
        ([{"id": 1, "communications_count": 2}], [], []),
        ([{"id": 1, "count": 2}], ["communicatons_count"], ["count"]),
        ([{"id": 1}, {"communicatons_count": 2, "key": 3}], [], []),
        ([], [], []),
    ],
)
def test_missing_columns_and_unasked_members_are_named(rows, missing, unasked):
    assert compare_members(rows, FIELDS, ["key"]) == (missing, unasked)
