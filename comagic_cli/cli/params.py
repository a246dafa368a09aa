"""Types of option values, and the classes of options and commands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import click
from click.core import ParameterSource

from comagic_cli.config.services import BRANDS, resolve_service
from comagic_cli.databases.destination import check_url
from comagic_cli.errors import UsageProblem
from comagic_cli.files.cloud import split_url
from comagic_cli.files.output import BUCKET_SCHEMES, DATABASE_SCHEMES, SCHEMES, scheme_of
from comagic_cli.query.ids import is_number
from comagic_cli.query.suggest import did_you_mean

UNITS = {"s": 1, "m": 60, "h": 3600}
DURATION = re.compile(
    r"(\d{1,6}(?:\.\d{1,3})?) ?(?:([smh])|(s)ec(?:onds?)?|(m)in(?:utes?)?|(h)ours?)?", re.ASCII
)
LOOK_BACK = re.compile(r"-?(0*[1-9]\d{0,4} ?(?:d|days?|w|weeks?|mo|months?)|all)", re.ASCII)
STRFTIME = re.compile(r"%[YF]")
HOST = re.compile(r"(?:https?://)?[a-z0-9.-]+(?::\d{1,5})?/?", re.ASCII | re.IGNORECASE)
WORD = re.compile(r"[\w-]*")  # a host has dots


class Duration(click.ParamType[float]):
    """A duration: `90`, `90s`, `5m`, `2h`; `minimum` is in seconds."""

    name = "duration"

    def __init__(self, minimum: float = 0) -> None:
        self.minimum = minimum

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        if isinstance(value, (int, float)):
            return float(value)
        match = DURATION.fullmatch(value.strip().lower())
        if not match:
            self.fail(f"{value!r} is not a duration: write 90, 90s, 5m or 2h.", param, ctx)
        number, *units = match.groups()
        seconds = float(number) * UNITS["".join(filter(None, units)) or "s"]
        if seconds < self.minimum:
            self.fail(f"{value!r} is too short: write {self.minimum} or more.", param, ctx)
        return seconds


class PositiveInt(click.ParamType[int]):
    """A whole number, 1 or more; `maximum` is optional."""

    name = "number"

    def __init__(self, maximum: int | None = None) -> None:
        self.maximum = maximum

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        number = int(value) if is_number(str(value)) else 0
        if number < 1 or (self.maximum and number > self.maximum):
            limits = f"from 1 to {self.maximum}" if self.maximum else "1 or more"
            self.fail(f"{value!r}: it must be a whole number, {limits}.", param, ctx)
        return number


class User(PositiveInt):
    """The id of one user, where a command is about one customer."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the id."""
        words = str(value).replace(",", " ").split()
        if words == ["all"] or len(words) > 1:
            self.fail(
                f"{value!r}: this command is about one customer. Name one with --user-id N "
                "(comagic users lists them).",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


class Users(click.ParamType[tuple[int | str, ...]]):
    """User ids, separated by commas or blanks; or `all`."""

    name = "users"

    def split_envvar_value(self, rv: str) -> list[str]:
        """Return the environment variable as one value; none if it is empty."""
        return [rv] if rv.strip(", ") else []

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | str, ...]:
        """Return the ids, or `all`."""
        words = str(value).replace(",", " ").split()
        mistake = next((word for word in words if word != "all" and not _is_user(word)), None)
        if not words or mistake is not None:
            self.fail(
                f"{mistake or value!r} is neither a user id nor all. comagic users lists the ids.",
                param,
                ctx,
            )
        return tuple(word if word == "all" else int(word) for word in words)


def join_users(
    context: click.Context, option: click.Parameter, values: tuple[tuple[int | str, ...], ...]
) -> tuple[int | str, ...]:
    """Join the users of a repeated option, each once."""
    users = tuple(dict.fromkeys(user for value in values for user in value))
    if "all" in users and len(users) > 1:
        raise click.BadParameter("all means every customer: name no others.", context, option)
    return users


def _is_user(word: str) -> bool:
    return is_number(word) and int(word) > 0


