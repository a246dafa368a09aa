"""The catalogue: its reports are found by the names of their commands."""

from __future__ import annotations

import pytest

from comagic_cli.query.catalog import report, reports


def test_every_report_is_found_by_its_command():
    assert [report(entry.command) for entry in reports()] == list(reports())


@pytest.mark.parametrize("name", ["", "call", "Calls", "get.calls"])
def test_no_other_name_finds_a_report(name):
    with pytest.raises(KeyError, match=f"'{name}'"):
        report(name)
