"""`comagic completion`: the scripts for the shells, and the answers to their questions.

Click's own are right but for what this command line is full of: commas and colons in values, and
values after `--option=`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    _is_incomplete_option,
    _resolve_context,
    add_completion_class,
    shell_complete,
    split_arg_string,
)

from comagic_cli.cli import report_index as menu
from comagic_cli.config.services import BRANDS, DEFAULT, resolve_service, service_name
from comagic_cli.errors import ComagicError
from comagic_cli.query.catalog import about

COMPLETE = "_COMAGIC_COMPLETE"  # the variable that the scripts set
SHELLS = ("bash", "zsh", "fish")
CUT = re.compile(r"[:=@]+")  # what bash takes for words of their own

HELP = """\
Print the script that completes commands, options and values in a shell.

\b
Examples, each for all shells to come:
  comagic completion bash > ~/.local/share/bash-completion/completions/comagic
  comagic completion zsh > ~/.zfunc/_comagic    # a folder of your fpath
  comagic completion fish > ~/.config/fish/completions/comagic.fish"""

BASH = """\
# Completion of %(prog_name)s for bash 4.4 or later, made by: %(prog_name)s completion bash
%(complete_func)s() {
    local response line
    mapfile -t response < <(
        IFS=$'\\n'
        COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
            %(complete_var)s=bash_complete "$1" 2>/dev/null
    )
    COMPREPLY=()
    for line in "${response[@]}"; do
        case $line in
            plain,*) COMPREPLY+=("${line#*,}") ;;
            file,*) compopt -o default 2>/dev/null ;;
        esac
    done
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

ZSH = """\
#compdef %(prog_name)s
# Completion of %(prog_name)s for zsh, made by: %(prog_name)s completion zsh

_%(prog_name)s() {
    local -a response plain
    local kind value about
    response=("${(@f)$(COMP_WORDS="${(F)words}" COMP_CWORD=$((CURRENT - 1)) \\
        %(complete_var)s=zsh_complete $words[1] 2>/dev/null)}")
    for kind value about in "${response[@]}"; do
        case $kind in
            plain) plain+=("$value:$about") ;;
            file) compset -P 1 '*='; _files ;;
        esac
    done
    (( $#plain )) && _describe -V %(prog_name)s plain
}

# Found in fpath, this file is the function until it has run once; else it was sourced.
if [[ $funcstack[1] == _%(prog_name)s ]]; then
    _%(prog_name)s "$@"
else
    compdef _%(prog_name)s %(prog_name)s
fi
"""

FISH = """\
# Completion of %(prog_name)s for fish, made by: %(prog_name)s completion fish
function %(complete_func)s
    set -l response (env COMP_WORDS=(commandline -cp | string collect) \\
        COMP_CWORD=(commandline -ct) %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
    for line in $response
        set -l item (string split -m 1 , -- $line)
        switch $item[1]
            case plain
                printf '%%s\\n' $item[2]
            case file
                set -l before (string match -r -- '^--[^=]*=' (commandline -ct))
                printf '%%s\\n' "$before"(__fish_complete_path $item[2])
        end
    end
end

complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class Whole(ShellComplete):
    """Offer whole words: what stands before `=` in one stays; and values that begin with `-`."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return what the word may become."""
        option, equals, value = incomplete.partition("=")
        if not (equals and option.startswith("--")):
            return self._dashed(args, incomplete) or super().get_completions(args, incomplete)
        items = self._dashed([*args, option], value) or super().get_completions(args, incomplete)
        for item in items:
            if item.type == "plain":
                item.value = f"{option}={item.value}"
        return items

    def _dashed(self, args: list[str], value: str) -> list[CompletionItem[str]]:
        """Return what a value that looks like an option may become: `-7d`, `-tags`."""
        if not value.startswith("-"):
            return []
        with _resolve_context(self.cli, self.ctx_args, self.prog_name, [*args]) as context:
            for param in context.command.get_params(context):
                if _is_incomplete_option(context, args, param):
                    offered = param.shell_complete(context, value)
                    return [item for item in offered if item.type == "plain"]
        return []


@add_completion_class
class Bash(Whole, BashComplete):
    """Bash cuts words at `:`, `=` and `@`, and wants only what follows the last cut."""

    source_template = BASH

    def source(self) -> str:
        """Return the script; Click's would run a bash to look at its version."""
        return ShellComplete.source(self)

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the whole words before the one that is completed, and that one."""
        *args, incomplete = (_unquoted(word) for word in self._words()[0])
        return args[1:], incomplete

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return what may follow the last cut of the word."""
        items = super().get_completions(args, incomplete)
        _, cut = self._words()
        for item in items:
            item.value = item.value[cut:]
        return items

    def _words(self) -> tuple[list[str], int]:
        last = int(os.environ["COMP_CWORD"])
        return glued(os.environ["COMP_WORDS"].split("\n")[: last + 1])


