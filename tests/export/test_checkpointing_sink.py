"""What is written is followed: when it is made safe, and where the rest of it begins."""

from __future__ import annotations

from datetime import datetime

import pytest

from comagic_cli.export.manifest import RowEnd
from comagic_cli.export.resume import (
    MAX_SHARE,
    Checkpoint,
    CheckpointingSink,
    reason_against,
    remaining_query,
)
from comagic_cli.query.catalog import report
from comagic_cli.query.fields import ExportRequest
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query, Sort
from comagic_cli.rows.page import Mark, Page

CALLS = report("calls")
TIME = "call_start_date_time"
DAY = Period(datetime(2024, 10, 1), datetime(2024, 10, 31, 23, 59, 59))  # noqa: DTZ001 - the account's
LATEST = (Sort(TIME, descending=True),)


def query_of(sort=(), most=None) -> Query:
    return Query(CALLS, 1, DAY, (TIME,), sort=sort, max_rows=most)


def checkpoint(since="2024-10-03 12:00:00", **more) -> Checkpoint:
    """Make a checkpoint of ten rows."""
    known = {
        "version": "1", "asked": {}, "period": ("", ""), "report_id": 1, "filter": None,
        "rows": 10, "bytes": 0, "sha256": "", "first": RowEnd("", None), "last": None,
        "windows": [], "stops": [], "points": 0, "format": 1, "fingerprint": "", "missing": [],
    }  # fmt: skip
    return Checkpoint(**known | {"since": since} | more)


class Told:
    """A sink and a clock; what is done to it is written down."""

    def __init__(self):
        self.done: list[str] = []
        self.now = 0.0

    def begin(self):
        self.done.append("begin")

    def write(self, page):
        self.done.append(f"write {page.count}")
        if page.count > 5:
            raise OSError("full")

    def end(self):
        self.done.append("end")

    def keep(self):
        self.done.append("keep")

    def clock(self):
        return self.now


def follow(left=None):
    told = Told()
    sink = CheckpointingSink(told, left, told.clock)
    sink.save = told.keep
    return sink, told


def page(*rows: tuple[str, str]) -> Page:
    marks = [Mark(key, time, b"") for key, time in rows]
    return Page([b"{}"] * len(rows), marks=marks, since=rows[-1][1] or "2024-10-04 00:00:00")


ONE = page(("1", "2024-10-03 12:00:00"))
TWO = page(("2", "2024-10-03 12:00:01"), ("3", "2024-10-03 12:00:05"))


def test_rows_are_counted_and_the_ends_known():
    sink, _ = follow()
    for each in (ONE, TWO, Page(())):
        sink.write(each)
    assert sink.rows == 3
    assert (sink.first, sink.last) == (ONE.marks[0], TWO.marks[-1])
    assert sink.since == ""


def test_slow_pages_are_made_safe_each_and_fast_ones_at_times():
    """To make a page safe takes 0.1 seconds here."""
    sink, told = follow()

    def keep():
        told.keep()
        told.now += 0.1

    sink.save = keep
    sink.begin()
    for passed in (0, 0.05 / MAX_SHARE, 0.05 / MAX_SHARE, 100, 100):
        told.now += passed
        sink.write(ONE)
    sink.end()
    write = "write 1"
    assert told.done == ["begin", write, "keep", write, *([write, "keep"] * 3), "end"]


def test_what_an_earlier_run_left_has_the_header_and_counts():
    sink, told = follow(checkpoint())
    sink.begin()
    sink.save_last()
    sink.write(TWO)
    assert told.done == ["write 2", "keep"]
    assert sink.rows == 12


def test_an_early_end_between_two_pages_makes_them_safe_once():
    sink, told = follow()
    sink.write(ONE)
    sink.write(TWO)
    sink.save_last()
    sink.save_last()
    assert told.done == ["write 1", "keep", "write 2", "keep"]


def test_an_early_end_in_a_page_leaves_what_was_safe_before_it():
    sink, told = follow()
    sink.save = lambda: setattr(told, "now", told.now + 1) or told.keep()
    sink.write(ONE)
    sink.write(TWO)
    with pytest.raises(OSError, match="full"):
        sink.write(page(*[("4", "")] * 6))
    sink.save_last()
    assert told.done == ["write 1", "keep", "write 2", "write 6"]


def test_a_failure_to_make_safe_is_told_once():
    """Where that is what ends the export, it is not tried again; else what ended it is told."""
    sink, told = follow()

    def full():
        told.done.append("full")
        raise OSError("full")

    sink.save = full
    with pytest.raises(OSError, match="full"):
        sink.write(ONE)
    sink.save_last()
    assert told.done == ["write 1", "full"]
    sink, told = follow()
    sink.write(ONE)
    sink.write(ONE)
    sink.save = full
    sink.save_last()


def test_what_can_not_be_gone_on_with_is_only_counted():
    sink, told = follow()
    sink.save = None
    sink.write(ONE)
    sink.save_last()
    assert (told.done, sink.rows) == (["write 1"], 1)


@pytest.mark.parametrize(("most", "rest"), [(None, None), (25, 15), (10, 0), (7, 0)])
def test_a_cap_counts_what_is_there(most, rest):
    assert remaining_query(query_of(most=most), checkpoint()).max_rows == rest


# What can be gone on with


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("sort", [(), LATEST, (Sort(TIME), Sort("talk_duration"))])
def test_lines_in_the_order_of_time_can_be_gone_on_with(form, sort):
    assert reason_against(ExportRequest(CALLS, (), sort), form) == ""


@pytest.mark.parametrize(
    ("command", "sort", "form", "words"),
    [
        ("calls", (), "json", "a json file is written whole"),
        ("calls", (), "table", "a table file is written whole"),
        ("calls", (Sort("talk_duration"),), "csv", "only an export sorted by time"),
        ("person-details", (), "csv", "rows of person-details have no time to continue from"),
    ],
)
def test_others_can_not(command, sort, form, words):
    assert words in reason_against(ExportRequest(report(command), (), sort), form)
