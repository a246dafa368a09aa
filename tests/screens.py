"""What a terminal shows: a stream that is one, and a small one that obeys what is written to it."""

from __future__ import annotations

import re

COMMANDS = re.compile(r"\x1b\[(\d*)([AJKm])|(\r)|(\n)|([^\x1b\r\n])")


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


def seen(written, lines=()):
    """Return the lines that are seen once all is written; a line is as long as it gets."""
    lines, row, column = [*lines, ""], len(lines), 0
    for number, command, start, end, char in COMMANDS.findall(written):
        if command == "A":
            row -= int(number or 1)
        elif command == "K":
            lines[row] = lines[row][:column]
        elif command == "J":
            lines = [*lines[:row], lines[row][:column]]
        elif start:
            column = 0
        elif end:
            row, column = row + 1, 0
            lines += [""] * (row == len(lines))
        elif char:
            lines[row] = lines[row][:column].ljust(column) + char + lines[row][column + 1 :]
            column += 1
    return lines
