"""What a terminal shows: a stream that is one, and a small one that obeys what is written to it."""

from __future__ import annotations

import re

COMMANDS = re.compile(r"\x1b\[(\d*)([AJK])|(\r)|(\n)|((?:\x1b\[\d*m)?[^\x1b\r\n](?:\x1b\[\d*m)*)")


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
    """Return the lines that are seen once all is written; a line is as long as it gets.

    A character keeps the colours that are switched with it.
    """
    lines: list[list[str]] = [*map(list, lines), []]
    row, column = len(lines) - 1, 0
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
            lines += [[] for _ in range(row == len(lines))]
        elif char:
            lines[row] += [" "] * (column - len(lines[row]))
            lines[row][column : column + 1] = [char]
            column += 1
    return ["".join(line) for line in lines]
