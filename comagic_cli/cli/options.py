"""The options of an export, in bundles, grouped by meaning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from comagic_cli.cli import completion as offers
from comagic_cli.cli.console import FORMATS, OPTION, VARIABLE, VOICE
from comagic_cli.cli.params import (
    Account,
    Asked,
    Back,
    Command,
    Decorator,
    Delimiter,
    Host,
    Seconds,
    ServiceUrl,
    Shown,
    Text,
    Users,
    Whole,
    Written,
    bundle,
    one_by_one,
)
from comagic_cli.cli.profile_option import heed_profile, profile_option

if TYPE_CHECKING:
    from comagic_cli.api.endpoints import Customer
    from comagic_cli.config.profiles import Profile


WRITTEN_FORMATS = tuple(offers.FORMATS)

how_it_is_written = bundle(
    click.option(
        "-f",
        "--format",
        cls=Written,
        metavar="FORMAT",
        type=click.Choice(WRITTEN_FORMATS),
        envvar="COMAGIC_FORMAT",
        shell_complete=offers.formats,
        help=f"{', '.join(WRITTEN_FORMATS)}.",
    ),
    click.option(
        "-o",
        "--output",
        cls=Written,
        metavar="FILE",
        type=click.Path(),
        help="A file (- is stdout); {date} or {month}: one each.",
    ),
    click.option(
        "--record", cls=Written, is_flag=True, help="In a table: one block a record, whole."
    ),
    click.option(
        "--table",
        cls=Written,
        metavar="NAME",
        type=Text(),
        help="The table of sqlite; left out: the report's name.",
    ),
    click.option(
        "--max-rows", cls=Written, metavar="N", type=Whole(), help="Write no more rows than this."
    ),
    click.option(
        "--refresh",
        cls=Written,
        metavar="D",
        type=Back(),
        help="Write the last 3d, 2w or 1mo again, or all files.",
    ),
    click.option(
        "--count", cls=Written, is_flag=True, help="Print how many rows there are, and no row."
    ),
    click.option(
        "--dry-run", cls=Written, is_flag=True, help="Print what would be asked; send nothing."
    ),
    click.option(
        "--resume",
        cls=Written,
        is_flag=True,
        help="Go on with the file of a run that was stopped, if one is left.",
    ),
    click.option(
        "--manifest",
        cls=Written,
        metavar="FILE",
        type=click.Path(),
        help="Write what was asked and what came; see verify.",
    ),
    click.option(
        "--keep-incomplete",
        cls=Written,
        is_flag=True,
        help="Where rows are missing, still name the file so.",
    ),
    click.option("-q", "--quiet", cls=Written, is_flag=True, help="Tell nothing but errors."),
    click.option("-v", "--verbose", cls=Written, is_flag=True, help="Tell about every call."),
)


how_a_list_is_written = bundle(
    click.option(
        "-f",
        "--format",
        cls=Written,
        metavar="FORMAT",
        type=click.Choice(WRITTEN_FORMATS),
        envvar="COMAGIC_FORMAT",
        shell_complete=offers.formats,
        help=f"{', '.join(name for name in WRITTEN_FORMATS if name != 'sqlite')}.",
    ),
    click.option(
        "-o",
        "--output",
        cls=Written,
        metavar="FILE",
        type=click.Path(),
        help="A file (- is stdout), whose name tells the format.",
    ),
    click.option("-q", "--quiet", cls=Written, is_flag=True, help="Tell nothing but errors."),
    click.option("-v", "--verbose", cls=Written, is_flag=True, help="Tell about every call."),
)


how_values_look = bundle(
    click.option(
        "--enum",
        cls=Shown,
        metavar="WHICH",
        type=click.Choice(("value", "id", "both")),
        default="value",
        envvar="COMAGIC_ENUM",
        help="Of {value, value_id}: value, id or both.",
    ),
    click.option(
        "--list-separator",
        cls=Shown,
        metavar="TEXT",
        type=Text(),
        default="; ",
        envvar="COMAGIC_LIST_SEPARATOR",
        help="What joins lists in a cell ('; ' unless told).",
    ),
    click.option(
        "--header",
        cls=Shown,
        metavar="WHICH",
        type=click.Choice(("id", "title", "none")),
        default="id",
        envvar="COMAGIC_HEADER",
        help="Name columns by id, by title (the account's), none.",
    ),
    click.option(
        "--delimiter",
        cls=Shown,
        metavar="CHAR",
        type=Delimiter(),
        envvar="COMAGIC_DELIMITER",
        help="Between cells of csv: a character, or tab.",
    ),
    click.option(
        "--newlines",
        cls=Shown,
        metavar="HOW",
        type=click.Choice(("keep", "space", "escape")),
        default="keep",
        envvar="COMAGIC_NEWLINES",
        help="Line breaks in texts: keep, space or escape (\\n).",
    ),
    click.option(
        "--decimal",
        cls=Shown,
        metavar="CHAR",
        type=click.Choice((".", ",")),
        default=".",
        envvar="COMAGIC_DECIMAL",
        help="The point of numbers: . or ,",
    ),
    click.option(
        "--excel",
        cls=Shown,
        is_flag=True,
        envvar="COMAGIC_EXCEL",
        help="CSV for Excel: ;, a BOM, CR LF, no formulas.",
    ),
    click.option(
        "--flatten",
        cls=Shown,
        is_flag=True,
        envvar="COMAGIC_FLATTEN",
        help="In JSON, name.member instead of nested objects.",
    ),
    click.option(
        "--times",
        cls=Shown,
        metavar="HOW",
        type=click.Choice(("keep", "iso")),
        default="keep",
        envvar="COMAGIC_TIMES",
        help="Dates with times: keep, or iso (with the offset).",
    ),
    click.option(
        "--record-urls",
        cls=Shown,
        is_flag=True,
        help="Add a column of the recordings' addresses.",
    ),
    click.option(
        "--record-host",
        cls=Shown,
        metavar="HOST",
        type=Host(),
        envvar="COMAGIC_RECORD_HOST",
        help="The web account's host, where it is not known.",
    ),
)


what_is_asked = bundle(
    click.option(
        "--report-id",
        cls=Asked,
        metavar="ID",
        envvar="COMAGIC_REPORT_ID",
        help="The report, by number or name; left out: the only one.",
    ),
    click.option(
        "--from",
        "from_",
        cls=Asked,
        metavar="WHEN",
        shell_complete=offers.moments,
        help="First day or second: 2026-10-05, yesterday, -7d.",
    ),
    click.option(
        "--till",
        cls=Asked,
        metavar="WHEN",
        shell_complete=offers.moments,
        help="Last day or second, included; left out: now.",
    ),
    click.option(
        "--period",
        cls=Asked,
        metavar="P",
        shell_complete=offers.periods,
        help="Instead of both: yesterday, last-week, 2026-10, 7d.",
    ),
    click.option(
        "--fields",
        cls=Asked,
        metavar="LIST",
        multiple=True,
        envvar="COMAGIC_FIELDS",
        shell_complete=offers.fields,
        help="Columns in this order: a,b,@group; @default, @all.",
    ),
    click.option(
        "--where",
        cls=Asked,
        metavar="EXPR",
        multiple=True,
        shell_complete=offers.conditions,
        help="Rows wanted: 'FIELD > 60'; see comagic help filters.",
    ),
    click.option(
        "--filter-json",
        cls=Asked,
        metavar="FILE",
        type=click.Path(),
        help="A filter as the API takes it (- is stdin).",
    ),
    click.option(
        "--as-saved",
        cls=Asked,
        is_flag=True,
        help="Columns, filters and sort of the web account.",
    ),
    click.option(
        "--sort",
        cls=Asked,
        metavar="FIELD[:desc]",
        multiple=True,
        shell_complete=offers.sorts,
        help="Order of the rows; repeatable; left out: by time.",
    ),
    click.option(
        "--page-size",
        cls=Asked,
        metavar="N",
        type=Whole(10_000),
        default=10_000,
        help="Rows a call, 1 to 10000 (10000 unless told).",
    ),
)


class OneUser(Account):
    """A single client's user; several in the environment are for exports, and say nothing here."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return what the environment says."""
        value = super().resolve_envvar_value(ctx)
        words = (value or "").replace(",", " ").split()
        return None if len(words) > 1 or words == ["all"] else value


