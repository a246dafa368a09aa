"""`comagic completion`: Click's scripts for shells, and the completion of values."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias
from zoneinfo import available_timezones

import click
from click.shell_completion import (
    CompletionItem,
    FishComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
)

from comagic_cli.cli import COMPLETE
from comagic_cli.config.credentials import uses_profile
from comagic_cli.config.profiles import config_file, read_profiles
from comagic_cli.config.services import BRANDS, DEFAULT, resolve_service, service_name
from comagic_cli.errors import ComagicError
from comagic_cli.files.cache import default_cache, saved_names
from comagic_cli.query.catalog import Field, about, flat_reports, list_named, report, reports

SHELLS = ("bash", "zsh", "fish")
HELP = """\
Print the script that completes commands, options and values in a shell.

\b
Examples, each for all new shells:
  comagic completion bash > ~/.local/share/bash-completion/completions/comagic
  comagic completion zsh > ~/.zfunc/_comagic    # a folder of your fpath
  comagic completion fish > ~/.config/fish/completions/comagic.fish"""


@add_completion_class
class Fish(FishComplete):
    """Click's script for fish; values can contain commas."""

    source_template = FishComplete.source_template.replace("split ", "split -m 1 ")


@add_completion_class
class Zsh(ZshComplete):
    """Click's script for zsh, which zsh can load from its fpath more than once."""

    source_template = ZshComplete.source_template.replace(
        "$zsh_eval_context[-1] == loadautofunc", "$funcstack[1] == _%(prog_name)s"
    )


@click.command(help=HELP)
@click.argument("shell", type=click.Choice(SHELLS))
@click.help_option("-h", "--help", help="Show this help.")
def completion(shell: str) -> None:
    """Print the script for a shell."""
    shell_complete(click.Command("comagic"), {}, "comagic", COMPLETE, f"{shell}_source")


