"""How values are shown: what was typed, held against what the format can do."""

from __future__ import annotations

from dataclasses import replace

from comagic_cli.commands.options import ExportOptions
from comagic_cli.errors import UsageProblem
from comagic_cli.output.sinks import Look

CELLS = ("csv", "tsv", "table", "xlsx")
LINES = ("csv", "tsv")
GOES_WITH = {
    "enum": (*CELLS, "parquet"),
    "list_separator": CELLS,
    "header": CELLS,
    "delimiter": ("csv",),
    "newlines": LINES,
    "excel": ("csv",),
    "decimal": LINES,
    "record": ("table",),
}
"""The formats in which each choice means something. In the others it is an error to type it; what
the environment or a profile says of it is left aside there."""


def choose_look(format_: str, options: ExportOptions, screen: Look) -> Look:
    """Add what was chosen to the look of a screen. Raises `UsageProblem` for what does not fit."""
    chosen = {}
    for name in GOES_WITH:
        value = getattr(options, name)
        if format_ in _formats(name, value):
            chosen[name] = value
        elif name in options.typed:
            raise _unfit(name, value, format_)
    return replace(screen, **chosen)


def _formats(name: str, value: object) -> tuple[str, ...]:
    return LINES if (name, value) == ("header", "none") else GOES_WITH[name]


def _unfit(name: str, value: object, format_: str) -> UsageProblem:
    option = f"--{name.replace('_', '-')}"
    option += " none" if value == "none" else ""
    fit = ", ".join(_formats(name, value))
    return UsageProblem(
        f"{option} does not go with the format {format_}", hint=f"It goes with -f {fit}."
    )
