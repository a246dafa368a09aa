"""The options of a command, as plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import join
from typing import Literal

from comagic_cli.api.endpoints import Customer
from comagic_cli.config.profiles import Profile


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ServiceOptions:
    """The options of every command that calls the service."""

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
    """The options of every command that writes rows.

    `typed` names the options of the command line, without those of the environment or a profile;
    `command_line` are the words that were typed.
    """

    format: str | None
    output: str | None
    typed: frozenset[str] = frozenset()
    command_line: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ExportOptions(ListOptions):
    """The options of an export."""

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
    vertical: bool
    max_rows: int | None
    page_size: int
    refresh: str | None
    count: bool
    dry_run: bool
    resume: bool
    manifest: str | None
    keep_incomplete: bool
    coded_values: Literal["value", "id", "both"]
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
    ids: tuple[str, ...] = ()
    users: tuple[int | str, ...] = ()  # of several customers; `user_id` is then the first's
    clients: tuple[Customer, ...] = ()  # those users, once the service has named them


def repeat_command(options: ListOptions, option: str) -> str:
    """Return the command line with one more option, quoted for a shell."""
    words = options.command_line
    return join(["comagic", *words, *([] if option in words else [option])])