WHERE: tuple[Decorator[Any], ...] = (
    click.option(
        "--sandbox",
        cls=Account,
        is_flag=True,
        is_eager=True,
        callback=heed_profile,
        help="A private sandbox, to try things out.",
    ),
    profile_option,
    click.option(
        "--base-url",
        cls=Account,
        metavar="URL",
        type=ServiceUrl(),
        default="comagic",
        envvar="COMAGIC_BASE_URL",
        shell_complete=offers.services,
        help="The service: comagic, uis, callgear … or a URL.",
    ),
    click.option(
        "--token-file",
        cls=Account,
        metavar="FILE",
        type=click.Path(),
        help="A file with the key, instead of COMAGIC_TOKEN.",
    ),
)
USER: Decorator[Any] = click.option(
    "--user-id",
    cls=OneUser,
    metavar="N",
    type=Whole(),
    envvar="COMAGIC_USER_ID",
    help="For agents: the client's user.",
)
USERS: Decorator[Any] = click.option(
    "--user-id",
    "users",
    cls=Account,
    metavar="N",
    type=Users(),
    multiple=True,
    envvar="COMAGIC_USER_ID",
    callback=one_by_one,
    help="For agents: a client's user; repeatable; or all.",
)
HOW: tuple[Decorator[Any], ...] = (
    click.option(
        "--tz",
        cls=Account,
        metavar="ZONE",
        envvar="COMAGIC_TZ",
        help="The time zone; left out: as the service says.",
    ),
    click.option(
        "--timeout",
        cls=Account,
        metavar="S",
        type=Seconds(0.1),
        default=120,
        envvar="COMAGIC_TIMEOUT",
        help="Longest wait for one answer (120 unless told).",
    ),
    click.option(
        "--max-wait",
        cls=Account,
        metavar="D",
        type=Seconds(),
        default=3600,
        envvar="COMAGIC_MAX_WAIT",
        help="Longest wait for a new try (1h unless told).",
    ),
)