NAME = re.compile(r"[\w.-]+")  # that needs no quotes in a shell
ALL = "all"  # of --user-id

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
    "yesterday": "Midnight a day before",
    "now": "The current second",
    "-7d": "Midnight seven days ago",
    "-2w": "Midnight two weeks ago",
    "-3mo": "Midnight three months ago",
    "-12h": "Twelve hours ago",
}
METHODS = {
    "get.account": "The account: its name and time zone",
    "get.customer_users": "The users of an agent's customers",
    "get.reports_list": "The account's reports",
    "get.report_filters": "The fields for filters of a report",
    "getobj.columns_tree": "The columns of a report, in groups",
    "getobj.report_state": "The saved state of a report",
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
CHART_FORMATS = {"bars": "A chart on a terminal"}
TIME_GROUPS = {
    "day": "Each day of the period",
    "week": "Each week, by its Monday",
    "month": "Each month",
    "quarter": "Each quarter",
    "hour": "The hours of the day",
    "weekday": "Monday to Sunday",
}
CONDITION = re.compile(r"(\s*|.*(?:\(|\b(?:and|or)\s)\s*)\w*", re.DOTALL)
FIELD_GROUPS = {
    "@default": "The default columns",
    "@all": "All columns",
    "@custom": "The account's own columns",
}


def complete_periods(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Complete --period."""
    return _items(PERIODS.items(), incomplete)


def complete_moments(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Complete --from and --till."""
    return _items(MOMENTS.items(), incomplete)


def complete_formats(_: click.Context, option: click.Parameter, incomplete: str) -> Items:
    """Complete the formats of the option."""
    choices = option.type.choices if isinstance(option.type, click.Choice) else FORMATS
    formats = CHART_FORMATS | FORMATS
    return _items(((name, help_) for name, help_ in formats.items() if name in choices), incomplete)


def complete_methods(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Complete the known read-only methods."""
    methods = METHODS | {each.method: each.title for each in reports()}
    return _items(methods.items(), incomplete)


def complete_services(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Complete the names of services."""
    return _items(BRANDS.items(), incomplete)


def complete_profiles(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Complete the profiles; none if their file can't be read."""
    try:
        tables = read_profiles(config_file()).tables
    except ComagicError:
        return []
    return _items(((name, _service(table)) for name, table in tables.items()), incomplete)


def _service(table: Mapping[str, Any]) -> str:
    """Return the service of a profile; never its secrets."""
    url = table.get("base-url", table.get("base_url", DEFAULT))
    return service_name(resolve_service(url)) if isinstance(url, str) else ""


def complete_fields(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete the last item of a list with fields and groups that the list lacks."""
    start, comma, word = incomplete.rpartition(",")
    minus = "-" if word.startswith("-") else ""
    used = {name.removeprefix("-") for name in start.split(",")}
    fields = _fields(context)
    names = _describe(context, fields) | FIELD_GROUPS | _groups(fields)
    return _items(
        (
            (start + comma + minus + name, help_)
            for name, help_ in names.items()
            if name not in used
        ),
        incomplete,
    )


def complete_sorts(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete the fields to sort by; after a colon, the two orders."""
    names = _describe(context, [field for field in _fields(context) if field.sort])
    start, comma, word = incomplete.rpartition(",")
    if ":" not in word:
        return _items(((start + comma + name, help_) for name, help_ in names.items()), incomplete)
    orders = {":asc": "Ascending", ":desc": "Descending"}
    return _items(
        ((start + comma + name + order, orders[order]) for name in names for order in orders),
        incomplete,
    )


def complete_groups(context: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete --by: spans of time, and fields."""
    spans = _items(TIME_GROUPS.items(), incomplete)
    return [*spans, *complete_columns(context, param, incomplete)]


def complete_columns(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete the fields of the report."""
    return _items(_describe(context, _fields(context)).items(), incomplete)


def complete_conditions(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete a field at the start of a condition."""
    if not (match := CONDITION.fullmatch(incomplete)):
        return []
    names = _describe(context, [field for field in _fields(context) if field.filter])
    return _items(((match[1] + name, help_) for name, help_ in names.items()), incomplete)


def complete_filter_fields(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete the fields that the report can be filtered by."""
    names = _describe(context, [field for field in _fields(context) if field.filter])
    return _items(names.items(), incomplete)


def complete_reports(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Complete the reports, by the commands that export them."""
    return _items(((each.command, each.title) for each in reports()), incomplete)


def complete_zones(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Complete the names of time zones."""
    return _items(((name, "") for name in sorted(available_timezones())), incomplete)


def complete_report_ids(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Complete the ids of the account's reports, by what `comagic reports` or doctor saved."""
    ids = _saved_names(context, "reports")
    names = {name: id_ for id_, name in ids.items() if NAME.fullmatch(name)}
    return _items((ids | names).items(), incomplete)


def complete_users(context: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete the users of an agent's customers, by what `comagic users` or an export saved."""
    start, comma, _ = incomplete.rpartition(",") if param.multiple else ("", "", "")
    every = {} if comma or not param.multiple else {ALL: "Every customer"}
    names = _saved_names(context, "users") | every
    used = start.split(",")
    return _items(
        ((start + comma + id_, name) for id_, name in names.items() if id_ not in used), incomplete
    )


def _saved_names(context: click.Context, kind: str) -> dict[str, str]:
    """Return the names that were saved of the account in use; nothing is asked of the service."""
    profile = ""
    if uses_profile(context.params.get("token_file"), os.environ):
        try:
            profile = read_profiles(config_file()).choose(context.params.get("profile")).name
        except ComagicError:
            return {}
    return saved_names(default_cache(), kind, profile)


def complete_types(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Complete the types of reports."""
    return _items({each.kind: each.title for each in flat_reports()}.items(), incomplete)


def _fields(context: click.Context) -> Sequence[Field]:
    """Return the fields of the report on the command line; none for an unknown report."""
    for find in (report, list_named):
        with suppress(KeyError):
            return find(_report(context)).fields
    return ()


def _groups(fields: Iterable[Field]) -> dict[str, str]:
    """Return the groups of fields, each with its first fields as help."""
    groups: dict[str, list[str]] = {}
    for field in fields:
        if field.group:
            groups.setdefault(f"@{field.group}", []).append(field.name)
    return {group: _first(names) for group, names in groups.items()}


def _first(names: list[str], count: int = 2) -> str:
    return ", ".join([*names[:count], *("…" for _ in names[count : count + 1])])


def _report(context: click.Context) -> str:
    return str(context.params.get("report") or context.info_name)


def _describe(context: click.Context, fields: Iterable[Field]) -> dict[str, str]:
    command = _report(context)
    return {field.name: about(command, field.name) for field in fields}


def _items(values: Iterable[tuple[str, str]], incomplete: str) -> Items:
    return [
        CompletionItem(value, help=help_) for value, help_ in values if value.startswith(incomplete)
    ]
