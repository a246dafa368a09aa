"""The options of a command, as plain frozen values, and the output that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from shlex import join
from typing import Any, Literal

from comagic_cli.api.endpoints import Customer
from comagic_cli.config.profiles import Profile
from comagic_cli.errors import UsageProblem
from comagic_cli.export.context import Terminal
from comagic_cli.files.output import (
    BINARY_FORMATS,
    DATABASE_SCHEMES,
    STDOUT,
    check_compression,
    check_suffix,
    format_of,
    scheme_of,
)
from comagic_cli.formats.base import RAW, FormatOptions
from comagic_cli.formats.registry import DATABASES, FORMATS, check_format


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

    report_id: str | None = None
    from_: str | None = None
    till: str | None = None
    period: str | None = None
    fields: tuple[str, ...]
    where: tuple[str, ...] = ()
    filter_json: str | None = None
    as_saved: bool = False
    sort: tuple[str, ...] = ()
    table: str | None
    vertical: bool
    max_rows: int | None
    page_size: int = 10_000
    jobs: int = 1
    refresh: str | None = None
    count: bool
    dry_run: bool
    resume: bool = False
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
    record_urls: bool = False
    record_host: str | None = None
    record_files: str | None = None
    flatten: bool
    params: Mapping[str, Any] = field(default_factory=dict)  # the method's own, by their names
    ids: tuple[str, ...] = ()
    users: tuple[int | str, ...] = ()  # of several customers; `user_id` is then the first's
    customers: tuple[Customer, ...] = ()  # those users' customers, once the service has named them


def repeat_command(options: ListOptions, option: str) -> str:
    """Return the command line with one more option, quoted for a shell."""
    words = options.command_line
    return join(["comagic", *words, *([] if option in words else [option])])


Mode = Literal["count", "database", "partitions", "chart"]

INCOMPATIBLE: Mapping[Mode, Mapping[str, str]] = {
    "count": dict.fromkeys(
        ("output", "max_rows", "resume", "refresh", "manifest", "keep_incomplete"),
        "It prints one number to stdout.",
    ),
    "database": {
        "max_rows": "A period cut short would pass for a whole one: choose a shorter period.",
        "resume": "An export to a database is written whole or not at all: omit --resume.",
    },
    "partitions": {
        "max_rows": "A file that stops early would pass for a whole one: write to a single file.",
        "keep_incomplete": "A file whose rows are missing is kept as NAME.incomplete.",
        "resume": "Run the same command again: it writes the files that are missing.",
        "record_files": "Their names are as seen from one folder: write to a single file.",
        "manifest": "Each file is counted before it gets its name; -v shows the rows of each.",
    },
    "chart": dict.fromkeys(("fields", "sort", "as_saved"), "The chart decides it."),
}
"""The options that can't be used in each mode, with a hint."""

CELLS = ("csv", "tsv", "table", "xlsx")
LINES = ("csv", "tsv")
VALID_FORMATS: Mapping[str, tuple[str, ...]] = {
    "coded_values": (*CELLS, "parquet", *DATABASES),
    "list_separator": CELLS,
    "header": CELLS,
    "header none": LINES,
    "delimiter": ("csv",),
    "newlines": LINES,
    "excel": ("csv", "xlsx"),  # a workbook is for Excel in any case
    "decimal": LINES,
    "vertical": ("table",),
    "flatten": ("jsonl", "json"),
    "times": (*LINES, "table", "jsonl", "json"),
    "record_urls": tuple(FORMATS),
    "record_host": tuple(FORMATS),
    "record_files": tuple(FORMATS),
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


# The output that the options mean.

ROWS_ON_A_TERMINAL = 50


@dataclass(frozen=True)
class OutputSpec:
    """How the rows are written: the format, its options, and how many rows at most.

    `is_preview` says that we limit the rows, not --max-rows.
    """

    format: str
    format_options: FormatOptions = field(default_factory=FormatOptions)
    max_rows: int | None = None
    is_preview: bool = False

    @property
    def takes_cut_rows(self) -> bool:
        """Whether rows may be cut into columns before the format gets them."""
        return self.format in RAW and not self.format_options.change_rows


def choose_output(options: ExportOptions, terminal: Terminal | None) -> OutputSpec:
    """Choose how rows are written, by the options and the place. Raises `UsageProblem`."""
    terminal = terminal_of(options.output, terminal)
    format_ = choose_format(options, terminal)
    is_preview = terminal is not None and format_ == "table" and options.max_rows is None
    format_options = replace(
        terminal_options(terminal),
        all_columns=bool(options.fields) or options.as_saved or terminal is None,
        **_format_options(format_, options),
    )
    max_rows = ROWS_ON_A_TERMINAL if is_preview else options.max_rows
    return OutputSpec(format_, format_options, max_rows, is_preview)


def terminal_of(output: str | None, terminal: Terminal | None) -> Terminal | None:
    """Return the terminal that an output goes to, if it goes to one."""
    return terminal if output is None or output in STDOUT else None


def terminal_options(terminal: Terminal | None) -> FormatOptions:
    """Return the format options that a terminal decides."""
    return (
        FormatOptions(width=terminal.width, color=terminal.color) if terminal else FormatOptions()
    )


def choose_format(options: ListOptions, terminal: Terminal | None) -> str:
    """Choose the format: typed, else by the file's name, else the default, else by the place.

    Raises `UsageProblem` for what can't be written there.
    """
    format_ = _named_format(options) or ("table" if terminal else "jsonl")
    check_format(format_)
    check_suffix(format_, options.output)
    check_compression(format_, options.output)
    check_terminal(format_, terminal)
    return format_


def check_terminal(format_: str, terminal: Terminal | None) -> None:
    """Raise `UsageProblem` for a format that is not for a terminal."""
    if terminal and format_ in BINARY_FORMATS:
        raise UsageProblem(f"A terminal can't show {format_}.", hint="Name a file with -o FILE.")


def _named_format(options: ListOptions) -> str | None:
    database = DATABASE_SCHEMES.get(scheme_of(options.output))
    if options.format and "format" in options.typed:
        if database:
            raise UsageProblem(
                f"-f {options.format} can't be used with -o {scheme_of(options.output)}://",
                hint="Omit -f: rows go into a table.",
            )
        return options.format
    try:
        return format_of(options.output) or options.format
    except UsageProblem:  # the name says nothing
        if options.format:
            return options.format
        raise


def _format_options(format_: str, options: ExportOptions) -> dict[str, Any]:
    """Return the options that apply to the format. Raises `UsageProblem` for others typed."""
    if "record_host" in options.typed and not options.record_urls:
        raise UsageProblem("--record-host needs --record-urls", hint="Add --record-urls.")
    chosen = {}
    for name in (option for option in VALID_FORMATS if " " not in option):
        value = getattr(options, name)
        if applies_to(name, value, format_):
            chosen[name] = value
        elif name in options.typed:
            raise refuse_format(name, value, format_)
    return chosen
