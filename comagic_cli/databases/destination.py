"""The URL of a database: what it may hold, and which kind of database it opens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from urllib.parse import parse_qsl, urlsplit

from comagic_cli.databases.warehouse import Database, Warn
from comagic_cli.errors import UsageProblem, install_command
from comagic_cli.files.output import scheme_of

SECRETS = ("password", "secret", "token")  # in the names of parameters of libpq
VARIABLES = {
    "postgresql": ("PGPASSWORD", "PGSSLPASSWORD"),
    "clickhouse": ("CLICKHOUSE_PASSWORD",),
}
"""The variables that hold secrets, by the kind of database."""
OTHER_WAYS = {
    "postgresql": "Set PGPASSWORD, or use ~/.pgpass or a service: postgresql:///?service=NAME.",
    "clickhouse": "Set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.",
}
"""How a password is given, by the kind of database."""
OPENERS = {
    "sqlite": "sqlite:open_sqlite",
    "postgresql": "postgres:open_postgres",
    "clickhouse": "clickhouse:open_clickhouse",
}
"""The function that opens each kind of database, `module:function`, imported when needed."""


def check_url(url: str, kind: str) -> None:
    """Refuse the URL of a database that has a password, without showing it."""
    scheme = scheme_of(url)
    rest = url[len(scheme) + 3 :]
    # Up to the last @: a password may contain any character, though it should be quoted.
    has_password = ":" in rest[: max(rest.rfind("@"), 0)]
    has_user = kind == "clickhouse" and "@" in rest
    names = [name.lower() for name, _ in parse_qsl(rest.partition("?")[2], keep_blank_values=True)]
    secret = next((name for name in names if any(word in name for word in SECRETS)), "")
    if has_password or has_user or secret:
        what = f"the parameter {secret}" if secret else "a user" if has_user else "a password"
        raise UsageProblem(
            f"-o {scheme}://...: {what} can't be in the URL, where other programs can read it",
            hint=OTHER_WAYS[kind],
        )


def name_place(url: str) -> str:
    """Name a database in messages: its URL without parameters."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def open_database(
    kind: str,
    output: str,
    environ: Mapping[str, str],
    warn: Warn,
    *,
    keep_incomplete: bool = False,
) -> AbstractContextManager[Database]:
    """Open a database for one transaction, which ends with the block.

    After an exception, or if the process is killed, the database is unchanged; after `RowsMissing`
    too, except with `keep_incomplete`. Raises `OutputBusy` if another run of comagic writes it, and
    `CannotWrite`.
    """
    module, function = OPENERS[kind].split(":")
    try:
        opener = getattr(import_module(f"comagic_cli.databases.{module}"), function)
    except ImportError as error:  # psycopg alone lacks the library of PostgreSQL
        raise UsageProblem(
            f"Writing {kind} needs a package that can't be loaded: {error}",
            hint=install_command("psycopg[binary]"),
        ) from error
    opening: AbstractContextManager[Database] = opener(
        output, environ, warn, keep_incomplete=keep_incomplete
    )
    return opening


def secrets_of(kind: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what no message may show."""
    return tuple(environ.get(name, "") for name in VARIABLES[kind])
