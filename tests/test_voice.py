"""Lines, a drawn line below them, and JSON for machines: all that is said on stderr."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from screens import Screen, seen

from comagic_cli.cli import console as voice
from comagic_cli.cli.console import Voice, cells, cut, log_format, looked_at
from comagic_cli.errors import Refused


@pytest.fixture
def screen(monkeypatch):
    return put(monkeypatch, Screen())


def put(monkeypatch, stream):
    """Put a stream in the place of stderr."""
    monkeypatch.setattr(voice, "sys", SimpleNamespace(stderr=stream))
    return stream


def test_a_line_is_drawn_over_the_one_before_and_below_what_is_said(screen):
    speaks = Voice()
    for text in ("", "10 s", "10 s", "9 s"):
        speaks.draw(text)
    assert screen.written == "10 s" + "\r\x1b[K9 s"
    speaks.say("one")
    speaks.say("two")
    assert seen(screen.written) == ["one", "two", "9 s"]
    speaks.draw("")
    assert seen(screen.written) == ["one", "two", ""]


def test_a_line_whose_drawing_is_interrupted_is_taken_away(screen, monkeypatch):
    speaks, write = Voice(), screen.write

    def interrupted(text: str) -> int:
        write(text)
        raise KeyboardInterrupt

    speaks.draw("10 s")
    monkeypatch.setattr(screen, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        speaks.draw("9 s")
    monkeypatch.setattr(screen, "write", write)
    speaks.draw("")
    assert seen(screen.written) == [""]


def test_rows_on_the_same_terminal_find_the_line_gone(screen):
    speaks = Voice()
    speaks.draw("1 row")
    with speaks.aside():
        screen.write("a row\n")
        speaks.leave(b"\n")
    speaks.draw("2 rows")
    assert seen(screen.written) == ["a row", "2 rows"]


def test_nothing_is_drawn_behind_a_row_that_has_not_ended(screen):
    speaks = Voice()
    with speaks.aside():
        screen.write("[{}")
        speaks.leave(b"}")
    speaks.draw("1 row")
    assert screen.written == "[{}"
    speaks.say("told")
    speaks.draw("1 row")
    assert seen(screen.written) == ["[{}", "told", "1 row"]


@pytest.mark.parametrize(
    ("xterm", "left"), [(False, ["told", ""]), (True, ["told", "0123456789", ""])]
)
def test_a_terminal_made_narrower_has_folded_the_line(screen, monkeypatch, xterm, left):
    if xterm:
        monkeypatch.setenv("XTERM_VERSION", "XTerm(390)")
    speaks = Voice()
    speaks.say("told")
    speaks.draw("0123456789abcde")
    monkeypatch.setattr(voice, "width", lambda: 10)
    before, after = screen.written.removesuffix("abcde") + "\nabcde", len(screen.written)
    speaks.draw("")
    assert seen(before + screen.written[after:]) == left


def test_a_drawn_line_is_no_longer_than_the_terminal(screen, monkeypatch):
    monkeypatch.setattr(voice, "width", lambda: 10)
    Voice().draw("out of points\x1b[2J")
    assert screen.written == "out of po"


@pytest.mark.parametrize(
    ("text", "most", "left"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("世界", 3, "世"),
        ("e\u0301e\u0301", 1, "e\u0301"),
        ("世", 1, ""),
    ],
)
def test_cut(text, most, left):
    assert cut(text, most) == left
    assert cells(left) <= most


HOSTILE = "\x1b[2J\u202eabc\r\n[red] :smile:\x9b"
HARMLESS = " [2J abc  [red] :smile: "


def test_nothing_that_is_said_commands_the_terminal(screen):
    Voice().say(HOSTILE)
    assert screen.written == f"{HARMLESS}\n"


@pytest.mark.parametrize("stream", [None, SimpleNamespace(closed=True)])
def test_a_stream_that_is_not_there_changes_nothing(monkeypatch, stream):
    put(monkeypatch, stream)
    Voice().say("told")
    Voice().draw("drawn")


def test_a_stream_that_is_gone_changes_nothing(screen, monkeypatch):
    def write(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(screen, "write", write)
    Voice().say("told")


def spoken(screen):
    return [
        {name: value for name, value in json.loads(line).items() if name != "time"}
        for line in screen.written.splitlines()
    ]


def test_a_machine_gets_an_object_a_line_and_nothing_drawn(screen):
    speaks = Voice()
    speaks.machine = True
    speaks.draw("1 row")
    speaks.say("Строка", rows=1)
    speaks.say("written", file=HOSTILE)
    assert screen.written.replace("\n", "").isprintable()
    speaks.fail(Refused(HOSTILE, hint="try \x1b", mnemonic="error", field="sort"), 5)
    assert spoken(screen) == [
        {"level": "info", "message": "Строка", "rows": 1},
        {"level": "info", "message": "written", "file": HOSTILE},
        {
            "level": "error",
            "message": HARMLESS,
            "exit_code": 5,
            "mnemonic": "error",
            "field": "sort",
            "hint": "try  ",
        },
    ]


def test_a_failure_is_told_in_one_or_two_lines(screen):
    Voice().fail(Refused("it is refused", hint="Ask again."), 5)
    Voice().fail(Refused("it is refused"), 5)
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
    assert looked_at(quiet=quiet) is looked


def test_nobody_looks_where_there_is_no_stream(monkeypatch):
    put(monkeypatch, None)
    assert not looked_at()
