"""`comagic completion`: scripts for shells, made by Click, and the values of options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import click
from click.shell_completion import (
    CompletionItem,
    FishComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
)

from comagic_cli.cli.root import COMPLETE, catalog_reports, guess_type
from comagic_cli.config.profiles import config_file, read_profiles
from comagic_cli.config.services import BRANDS, DEFAULT, resolve_service, service_name
from comagic_cli.errors import ComagicError
from comagic_cli.query.catalog import about

SHELLS = ("bash", "zsh", "fish")
HELP = """\
Print the script that completes commands, options and values in a shell.

\b
Examples, each for all shells to come:
  comagic completion bash > ~/.local/share/bash-completion/completions/comagic
  comagic completion zsh > ~/.zfunc/_comagic    # a folder of your fpath
  comagic completion fish > ~/.config/fish/completions/comagic.fish"""


@add_completion_class
class Fish(FishComplete):
    """Click's script for fish, where values may contain commas."""

    source_template = FishComplete.source_template.replace("split ", "split -m 1 ")


@add_completion_class
class Zsh(ZshComplete):
    """Click's script for zsh, which zsh may also load from its fpath more than once."""

    source_template = ZshComplete.source_template.replace(
        "$zsh_eval_context[-1] == loadautofunc", "$funcstack[1] == _%(prog_name)s"
    )


@click.command(help=HELP)
@click.argument("shell", type=click.Choice(SHELLS))
@click.help_option("-h", "--help", help="Show this help.")
def completion(shell: str) -> None:
    """Print the script for a shell."""
    shell_complete(click.Command("comagic"), {}, "comagic", COMPLETE, f"{shell}_source")


Items: TypeAlias = list[CompletionItem[str]]

PERIODS = {
    "today": "Since midnight",
    "yesterday": "The day before today",
    "this-week": "Since Monday",
    "last-week": "Monday to Sunday",
    "this-month": "Since the first",
    "last-month": "The month before this one",
    "this-year": "Since 1 January",
    "last-year": "The year before this one",
    "7d": "The seven whole days before today",
    "4w": "The four whole weeks before this one",
    "3mo": "The three whole months before this one",
}
MOMENTS = {
    "today": "Midnight",
    "yesterday": "A day before that",
    "now": "The current second",
    "-7d": "Midnight seven days ago",
    "-2w": "Midnight two weeks ago",
    "-3mo": "Midnight three months ago",
    "-12h": "Twelve hours ago",
}
METHODS = {
    "get.account": "The account: its name and time zone",
    "get.customer_users": "The users of an agent's clients",
    "get.reports_list": "The account's reports",
    "get.report_filters": "The fields for filters of a report",
    "getobj.columns_tree": "The columns of a report, in groups",
    "getobj.report_state": "How a report was last saved",
}
FORMATS = {
    "table": "For reading on a terminal",
    "csv": "Comma-separated values",
    "tsv": "Tab-separated values",
    "jsonl": "JSON, one row per line",
    "json": "JSON, one array",
    "xlsx": "An Excel workbook",
    "parquet": "Typed columns, for warehouses",
    "sqlite": "A database, updated in place",
}
GROUPED = {
    "day": "Each day of the period",
    "week": "Each week, by its Monday",
    "month": "Each month",
    "hour": "The hours of the day",
    "weekday": "Monday to Sunday",
}
CONDITION = re.compile(r"(\s*|.*(?:\(|\b(?:and|or)\s)\s*)\w*", re.DOTALL)
GROUPS = {
    "@default": "The default columns",
    "@all": "All columns",
    "@custom": "The columns that the account has added",
}


