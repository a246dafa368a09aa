"""The examples in help and README, and how each is run: in this process where it can be."""

from __future__ import annotations

import shlex
import subprocess

import click
from program import HOME, PATIENCE, Ran, environment, shell

from comagic_cli.cli import help as tables
from comagic_cli.cli.root import cli

SHELL = "|<>&;$`"
LISTS = {f"comagic list {name}" for name in ("employees", "geolocations", "metrics", "site")}


def commands():
    """Return all commands, as they are typed; of the lists, which are alike, a few."""
    found = {"comagic": cli} | dict(tables.commands(cli))
    left_out = {name for name in found if name.startswith("comagic list ")} - LISTS
    return {name: command for name, command in found.items() if name not in left_out}


def help_of(name, command):
    return command.get_help(click.Context(command, info_name=name, help_option_names=["--help"]))


def examples(text):
    """Return the lines below `Example:` or `Examples:` that begin with two blanks more."""
    lines = text.splitlines()
    found, inside = [], None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip().startswith("Example") and line.rstrip().endswith(":"):
            inside = indent
        elif inside is not None and indent <= inside:
            inside = None
        elif inside is not None:
            found.append(line.strip())
    return found


def run_line(comagic, line, home, **more):
    """Run a line; a shell is started only for what is more than a command, for its last part."""
    first, pipe, rest = line.partition(" | ")
    if first.startswith("comagic ") and "comagic" not in rest and not _needs_shell(first):
        ran = comagic(*shlex.split(first)[1:], **more)
        return _piped(ran, rest, home) if pipe else ran
    return shell(line, environment(home, **more))


def _needs_shell(line):
    """Say whether anything outside single quotes has a meaning for a shell."""
    words = shlex.shlex(line, posix=False, punctuation_chars=True)
    words.whitespace_split = True
    try:
        return any(word[0] != "'" and set(SHELL) & set(word) for word in words)
    except ValueError:  # a quote that ends behind the pipe
        return True


def _piped(ran, rest, home):
    assert (ran.code, ran.err) == (0, "")
    done = subprocess.run(
        ["bash", "-c", rest],
        input=ran.out,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=environment(home),
    )
    return Ran(done.returncode, done.stdout, done.stderr)


README = HOME / "README.md"
