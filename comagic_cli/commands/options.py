"""The options of an export, in bundles, grouped by meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import click

from comagic_cli.commands import offers

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]

FORMATS = tuple(offers.FORMATS)
UNITS = {"s": 1, "m": 60, "h": 3600}
BACK = re.compile(r"0*[1-9]\d{0,4}(?:d|w|mo)|all", re.ASCII)
LENGTH = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", re.ASCII)


@dataclass(frozen=True)
class ExportOptions:
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
    base_url: str
    token_file: str | None
    user_id: int | None
    tz: str | None
    timeout: float
    max_wait: float
    sandbox: bool
    quiet: bool
    verbose: bool
    format_is_usual: bool = False  # not typed: the environment's


class Seconds(click.ParamType[float]):
    """A length of time: `90`, `90s`, `5m`, `2h`; `least` is in seconds."""

    name = "duration"

    def __init__(self, least: float = 0) -> None:
        self.least = least

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        if isinstance(value, (int, float)):
            return float(value)
        found = LENGTH.fullmatch(value)
        if not found:
            self.fail(f"{value!r} is no length of time: write 90, 90s, 5m or 2h.", param, ctx)
        seconds = float(found[1]) * UNITS[found[2] or "s"]
        if seconds < self.least:
            self.fail(f"{value!r} is too short: write {self.least} or more.", param, ctx)
        return seconds


class Whole(click.ParamType[int]):
    """A whole number from 1, or up to `most`."""

    name = "number"

    def __init__(self, most: int | None = None) -> None:
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        number = int(value) if is_number(str(value)) else 0
        if number < 1 or (self.most and number > self.most):
            reach = f"from 1 to {self.most}" if self.most else "from 1"
            self.fail(f"{value!r} is no whole number {reach}.", param, ctx)
        return number


class ReportNumber(click.ParamType[str]):
    """A report's number, kept as text."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        if not is_number(value):
            self.fail(f"{value!r} is no report's number.", param, ctx)
        return str(value)


class Back(click.ParamType[str]):
    """Days, weeks or months before today: `3d`, `2w`, `1mo`; or `all`."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        if not BACK.fullmatch(value):
            self.fail(f"{value!r} is no length of time: write 3d, 2w, 1mo or all.", param, ctx)
        return str(value)


def is_number(text: str) -> bool:
    """Tell whether a text is a whole number of a size that can be meant."""
    return text.isascii() and text.isdigit() and len(text) < 19  # noqa: PLR2004 - 64 bits


class Asked(click.Option):
    """An option of the request."""

    section: ClassVar[str] = "What is asked"


class Written(click.Option):
    """An option of the output."""

    section: ClassVar[str] = "How it is written"


class Account(click.Option):
    """An option of the account."""

    section: ClassVar[str] = "Whose account"


class ExportCommand(click.Command):
    """A command whose help lists its options by section, all in the same columns."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, in the order of their options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                sections.setdefault(getattr(param, "section", "Other"), []).append(record)
        widest = max(len(typed) for records in sections.values() for typed, _ in records)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl([(typed.ljust(widest), help_) for typed, help_ in records])


def _bundle(*options: Decorator[Any]) -> Decorator[Any]:
    """Join options into one decorator; help lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


what_is_asked = _bundle(
    click.option(
        "--report-id",
        cls=Asked,
        metavar="N",
        type=ReportNumber(),
        envvar="COMAGIC_REPORT_ID",
        help="The report; left out: the only one of its type.",
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
        "--sort",
        cls=Asked,
        metavar="FIELD[:desc]",
        multiple=True,
        shell_complete=offers.sorts,
        help="Order of the rows; repeatable; left out: by time.",
    ),
)

how_it_is_written = _bundle(
    click.option(
        "-f",
        "--format",
        cls=Written,
        metavar="FORMAT",
        type=click.Choice(FORMATS),
        envvar="COMAGIC_FORMAT",
        shell_complete=offers.formats,
        help=f"{', '.join(FORMATS)}; left out: see below.",
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
        "--page-size",
        cls=Asked,
        metavar="N",
        type=Whole(10_000),
        default=10_000,
        help="Rows a call, 1 to 10000 (10000 unless told).",
    ),
    click.option(
        "--dry-run", cls=Written, is_flag=True, help="Print what would be asked; send nothing."
    ),
    click.option(
        "--resume",
        cls=Written,
        is_flag=True,
        help="Go on with the file of a run that was stopped.",
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

whose_account = _bundle(
    click.option(
        "--sandbox", cls=Account, is_flag=True, help="A private sandbox, to try things out."
    ),
    click.option(
        "--base-url",
        cls=Account,
        metavar="URL",
        default="https://dataapi.comagic.ru/v2.0",
        envvar="COMAGIC_BASE_URL",
        help="The service; left out: CoMagic's own.",
    ),
    click.option(
        "--token-file",
        cls=Account,
        metavar="FILE",
        type=click.Path(),
        help="A file with the key, instead of COMAGIC_TOKEN.",
    ),
    click.option(
        "--user-id",
        cls=Account,
        metavar="N",
        type=Whole(),
        envvar="COMAGIC_USER_ID",
        help="For agents: the client's user.",
    ),
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


def export_options(command: Command) -> Command:
    """Give a command all the options of an export, as one `ExportOptions` value."""
    return what_is_asked(how_it_is_written(whose_account(command)))  # type: ignore[no-any-return]  # decorators keep the type
