"""Whole screens of a real terminal, rows and what is said together, kept in tests/golden/screens.

After a wanted change, `python tests/process/test_screens.py` draws them again.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from program import DAYS, PATIENCE, Watched, environment, start
from screens import seen

GOLDEN = Path(__file__).parent.parent / "golden" / "screens"
TABLE = ["communications", *DAYS, "--max-rows", 6]
SPLIT = ["chart", "communications", *DAYS, "--split", "communication_type"]
STATUS = ["chart", "calls", *DAYS, "--by", "call_status", "--avg", "call_talk_duration"]
BLACK_AND_WHITE = {"NO_COLOR": "1"}

# A name, the columns, what is typed, and the environment.
SCREENS = {
    "table-60": (60, TABLE, BLACK_AND_WHITE),
    "table-120": (120, ["calls", *DAYS, "--max-rows", 6], {}),
    "table-200": (200, TABLE, BLACK_AND_WHITE),
    "record-80": (80, ["calls", *DAYS, "--max-rows", 1, "--vertical"], {"TERM": "dumb"}),
    "chart-60": (60, SPLIT, BLACK_AND_WHITE),
    "chart-120": (120, STATUS, {}),
    "array-80": (80, [*TABLE, "-f", "json", "--fields", "communication_id", "-v"], {}),
}


def screen(name, home):
    """Run a line on a terminal that is stdout and stderr, and return what is seen in the end."""
    columns, words, variables = SCREENS[name]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with Watched(rows=120) as box:
        environ = environment(home, box, TERM="xterm-256color") | variables
        process = start(words, environ, stdout=theirs, stderr=theirs)
        os.close(theirs)
        pieces = []
        with suppress(OSError):  # how Linux says that all is read
            while piece := os.read(ours, 65536):
                pieces.append(piece)
        os.close(ours)
    assert process.wait(PATIENCE) == 0
    lines = seen(b"".join(pieces).decode().replace("\r\n", "\n"))
    shown = re.sub(r"\x1b\[(\d+)m", r"<\1>", "\n".join(lines))
    return re.sub(r"\d+\s+bytes in \d+\.\d+ s\b|\d+\.\d+ s\b", "N s", shown)


@pytest.mark.parametrize("name", SCREENS)
def test_screens(name, tmp_path):
    assert screen(name, tmp_path) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for name in SCREENS:
        with TemporaryDirectory() as home:
            GOLDEN.mkdir(parents=True, exist_ok=True)
            (GOLDEN / f"{name}.txt").write_text(screen(name, Path(home)), encoding="utf-8")
