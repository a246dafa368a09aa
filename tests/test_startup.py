"""What a run does not import: each module that is there for an option is read where it is typed.

How long a start takes is measured by tests/bench; what it is made of is held here.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
from program import REPORT, Watched, environment

# Modules that few exports need, by what they are for.
OPTIONAL = {
    "several clients": {"commands.agency", "fetch.customers"},
    "ids": {"fetch.lots"},
    "braces": {"commands.parting", "output.partitions", "output.dealing", "output.fingerprint"},
    "sqlite": {"commands.storing", "output.database", "output.ledger", "output.sqlite", "sqlite3"},
    "typed": {"output.typed", "output.kinds"},
    "count": {"commands.count", "fetch.counting"},
    "dry run": {"commands.dry"},
    "table": {"output.table", "rich"},
    "sandbox": {"sandbox"},
}
PROGRAM = (
    "import sys; from comagic_cli.commands.main import main; code = main(sys.argv[1:])\n"
    "print(*sys.modules, file=sys.stderr); sys.exit(code)"
)


@pytest.fixture(scope="module")
def box():
    with Watched() as served:
        yield served


def full(name):
    ours = f"comagic_cli.{name}"
    return ours if "." in name or name == "sandbox" else name


def imported(words, environ):
    """Name what is for an option and was imported by a run."""
    command = [sys.executable, "-c", PROGRAM, *words]
    done = subprocess.run(command, env=environ, capture_output=True, check=True, text=True)
    loaded = set(done.stderr.split())
    return {use for use, names in OPTIONAL.items() if loaded & set(map(full, names))}


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv.gz", "-"])
def test_an_export_imports_nothing_that_it_was_not_asked_for(box, tmp_path, name):
    output = name if name == "-" else str(tmp_path / name)
    assert imported([*REPORT, "-o", output], environment(tmp_path, box)) == set()


@pytest.mark.parametrize(
    ("words", "use"),
    [(["-o", "{date}.jsonl"], "braces"), (["-o", "rows.db"], "sqlite"), (["--count"], "count")],
)
def test_what_is_asked_for_is_imported(box, tmp_path, monkeypatch, words, use):
    monkeypatch.chdir(tmp_path)
    assert use in imported([*REPORT, *words], environment(tmp_path, box))


def test_what_is_held_is_there_to_be_imported():
    missing = [name for names in OPTIONAL.values() for name in names if not find_spec(full(name))]
    assert missing == []
