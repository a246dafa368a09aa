"""`comagic doctor`: check the setup, one line per check, with as few API calls as possible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import click

from comagic_cli.api.dialect import make_asker
from comagic_cli.api.endpoints import (
    Customer,
    ask_account,
    ask_customers,
    ask_reports,
    zone_of,
)
from comagic_cli.api.http import service_url
from comagic_cli.cli.options import (
    VERBOSE,
    credential_source,
    customers_options,
    help_option,
    make_context,
    split_users,
)
from comagic_cli.cli.params import TEXT_OR_JSON, ExportCommand, echo_json, is_json_typed
from comagic_cli.config.services import service_name
from comagic_cli.errors import ComagicError, NetworkFailure, NotAllowed, OutOfPoints
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.options import ServiceOptions
from comagic_cli.paging.window import Window
from comagic_cli.query.catalog import ReportType, older_reports, reports
from comagic_cli.query.older import COMPONENT, NO_COMPONENT
from comagic_cli.query.period import Period
from comagic_cli.query.query import IDS, Query

PASSED, FAILED, SKIPPED = "ok", "FAIL", "--"
MARK_WIDTH, NAME_WIDTH, OLDER_WIDTH = 4, 14, 26
DAY = timedelta(days=1)
SHORT_WAIT = 6.0  # seconds: enough for retries, not for points
MINUTE_WAIT = 65.0  # seconds: enough for the points of a minute, which several customers need
MAX_NAMED = 3  # reports of a type that a line names
TOKEN_ERRORS = frozenset(
    {
        *("access_token_expired", "access_token_invalid", "access_token_blocked"),
        *("auth_error", "account_inactive"),
    }
)
FATAL = (NetworkFailure, OutOfPoints)  # no other check can pass then
STEPS = ("connection", "address", "token")  # to an answer about the account


@dataclass(frozen=True)
class Check:
    """The result of a check: its exit code is `code`, its customer one of several."""

    name: str
    text: str
    mark: str = PASSED
    code: int = 0
    customer: Customer | None = None
    is_older: bool = False  # of an older report, whose names are longer

    @property
    def members(self) -> dict[str, object]:
        """Return it as JSON has it."""
        status = {PASSED: "ok", FAILED: "failed", SKIPPED: "skipped"}[self.mark]
        members: dict[str, object] = {
            "name": self.name,
            "status": status,
            "text": self.text,
            "exit_code": int(self.code),
        }
        if self.customer is None:
            return members
        return members | {"user_id": self.customer.user_id, "customer_name": self.customer.label}

    def __str__(self) -> str:
        width = OLDER_WIDTH if self.is_older else NAME_WIDTH
        return f"{self.mark:{MARK_WIDTH}}  {self.name:{width}}  {self.text}".rstrip()


class DoctorCommand(ExportCommand):
    """A command that reports an unreadable configuration as a failed check."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the command line."""
        is_json = is_json_typed(args)  # parsing empties them
        try:
            return super().make_context(info_name, args, parent, **extra)
        except ComagicError as error:
            check = failed("configuration", error)
            print_checks([check], "json" if is_json else "text")
            raise click.exceptions.Exit(error.exit_code) from None


@click.command(cls=DoctorCommand)
@TEXT_OR_JSON
@customers_options
@VERBOSE
@help_option
def doctor(format_: str, **values: Any) -> None:
    """Check the setup: token, address, rights, reports, points.

    One line for each check: ok, or FAIL and what to do; -- marks what the account lacks. It makes
    a call for the account, one for its list of reports, and one for each report. For several
    customers it waits for the points of the next minute. The exit code is that of the first failed
    check.

    \b
    Examples:
      comagic doctor
      comagic doctor --profile work
      comagic doctor --sandbox
      comagic doctor --sandbox -f json
    """  # noqa: D301 - \b is Click's
    values = split_users(values)
    users = values.pop("users")
    options = ServiceOptions(**values, quiet=False)
    max_wait = MINUTE_WAIT if users else SHORT_WAIT
    checks = run_checks(replace(options, max_wait=max_wait), users)
    code = print_checks(checks, format_)
    reporter = make_context(options).reporter
    reporter.record("a check failed" if code else "all checks passed", rows=None)
    click.get_current_context().exit(code)


