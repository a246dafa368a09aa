"""The kinds of values that options take."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import click
from click.core import ParameterSource

from comagic_cli.config.services import BRANDS, resolve_service
from comagic_cli.errors import UsageProblem
from comagic_cli.query.ids import is_number

UNITS = {"s": 1, "m": 60, "h": 3600}
BACK = re.compile(r"0*[1-9]\d{0,4}(?:d|w|mo)|all", re.ASCII)
HOST = re.compile(r"(?:https?://)?[a-z0-9.-]+(?::\d{1,5})?/?", re.ASCII | re.IGNORECASE)
WORD = re.compile(r"[\w-]*")  # no host: that has dots
LENGTH = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", re.ASCII)


class Duration(click.ParamType[float]):
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
            self.fail(f"{value!r} is not a duration: write 90, 90s, 5m or 2h.", param, ctx)
        seconds = float(found[1]) * UNITS[found[2] or "s"]
        if seconds < self.least:
            self.fail(f"{value!r} is too short: write {self.least} or more.", param, ctx)
        return seconds


class PositiveInt(click.ParamType[int]):
    """A whole number from 1, or up to `most`."""

    name = "number"

    def __init__(self, most: int | None = None) -> None:
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        number = int(value) if is_number(str(value)) else 0
        if number < 1 or (self.most and number > self.most):
            reach = f"from 1 to {self.most}" if self.most else "1 or more"
            self.fail(f"{value!r}: it must be a whole number, {reach}.", param, ctx)
        return number


class Users(click.ParamType[tuple[int | str, ...]]):
    """Numbers of users, between commas or blanks; or `all`."""

    name = "users"

    def split_envvar_value(self, rv: str) -> list[str]:
        """Leave the text of an environment variable whole; one of nothing says nothing."""
        return [rv] if rv.strip(", ") else []

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | str, ...]:
        """Return the numbers, or `all`."""
        words = str(value).replace(",", " ").split()
        wrong = next((word for word in words if word != "all" and not _is_user(word)), None)
        if not words or wrong is not None:
            self.fail(f"{wrong or value!r} is neither a user's number nor all.", param, ctx)
        return tuple(word if word == "all" else int(word) for word in words)


def unique_users(
    context: click.Context, option: click.Parameter, typed: tuple[tuple[int | str, ...], ...]
) -> tuple[int | str, ...]:
    """Return the users of all times that the option was typed, each once."""
    users = tuple(dict.fromkeys(user for some in typed for user in some))
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
        if not BACK.fullmatch(value):
            self.fail(f"{value!r} is not a duration: write 3d, 2w, 1mo or all.", param, ctx)
        return str(value)


class Text(click.ParamType[str]):
    """A text that can be written as UTF-8."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        if not is_writable(value):
            self.fail(f"{value!r} is not UTF-8 text.", param, ctx)
        return str(value)


class Delimiter(click.ParamType[str]):
    r"""One character; `tab` and `\t` are a tab."""

    name = "character"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the character."""
        character = "\t" if value in ("tab", r"\t") else str(value)
        if len(character) != 1 or character in '"\r\n' or not is_writable(character):
            self.fail(f"{value!r} is not one character, or can't separate cells.", param, ctx)
        return character


class ServiceUrl(click.ParamType[str]):
    """A service: its name, or a URL."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL; whether it is a good one is found out where it is used."""
        url = resolve_service(str(value))
        if WORD.fullmatch(url) and url != "localhost":
            self.fail(f"{value!r} is neither a URL nor one of {', '.join(BRANDS)}.", param, ctx)
        return url


class Host(click.ParamType[str]):
    """A host: `app.comagic.ru`, `http://127.0.0.1:8080`."""

    name = "host"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text, without a slash at its end."""
        if not HOST.fullmatch(value):
            self.fail(f"{value!r} is not a host: write it like app.comagic.ru.", param, ctx)
        return str(value).rstrip("/")


def is_writable(text: str) -> bool:
    """Tell whether a text has none of what Python makes of bytes that are no UTF-8."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]


class QueryOption(click.Option):
    """An option of the request."""

    section: ClassVar[str] = "Query"


class OutputOption(click.Option):
    """An option of the output."""

    section: ClassVar[str] = "Output"


class FormatOption(click.Option):
    """An option of how values are shown."""

    section: ClassVar[str] = "Formatting"


class ConnectionOption(click.Option):
    """An option of the account."""

    section: ClassVar[str] = "Connection"


class ExportCommand(click.Command):
    """A command whose help lists its options by section, all in the same columns."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line. Raises `UsageProblem` for an account beside --sandbox."""
        rest = super().parse_args(ctx, args)
        if ctx.params.get("sandbox") and not ctx.resilient_parsing:
            _check_sandbox(ctx)
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, in the order of their options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
                sections.setdefault(getattr(param, "section", "Other"), []).append(record)
        widest = max(len(typed) for records in sections.values() for typed, _ in records)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl([(typed.ljust(widest), help_) for typed, help_ in records])


OF_ACCOUNT = ("profile", "base_url", "token_file")


def _check_sandbox(context: click.Context) -> None:
    typed = [
        f"--{name.replace('_', '-')}"
        for name in OF_ACCOUNT
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if typed:
        raise UsageProblem(
            f"--sandbox can't be combined with {', '.join(typed)}: its data are invented",
            hint=f"Remove --sandbox, or {' and '.join(typed)}.",
        )


def bundle(*options: Decorator[Any]) -> Decorator[Any]:
    """Join options into one decorator; help lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
