"""Options by section, and how help lists them; options joined into bundles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]


class Asked(click.Option):
    """An option of the request."""

    section: ClassVar[str] = "What is asked"


class Written(click.Option):
    """An option of the output."""

    section: ClassVar[str] = "How it is written"


class Shown(click.Option):
    """An option of how values are shown."""

    section: ClassVar[str] = "How values are shown"


class Account(click.Option):
    """An option of the account."""

    section: ClassVar[str] = "Whose account"


class ExportCommand(click.Command):
    """A command whose help lists its options by section, all in the same columns."""

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


def bundle(*options: Decorator[Any]) -> Decorator[Any]:
    """Join options into one decorator; help lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
