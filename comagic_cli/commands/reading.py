"""What reads a query, by what it asks for."""

from __future__ import annotations

from functools import partial

from comagic_cli.commands.service import Service
from comagic_cli.fetch.asking import asker
from comagic_cli.fetch.lots import IDS, LotPager
from comagic_cli.fetch.pager import Pager
from comagic_cli.request.query import Query


def pager_of(query: Query, service: Service) -> Pager | LotPager:
    """Make what reads a query: in lots where it names what it asks for."""
    if IDS in query.extra:
        return LotPager(query, partial(asker, service.client), service.note)
    return Pager(query, asker(service.client, query), service.note)
