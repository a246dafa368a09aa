"""A PostgreSQL of one's own for all tests of a process, and a database for each."""

from __future__ import annotations

from itertools import count

import psycopg
import pytest
import requests
from clickhouse import clickhouse
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


@pytest.fixture(scope="session")
def clickhouse_port():
    with clickhouse() as port:
        yield port


@pytest.fixture
def ch(clickhouse_port):
    """Make a database; `ch.url` names it."""
    return House(clickhouse_port)


class House:
    """A database of a ClickHouse."""

    def __init__(self, port):
        self.port, self.name = port, f"db{next(NUMBERS)}"
        self.run(f"CREATE DATABASE {self.name}", database="default")

    @property
    def url(self):
        return self.through(self.port)

    def through(self, port):
        """Name the database by another port."""
        return f"clickhouse://127.0.0.1:{port}/{self.name}"

    def run(self, sql, database=None):
        answer = requests.post(
            f"http://127.0.0.1:{self.port}/",
            params={"database": database or self.name},
            data=sql.encode(),
            timeout=60,
        )
        assert answer.ok, answer.content.decode()
        return answer.content.decode()

    def rows(self, sql):
        return [line.split("\t") for line in self.run(sql).splitlines()]

    @property
    def tables(self):
        return [name for [name] in self.rows("SHOW TABLES")]


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
