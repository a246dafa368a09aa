"""Real processes with four API calls under way that are stopped, and what is left of them."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from interrupted_exports import ASKED, go_on, left, service, unpacked
from program import PATIENCE, environment, fault

from comagic_cli.cli.main import main

# Each page is saved with a checkpoint, so that a kill comes after one.
PROGRAM = """
import sys
from comagic_cli.export import resume
resume.MAX_SHARE = float("inf")
from comagic_cli.cli.main import run
run()
"""
FOUR = ["--jobs", "4"]
STUCK = range(12, 16)  # calls that are not answered: those before them are slow, so that it is four
FAULTS = (*fault("slow", *STUCK, seconds=60), *fault("slow", *range(1, 12), seconds=0.15))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the bytes of an undisturbed run."""
    target = tmp_path_factory.mktemp("whole") / "rows.jsonl"
    with service(rows=400) as box, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMAGIC_BASE_URL", box.url)
        patch.setenv("COMAGIC_TOKEN", box.token)
        assert main([*ASKED, "-o", str(target), "--jobs", "1"]) == 0
    return target.read_bytes()


def start(words, box, folder):
    """Start an export, and wait until four of its calls are stuck."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *ASKED, *FOUR, *map(str, words)],
        env=environment(folder / "home", box),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    box.await_calls(STUCK[-1])
    return process


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_nothing_is_lost_of_an_export_with_four_calls_under_way(
    comagic, tmp_path, whole, number, code
):
    target = tmp_path / "rows.jsonl"
    with service(rows=400, faults=FAULTS) as box:
        process = start(["-o", target], box, tmp_path)
        process.send_signal(number)
        _, told = process.communicate(timeout=PATIENCE)
        said = "" if number == signal.SIGKILL else f"comagic: {go_on(target, *ASKED, *FOUR)}"
        assert (process.returncode, told.decode()) == (code, said)
        assert not target.exists()
        before = len(box.journal)
        ran = comagic(*ASKED, *FOUR, "-o", target, "--resume", box=box)
        assert (ran.code, unpacked(target)) == (0, whole), ran.err
        assert len(box.journal) - before <= 22 - 11 + 2
        assert left(target) <= {".{}.checkpoint"}


def test_a_pipe_that_is_closed_with_four_calls_under_way(tmp_path, whole):
    with (
        service(rows=400, faults=FAULTS[1:]) as box,
        subprocess.Popen(
            [sys.executable, "-m", "comagic_cli", *ASKED, *FOUR],
            env=environment(tmp_path / "home", box),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        first = process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
        assert (process.wait(PATIENCE), told) == (141, b"")
    assert whole.startswith(first)
