"""What reads a query, by what it asks for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from comagic_cli.commands.service import Service
from comagic_cli.fetch.asking import asker
from comagic_cli.paging.reader import Reader
from comagic_cli.query.query import IDS, Query

if TYPE_CHECKING:
    from comagic_cli.paging.id_batches import LotPager


def pager_of(query: Query, service: Service) -> Reader | LotPager:
    """Make what reads a query: in lots where it names what it asks for."""
    if IDS in query.extra:
        from comagic_cli.paging.id_batches import LotPager  # noqa: PLC0415 - few reports are asked for by ids

        asking = partial(asker, service.client, refused=service.refused_operators)
        return LotPager(query, asking, service.note)
    ask = asker(service.client, query, service.refused_operators)
    return Reader(query, ask, service.note, zone=service.known_zone)
