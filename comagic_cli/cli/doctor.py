"""`comagic doctor`: checks of the setup, one line each, with as few calls as possible."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import click

from comagic_cli.api.endpoints import ask_account, ask_reports, zone_of
from comagic_cli.api.errors import TOKEN_ENDED
from comagic_cli.api.http import service_url
from comagic_cli.cli.options import connection_options, world
from comagic_cli.cli.params import ExportCommand, OutputOption
from comagic_cli.config.credentials import VARIABLES
from comagic_cli.config.services import service_name
from comagic_cli.errors import ComagicError, NetworkFailure, NotAllowed, OutOfPoints
from comagic_cli.export.connection import Connection, connect, make_asker
from comagic_cli.export.options import ServiceOptions
from comagic_cli.paging.window import Window
from comagic_cli.query.catalog import ReportType, reports
from comagic_cli.query.period import Period
from comagic_cli.query.query import IDS, Query
from comagic_cli.rows.answer import Answer

GOOD, BAD, NONE = "ok", "no", "--"
WIDTH = 14  # of the longest name
DAY = timedelta(days=1)
NAMED = 3  # reports of a type that are named
OF_KEY = TOKEN_ENDED | {"access_token_blocked", "auth_error", "account_inactive"}
FATAL = (NetworkFailure, OutOfPoints)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `code` is the exit code that it stands for."""

    what: str
    text: str
    mark: str = GOOD
    code: int = 0

    def __str__(self) -> str:
        return f"{self.mark}  {self.what.ljust(WIDTH)}  {self.text}".rstrip()