whose_account = bundle(*WHERE, USER, *HOW)
whose_accounts = bundle(*WHERE, USERS, *HOW)  # of several clients, one after another


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ServiceOptions:
    """What can be typed after any command that asks the service, as it was typed."""

    profile: Profile
    base_url: str
    token_file: str | None
    user_id: int | None
    tz: str | None
    timeout: float
    max_wait: float
    sandbox: bool
    quiet: bool
    verbose: bool


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ListOptions(ServiceOptions):
    """What can be typed after any command that writes rows, as it was typed.

    `typed` names the options that are not the environment's or usual.
    """

    format: str | None
    output: str | None
    typed: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ExportOptions(ListOptions):
    """All that can be typed after an export command, as it was typed."""

    report_id: str | None
    from_: str | None
    till: str | None
    period: str | None
    fields: tuple[str, ...]
    where: tuple[str, ...]
    filter_json: str | None
    as_saved: bool
    sort: tuple[str, ...]
    table: str | None
    record: bool
    max_rows: int | None
    page_size: int
    refresh: str | None
    count: bool
    dry_run: bool
    resume: bool
    manifest: str | None
    keep_incomplete: bool
    enum: Literal["value", "id", "both"]
    list_separator: str
    header: Literal["id", "title", "none"]
    delimiter: str | None
    newlines: Literal["keep", "space", "escape"]
    decimal: Literal[".", ","]
    excel: bool
    times: Literal["keep", "iso"]
    record_urls: bool
    record_host: str | None
    flatten: bool
    realtime: bool = False
    entity_id: tuple[str, ...] = ()
    users: tuple[int | str, ...] = ()  # of several clients; `user_id` is then the first's
    clients: tuple[Customer, ...] = ()  # those users, once the service was asked for them


def export_options(command: Command) -> Command:
    """Give a command all the options of an export, as one `ExportOptions` value."""
    for give in (whose_accounts, how_values_look, how_it_is_written, what_is_asked):
        command = give(command)  # the last one's options come first
    return command


def list_options(command: Command) -> Command:
    """Give a command the options of a list, as far as they make a `ListOptions` value."""
    command = click.help_option("-h", "--help", help="Show this help.")(command)
    return how_a_list_is_written(whose_account(command))  # type: ignore[no-any-return]  # decorators keep the type


def typed_options() -> frozenset[str]:
    """Name the options that were typed, not taken from elsewhere."""
    context = click.get_current_context()
    return frozenset(
        name
        for name in context.params
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )


OPTIONS: dict[str, Decorator[Any]] = {
    "is_realtime": click.option(
        "--realtime",
        cls=Asked,
        is_flag=True,
        help="Visits in real time (is_realtime); left out: not.",
    ),
    "entity_ids": click.option(
        "--entity-id",
        cls=Asked,
        metavar="N|FILE|-",
        multiple=True,
        required=True,
        help="What is asked for: ids, or a file of them (- is stdin).",
    ),
}
"""The options by the parameters that they give; `report_type` is never typed."""


def own_options(params: Iterable[str]) -> Decorator[Any]:
    """Return what gives a command the options of a report's own parameters."""
    return bundle(*(OPTIONS[name] for name in params if name in OPTIONS))


def logged(command: click.Command) -> click.Command:
    """Give a command --log-format, once; those below a group get it too.

    What speaks has looked for it already, before the command line was read: see `log_format`.
    """
    if all(OPTION not in param.opts for param in command.params):
        command.params.append(log_option())
    if isinstance(command, click.Group):
        for below in command.commands.values():
            logged(below)
    return command


def log_option() -> click.Option:
    """Make the option."""
    return Written(
        [OPTION],
        type=click.Choice(FORMATS),
        metavar="F",
        envvar=VARIABLE,
        expose_value=False,
        callback=_heed,
        help="Lines on stderr: text, or json for machines.",
    )


def _heed(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Speak as a profile says, from now on: it was not known before."""
    if context.get_parameter_source(option.name or "") is ParameterSource.DEFAULT_MAP:
        VOICE.machine = value == "json"
    return value
