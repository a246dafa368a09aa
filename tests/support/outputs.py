"""Outputs opened and written, here and in real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from coverage_marks import measured

from comagic_cli.errors import CannotWrite
from comagic_cli.files.output import open_output

HOME = Path(__file__).parent.parent.parent
OLD, NEW = b"the old rows\n", b"the new rows\n"


def write(target: Path | str | None, data: bytes = NEW) -> None:
    with open_output(None if target is None else str(target), sys.stdout) as stream:
        stream.write(data)


def write_and_raise(target: Path, error: BaseException) -> None:
    with open_output(str(target)) as stream:
        stream.write(NEW)
        raise error


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run(code: str, *args: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run Python in a real process, where `open_output` is imported."""
    start = "import sys; from comagic_cli.files.output import open_output\n"
    command = [sys.executable, "-c", start + textwrap.dedent(code), *map(str, args)]
    # MeasuredOutput, a process would fail to write what it measured where its files may not grow.
    environ = {name: text for name, text in os.environ.items() if name not in measured()}
    return subprocess.run(command, cwd=HOME, check=False, **({"env": environ} | options))


def refusal(target: Path | str) -> tuple[str, str]:
    with pytest.raises(CannotWrite) as caught, open_output(str(target)):
        pytest.fail("it was opened")
    return caught.value.message, caught.value.hint