class LookBack(click.ParamType[str]):
    """Days, weeks or months before today: `3d`, `2w`, `1mo`; or `all`."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        match = LOOK_BACK.fullmatch(value.strip().lower())
        if not match:
            self.fail(f"{value!r} is not a duration: write 3d, 2w, 1mo or all.", param, ctx)
        return match[1]


class Format(click.Choice[str]):
    """A format; `excel` and `xls` mean xlsx."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name of the format."""
        name = str(value).lower()
        name = "xlsx" if name in ("excel", "xls") else name
        if name not in self.choices:
            hint = did_you_mean(name, self.choices) or f"Formats: {', '.join(self.choices)}."
            self.fail(f"{value!r} is not a format of this command. {hint}", param, ctx)
        return name


class OutputFile(click.Path):
    """A file, an object in a bucket, or with `tables` a database.

    What can't be one is refused with what can.
    """

    def __init__(self, *, tables: bool = False) -> None:
        super().__init__()
        self.tables = tables

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path or the URL. Raises `UsageProblem`, also for a date of other programs."""
        scheme = scheme_of(str(value))
        if scheme in DATABASE_SCHEMES and self.tables:
            check_url(str(value), DATABASE_SCHEMES[scheme])
            return scheme + str(value)[len(scheme) :]  # libpq knows it in small letters only
        if scheme in BUCKET_SCHEMES:
            split_url(str(value))
            return str(value)
        if scheme:
            command = ctx.info_name if ctx else ""
            raise _refuse_url(scheme, command, tables=self.tables)
        if STRFTIME.search(str(value)):
            raise UsageProblem(
                f"-o {value}: % is not replaced by a date",
                hint="Write {date} for one file per day, {month} for one per month.",
            )
        return super().convert(value, param, ctx)


class ManifestFile(click.Path):
    """A file or an object in a bucket, for a manifest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path or the URL. Raises `UsageProblem` for a URL that is not of a bucket."""
        scheme = scheme_of(str(value))
        if scheme and scheme not in BUCKET_SCHEMES:  # it is not shown, as it may have a password
            raise UsageProblem(
                f"--manifest {scheme}://...: a manifest is a file, or an object in a bucket",
                hint="Write a path, or s3://BUCKET/NAME, gs://BUCKET/NAME, az://CONTAINER/NAME.",
            )
        return super().convert(value, param, ctx)


def _refuse_url(scheme: str, command: str | None, *, tables: bool) -> UsageProblem:
    """Return the error for a URL; it is not shown whole, as it may contain a password."""
    if not tables:
        return UsageProblem(
            f"-o {scheme}://...: {command} writes only files", hint="Name a file, such as x.csv."
        )
    hint = f"Write to a file, or to {', '.join(f'{each}://' for each in SCHEMES)}."
    if scheme in ("sqlite", "file"):
        hint = "Write the path without the scheme."
    return UsageProblem(f"-o {scheme}://...: there is no output of this kind", hint=hint)


class Text(click.ParamType[str]):
    """A text that can be written as UTF-8."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        if not is_utf8(value):
            self.fail(f"{value!r} is not UTF-8 text.", param, ctx)
        return str(value)


class Delimiter(click.ParamType[str]):
    r"""One character; `tab` and `\t` are a tab."""

    name = "character"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the character."""
        character = "\t" if value in ("tab", r"\t") else str(value)
        if len(character) != 1 or character in '"\r\n' or not is_utf8(character):
            self.fail(f"{value!r} is not one character, or can't separate cells.", param, ctx)
        return character


class ServiceUrl(click.ParamType[str]):
    """A service: its name or URL."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL; `service_url` checks it when the client connects."""
        url = resolve_service(str(value))
        if WORD.fullmatch(url) and url != "localhost":
            self.fail(f"{value!r} is neither a URL nor one of {', '.join(BRANDS)}.", param, ctx)
        return url


class Host(click.ParamType[str]):
    """A host: `app.comagic.ru`, `http://127.0.0.1:8080`."""

    name = "host"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the host without a slash at the end."""
        if not HOST.fullmatch(value):
            self.fail(f"{value!r} is not a host: write it like app.comagic.ru.", param, ctx)
        return str(value).rstrip("/")


def is_utf8(text: str) -> bool:
    """Check that a text has no surrogates: Python decodes bytes that are not UTF-8 to them."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]


