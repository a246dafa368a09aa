"""A PostgreSQL of one's own for all tests of a process, and a database for each."""

from __future__ import annotations

from itertools import count

import psycopg
import pytest
from postgres import postgres
from wire import free_port

NUMBERS = count()


@pytest.fixture(scope="session")
def server():
    with postgres(free_port()) as environ:
        yield environ


@pytest.fixture
def pg(server):
    """Make a database; `pg.url` names it."""
    return Served(server)


class Served:
    """A database of a server."""

    def __init__(self, server, template="template1"):
        self.server, self.name = server, f"db{next(NUMBERS)}"
        self._admin(f"CREATE DATABASE {self.name} TEMPLATE {template}")

    @property
    def url(self):
        server = self.server
        return f"postgresql://postgres@/{self.name}?host={server['PGHOST']}&port={server['PGPORT']}"

    @property
    def socket(self):
        return f"{self.server['PGHOST']}/.s.PGSQL.{self.server['PGPORT']}"

    def copy(self):
        """Make a database with the same tables."""
        return Served(self.server, self.name)

    def _admin(self, sql):
        with psycopg.connect(self.url.replace(self.name, "postgres"), autocommit=True) as made:
            made.execute(sql)

    def run(self, *statements):
        with psycopg.connect(self.url) as made:
            for sql in statements:
                made.execute(sql)

    def rows(self, sql):
        with psycopg.connect(self.url) as made:
            return made.execute(sql).fetchall()
