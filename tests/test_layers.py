"""Who may import whom, which library lives in which room, and how big a room may be."""

from __future__ import annotations

import ast
import sys
from fnmatch import fnmatchcase
from importlib.util import resolve_name
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from measuring import unmeasured

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(__file__).parent.parent
PACKAGE = "comagic_cli"
LONGEST_FILE = 350
LONGEST_FUNCTION = 40

# What of ours a room may import, besides itself and what is everybody's.
FOR_ROOM = {
    "commands": ("*",),
    "export": ("request", "fetch", "output"),
    "following": ("request", "fetch", "output"),
    "fetch": ("request",),
    "output": ("request",),
    "sandbox": ("request.catalog",),
    "request": (),
    "config": (),
    "remember": (),
    "errors": (),
    "__init__": (),
    "__main__": ("commands",),
}
FOR_ALL = ("errors", "__version__")
NOTHING_OF_OURS = {"errors", "__init__"}
STANDARD_LIBRARY_ONLY = {"sandbox", "config", "remember", "errors", "__init__", "__main__"}
# The modules a library may be imported in; a library not named here is at home everywhere else.
FOR_LIBRARY = {
    "click": ("commands",),
    "requests": ("fetch",),
    "urllib3": ("fetch",),
    "rich": ("commands", "output.table*", "output.progress"),
    "dateutil": ("request",),
    "pyarrow": ("output",),
    "xlsxwriter": ("output",),
}


def imports(source: str, module: str, *, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each thing imported anywhere in `source`."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source, module)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = resolve_name("." * node.level + (node.module or ""), package)
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and (name := imported_by_call(node)):
            yield node.lineno, resolve_name(name, package)


def imported_by_call(call: ast.Call) -> str:
    """Read the name in `import_module("name")` and `__import__("name")`; "" for other calls."""
    match call:
        case ast.Call(
            func=ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(str(name)), *_],
        ):
            return name
    return ""


def forbidden_imports(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """Name each import that the rules don't allow in `module`, with its line."""
    if room_of(module) not in FOR_ROOM:
        return [f"{module}: no rule says what {room_of(module)} may import"]
    return [
        f"{module}:{line} imports {name}: {reason}"
        for line, name in imports(source, module, is_package=is_package)
        if (reason := why_forbidden(name, module))
    ]


def room_of(module: str) -> str:
    return "__init__" if module == PACKAGE else module.split(".")[1]


def why_forbidden(name: str, module: str) -> str:
    """Say which rule keeps `name` out of `module`; "" where none does."""
    room = room_of(module)
    library = name.partition(".")[0]
    if library == PACKAGE:
        return why_forbidden_of_ours(name.removeprefix(f"{PACKAGE}."), room)
    if library in sys.stdlib_module_names:
        return ""
    if room in STANDARD_LIBRARY_ONLY:
        return f"{room} has the standard library only"
    if not is_in(module.removeprefix(f"{PACKAGE}."), FOR_LIBRARY.get(library, ("*",))):
        return f"{library} lives in {', '.join(FOR_LIBRARY[library])}"
    return ""


def why_forbidden_of_ours(name: str, room: str) -> str:
    if room in NOTHING_OF_OURS:
        return f"{room} imports nothing of ours"
    allowed = (room, *FOR_ROOM[room], *FOR_ALL)
    return "" if is_in(name, allowed) else f"{room} may import {', '.join(allowed)}"


def is_in(name: str, rooms: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, room) or fnmatchcase(name, f"{room}.*") for room in rooms)


