"""Which format rows are written in, by what was typed and by where they go."""

from __future__ import annotations

import os
import shutil
import sys

from comagic_cli.errors import UsageProblem
from comagic_cli.export.options import ListOptions
from comagic_cli.files.output import STDOUT, WHOLE, check_packing, format_of
from comagic_cli.formats.base import Look, check_format


def on_terminal(output: str | None) -> bool:
    """Tell whether an output is the terminal that somebody looks at."""
    return (output is None or output in STDOUT) and sys.stdout is not None and sys.stdout.isatty()


def screen(*, terminal: bool) -> Look:
    """Return the look of a terminal, as wide as it is; else the usual one."""
    color = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return Look(width=shutil.get_terminal_size().columns if terminal else None, color=color)


def choose_format(options: ListOptions) -> str:
    """Choose the format: typed, else by the file's name, else the usual one, else by the place.

    Raises `UsageProblem` for what can't be written there.
    """
    terminal = on_terminal(options.output)
    format_ = _asked_for(options) or ("table" if terminal else "jsonl")
    check_format(format_)
    check_packing(format_, options.output)
    if terminal and format_ in WHOLE:
        raise UsageProblem(f"A terminal can't show {format_}.", hint="Name a file with -o FILE.")
    return format_


def _asked_for(options: ListOptions) -> str | None:
    if options.format and "format" in options.typed:
        return options.format
    try:
        return format_of(options.output) or options.format
    except UsageProblem:  # the name says nothing
        if options.format:
            return options.format
        raise
