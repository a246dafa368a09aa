"""`comagic list`: the account's employees, numbers, sites, campaigns, tags and other lists."""

from __future__ import annotations

from collections.abc import Callable

import click

from comagic_cli.cli.export import list_command
from comagic_cli.cli.root import add_log_option, run_export
from comagic_cli.errors import UsageProblem
from comagic_cli.query.catalog import ReportType, lists
from comagic_cli.query.suggest import did_you_mean

SECTIONS: dict[str, Callable[[ReportType], bool]] = {
    "Lists": lambda entry: entry.family == "list" and not _needs_options(entry),
    "Lists that need options": lambda entry: entry.family == "list" and _needs_options(entry),
    "Single objects": lambda entry: entry.family == "object",
}


def _needs_options(entry: ReportType) -> bool:
    return any(param.required for param in entry.params.values())


class Lists(click.Group):
    """A group with a command for each list of the catalogue, made when it is typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's
        """Return the names of all lists."""
        return [entry.command for entry in lists()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Make the command of a list, which may be named as the method is."""
        name = name.rpartition(".")[2].replace("_", "-")
        if name not in self.list_commands(ctx):
            return None
        return add_log_option(list_command(name, run_export))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the list that was typed; suggest similar ones if there is none."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            hint = did_you_mean(args[0], self.list_commands(ctx)) or "See comagic list."
            raise UsageProblem(f"there is no list {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write all lists with their titles."""
        for heading, is_in in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(each.command, each.title) for each in lists() if is_in(each)])


@click.group(
    "list",
    cls=Lists,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.help_option("-h", "--help", help="Show this help.")
@click.pass_context
def list_(context: click.Context) -> None:
    """List employees, numbers, sites, campaigns, tags and whatever else the account has.

    Every list takes the options of an export, and is written in any format.

    \b
    Examples:
      comagic list employees --sandbox
      comagic list virtual-numbers --sandbox -o numbers.xlsx
      comagic list campaigns --sandbox --fields id,name,status -f csv
    """  # noqa: D301 - \b is Click's
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
