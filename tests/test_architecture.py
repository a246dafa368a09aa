"""The import rules of the package: by folder, by library, and without cycles."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from coverage_marks import unmeasured

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(__file__).parent.parent
PACKAGE = "comagic_cli"
MOST_MODULES = 16  # in one folder
# Most modules of cli are one command each; what is verified afterwards has as many parts as what is
# exported.
MORE_MODULES = {"comagic_cli.cli": 18, "comagic_cli.export": 17}

# What of ours a folder may import, besides itself, `errors` and `__version__`.
ALLOWED = {
    "cli": (
        *("export", "config", "query", "rows", "paging", "formats", "databases", "files", "api"),
        "sandbox",
    ),
    # The sandbox stands in for the account.
    "export": (
        *("paging", "api", "query", "rows", "formats", "databases", "files", "config", "sandbox"),
    ),
    "paging": ("rows", "query"),
    "api": ("query", "rows"),
    "formats": ("rows", "query", "files"),
    # Texts of a server are made ready for messages as those of the service are.
    "databases": (
        "formats",
        "rows",
        "query",
        "files",
        "api.certificates",
        "api.proxies",
        "api.redact",
    ),
    "files": (),
    "query": (),
    "rows": ("query",),
    "config": ("files",),  # private files are locked and replaced as outputs are
    "sandbox": ("query.catalog",),
    "errors": (),
    "__init__": (),
    "__main__": ("cli",),
}
MOST_IMPORTS = 12  # modules of the package, besides `errors`, that one module imports
# Those that put an export together import more.
IMPORT_MORE = {
    "export.database": 15,
    "export.partitions": 18,
    "export.request": 23,
    "export.verify": 20,
    "export.recordings.saving": 19,
    "export.recordings.transcripts": 13,
    "export.connection": 19,
    "export.chart": 17,
    "export.pipeline": 17,
    "cli.api": 14,
    "cli.doctor": 13,
}
# The folders or modules that a library may be imported in.
LIBRARIES = {
    "click": ("cli",),
    "requests": ("api", "databases.clickhouse"),  # which is written over HTTP
    "urllib3": ("api",),
    "rich": ("cli.console", "formats.table", "formats.bars"),
    "dateutil": ("query.period",),
    "pyarrow": ("formats",),
    "xlsxwriter": ("formats",),
    "sqlite3": ("databases.sqlite",),
    "psycopg": ("databases.postgres",),
    "tomlkit": ("config.profiles",),
    "filelock": ("files.lock",),
    "obstore": ("files.cloud",),
    "platformdirs": ("files.directories",),
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
        elif isinstance(node, ast.Call) and (name := name_of_call(node)):
            yield node.lineno, resolve_name(name, package)


def name_of_call(call: ast.Call) -> str:
    """Return the name in `import_module("name")` and `__import__("name")`; "" for other calls."""
    match call:
        case ast.Call(
            func=ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(str(name)), *_],
        ):
            return name
    return ""


def violations(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """List each import that the rules forbid in `module`, with its line."""
    if folder_of(module) not in ALLOWED:
        return [f"{module}: no rule says what {folder_of(module)} may import"]
    return [
        f"{module}:{line} imports {name}: {reason}"
        for line, name in imports(source, module, is_package=is_package)
        if (reason := reason_against(name, module))
    ]


def folder_of(module: str) -> str:
    return "__init__" if module == PACKAGE else module.split(".")[1]


def reason_against(name: str, module: str) -> str:
    """Return the rule that forbids to import `name` in `module`; "" where none does."""
    folder, library = folder_of(module), name.partition(".")[0]
    if library == PACKAGE:
        if folder in {"errors", "__init__"}:
            return f"{folder} imports nothing of ours"
        allowed = (folder, *ALLOWED[folder], "errors", "__version__")
        inside = name.removeprefix(PACKAGE).removeprefix(".")
        return "" if is_in(inside, allowed) else f"{folder} may import {', '.join(allowed)}"
    homes = LIBRARIES.get(library)
    if homes is None or is_in(module.removeprefix(f"{PACKAGE}."), homes):
        return ""
    return f"{library} belongs in {', '.join(homes)}"


def is_in(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


@cache
def modules() -> dict[str, str]:
    """Return the text of each module of the package by its full name."""
    return {
        ".".join(path.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__"): (
            path.read_text(encoding="utf-8")
        )
        for path in sorted((HOME / PACKAGE).rglob("*.py"))
    }


def is_package(module: str) -> bool:
    return any(name.startswith(f"{module}.") for name in modules())


@unmeasured
@pytest.mark.parametrize("folder", [*ALLOWED])
def test_every_module_imports_only_what_its_folder_may(folder):
    found = [
        violation
        for module, source in modules().items()
        if folder_of(module) == folder
        for violation in violations(source, module, is_package=is_package(module))
    ]

    assert not found, "\n".join(found)


@unmeasured
def test_no_folder_has_more_modules_than_a_reader_can_hold():
    sizes = Counter(module.rpartition(".")[0] for module in modules() if not is_package(module))

    most = dict.fromkeys(sizes, MOST_MODULES) | MORE_MODULES
    assert {folder: size for folder, size in sizes.items() if size > most[folder]} == {}


@cache
def own_imports(module: str) -> frozenset[str]:
    """Return the modules of the package that a module imports anywhere, also for types."""
    names = (name for _, name in imports(modules()[module], module, is_package=is_package(module)))
    found = {name if name in modules() else name.rpartition(".")[0] for name in names}
    return frozenset(found & set(modules()) - {module, PACKAGE, f"{PACKAGE}.errors"})


def cycles() -> list[list[str]]:
    """Return the groups of modules that import each other, of two or more."""
    order, done, groups = list[str](), set[str](), list[list[str]]()

    def visit(module: str, edges: dict[str, set[str]], into: list[str]) -> None:
        done.add(module)
        for other in sorted(edges[module] - done):
            if other not in done:
                visit(other, edges, into)
        into.append(module)

    forward = {module: set(own_imports(module)) for module in modules()}
    backward = {module: {one for one in forward if module in forward[one]} for module in forward}
    for module in forward:
        if module not in done:
            visit(module, forward, order)
    done.clear()
    for module in reversed(order):
        if module not in done:
            groups.append([])
            visit(module, backward, groups[-1])
    return [group for group in groups if len(group) > 1]


@unmeasured
def test_no_modules_import_each_other_in_a_circle():
    assert cycles() == []


@unmeasured
def test_no_module_imports_more_than_a_reader_can_hold():
    counts = {module.removeprefix(f"{PACKAGE}."): len(own_imports(module)) for module in modules()}
    many = {module: count for module, count in counts.items() if count > MOST_IMPORTS}
    assert {name: count for name, count in many.items() if count > IMPORT_MORE.get(name, 0)} == {}
    assert set(IMPORT_MORE) <= set(many), "these are simpler now: remove them from IMPORT_MORE"


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        (
            "paging.reader",
            "from comagic_cli.files import output",
            "may import paging, rows, query",
        ),
        ("paging.reader", "from ..formats.csv import Csv", "may import paging, rows, query"),
        ("formats.csv", "def f():\n    import comagic_cli.config", "may import formats, rows"),
        (
            "sandbox.server",
            "from comagic_cli.query import period",
            "may import sandbox, query.cata",
        ),
        ("config.profiles", "from comagic_cli.query import catalog", "may import config, files"),
        ("errors", "from comagic_cli import __version__", "errors imports nothing of ours"),
        ("formats.table", "from click import echo", "click belongs in cli"),
        ("cli.main", "import requests", "requests belongs in api, databases.clickhouse"),
        ("api.client", "import rich", "rich belongs in cli.console, formats.table, formats.bars"),
        ("files.output", "def f():\n    import dateutil.tz", "dateutil belongs in query.period"),
        ("paging.reader", "if TYPE_CHECKING:\n    import click", "click belongs in cli"),
        ("paging.reader", "import_module('click.core')", "click belongs in cli"),
        ("paging.reader", "importlib.import_module('comagic_cli.config')", "may import paging"),
    ],
)
def test_forbidden_import_is_caught(module, source, reason):
    [violation] = violations(source, f"{PACKAGE}.{module}")

    assert reason in violation
    assert violation.startswith(f"{PACKAGE}.{module}:{len(source.splitlines())} imports ")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cli.main", "from comagic_cli.sandbox import server; import click"),
        ("cli.main", "from comagic_cli import config, errors, export, __version__"),
        ("api.client", "import requests, urllib3, msgspec, json"),
        ("api.client", "from ..query.query import Query"),
        ("formats.table", "from rich.table import Table"),
        ("sandbox.server", "from comagic_cli.query.catalog import reports; import http.server"),
        ("query.period", "from dateutil.relativedelta import relativedelta"),
        ("__main__", "from comagic_cli.cli.main import run"),
        ("paging.reader", "import_module(name); run('click')"),
    ],
)
def test_allowed_import_passes(module, source):
    assert violations(source, f"{PACKAGE}.{module}") == []


def test_folder_without_a_rule_is_caught_once():
    assert violations("import json, re", f"{PACKAGE}.attic") == [
        "comagic_cli.attic: no rule says what attic may import"
    ]
