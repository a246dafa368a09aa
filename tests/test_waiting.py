"""The countdown on a terminal, and signals while it runs."""

from __future__ import annotations

import os
import pty
import re
import signal
from types import SimpleNamespace

import pytest
from program import PATIENCE, REPORT, Watched, environment, start, stop

from comagic_cli.commands import waiting
from comagic_cli.commands.waiting import Countdown, open_countdown

PAGES = [*REPORT, "--report-id", "1001", "--page-size", "10"]


class Screen:
    """A stream that is a terminal."""

    closed = False

    def __init__(self, *, terminal=True):
        self.written = ""
        self._terminal = terminal

    def isatty(self):
        return self._terminal

    def write(self, text):
        self.written += text

    def flush(self):
        pass


@pytest.fixture
def screen(monkeypatch):
    return put(monkeypatch, Screen())


def put(monkeypatch, stream):
    """Put a stream in the place of stderr."""
    monkeypatch.setattr(waiting, "sys", SimpleNamespace(stderr=stream))
    return stream


def test_a_line_is_written_over_the_one_before(screen):
    countdown = Countdown()
    for text in ("", "10 s", "9 s", "", ""):
        countdown.show(text)
    assert screen.written == "\r10 s" + "\r    \r9 s" + "\r   \r"


def test_a_line_is_no_longer_than_the_terminal(screen, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10")
    Countdown().show("out of points")
    assert screen.written == "\rout of po"


def test_a_closed_countdown_shows_no_more(screen):
    with open_countdown(quiet=False) as show:
        show("5 s")
    show("4 s")
    assert screen.written == "\r5 s" + "\r   \r"


@pytest.mark.parametrize(
    ("stream", "quiet"), [(None, False), (Screen(terminal=False), False), (Screen(), True)]
)
def test_nothing_is_counted_down_where_nobody_looks(monkeypatch, stream, quiet):
    put(monkeypatch, stream)
    with open_countdown(quiet=quiet) as show:
        assert show is None


def test_a_terminal_that_is_gone_changes_nothing(screen, monkeypatch):
    def write(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(screen, "write", write)
    with open_countdown(quiet=False) as show:
        show("5 s")


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
        process = start(PAGES, environment(tmp_path, box), stderr=theirs)
        box.await_calls(1)
        yield process, ours
        process.kill()
        process.wait(PATIENCE)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_wait_and_takes_the_line_away(exporting, number, code):
    process, terminal = exporting
    read_until(terminal, r"\rout of points for this minute: ")
    assert stop(process, number).code == code
    assert re.search(r"\r +\r$", read_until(terminal, r"\r +\r$"))


def test_a_signal_ends_a_wait_that_nobody_looks_at(tmp_path):
    with Watched(minute_limit=1) as box:
        process = start(PAGES, environment(tmp_path, box))
        box.await_calls(1)
        assert process.stdout.readline()
        ran = stop(process)
    assert (ran.code, ran.err) == (130, "")
