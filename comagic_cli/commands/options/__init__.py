"""The options of an export, in bundles, grouped by meaning."""

from __future__ import annotations

from dataclasses import dataclass

from comagic_cli.commands.options.account import whose_account
from comagic_cli.commands.options.asked import what_is_asked
from comagic_cli.commands.options.sections import Command
from comagic_cli.commands.options.written import how_it_is_written


@dataclass(frozen=True)
class ServiceOptions:
    """What can be typed after any command that asks the service, as it was typed."""

    base_url: str
    token_file: str | None
    user_id: int | None
    tz: str | None
    timeout: float
    max_wait: float
    sandbox: bool
    quiet: bool
    verbose: bool


@dataclass(frozen=True)
class ExportOptions(ServiceOptions):
    """All that can be typed after an export command, as it was typed."""

    report_id: str | None
    from_: str | None
    till: str | None
    period: str | None
    fields: tuple[str, ...]
    sort: tuple[str, ...]
    format: str | None
    output: str | None
    max_rows: int | None
    page_size: int
    refresh: str | None
    dry_run: bool
    resume: bool
    manifest: str | None
    keep_incomplete: bool
    format_is_usual: bool = False  # not typed: the environment's


def export_options(command: Command) -> Command:
    """Give a command all the options of an export, as one `ExportOptions` value."""
    return what_is_asked(how_it_is_written(whose_account(command)))  # type: ignore[no-any-return]  # decorators keep the type
