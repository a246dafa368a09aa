"""What is typed as a file or as `-`, standard input: its text."""

from __future__ import annotations

import sys
from pathlib import Path

from comagic_cli.errors import UsageProblem
from comagic_cli.output.stream import reading

STDIN = "-"


def read_text(name: str, option: str) -> str:
    """Read a whole file, or standard input, as UTF-8. Raises `UsageProblem`."""
    if name == STDIN:
        return _decoded(_stdin(option), "standard input", option)
    with reading(name):
        data = Path(name).read_bytes()
    return _decoded(data, name, option)


def _stdin(option: str) -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise UsageProblem(f"{option}: standard input is closed", hint="Name a file.")
    with reading("standard input"):
        return sys.stdin.buffer.read()


def _decoded(data: bytes, name: str, option: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{option}: {name} is no UTF-8 text") from error
