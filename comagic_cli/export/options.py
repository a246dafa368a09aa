"""The options of a command, as plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import join
from typing import TYPE_CHECKING, Literal

from comagic_cli.config.profiles import Profile
from comagic_cli.errors import UsageProblem
from comagic_cli.formats.base import FORMATS

if TYPE_CHECKING:  # it loads the network
    from comagic_cli.api.endpoints import Customer


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


Mode = Literal["count", "sqlite", "partitions", "chart"]

INCOMPATIBLE: Mapping[Mode, Mapping[str, str]] = {
    "count": dict.fromkeys(
        ("output", "max_rows", "resume", "refresh", "manifest", "keep_incomplete"),
        "It prints one number to stdout.",
    ),
    "sqlite": {
        "max_rows": "A period cut short would pass for a whole one: choose a shorter period.",
        "resume": "An export to a database is written whole or not at all: omit --resume.",
    },
    "partitions": {
        "max_rows": "A file that stops early would pass for a whole one: write to a single file.",
        "keep_incomplete": "A file whose rows are missing is kept as NAME.incomplete.",
        "resume": "Run the same command again: it writes the files that are missing.",
        "manifest": "Each file is counted before it gets its name; -v shows the rows of each.",
    },
    "chart": dict.fromkeys(("fields", "sort", "as_saved"), "The chart decides it."),
}
"""The options that can't be used in each mode, with a hint."""

CELLS = ("csv", "tsv", "table", "xlsx")
LINES = ("csv", "tsv")
VALID_FORMATS: Mapping[str, tuple[str, ...]] = {
    "coded_values": (*CELLS, "parquet", "sqlite"),
    "list_separator": CELLS,
    "header": CELLS,
    "header none": LINES,
    "delimiter": ("csv",),
    "newlines": LINES,
    "excel": ("csv",),
    "decimal": LINES,
    "vertical": ("table",),
    "flatten": ("jsonl", "json"),
    "times": (*LINES, "table", "jsonl", "json"),
    "record_urls": tuple(FORMATS),
    "record_host": tuple(FORMATS),
}
"""The formats that an option applies to. To type it with another is an error; in the environment or
a profile it is ignored there."""


def check_options(options: ExportOptions, mode: Mode, name: str) -> None:
    """Refuse options that can't be used in a mode, which messages call `name`.

    Raises `UsageProblem`.
    """
    for option, hint in INCOMPATIBLE[mode].items():
        if getattr(options, option):
            raise UsageProblem(f"{flag(option)} can't be used with {name}", hint=hint)


def applies_to(option: str, value: object, format_: str) -> bool:
    """Return whether an option, or this value of it, applies to a format."""
    return format_ in _valid_formats(option, value)


def refuse_format(option: str, value: object, format_: str) -> UsageProblem:
    """Return the error for an option that does not apply to a format."""
    typed = f"{flag(option)} none" if f"{option} {value}" in VALID_FORMATS else flag(option)
    *others, last = _valid_formats(option, value)
    formats = f"{', '.join(others)} and {last}" if others else last
    return UsageProblem(f"{typed} can't be used with -f {format_}, only with {formats}")


def flag(option: str) -> str:
    """Return an option as it is typed."""
    return f"--{option.replace('_', '-')}"


def _valid_formats(option: str, value: object) -> tuple[str, ...]:
    return VALID_FORMATS.get(f"{option} {value}", VALID_FORMATS.get(option, ()))
