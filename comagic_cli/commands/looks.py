"""The options for values, checked against the format."""

from __future__ import annotations

from dataclasses import replace

from comagic_cli.errors import UsageProblem
from comagic_cli.export.options import VALID_FORMATS, ExportOptions, applies_to, refuse_format
from comagic_cli.formats.base import Look
from comagic_cli.formats.transforms import NEEDED
from comagic_cli.query.catalog import reports
from comagic_cli.query.fields import ExportRequest

LOOK_NAMES = {"coded_values": "enum", "vertical": "record"}  # of a `Look`, where another


def choose_look(format_: str, options: ExportOptions, screen: Look) -> Look:
    """Add what was chosen to the look of a screen. Raises `UsageProblem` for what does not fit."""
    if "record_host" in options.typed and not options.record_urls:
        raise UsageProblem("--record-host needs --record-urls", hint="Add --record-urls.")
    chosen = {}
    for name in (option for option in VALID_FORMATS if " " not in option):
        value = getattr(options, name)
        if applies_to(name, value, format_):
            chosen[LOOK_NAMES.get(name, name)] = value
        elif name in options.typed:
            raise refuse_format(name, value, format_)
    return replace(screen, **chosen)


def with_needed(wish: ExportRequest, options: ExportOptions) -> ExportRequest:
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
            f"--record-urls: {wish.report.command} has no recordings",
            hint=f"These do: {', '.join(able)}.",
        )
    return replace(wish, needed=(*wish.needed, *NEEDED))