class Doctor(ExportCommand):
    """A command that reports a configuration that can't be read as it does other failures."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **more: Any,
    ) -> click.Context:
        """Read the command line."""
        try:
            return super().make_context(info_name, args, parent, **more)
        except ComagicError as error:
            click.echo(str(bad("configuration", error)).encode())
            raise click.exceptions.Exit(error.exit_code) from None


@click.command(cls=Doctor)
@connection_options
@click.option("-v", "--verbose", cls=OutputOption, is_flag=True, help="Tell about every call.")
@click.help_option("-h", "--help", help="Show this help.")
def doctor(**typed: Any) -> None:
    """Check the setup: token, address, rights, reports, points.

    One line for each check: ok, or what to do. It makes one call for the account, one for its list
    of reports, and one for each report. The exit code is that of the first check that failed.

    \b
    Examples:
      comagic doctor
      comagic doctor --profile work
      comagic doctor --sandbox
    """  # noqa: D301 - \b is Click's
    click.get_current_context().exit(examine(ServiceOptions(**typed, quiet=False)))


def examine(options: ServiceOptions) -> int:
    """Print what is found, and return the exit code of the first thing that is not well."""
    code = 0
    for finding in findings(replace(options, max_wait=0)):
        click.echo(str(finding).encode())
        code = code or finding.code
    return code


def findings(options: ServiceOptions) -> Iterator[Finding]:
    """Look at one thing after another; what needs one that is not well is left out."""
    yield Finding("configuration", _configuration(options))
    what = "service"
    try:
        if not options.sandbox:
            yield Finding(what, service_name(service_url(options.base_url)))
        what = "token"
        with connect(options, world(options)) as connection:
            yield Finding("token", _entrance(options, connection))
            yield from _of_account(connection)
    except ComagicError as error:
        yield bad(_step(error) or what, error)


def bad(what: str, error: ComagicError) -> Finding:
    """Say of a failure what it is, and what to do about it."""
    hint = error.hint.partition("; --max-wait")[0]  # which is not the user's here
    text = f"{error.message.rstrip('.')}. {hint}".rstrip()
    return Finding(what, text, BAD, error.exit_code)


def _configuration(options: ServiceOptions) -> str:
    if options.sandbox:
        return "a private sandbox"
    profile = options.profile
    if profile.name:
        return f"profile {profile.name} of {profile.file}"
    return f"no profile is used; they stand in {profile.file}"


def _entrance(options: ServiceOptions, connection: Connection) -> str:
    if options.sandbox:
        return "the sandbox's own"
    if options.token_file:
        return "a token, from --token-file"
    kind = "a login" if connection.account.login else "a token"
    if connection.account.profile:
        return f"{kind}, from the profile"
    return f"{kind}, from {next(name for name in VARIABLES if os.environ.get(name, '').strip())}"


def _of_account(connection: Connection) -> Iterator[Finding]:
    """Ask for the account; where it answers, look at what it says."""
    started, answers = monotonic(), list[Answer]()

    def call(method: str, params: Mapping[str, Any]) -> Answer:
        answers.append(connection.client.call(method, params))
        return answers[-1]

    try:
        account = ask_account(call)
    except ComagicError as error:
        step = _step(error)
        yield from _passed()[: {"": 3, "connection": 0}.get(step, 1)]
        yield bad(step or "account", error)
        if step or isinstance(error, FATAL):
            return
        yield from _of_reports(connection, None)
        return
    yield from _passed(f"answered in {monotonic() - started:.2f} s")
    yield Finding("account", str(account.get("name") or "it has no name"))
    yield _time_zone(account, connection)
    yield from _of_reports(connection, answers[-1])


def _passed(answered: str = "the service answers") -> list[Finding]:
    """Say what is known to be well where the service refuses nothing, or something else."""
    allowed = "allowed (the service tells the address only when it refuses)"
    told = {"connection": answered, "address": allowed, "token": "accepted"}
    return [Finding(what, text) for what, text in told.items()]


def _step(error: ComagicError) -> str:
    """Name what a failure is about; "" for what is none of these."""
    if error.mnemonic == "ip_not_whitelisted":
        return "address"
    if error.mnemonic in OF_KEY:
        return "token"
    if isinstance(error, NetworkFailure):
        return "connection"
    return "points" if isinstance(error, OutOfPoints) else ""


def _time_zone(account: Mapping[str, Any], connection: Connection) -> Finding:
    try:
        zone = zone_of(account).key
    except ComagicError as error:
        return bad("time zone", error)
    chosen, saved = connection.account.zone, connection.account.saved_zone
    if chosen and chosen != zone:
        return Finding("time zone", f"{zone}, but --tz or the profile says {chosen}")
    if saved and saved != zone:
        remedy = f"type comagic login {connection.account.profile}"
        return Finding("time zone", f"{zone}, but {saved} was saved: {remedy}", BAD, 2)
    return Finding("time zone", zone + ", as saved" * bool(saved))


def _of_reports(connection: Connection, account: Answer | None) -> Iterator[Finding]:
    """Look at the points, the rights, and each report, with a call for each that there is."""
    last = account
    try:
        listed = ask_reports(connection.client.call)
    except ComagicError as error:
        yield bad(_step(error) or "rights", error)
        return
    yield Finding("rights", f"{len(listed)} reports are listed")
    for report in reports():
        finding, answer = _access(connection, report, listed)
        last = answer or last
        yield finding
        if finding.code in {kind.exit_code for kind in FATAL}:
            return
    yield _points(last)


def _access(
    connection: Connection, report: ReportType, listed: list[dict[str, Any]]
) -> tuple[Finding, Answer | None]:
    """Ask a report for one row of a day; what is refused but for rights shows that it is there."""
    found = [row for row in listed if row.get("type") == report.kind]
    if not found:
        told = f"the account has no report of the type {report.kind}"
        return Finding(report.command, told, NONE), None
    answer = None
    try:
        answer = _ask(connection, report, found[0]["id"])
    except ComagicError as error:
        is_refused = isinstance(error, (NotAllowed, *FATAL)) or error.mnemonic == "method_not_found"
        if is_refused or IDS not in report.params:
            return bad(report.command, error), None
    names = ", ".join(f"{row['id']} {row.get('name') or ''}".strip() for row in found[:NAMED])
    more = f" and {len(found) - NAMED} more" * (len(found) > NAMED)
    return Finding(report.command, names + more), answer


def _ask(connection: Connection, report: ReportType, report_id: int | str) -> Answer:
    end = datetime.now().replace(microsecond=0) - DAY  # noqa: DTZ005 - any day in the past will do
    extra = {"is_realtime": False, IDS: [1]}
    query = Query(
        report,
        report_id,
        Period(end - DAY, end),
        (report.key[0].split(".")[0],),
        report_type=report.type,
        extra={name: value for name, value in extra.items() if name in report.params},
    )
    return make_asker(connection.client, query)(Window(query.period.start, query.period.end), 0, 1)


def _points(answer: Answer | None) -> Finding:
    limits = answer.limits if answer else {}
    left = [
        f"{limits[f'{span}_remaining']} of {limits.get(f'{span}_limit', '?')} left this {span}"
        for span in ("day", "hour", "minute")
        if f"{span}_remaining" in limits
    ]
    return Finding("points", ", ".join(left) or "the service does not tell")
