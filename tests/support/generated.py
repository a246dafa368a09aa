"""The parts of README that are made from the program. Run this file to write them anew."""

from __future__ import annotations

import re

import click
from examples import README, commands, help_of

from comagic_cli.cli import help as tables
from comagic_cli.cli.root import cli

COMMAND = ".venv/bin/python tests/support/generated.py"
PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head, rows):
    return "\n".join([f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)])


def of_commands():
    titles = ((f"`{name}`", command.get_short_help_str(99)) for name, command in commands().items())
    return table(("command", "what it does"), list(titles)[1:])


def of_options():
    found = cli.get_command(click.Context(cli), "communications")
    text = help_of("comagic communications", found)
    summary = "<details><summary>comagic communications --help</summary>"
    return f"{summary}\n\n```text\n{text}\n```\n\n</details>"


def parts():
    errors = ((f"`{name}`", said, todo, str(code)) for name, said, todo, code in tables.mnemonics())
    return {
        "commands": of_commands(),
        "exit-codes": table(("code", "meaning"), tables.exit_codes()),
        "environment": table(
            ("variable", "meaning"), ((f"`{name}`", told) for name, told in tables.variables(cli))
        ),
        "errors": table(("name", "meaning", "what to do", "exit code"), errors),
        "options": of_options(),
    }


def fresh(text):
    """Return a text of README with its generated parts written anew."""
    made = parts()
    return PART.sub(lambda found: f"{found[1]}\n{made[found[2]]}\n\n{found[3]}", text)


if __name__ == "__main__":
    README.write_text(fresh(README.read_text(encoding="utf-8")), encoding="utf-8")
