"""Texts that options name: files, standard input, numbers."""

from __future__ import annotations

import sys
from pathlib import Path

from comagic_cli.errors import UsageProblem
from comagic_cli.files.stream import reading

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
        raise UsageProblem(f"{option}: {name} is not UTF-8 text") from error


def is_number(text: str) -> bool:
    """Return whether a text is a whole number of at most 18 digits."""
    return text.isascii() and text.isdigit() and len(text) < 19  # noqa: PLR2004 - 64 bits
