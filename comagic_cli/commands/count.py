"""--count: how many rows the service says there are, and none of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import click

from comagic_cli.cli.options import ExportOptions
from comagic_cli.commands.agency import Clients
from comagic_cli.commands.dry import DryClock, dry_query, show_query
from comagic_cli.commands.service import Service, open_service, saved_zone
from comagic_cli.errors import UsageProblem
from comagic_cli.fetch.asking import asker
from comagic_cli.fetch.counting import count_rows, pieces
from comagic_cli.fetch.windows import Window
from comagic_cli.query.fields import Wish

# What is about rows that are written.
NOT_HERE = ("output", "max_rows", "resume", "refresh", "manifest", "keep_incomplete")


def show_count(wish: Wish, options: ExportOptions) -> None:
    """Print the number of rows to stdout. Raises `ComagicError`."""
    check_options(options)
    wish = replace(wish, columns=())  # what is asked for anyway is enough
    if options.dry_run:
        show_plan(wish, options)
        return
    with open_service(options) as service:
        rows = Counted(service, wish)
        try:
            rows.count()
        finally:
            if rows.number is not None:
                click.echo(str(rows.number).encode())


def check_options(options: ExportOptions) -> None:
    """Refuse what does not go together with --count. Raises `UsageProblem`."""
    for name in NOT_HERE:
        if getattr(options, name, None):
            option = f"--{name.replace('_', '-')}"
            raise UsageProblem(
                f"{option} does not go with --count", hint="It prints one number to stdout."
            )


@dataclass
class Counted:
    """How many rows there are, of all clients where there are several; `None`: not known."""

    service: Service
    wish: Wish
    number: int | None = None

    def count(self) -> None:
        """Ask for it. Raises what asking does, also where that is so for a client of several."""
        if not self.service.options.clients:
            self.number = _count(self.service, self.wish)
            return
        for number in Clients(self.service).each(lambda at, _: iter([_count(at, self.wish)])):
            self.number = (self.number or 0) + number


def _count(service: Service, wish: Wish) -> int:
    asking = partial(asker, service.client, refused=service.refused_operators)
    return count_rows(service.query(wish, None), asking, service.note)


def show_plan(wish: Wish, options: ExportOptions) -> None:
    """Print the plan to stderr and the first request to stdout; nothing is sent."""
    clock = DryClock(options.tz or saved_zone(options))
    query = dry_query(wish, 1, clock, options)
    window = Window(query.period.start, query.period.end)
    windows = pieces(query, window, query.report.max_days)
    show_query(query, clock, options, windows)
