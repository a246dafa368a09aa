"""Columns that come under another name, and columns that never come."""

from __future__ import annotations

import json

import msgspec
import pytest

from comagic_cli.rows.decode import SAMPLE, Members

ALIASES = {"communications_count": "communicatons_count"}
ASKED = ("id", "communicatons_count")


def read(*rows, aliases=ALIASES):
    members = Members(ASKED, aliases, ["key"])
    found = members.read([msgspec.Raw(json.dumps(row).encode()) for row in rows])
    return [json.loads(bytes(row)) for row in found], members.difference


@pytest.mark.parametrize("name", ["communicatons_count", "communications_count"])
def test_either_name_fills_the_column(name):
    rows, difference = read({"id": 1, name: 2})
    assert rows == [{"id": 1, "communicatons_count": 2}]
    assert difference == ([], [])


def test_the_columns_own_name_wins():
    both = {"id": 1, "communications_count": 3, "communicatons_count": 2}
    assert read(both)[0] == [both]


@pytest.mark.parametrize(
    ("rows", "difference"),
    [
        ([{"id": 1, "count": 2}], (["communicatons_count"], ["count"])),
        ([{"id": 1}], ([], [])),
        ([{"id": 1, "key": 3}], ([], [])),
        ([{"id": 1, "count": 2}, {"communicatons_count": 2}], ([], [])),
        ([{"id": 1, "count": 2}] * SAMPLE + [{"communicatons_count": 2}], ([], [])),
        ([], ([], [])),
    ],
)
def test_a_column_that_never_comes_is_told_with_what_came_instead(rows, difference):
    assert read(*rows, aliases={})[1] == difference


def test_what_is_not_an_object_is_left_to_others():
    assert Members(ASKED, ALIASES).read([msgspec.Raw(b"[1]")]) == [msgspec.Raw(b"[1]")]
