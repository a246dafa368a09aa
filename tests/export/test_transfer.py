"""Pages to a sink: when it begins, and how it ends."""

from __future__ import annotations

import pytest

from comagic_cli.errors import NetworkFailure, RowsMissing
from comagic_cli.export.transfer import write_pages
from comagic_cli.rows.page import Page

ONE, TWO, NONE = Page([b"1"]), Page([b"1", b"2"]), Page(())


class Recorder:
    def __init__(self):
        self.told: list[object] = []

    def begin(self) -> None:
        self.told.append("begin")

    def write(self, page: Page) -> None:
        self.told.append(page)

    def end(self) -> None:
        self.told.append("end")


def pages(*items):
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([ONE, TWO], ["begin", ONE, TWO, "end"]),
        ([NONE], ["begin", "end"]),
        ([NONE, ONE], ["begin", ONE, "end"]),
    ],
)
def test_a_whole_export(items, told):
    sink = Recorder()
    write_pages(pages(*items), sink)
    assert sink.told == told


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([NetworkFailure("gone")], []),
        ([ONE, NetworkFailure("gone")], ["begin", ONE]),
        ([ONE, RowsMissing("two")], ["begin", ONE, "end"]),
        ([RowsMissing("all")], []),
    ],
)
def test_an_export_that_fails(items, told):
    sink = Recorder()
    with pytest.raises(type(items[-1])):
        write_pages(pages(*items), sink)
    assert sink.told == told
