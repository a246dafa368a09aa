"""The options of an export, in bundles, grouped by meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click
from click.core import ParameterSource

from comagic_cli.commands.options.account import whose_account, whose_accounts
from comagic_cli.commands.options.asked import what_is_asked
from comagic_cli.commands.options.lists import how_a_list_is_written
from comagic_cli.commands.options.looks import how_values_look
from comagic_cli.commands.options.written import how_it_is_written
from comagic_cli.commands.sections import Command

if TYPE_CHECKING:
    from comagic_cli.config.profiles import Profile
    from comagic_cli.fetch.customers import Customer


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
    for bundle in (whose_accounts, how_values_look, how_it_is_written, what_is_asked):
        command = bundle(command)  # the last one's options come first
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