class QueryOption(click.Option):
    """An option of the request."""

    section: ClassVar[str] = "Query"


class OutputOption(click.Option):
    """An option of the output."""

    section: ClassVar[str] = "Output"


class SummaryFormat(OutputOption):
    """The format of what is not rows; no profile sets it."""


class FormatOption(click.Option):
    """An option of the format."""

    section: ClassVar[str] = "Formatting"


class ConnectionOption(click.Option):
    """An option of the account."""

    section: ClassVar[str] = "Connection"


ALIASES = {"limit": "max-rows", "to": "till", "columns": "fields"}
"""Other names of options, without the dashes; help does not list them."""


class ExportCommand(click.Command):
    """A command whose help lists the options by section, with aligned columns."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line. Raises `UsageProblem` for an account beside --sandbox."""
        options = {name.lstrip("-") for param in self.params for name in param.opts}
        aliases = {
            alias: name
            for alias, name in ALIASES.items()
            if name in options and alias not in options
        }
        ctx.token_normalize_func = lambda name: aliases.get(name, name)
        rest = super().parse_args(ctx, args)
        if ctx.params.get("sandbox") and not ctx.resilient_parsing:
            _check_sandbox(ctx)
        return rest

    def section_of(self, param: click.Parameter) -> str:
        """Return the section of the help that an option is listed in."""
        return str(getattr(param, "section", "Other"))

    def ordered_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters in the order of the help."""
        return self.get_params(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, in the order of their options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.ordered_params(ctx):
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
                sections.setdefault(self.section_of(param), []).append(record)
        width = max(len(flags) for records in sections.values() for flags, _ in records)
        width = min(width, MOST_FLAGS)  # longer ones have a line of their own
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl([(flags.ljust(width), help_) for flags, help_ in records])


MOST_FLAGS = 30  # characters of the first column of a help
MAIN, RARE = "Main options", "Rarely needed"
MAIN_OPTIONS = (
    *("ids", "period", "from_", "till", "fields", "where", "sort"),
    *("format", "output", "max_rows", "count", "dry_run"),
    *("profile", "users", "sandbox", "help"),
)
RARE_OPTIONS = (
    *("filter_json", "realtime", "page_size", "jobs", "table", "keep_incomplete", "manifest"),
    *("newlines", "times", "record_host", "timeout", "max_wait", "log_format"),
)


class ReportCommand(ExportCommand):
    """A command whose help begins with the main options and ends with the rare ones."""

    def section_of(self, param: click.Parameter) -> str:
        """Return the section of the help that an option is listed in."""
        if param.name in MAIN_OPTIONS and (param.name != "ids" or param.required):
            return MAIN
        return RARE if param.name in RARE_OPTIONS else super().section_of(param)

    def ordered_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters in the order of the help."""
        params = self.get_params(ctx)
        main = [param for param in params if self.section_of(param) == MAIN]
        rare = [param for param in params if param.name in RARE_OPTIONS]
        main.sort(key=lambda param: MAIN_OPTIONS.index(param.name or ""))
        return [*main, *(param for param in params if param not in [*main, *rare]), *rare]


ACCOUNT_OPTIONS = ("profile", "base_url", "token_file")


def _check_sandbox(context: click.Context) -> None:
    flags = [
        f"--{name.replace('_', '-')}"
        for name in ACCOUNT_OPTIONS
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if flags:
        raise UsageProblem(
            f"--sandbox can't be combined with {', '.join(flags)}: its data are invented",
            hint=f"Remove --sandbox, or {' and '.join(flags)}.",
        )


TEXT_OR_JSON: Decorator[Any] = click.option(
    *("--format", "-f", "format_"),
    cls=SummaryFormat,
    metavar="FORMAT",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="text or json.",
)


def is_json_typed(args: Sequence[str]) -> bool:
    """Check for `-f json` on a command line that can't be parsed."""
    joined = " ".join(args).replace("=", " ")
    return re.search(r"(^| )(-f ?|--format )json( |$)", joined) is not None


def echo_json(document: object) -> None:
    """Write one JSON document to standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2).encode())


def bundle(*options: Decorator[Any]) -> Decorator[Any]:
    """Join options into one decorator; help lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
