"""Lists of what can be asked for, written as any export is; here is what needs no network."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from comagic_cli.commands.formats import choose_format, on_terminal, screen
from comagic_cli.commands.options import ListOptions
from comagic_cli.commands.streams import tell
from comagic_cli.errors import UsageProblem
from comagic_cli.export import export
from comagic_cli.output.files import WHOLE, is_file, open_output
from comagic_cli.output.sinks import make_sink
from comagic_cli.request import listing
from comagic_cli.request.columns import Column
from comagic_cli.request.listing import Row
from comagic_cli.request.pages import Page

DATABASE = "sqlite"  # which is updated by exports, row by row


def write_list(
    columns: Mapping[str, str],
    rows: Callable[[], Sequence[Row]],
    options: ListOptions,
    *,
    record: bool = False,
) -> None:
    """Write rows as any export is written; nothing is asked where they can't be.

    A terminal gets the first columns that it has room for; or, of a `record`, a block.
    """
    format_ = _format(options)
    look = replace(screen(terminal=on_terminal(options.output)), record=record)
    with open_output(options.output) as stream:
        listed = rows()
        shown = columns
        if format_ == "table" and look.width is not None and not record:
            shown = listing.fitting(columns, listed, look.width)
        page = Page(list(map(msgspec.json.encode, listed)))
        export(iter([page]), make_sink(format_, stream, listing.as_fields(shown), look))
    told = not options.quiet and sys.stderr is not None and sys.stderr.isatty()
    if told and len(shown) < len(columns):
        hidden = ", ".join(name for name in columns if name not in shown)
        tell(f"Not shown, for want of room: {hidden}. See -f csv.")


def _format(options: ListOptions) -> str:
    """Choose the format; what is usual for exports to files is none for a list to look at."""
    usual = "format" not in options.typed and not is_file(options.output)
    if usual and options.format in {*WHOLE, DATABASE}:
        options = replace(options, format=None)
    format_ = choose_format(options)
    if format_ == DATABASE:
        raise UsageProblem(f"A list is not written as {format_}.", hint="Name -o FILE.csv.")
    return format_


def fields_of(typed: str, words: str, options: ListOptions, *, live: bool) -> list[Row]:
    """List a report's fields; where it is `live`, as the account has them."""
    report = listing.find_command(typed)
    columns: Sequence[Column] = ()
    if live:
        from comagic_cli.commands.listing import columns_of  # noqa: PLC0415 - it loads the network

        columns = columns_of(report, options)
    return listing.search(listing.field_rows(report, columns), words)
