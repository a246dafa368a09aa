"""What reads a query, by what it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comagic_cli.commands.service import Service
from comagic_cli.paging.id_batches import LotPager
from comagic_cli.paging.reader import Reader
from comagic_cli.query.query import IDS, Query

if TYPE_CHECKING:
    from comagic_cli.commands.agency import AgencyPager


def pager_of(query: Query, service: Service) -> Reader | LotPager:
    """Make what reads a query: by batches of ids where it names them."""
    if IDS in query.extra:
        return LotPager(query, service.asker, service.note)
    return Reader(query, service.asker(query), service.note, zone=service.known_zone)


def report_outside(pager: Reader | LotPager | AgencyPager, service: Service) -> None:
    """Report how many rows came that show a time outside the period."""
    if pager.outside:
        rows = "1 row" if pager.outside == 1 else f"{pager.outside} rows"
        service.reporter.error(
            f"{rows} outside of the period asked for came, and are not written",
            outside=pager.outside,
        )
