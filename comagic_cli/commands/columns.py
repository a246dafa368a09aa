"""Fields that only the account knows: asked for once, and remembered for a day."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from comagic_cli.api.endpoints import ask_columns, ask_dimensions, ask_kind
from comagic_cli.commands.service import Connection, connect
from comagic_cli.errors import NotAllowed, Refused, UnknownField, UsageProblem
from comagic_cli.export.events import Reporter
from comagic_cli.export.options import ExportOptions
from comagic_cli.files.cache import DAY
from comagic_cli.query.catalog import (
    NAME_OF_CUSTOM,
    Column,
    ReportType,
    is_name,
    with_guess,
    with_more,
)

FRESH = 600.0  # seconds that a column missing in what is remembered is taken to be missing
Made = TypeVar("Made")
Make = Callable[[ReportType], Made]


def with_columns(
    report: ReportType, make: Make[Made], options: ExportOptions, reporter: Reporter
) -> Made:
    """Make something of a report whose fields may be the account's own.

    `make` raises `UnknownField` for a field that the report as it is given lacks: only then the
    account is asked for its columns. Raises that error where the account has no such field either.
    """
    try:
        return make(report)
    except UnknownField as unknown:
        if not is_name(unknown.field):
            raise
    if options.dry_run:
        return _dry(report, make, options, reporter)
    if options.users:
        from comagic_cli.commands.agency import with_clients  # noqa: PLC0415 - few are agents

        options = with_clients(options, reporter)
    with connect(options, reporter) as connection:
        kind = ask_kind(connection.client.call, report, options.report_id)
        return Columns(connection, kind).complete(report, make)


LISTS = {"columns": ask_columns, "dimensions": ask_dimensions}


@dataclass(frozen=True)
class Columns:
    """The columns of reports of a type in one account, and the dimensions of their filters."""

    connection: Connection
    kind: str

    def complete(self, report: ReportType, make: Make[Made]) -> Made:
        """Make something of the report with the account's columns: cached, else asked for.

        Dimensions are asked for only where a filter names what is not a column.
        """
        if (cached := self.recall()) is not None:
            try:
                return make(with_more(report, cached))
            except UnknownField as unknown:
                names = LISTS if unknown.in_filter else ("columns",)
                if all(self._recall(name, FRESH) is not None for name in names):
                    raise
        known = report
        try:
            columns = self._ask("columns")
            known = with_more(report, columns)
            try:
                return make(known)
            except UnknownField as unknown:
                if not unknown.in_filter:
                    raise
            dimensions = self._ask("dimensions")
        except (Refused, NotAllowed) as refused:
            why = f"The account does not tell its own columns ({refused.message})"
            return _trusting(known, make, why, self.connection.note)
        return make(with_more(report, (*columns, *dimensions)))

    def ask(self) -> tuple[Column, ...]:
        """Ask the account for its columns, and cache them."""
        return self._ask("columns")

    def recall(self) -> tuple[Column, ...] | None:
        """Return the cached columns and dimensions; `None` where no columns are cached."""
        if (columns := self._recall("columns", DAY)) is None:
            return None
        return (*columns, *(self._recall("dimensions", DAY) or ()))

    def _ask(self, name: str) -> tuple[Column, ...]:
        columns = LISTS[name](self.connection.client.call, self.kind)
        if self.connection.cache:
            text = msgspec.json.encode(columns).decode()
            self.connection.cache.set(self.connection.name_of(name, self.kind), text)
        return columns

    def _recall(self, name: str, most_age: float) -> tuple[Column, ...] | None:
        cache = self.connection.cache
        text = cache.get(self.connection.name_of(name, self.kind), most_age) if cache else None
        with suppress(msgspec.DecodeError):  # what is damaged is asked again
            return msgspec.json.decode(text, type=tuple[Column, ...]) if text else None
        return None


def _dry(report: ReportType, make: Make[Made], options: ExportOptions, reporter: Reporter) -> Made:
    """Do with the columns that are remembered: a dry run asks nothing."""
    known = None if options.sandbox else _remembered(report, options, reporter)
    report = report if known is None else with_more(report, known)
    return _trusting(
        report, make, "A dry run does not ask for the account's own columns", reporter.info
    )


def _remembered(
    report: ReportType, options: ExportOptions, reporter: Reporter
) -> tuple[Column, ...] | None:
    with (
        suppress(UsageProblem),
        connect(options, reporter) as connection,
    ):  # there may be no key yet
        return Columns(connection, report.kind).recall()
    return None


def _trusting(report: ReportType, make: Make[Made], why: str, note: Callable[[str], None]) -> Made:
    """Make something of a report, taking each `cc_N` for a column of the account."""
    while True:
        try:
            return make(report)
        except UnknownField as unknown:
            if not NAME_OF_CUSTOM.fullmatch(unknown.field):
                unknown.hint = f"{unknown.hint} {why}."
                raise
            name = unknown.field
        note(f"{why}: {name} is taken for one.")
        report = with_guess(report, name)
