"""What is written to stderr: lines, the progress below them, and JSON."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest
from screens import Screen

from comagic_cli.cli import console as console_
from comagic_cli.cli.console import Console, can_show_progress, log_format, wrap
from comagic_cli.errors import Refused


@pytest.fixture
def screen(monkeypatch):
    return put(monkeypatch, Screen())


def put(monkeypatch, stream):
    """Put a stream in the place of stderr."""
    monkeypatch.setattr(console_, "sys", SimpleNamespace(stderr=stream))
    return stream


HOSTILE = "\x1b[2J\u202eabc\r\n[red] :smile:\x9b"
HARMLESS = " [2J abc  [red] :smile: "


def test_nothing_that_is_said_commands_the_terminal(screen):
    Console().print(HOSTILE)
    assert screen.written == f"{HARMLESS}\n"


@pytest.mark.parametrize("stream", [None, SimpleNamespace(closed=True)])
def test_without_a_stream_nothing_is_printed_and_nothing_fails(monkeypatch, stream):
    put(monkeypatch, stream)
    console = Console()
    console.print("lost")
    screen = put(monkeypatch, Screen())
    console.print("seen")
    assert screen.written == "seen\n"


def test_a_stream_that_fails_stops_nothing(screen, monkeypatch):
    tried = []

    def write(text):
        tried.append(text)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(screen, "write", write)
    Console().print("lost")
    assert "".join(tried).startswith("lost")


LONG = "comagic: calls can't be sorted by employees, but by call_start_date_time and call_status"


def test_a_long_message_is_wrapped_to_the_terminal_between_words(screen, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    Console().print_error(Refused(LONG.removeprefix("comagic: "), hint="Sort by another field."), 5)
    assert screen.written == (
        "comagic: calls can't be sorted by\n"
        "  employees, but by call_start_date_time\n"
        "  and call_status\n"
        "  Sort by another field.\n"
    )
    monkeypatch.setenv("COLUMNS", "5")  # then words are still whole
    assert "  call_start_date_time" in wrap(LONG)


def test_a_message_in_a_pipe_is_one_line(monkeypatch):
    put(monkeypatch, io.StringIO())
    monkeypatch.setenv("COLUMNS", "40")
    assert wrap(LONG) == [LONG]


def spoken(screen):
    return [
        {name: value for name, value in json.loads(line).items() if name != "time"}
        for line in screen.written.splitlines()
    ]


def test_a_machine_gets_an_object_a_line_and_nothing_drawn(screen):
    console = Console()
    console.json = True
    console.print("Строка", rows=1)
    console.print("written", file=HOSTILE)
    assert screen.written.replace("\n", "").isprintable()
    console.print_error(Refused(HOSTILE, hint="try \x1b", mnemonic="error", field="sort"), 5)
    *lines, last = spoken(screen)
    assert last.pop("seconds") < 60
    assert [*lines, last] == [
        {"level": "info", "message": "Строка", "rows": 1},
        {"level": "info", "message": "written", "file": HOSTILE},
        {
            "level": "error",
            "message": HARMLESS,
            **dict.fromkeys(("rows", "period", "output", "bytes", "points", "points_left")),
            "warnings": 0,
            "exit_code": 5,
            "mnemonic": "error",
            "field": "sort",
            "hint": "try  ",
        },
    ]


def test_a_failure_is_told_in_one_or_two_lines(screen):
    Console().print_error(Refused("it is refused", hint="Ask again."), 5)
    Console().print_error(Refused("it is refused"), 5)
    assert screen.written == "comagic: it is refused\n  Ask again.\ncomagic: it is refused\n"


# What is typed, the variable, and the log format.
TYPED = [
    ("", "", ""),
    ("", "json", "json"),
    ("calls --log-format json", "", "json"),
    ("calls --log-format=json --nonsense", "text", "json"),
    ("--log-format json calls --log-format text", "", "text"),
    ("calls --log-format", "", ""),
    ("calls -- --log-format json", "", ""),
]


@pytest.mark.parametrize(("typed", "variable", "found"), TYPED)
def test_the_log_format_is_known_before_the_line_is_read(typed, variable, found):
    assert log_format(typed.split(), {"COMAGIC_LOG_FORMAT": variable}) == found


# Whether stderr is a terminal, its TERM, --quiet, and whether somebody looks.
LOOKED = [
    (True, "xterm", False, True),
    (True, "dumb", False, False),
    (True, "xterm", True, False),
    (False, "xterm", False, False),
]


@pytest.mark.parametrize(("terminal", "term", "quiet", "looked"), LOOKED)
def test_when_somebody_looks(monkeypatch, terminal, term, quiet, looked):
    put(monkeypatch, Screen(terminal=terminal))
    monkeypatch.setenv("TERM", term)
    assert can_show_progress(quiet=quiet) is looked


def test_nobody_looks_where_there_is_no_stream(monkeypatch):
    put(monkeypatch, None)
    assert not can_show_progress()