def long_functions(source: str) -> list[str]:
    """Name each function of more lines than allowed, from `def` to its end."""
    return [
        f"{node.lineno} {node.name} has {length} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]


def faults_of_file(path: Path, source: str) -> list[str]:
    """Name what is too long in a file, and a name that says nothing."""
    faults = [f"{path}:{fault}" for fault in long_functions(source)]
    if (length := len(source.splitlines())) > LONGEST_FILE:
        faults.append(f"{path} has {length} lines")
    if path.name == "utils.py":
        faults.append(f"{path} says nothing of what is in it")
    return faults


def sources(folder: str) -> Iterator[tuple[Path, str]]:
    """Yield path, from the home of the project, and text of each module under `folder`."""
    for path in sorted((HOME / folder).rglob("*.py")):
        yield path.relative_to(HOME), path.read_text(encoding="utf-8")


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


# The rules, held against the project


@unmeasured
def test_every_module_imports_only_what_its_room_may():
    faults = [
        fault
        for path, source in sources(PACKAGE)
        for fault in forbidden_imports(
            source, module_of(path), is_package=path.name == "__init__.py"
        )
    ]

    assert not faults, "\n".join(faults)


@unmeasured
def test_every_file_is_a_room_known_at_a_glance():
    faults = [
        fault
        for folder in (PACKAGE, "tests")
        for path, source in sources(folder)
        for fault in faults_of_file(path, source)
    ]

    assert not faults, "\n".join(faults)


def test_package_is_found():
    assert Path(PACKAGE, "errors.py") in dict(sources(PACKAGE))


# The rules, held against what breaks them


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("export", "from comagic_cli.commands.main import run", "may import export, request, "),
        ("export", "from comagic_cli import config", "may import export, request, fetch, output"),
        ("export", "import comagic_cli.sandbox.server", "may import export, request, fetch"),
        ("fetch.pager", "from comagic_cli.output import files", "may import fetch, request"),
        ("fetch.pager", "from ..output.csv import Csv", "may import fetch, request"),
        ("fetch.pager", "from .. import config", "may import fetch, request"),
        ("fetch.pager", "import comagic_cli", "may import fetch, request"),
        ("output.csv", "from comagic_cli.fetch.pager import pages", "may import output, request"),
        ("output.csv", "def f():\n    import comagic_cli.config", "may import output, request"),
        ("sandbox.server", "from comagic_cli.request import rows", "may import sandbox, request.c"),
        ("sandbox.server", "from comagic_cli.fetch import client", "may import sandbox, request.c"),
        ("sandbox.server", "import msgspec", "sandbox has the standard library only"),
        ("request.query", "from comagic_cli.fetch import windows", "may import request, errors"),
        ("request.query", "from comagic_cli import export", "may import request, errors"),
        ("config", "from comagic_cli.request import catalog", "may import config, errors"),
        ("config", "import msgspec", "config has the standard library only"),
        ("errors", "from comagic_cli import __version__", "errors imports nothing of ours"),
        ("errors", "from comagic_cli.request import catalog", "errors imports nothing of ours"),
        ("export", "import click", "click lives in commands"),
        ("output.table", "from click import echo", "click lives in commands"),
        ("commands.main", "import requests", "requests lives in fetch"),
        ("request.query", "from requests import Session", "requests lives in fetch"),
        ("output.files", "import urllib3.util", "urllib3 lives in fetch"),
        ("output.csv", "from rich.table import Table", "rich lives in commands, output.table*"),
        ("fetch.client", "import rich", "rich lives in commands, output.table*, output.progress"),
        ("output.files", "def f():\n    import dateutil.tz", "dateutil lives in request"),
        ("export", "if TYPE_CHECKING:\n    import click", "click lives in commands"),
        ("export", "import_module('click.core')", "click lives in commands"),
        ("export", "importlib.import_module('comagic_cli.config')", "may import export, request"),
        ("export", "__import__('rich')", "rich lives in commands"),
    ],
)
def test_forbidden_import_is_caught(module, source, reason):
    [fault] = forbidden_imports(source, f"{PACKAGE}.{module}")

    assert reason in fault
    assert fault.startswith(f"{PACKAGE}.{module}:{len(source.splitlines())} imports ")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("commands.main", "from comagic_cli.sandbox import server; import click, rich.table"),
        ("commands.main", "from comagic_cli import config, errors, export, __version__"),
        ("export", "from comagic_cli.fetch.pager import pages"),
        ("export", "from comagic_cli import request, output, fetch"),
        ("fetch.client", "import requests, urllib3, msgspec, json"),
        ("fetch.client", "from comagic_cli import __version__"),
        ("fetch.client", "from ..request.query import Query"),
        ("output.table", "from rich.table import Table"),
        ("output.table_cells", "import rich"),
        ("output.progress", "import rich.progress"),
        ("output.csv", "from comagic_cli.output import files"),
        ("sandbox.server", "from comagic_cli.request.catalog import reports; import http.server"),
        ("sandbox.server", "from comagic_cli.request import catalog; from . import rows"),
        ("sandbox.server", "from comagic_cli.errors import CannotWrite"),
        ("request.periods", "from dateutil.relativedelta import relativedelta"),
        ("request.periods", "from comagic_cli.request.dates import day"),
        ("config", "import tomllib; from comagic_cli.errors import UsageProblem"),
        ("errors", "from __future__ import annotations"),
        ("__main__", "from comagic_cli.commands.main import run"),
        ("export", "import_module(name); run('click')"),
    ],
)
def test_allowed_import_passes(module, source):
    assert forbidden_imports(source, f"{PACKAGE}.{module}") == []


def test_relative_import_in_a_package_starts_from_that_package():
    module = f"{PACKAGE}.fetch"

    assert forbidden_imports("from .client import call", module, is_package=True) == []
    assert forbidden_imports("from ..output import csv", module, is_package=True) != []


def test_room_without_a_rule_is_caught_once():
    assert forbidden_imports("import json, re", f"{PACKAGE}.attic") == [
        "comagic_cli.attic: no rule says what attic may import"
    ]


def test_package_root_imports_nothing_of_ours():
    assert forbidden_imports("from .errors import ComagicError", PACKAGE, is_package=True) == [
        "comagic_cli:1 imports comagic_cli.errors.ComagicError: __init__ imports nothing of ours"
    ]


@pytest.mark.parametrize("word", ["def", "async def"])
def test_long_function_is_caught_by_name(word):
    body = "    pass\n"

    assert long_functions(f"{word} f():\n" + body * 39) == []
    assert long_functions(f"@g\n{word} f():\n" + body * 40) == ["2 f has 41 lines"]


def test_long_method_and_inner_function_are_caught():
    source = "class A:\n  def f(self):\n    def g():\n" + "      pass\n" * 40

    assert long_functions(source) == ["2 f has 42 lines", "3 g has 41 lines"]


def test_long_file_is_caught():
    path = Path("comagic_cli/fetch/pager.py")

    assert faults_of_file(path, "x = 1\n" * 350) == []
    assert faults_of_file(path, "x = 1\n" * 351) == [f"{path} has 351 lines"]


def test_file_called_utils_is_caught():
    path = Path("comagic_cli/fetch/utils.py")

    assert faults_of_file(path, "") == [f"{path} says nothing of what is in it"]
