"""How values are shown: what was typed, held against what the format can do."""

from __future__ import annotations

from dataclasses import replace

from comagic_cli.errors import UsageProblem
from comagic_cli.export.options import ExportOptions
from comagic_cli.formats.base import FORMATS, Look
from comagic_cli.formats.transforms import NEEDED
from comagic_cli.query.catalog import reports
from comagic_cli.query.fields import Wish

CELLS = ("csv", "tsv", "table", "xlsx")
LINES = ("csv", "tsv")
GOES_WITH = {
    "coded_values": (*CELLS, "parquet", "sqlite"),
    "list_separator": CELLS,
    "header": CELLS,
    "delimiter": ("csv",),
    "newlines": LINES,
    "excel": ("csv",),
    "decimal": LINES,
    "vertical": ("table",),
    "flatten": ("jsonl", "json"),
    "times": (*LINES, "table", "jsonl", "json"),
    "record_urls": tuple(FORMATS),
    "record_host": tuple(FORMATS),
}
"""The formats in which each choice means something. In the others it is an error to type it; what
the environment or a profile says of it is left aside there."""

LOOK_NAMES = {"coded_values": "enum", "vertical": "record"}  # of a `Look`, where another


def choose_look(format_: str, options: ExportOptions, screen: Look) -> Look:
    """Add what was chosen to the look of a screen. Raises `UsageProblem` for what does not fit."""
    if "record_host" in options.typed and not options.record_urls:
        raise UsageProblem("--record-host says nothing without --record-urls", hint="Add that.")
    chosen = {}
    for name in GOES_WITH:
        value = getattr(options, name)
        if format_ in _formats(name, value):
            chosen[LOOK_NAMES.get(name, name)] = value
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


def with_needed(wish: Wish, options: ExportOptions) -> Wish:
    """Add the fields that the addresses of recordings are made of, where those are wanted.

    Raises `UsageProblem` for a report that lacks them.
    """
    if not options.record_urls:
        return wish
    able = [
        report.command
        for report in reports()
        if {field.name for field in report.fields}.issuperset(NEEDED)
    ]
    if wish.report.command not in able:
        raise UsageProblem(
            f"--record-urls: {wish.report.command} tells of no recordings",
            hint=f"These do: {', '.join(able)}.",
        )
    return replace(wish, needed=(*wish.needed, *NEEDED))