def print_checks(checks: Iterable[Check], format_: str) -> int:
    """Print the checks, in JSON as one document; return the code of the first that failed."""
    done = list[Check]()
    for check in checks:
        done.append(check)
        if format_ == "text":
            click.echo(str(check).encode())
    failures = [check.code for check in done if check.code]
    code = failures[0] if failures else 0
    if format_ == "json":
        echo_json({"exit_code": code, "checks": [check.members for check in done]})
    return code


def run_checks(options: ServiceOptions, users: Sequence[int | str] = ()) -> Iterator[Check]:
    """Yield the checks, of each customer of several; skip those that depend on a failed one."""
    yield Check("configuration", _describe_configuration(options))
    name = "service"
    try:
        if not options.sandbox:
            yield Check(name, service_name(service_url(options.base_url)))
        name = "token"
        with connect(options, make_context(options), is_agent=bool(users)) as connection:
            yield Check(name, _describe_credentials(options, connection))
            if users:
                name = "customers"
                yield from _check_customers(connection, users)
            else:
                yield from _check_account(connection)
    except ComagicError as error:
        yield failed(_step_of(error) or name, error)


def failed(name: str, error: ComagicError) -> Check:
    """Return a failed check: what is wrong, and what to do."""
    hint = error.hint.partition("; --max-wait")[0]  # doctor does not wait
    return Check(name, f"{error.message.rstrip('.')}. {hint}".rstrip(), FAILED, error.exit_code)


def _describe_configuration(options: ServiceOptions) -> str:
    if options.sandbox:
        return "a private sandbox"
    profile = options.profile
    if profile.name:
        return f"profile {profile.name} of {profile.file}"
    return f"no profile in use; profiles are saved in {profile.file}"


def _describe_credentials(options: ServiceOptions, connection: Connection) -> str:
    if options.sandbox:
        return "that of the sandbox"
    account = connection.account
    source = "the profile" if account.profile else credential_source(options)
    return f"{'a login' if account.login else 'a token'}, from {source}"


def _check_account(connection: Connection) -> Iterator[Check]:
    """Check the steps to the account, its name and time zone, and then its reports."""
    start = monotonic()
    try:
        account = ask_account(connection.call)
    except ComagicError as error:
        step = _step_of(error)
        passed = {"connection": 0, "": len(STEPS)}.get(step, 1)
        yield from _passed_steps("the service answers")[:passed]
        yield failed(step or "account", error)
        if not step and not isinstance(error, FATAL):
            yield from _check_reports(connection)
        return
    yield from _passed_steps(f"answered in {monotonic() - start:.2f} s")
    yield Check("account", str(account.get("name") or "it has no name"))
    yield _check_zone(account, connection)
    yield from _check_reports(connection)


def _check_customers(connection: Connection, users: Sequence[int | str]) -> Iterator[Check]:
    """Check the account of each customer."""
    customers = ask_customers(connection.call, users)
    yield Check("customers", f"{len(customers)}")
    for customer in customers:
        yield Check("customer", f"{customer.label}: {customer}", customer=customer)
        for check in _check_account(connection.for_user(customer.user_id)):
            yield replace(check, customer=customer)


def _passed_steps(answer: str) -> list[Check]:
    allowed = "allowed (the service tells the address only when it refuses)"
    return [Check(*step) for step in zip(STEPS, (answer, allowed, "accepted"), strict=True)]


def _step_of(error: ComagicError) -> str:
    """Return the step that failed; "" if the error is about something else."""
    if error.mnemonic == "ip_not_whitelisted":
        return "address"
    if error.mnemonic in TOKEN_ERRORS:
        return "token"
    if isinstance(error, NetworkFailure):
        return "connection"
    return "points" if isinstance(error, OutOfPoints) else ""