@add_completion_class
class Zsh(Whole, ZshComplete):
    """Zsh takes a value and its help in one text, with a colon in between."""

    source_template = ZSH

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return the three lines of an item."""
        value = item.value.replace("\\", "\\\\").replace(":", "\\:")
        return f"{item.type}\n{value}\n{item.help or ''}"


@add_completion_class
class Fish(Whole, FishComplete):
    """Fish's values may hold commas."""

    source_template = FISH


def glued(parts: Sequence[str]) -> tuple[list[str], int]:
    """Join what bash has cut, and return the characters of the last word that it keeps."""
    words: list[str] = []
    for before, part in pairwise(["", *parts]):
        if words and _continues(before, part):
            words[-1] += part
        else:
            words.append(part)
    kept = words[-1].removesuffix(parts[-1]) if not CUT.fullmatch(parts[-1]) else words[-1]
    return words, len(kept.removesuffix("@"))  # it replaces `@` with what follows


def _continues(before: str, part: str) -> bool:
    """Tell whether a part belongs to the word before it; blanks in between are not known."""
    if CUT.fullmatch(before):
        return bool(part) and not (before == ":" and part.startswith("-"))
    return before.endswith((",", "-")) if part == "@" else bool(CUT.fullmatch(part))


def _unquoted(word: str) -> str:
    return next(iter(split_arg_string(word)), "")


def complete(cli: click.Command, instruction: str) -> int:
    """Answer a shell (`bash_complete`) or give it the script (`bash_source`)."""
    return shell_complete(cli, {}, "comagic", COMPLETE, instruction)


@click.command(help=HELP)
@click.argument("shell", type=click.Choice(SHELLS))
@click.help_option("-h", "--help", help="Show this help.")
def completion(shell: str) -> None:
    """Print the script for a shell."""
    complete(click.Command("comagic"), f"{shell}_source")


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
    "now": "This very second",
    "-7d": "Midnight seven days ago",
    "-2w": "Midnight two weeks ago",
    "-3mo": "Midnight three months ago",
    "-12h": "Twelve hours ago",
}
METHODS = {
    "get.account": "The account: its name and time zone",
    "get.customer_users": "The users of an agent's clients",
    "get.reports_list": "The account's reports",
    "get.report_filters": "What a report can be filtered by",
    "getobj.columns_tree": "The columns of a report, in groups",
    "getobj.report_state": "How a report was last saved",
}
FORMATS = {
    "table": "To look at",
    "csv": "Comma-separated values",
    "tsv": "Tab-separated values",
    "jsonl": "JSON, one row a line",
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
    """Offer methods that only read: what is known of them."""
    of_reports = {entry["method"]: entry["title"] for entry in menu.reports().values()}
    return _items((METHODS | of_reports).items(), incomplete)


def services(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the services by name."""
    return _items(BRANDS.items(), incomplete)


def profiles(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the profiles there are; none where their file can't be read."""
    from comagic_cli.config.profiles import config_file, read_profiles  # noqa: PLC0415 - only here

    try:
        found = read_profiles(config_file())
    except ComagicError:
        return []
    return _items(((name, _about(table)) for name, table in found.tables.items()), incomplete)


def _about(table: Mapping[str, Any]) -> str:
    """Say which account a profile is of; never what opens it."""
    url = table.get("base-url", table.get("base_url", DEFAULT))
    return service_name(resolve_service(url)) if isinstance(url, str) else ""


def fields(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Offer the report's fields and groups that the list has not yet, after a minus too."""
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
    """Offer what rows are counted by: stretches of time, and the report's fields."""
    return [*_items(GROUPED.items(), incomplete), *grouped(context, param, incomplete)]


def grouped(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Offer the report's fields, one by one."""
    return _items(_named(context, _fields(context)).items(), incomplete)


def conditions(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Offer the fields that the report can be filtered by, where a condition begins."""
    if not (found := CONDITION.fullmatch(incomplete)):
        return []
    named = _named(context, [entry for entry in _fields(context) if entry.get("filter", True)])
    return _items(((found[1] + name, help_) for name, help_ in named.items()), incomplete)


def reports(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the reports, by the commands that export them."""
    titles = {name: entry["title"] for name, entry in menu.reports().items()}
    return _items(titles.items(), incomplete)


def kinds(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Offer the types of reports that can be exported."""
    entries = menu.reports().values()
    titles = {entry["type"] or menu.guessed_type(entry): entry["title"] for entry in entries}
    return _items(titles.items(), incomplete)


def filtered(context: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """Offer the fields that the report can be filtered by."""
    named = _named(context, [entry for entry in _fields(context) if entry.get("filter", True)])
    return _items(named.items(), incomplete)


def _fields(context: click.Context) -> list[dict[str, Any]]:
    """Return the fields of the report that the line is about; none where there is no such one."""
    entry = menu.reports().get(_report(context), {})
    fields: list[dict[str, Any]] = entry.get("fields", [])
    return fields


def _groups(entries: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Name the groups of the catalogue, each with some of its fields."""
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