def periods(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the words of --period."""
    return _items(PERIODS.items(), incomplete)


def moments(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the words of --from and --till."""
    return _items(MOMENTS.items(), incomplete)


def formats(_: click.Context, option: click.Parameter, incomplete: str) -> Items:
    """Offer the formats that the option takes."""
    taken = option.type.choices if isinstance(option.type, click.Choice) else FORMATS
    return _items(((name, help_) for name, help_ in FORMATS.items() if name in taken), incomplete)


def methods(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the known read-only methods."""
    of_reports = {entry["method"]: entry["title"] for entry in catalog_reports().values()}
    return _items((METHODS | of_reports).items(), incomplete)


def services(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the services by name."""
    return _items(BRANDS.items(), incomplete)


def profiles(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the profiles; none where their file can't be read."""
    try:
        found = read_profiles(config_file())
    except ComagicError:
        return []
    return _items(((name, _about(table)) for name, table in found.tables.items()), incomplete)


def _about(table: Mapping[str, Any]) -> str:
    """Name the service of a profile; never its secrets."""
    url = table.get("base-url", table.get("base_url", DEFAULT))
    return service_name(resolve_service(url)) if isinstance(url, str) else ""


def fields(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Offer fields and groups that the list does not have yet, after a minus too."""
    done, comma, word = incomplete.rpartition(",")
    minus = "-" if word.startswith("-") else ""
    taken = {each.removeprefix("-") for each in done.split(",")}
    entries = _fields(context)
    offered = _named(context, entries) | GROUPS | _groups(entries)
    return _items(
        (
            (done + comma + minus + name, help_)
            for name, help_ in offered.items()
            if name not in taken
        ),
        incomplete,
    )


def sorts(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Offer the fields that the report can be sorted by; after a colon, the two orders."""
    named = _named(context, [entry for entry in _fields(context) if entry.get("sort", True)])
    done, comma, word = incomplete.rpartition(",")
    if ":" not in word:
        return _items(((done + comma + name, help_) for name, help_ in named.items()), incomplete)
    orders = {":asc": "The least first", ":desc": "The greatest first"}
    return _items(
        ((done + comma + name + order, orders[order]) for name in named for order in orders),
        incomplete,
    )


def groups(context: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Offer what rows can be grouped by: spans of time, and fields."""
    return [*_items(GROUPED.items(), incomplete), *grouped(context, param, incomplete)]


def grouped(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Offer the fields of the report."""
    return _items(_named(context, _fields(context)).items(), incomplete)


def conditions(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Offer the fields that the report can be filtered by, where a condition begins."""
    if not (found := CONDITION.fullmatch(incomplete)):
        return []
    named = _named(context, [entry for entry in _fields(context) if entry.get("filter", True)])
    return _items(((found[1] + name, help_) for name, help_ in named.items()), incomplete)


def reports(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the reports, by the commands that export them."""
    titles = {name: entry["title"] for name, entry in catalog_reports().items()}
    return _items(titles.items(), incomplete)


def kinds(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the types of reports that can be exported."""
    entries = catalog_reports().values()
    titles = {entry["type"] or guess_type(entry): entry["title"] for entry in entries}
    return _items(titles.items(), incomplete)


def filtered(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Offer the fields that the report can be filtered by."""
    named = _named(context, [entry for entry in _fields(context) if entry.get("filter", True)])
    return _items(named.items(), incomplete)


def _fields(context: click.Context) -> list[dict[str, Any]]:
    """Return the fields of the report on the line; none for an unknown report."""
    entry = catalog_reports().get(_report(context), {})
    fields: list[dict[str, Any]] = entry.get("fields", [])
    return fields


def _groups(entries: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Name the groups of fields, each with some of its fields."""
    groups: dict[str, list[str]] = {}
    for entry in entries:
        if group := entry.get("group"):
            groups.setdefault(f"@{group}", []).append(entry["name"])
    return {group: _some(names) for group, names in groups.items()}


def _some(names: list[str], most: int = 2) -> str:
    return ", ".join([*names[:most], *("…" for _ in names[most : most + 1])])


def _report(context: click.Context) -> str:
    return str(context.params.get("report") or context.info_name)


def _named(context: click.Context, entries: Iterable[dict[str, Any]]) -> dict[str, str]:
    report = _report(context)
    return {entry["name"]: about(report, entry["name"]) for entry in entries}


def _items(offered: Iterable[tuple[str, str]], incomplete: str) -> Items:
    return [
        CompletionItem(value, help=help_)
        for value, help_ in offered
        if value.startswith(incomplete)
    ]
