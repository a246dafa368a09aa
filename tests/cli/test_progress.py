"""The line of progress: by a stopped clock, and on real terminals."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from datetime import datetime
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from clocks import Ticking
from program import PATIENCE, REPORT, Watched, environment, start, stop
from screens import seen

from comagic_cli.api.rate_limit import Quota
from comagic_cli.cli import console as console_
from comagic_cli.cli.console import CONSOLE, StderrReporter, is_piped, print_message
from comagic_cli.export import context as progress_
from comagic_cli.export.context import Progress, sized, spaced
from comagic_cli.paging.reader import Reader
from comagic_cli.query.catalog import report
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query, Sort
from comagic_cli.rows.page import Mark, Page

PAGES = [*REPORT, "--report-id", "1001", "--page-size", "10"]
DAY = tuple(map(datetime.fromisoformat, ("2026-10-01", "2026-10-10 23:59:59")))
YEARS = tuple(map(datetime.fromisoformat, ("2024-01-01", "2025-12-31")))


def page(rows, time="2026-10-03 12:00:00"):
    return Page([b"{}"] * rows, marks=[Mark("1", time, b"")] * bool(rows))


class Paged(Reader):
    """A pager of known pages."""

    def __init__(self, query, matching, given):
        super().__init__(query, pytest.fail, matching=matching)
        self.given = given

    def pages(self):
        yield from self.given


def asked(period=DAY, **more):
    return Query(report("communications"), 1, Period(*period), (), **more)


def answer(**limits):
    return SimpleNamespace(limits=limits)


class Followed:
    """A progress by a stopped clock."""

    def __init__(self):
        self.clock = Ticking()
        self.lines = []
        self.progress = Progress(self.clock)

    def after(self, seconds, total, *pages, period=DAY, **query):
        """Take in pages, each after some seconds."""
        pager = Paged(asked(period, **query), total, list(pages))
        progress = self.progress
        params = {
            "offset": 0,
            "date_from": "2026-09-30 23:59:59",
            "date_till": "2026-10-11 00:00:00",
        }
        progress.watch(pager)
        for page in pages:
            progress.count(page)
            self.clock.seconds += seconds
            progress.heard(params, answer(minute_remaining=58, day_remaining=4980))
            self.lines.append(progress.line(200))
        return progress


FULL = [
    "12 of 60 rows, 16 s left, 3/s, 2026-10-01 to 2026-10-10, points: 4 980 left today, 4 s",
    "24 of 60 rows, 12 s left, 3/s, 2026-10-01 to 2026-10-10, points: 4 980 left today, 8 s",
]


def test_how_far_it_is():
    followed = Followed()
    followed.after(4, 60, page(12), page(12))
    assert followed.lines == FULL


# Cells, and what they have room for.
ROOM = [
    (200, FULL[1]),
    (80, "24 of 60 rows, 12 s left, 3/s, 2026-10-01 to 2026-10-10, 8 s"),
    (60, "24 of 60 rows, 12 s left, 3/s, 2026-10-01 to 2026-10-10"),
    (40, "24 of 60 rows, 12 s left, 3/s, 8 s"),
    (10, "24 of 60 rows"),
]


@pytest.mark.parametrize(("cells", "line"), ROOM)
def test_the_most_telling_has_room_first(cells, line):
    assert Followed().after(4, 60, page(12), page(12)).line(cells) == line


# The query, its total, the pages, and what begins the line.
SHARES = [
    ({}, None, [page(12)], "12 rows, 25% of the period, 12 s left, 3/s"),
    ({"sort": (Sort("communication_date_time", True),)}, None, [page(12)], "12 rows, 75% of"),
    ({"sort": (Sort("communication_number"),)}, None, [page(12)], "12 rows, 3/s"),
    ({"max_rows": 20}, 60, [page(12)], "12 of 20 rows, 3 s left"),
    ({"max_rows": 20}, None, [page(12)], "12 rows, 3/s"),
    ({}, 10, [page(12)], "12 rows, 25% of the period"),
    ({}, 60, [page(0)], "0 of 60 rows, 2026-10-01"),
    ({}, None, [page(0)], "no rows, 2026-10-01"),
    ({}, None, [page(12, "soon")], "12 rows, 3/s"),
    ({"period": YEARS}, 60, [page(12, "2024-12-31 00:00:00")], "12 rows, 50% of the period"),
    ({"period": (DAY[0], DAY[0])}, None, [page(12)], "12 rows, 3/s"),
    ({}, 12_000, [page(12)], "12 of 12 000 rows, 3/s"),
]


@pytest.mark.parametrize(("query", "total", "pages", "begins"), SHARES)
def test_what_part_is_done(query, total, pages, begins):
    assert Followed().after(4, total, *pages, **query).line(200).startswith(begins)


def test_what_is_waited_for_comes_first():
    progress = Followed().after(4, 60, page(12))
    progress.wait("out of points for this minute: 42 s")
    line = "out of points for this minute: 42 s, 12 of 60 rows, 2026-10-01 to 2026-10-10"
    assert progress.line(80) == line
    assert progress.line(20) == "out of points for this minute: 42 s"
    progress.wait("")
    assert progress.line(90).startswith("12 of 60 rows, ")


def test_files_are_told_with_the_share_of_the_calls_that_are_done():
    """A page of calls comes long before its files."""
    followed, lines = Followed(), []
    progress = followed.after(1, 4, page(0))
    progress.of_files = lambda: ["7 files"]
    for _ in range(3):
        lines.append(progress.line(27))
        progress.reach("2026-10-03 12:00:00")
        followed.clock.seconds += 4
    assert lines == ["7 files, 1 s", "7 files, 25%, 15 s left", "7 files, 50%, 9 s left"]


def test_before_anything_is_known():
    progress = Progress(clock=Ticking())
    assert progress.line(80) == "no rows, 0 s"
    progress.heard({}, answer())
    progress.heard({"date_from": "2026-10-01 00:00:00", "date_till": "soon", "offset": 0}, answer())
    assert progress.line(80) == "no rows, 2026-10-01, 0 s"


def test_what_is_not_looked_at_is_counted():
    progress = Progress(clock=Ticking())
    progress.count(page(1))
    progress.count(page(2))
    progress.wait("5 s")
    assert progress.rows == 3


def test_who_draws_is_told_when_a_wait_begins_and_ends():
    waits = []
    progress = Progress(on_wait=waits.append, clock=Ticking())
    progress.wait("5 s")
    progress.wait("")
    assert waits == ["5 s", ""]


@pytest.mark.parametrize(("output", "piped"), [(None, True), ("-", True), ("a.csv", False)])
def test_rows_that_go_to_a_pipe(monkeypatch, output, piped):
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w") as end:
        monkeypatch.setattr(console_, "sys", SimpleNamespace(stdout=end))
        assert is_piped(output) is piped


@pytest.mark.parametrize("stdout", [None, StringIO()])
def test_what_is_no_pipe(monkeypatch, stdout):
    monkeypatch.setattr(console_, "sys", SimpleNamespace(stdout=stdout))
    assert not is_piped(None)


POINTS = [
    ([Quota("minute", 5), Quota("day", 1)], "1 left today"),
    ([Quota("minute", 5)], "5 left this minute"),
    ([Quota("minute", 5), Quota("hour", 1000)], "1 000 left this hour"),
    ([Quota("", 5)], "5 left"),
    ([Quota("fortnight", 5)], "5 left this fortnight"),
]


@pytest.mark.parametrize(("points", "told"), POINTS)
def test_which_points_are_told(points, told):
    assert progress_.left_of(points) == told


SIZES = [
    (0, "0 bytes"),
    (999, "999 bytes"),
    (14_240, "14.2 kB"),
    (2_000_000, "2.0 MB"),
    (5e12, "5000.0 GB"),
]


@pytest.mark.parametrize(("count", "told"), SIZES)
def test_sizes(count, told):
    assert sized(count) == told
    assert spaced(1_234_567) == "1 234 567"


# On terminals


REPORTER = StderrReporter(quiet=False, verbose=False, make_progress=Progress)


class Terminal:
    """A terminal in the place of stderr, and what it got so far."""

    def __enter__(self):
        self._ours, theirs = pty.openpty()
        self.stream = os.fdopen(theirs, "w")
        self._before, sys.stderr = sys.stderr, self.stream
        return self

    def __exit__(self, *_):
        sys.stderr = self._before
        self.stream.close()
        os.close(self._ours)

    def text(self):
        """Return what was written since the last format_options."""
        got = ""
        while select.select([self._ours], [], [], 0.1)[0]:
            got += os.read(self._ours, 65536).decode()
        return got

    def lines(self):
        """Return what is seen of that, as a terminal would show it."""
        text = re.sub(r"\x1b\[\?25[lh]", "", self.text()).replace("\x1b[2K", "\r\x1b[K")
        return [line.rstrip() for line in seen(text.replace("\r\n", "\n"))]


@pytest.fixture(autouse=True)
def xterm(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")


def test_the_progress_is_drawn_below_what_is_said_and_erased_in_the_end():
    with Terminal() as terminal:
        with REPORTER.follow("rows.csv") as progress:
            progress.wait("5 s")
            CONSOLE.show()
            print_message("one")
            assert terminal.lines() == ["one", "5 s, no rows"]
        assert terminal.text().endswith("\x1b[2K")
        print_message("two")
        CONSOLE.show()
        assert terminal.lines() == ["two", ""]


def test_of_what_is_piped_only_waits_are_drawn(monkeypatch):
    monkeypatch.setattr(console_, "is_piped", lambda _: True)
    with Terminal() as terminal, REPORTER.follow(None) as progress:
        time.sleep(2 * console_.DELAY)
        assert terminal.text() == ""
        progress.wait("5 s")
        assert terminal.lines() == ["5 s, no rows"]
        progress.wait("")
        assert terminal.text().endswith("\x1b[2K")


def test_nothing_is_drawn_where_nobody_looks():
    with Terminal() as terminal:
        with StderrReporter(quiet=True, verbose=False, make_progress=Progress).follow(
            None
        ) as progress:
            progress.wait("5 s")
            CONSOLE.show()
            assert not progress.is_watched
        assert terminal.text() == ""


def test_an_interrupted_end_is_made_up_for():
    with Terminal() as terminal:
        with REPORTER.follow("rows.csv"):
            CONSOLE.show()
            live = CONSOLE._live
            live.stop()  # as where a signal comes in the midst of `hide`
            terminal.text()
        assert terminal.text() == console_.CLEAR


def test_rows_on_a_terminal_take_the_line_away():
    with Terminal() as terminal, REPORTER.follow(None):
        CONSOLE.show()
        under = os.fdopen(os.dup(terminal.stream.fileno()), "wb", 0)
        shared = REPORTER.share(under)
        assert (shared.write(memoryview(b"[{}")), shared.fileno()) == (3, under.fileno())
        assert "[{}" in terminal.lines()
        CONSOLE.show()
        assert terminal.text() == ""  # not behind a row that has not ended
        print_message("told")
        assert terminal.text().startswith("\r\ntold")
        under.close()


def test_what_is_no_terminal_is_written_straight():
    with Path(os.devnull).open("wb", buffering=0) as stream:
        assert REPORTER.share(stream) is stream


# Real processes


def read_until(terminal, words):
    """Read what is written to a terminal until it shows these words."""
    got = ""
    while not re.search(words, got):
        got += os.read(terminal, 65536).decode()
    return got


@pytest.fixture
def exporting(tmp_path):
    """Start an export that waits for points after its first page, stderr being a terminal."""
    ours, theirs = pty.openpty()
    with Watched(minute_limit=1) as box:
        process = start(PAGES, environment(tmp_path, box, TERM="xterm"), stderr=theirs)
        box.await_calls(1)
        yield process, ours
        process.kill()
        process.wait(PATIENCE)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_wait_and_takes_the_line_away(exporting, number, code):
    process, terminal = exporting
    read_until(terminal, r"out of points for this minute: ")
    assert stop(process, number).code == code
    assert re.search(r"\x1b\[\?25h\r\x1b\[1A\x1b\[2K$", read_until(terminal, r"\x1b\[2K$"))


def test_a_signal_ends_a_wait_that_nobody_looks_at(tmp_path):
    with Watched(minute_limit=1) as box:
        process = start(PAGES, environment(tmp_path, box))
        box.await_calls(1)
        assert process.stdout.readline()
        ran = stop(process)
    assert (ran.code, ran.err) == (130, "")
