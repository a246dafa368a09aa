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
    "typed": {"pyarrow", "xlsxwriter"},
    "table": {"formats.table", "rich"},
    "sandbox": {"sandbox"},
    "failures": {"html"},
    "packing": {"gzip"},
}
DONE_BY_COMMANDS = ("api", "config", "export", "files", "formats", "paging", "query.", "rows")
PROGRAM = (
    "import sys; from comagic_cli.cli.main import main; code = main(sys.argv[1:])\n"
    "print(*sys.modules, file=sys.stderr); sys.exit(code)"
)


@pytest.fixture(scope="module")
def box():
    with Watched() as served:
        yield served


def full(name):
    ours = f"comagic_cli.{name}"
    return ours if "." in name or name == "sandbox" else name


def loaded(words, environ):
    """Name all that a run has imported."""
    command = [sys.executable, "-c", PROGRAM, *words]
    done = subprocess.run(command, env=environ, capture_output=True, check=True, text=True)
    return set(done.stderr.split())


def imported(words, environ):
    """Name what is for an option and was imported by a run."""
    modules = loaded(words, environ)
    return {use for use, names in OPTIONAL.items() if modules & set(map(full, names))}


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_the_root_tells_of_itself_without_what_commands_do(box, tmp_path, word):
    names = loaded([word], environment(tmp_path, box))
    ours = {name.removeprefix("comagic_cli.") for name in names if name.startswith("comagic_cli.")}
    assert not [name for name in ours if name.startswith(DONE_BY_COMMANDS)]
    assert not names & {"requests", "rich", "msgspec"}


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "-"])
def test_an_export_imports_nothing_that_it_was_not_asked_for(box, tmp_path, name):
    output = name if name == "-" else str(tmp_path / name)
    assert imported([*REPORT, "-o", output], environment(tmp_path, box)) == set()


def test_what_is_held_is_there_to_be_imported():
    missing = [name for names in OPTIONAL.values() for name in names if not find_spec(full(name))]
    assert missing == []
