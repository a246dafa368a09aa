"""--count: how many rows the service says there are, and none of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import click

from comagic_cli.commands.agency import Clients
from comagic_cli.commands.dry import DryClock, dry_query, show_query
from comagic_cli.commands.service import Service, open_service, saved_zone
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import ExportOptions, check_options
from comagic_cli.fetch.asking import asker
from comagic_cli.paging.count import count_rows, pieces
from comagic_cli.paging.window import Window
from comagic_cli.query.fields import ExportRequest


def show_count(wish: ExportRequest, options: ExportOptions, reporter: Reporter) -> None:
    """Print the number of rows to stdout. Raises `ComagicError`."""
    check_options(options, "count", "--count")
    wish = replace(wish, columns=())  # what is asked for anyway is enough
    if options.dry_run:
        show_plan(wish, options, reporter)
        return
    with open_service(options, reporter) as service:
        rows = Counted(service, wish)
        try:
            rows.count()
        finally:
            if rows.number is not None:
                click.echo(str(rows.number).encode())


@dataclass
class Counted:
    """How many rows there are, of all clients where there are several; `None`: not known."""

    service: Service
    wish: ExportRequest
    number: int | None = None

    def count(self) -> None:
        """Ask for it. Raises what asking does, also where that is so for a client of several."""
        if not self.service.options.clients:
            self.number = _count(self.service, self.wish)
            return
        for number in Clients(self.service).each(lambda at, _: iter([_count(at, self.wish)])):
            self.number = (self.number or 0) + number


def _count(service: Service, wish: ExportRequest) -> int:
    asking = partial(asker, service.client, refused=service.refused_operators)
    return count_rows(service.query(wish, None), asking, service.note)


def show_plan(wish: ExportRequest, options: ExportOptions, reporter: Reporter) -> None:
    """Print the plan to stderr and the first request to stdout; nothing is sent."""
    clock = DryClock(options.tz or saved_zone(options))
    query = dry_query(wish, 1, clock, options)
    window = Window(query.period.start, query.period.end)
    windows = pieces(query, window, query.report.max_days)
    show_query(query, clock, options, reporter, windows)