def _check_zone(account: Mapping[str, Any], connection: Connection) -> Check:
    name = "time zone"
    try:
        zone = zone_of(account).key
    except ComagicError as error:
        return failed(name, error)
    chosen, saved = connection.account.zone, connection.account.saved_zone
    if chosen and chosen != zone:
        return Check(name, f"{zone}, but --tz or the profile sets {chosen}")
    if saved and saved != zone:
        remedy = f"type comagic login {connection.account.profile}"
        return Check(name, f"{zone}, but {saved} was saved: {remedy}", FAILED, 2)
    return Check(name, zone + ", as saved" * bool(saved))


def _check_reports(connection: Connection) -> Iterator[Check]:
    """Check the rights and each report of both families, then the points left."""
    limits: dict[str, int] = {}
    heard = connection.client.on_response

    def note_limits(params: Mapping[str, Any], answer: Any) -> None:
        heard(params, answer)
        limits.update(answer.limits)

    connection.client.on_response = note_limits
    has_flat = True
    try:
        rows = ask_reports(connection.call)
    except ComagicError as error:
        has_flat = error.mnemonic != NO_COMPONENT
        if has_flat:
            yield failed(_step_of(error) or "rights", error)
            return
        yield Check("rights", f"no flat reports: the component “{COMPONENT}” is off", SKIPPED)
    else:
        connection.save_names("reports", ((row["id"], row.get("name")) for row in rows))
        yield Check("rights", f"{len(rows)} reports are listed")
    for report in reports():
        if report.is_flat:
            check = _check_flat(connection, report, rows) if has_flat else _without_flat(report)
        else:
            check = _check_older(connection, report)
        yield check
        if check.code in {kind.exit_code for kind in FATAL}:
            return
    yield _check_points(limits)


def _without_flat(report: ReportType) -> Check:
    older = older_reports().get(report.command)
    instead = f": use comagic {older.command}" if older else ""
    return Check(report.command, f"needs the component{instead}", SKIPPED)


def _check_older(connection: Connection, report: ReportType) -> Check:
    """Check that a row of an older report can be read, if it needs no more than a period."""
    needed = [name for name, param in report.params.items() if param.required]
    if needed:
        text = f"not tried: it needs {', '.join(needed)}"
        return Check(report.command, text, SKIPPED, is_older=True)
    try:
        _read_row(connection, report, None)
    except ComagicError as error:
        return replace(failed(report.command, error), is_older=True)
    return Check(report.command, "an older report", is_older=True)


def _check_flat(connection: Connection, report: ReportType, rows: list[dict[str, Any]]) -> Check:
    """Check that one row of the report can be read.

    A report by ids passes if only the made-up id is refused.
    """
    mine = [row for row in rows if row.get("type") == report.kind]
    if not mine:
        text = f"the account has no report of the type {report.kind}"
        return Check(report.command, text, SKIPPED)
    try:
        _read_row(connection, report, mine[0]["id"])
    except ComagicError as error:
        is_missing = error.mnemonic == "method_not_found"
        if is_missing or isinstance(error, (NotAllowed, *FATAL)) or IDS[0] not in report.params:
            return failed(report.command, error)
    names = ", ".join(f"{row['id']} {row.get('name') or ''}".strip() for row in mine[:MAX_NAMED])
    more = f" and {len(mine) - MAX_NAMED} more" if len(mine) > MAX_NAMED else ""
    return Check(report.command, names + more)


def _read_row(connection: Connection, report: ReportType, report_id: int | str | None) -> None:
    end = datetime.now().replace(microsecond=0) - DAY  # noqa: DTZ005 - any day in the past will do
    extra = {"is_realtime": False, IDS[0]: [1]}
    query = Query(
        report,
        report_id,
        Period(end - DAY, end),
        (report.key[0].split(".")[0],) if report.key else report.default_fields()[:1],
        report_type=report.type,
        extra={name: value for name, value in extra.items() if name in report.params},
    )
    make_asker(connection, query)(Window(query.period.start, query.period.end), 0, 1)


def _check_points(limits: Mapping[str, int]) -> Check:
    points = [
        f"{limits[f'{unit}_remaining']} of {limits.get(f'{unit}_limit', '?')} left this {unit}"
        for unit in ("day", "hour", "minute")
        if f"{unit}_remaining" in limits
    ]
    return Check("points", ", ".join(points) or "the service does not report them")
