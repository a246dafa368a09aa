"""Real processes that are killed, stopped, or out of points or disk, and then continued.

COMAGIC_KILLS is the number of kills at moments of chance; rows without a key get half of them.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from time import sleep

import pytest
from coverage_marks import unmeasured
from interrupted_exports import (
    ASKED,
    KEPT,
    OLD,
    PAGE,
    ROWS,
    checkpoint_of,
    go_on,
    left,
    service,
    unpacked,
)
from program import PATIENCE, environment, fault

from comagic_cli.cli.main import main

# Each page is saved with a checkpoint, so that a kill can come in the middle of that.
PROGRAM = """
import sys
from comagic_cli.export import resume
resume.MAX_SHARE = float("inf")
from comagic_cli.cli.main import run
run()
"""
CALLS = 11  # of an undisturbed run
SUFFIXES = ["csv", "tsv", "jsonl", "csv.gz", "jsonl.zst"]
KILLED = int(os.environ.get("COMAGIC_KILLS", "10"))  # each suffix is killed in both ways
KILLS = [(moment, SUFFIXES[moment % len(SUFFIXES)]) for moment in range(KILLED)]


def start(target, box, *more, **options) -> subprocess.Popen[bytes]:
    """Start an export to a file as a process of its own."""
    command = [sys.executable, "-c", PROGRAM, *ASKED, "-o", str(target), *more]
    home = environment(target.parent / "home", box)
    return subprocess.Popen(command, env=home, stderr=subprocess.PIPE, **options)


def ended(process) -> tuple[int, str]:
    told = process.communicate(timeout=PATIENCE)[1]
    return process.returncode, told.decode()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the bytes of an undisturbed run, by suffix."""
    folder = tmp_path_factory.mktemp("whole")
    made = {}
    with service() as box, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMAGIC_BASE_URL", box.url)
        patch.setenv("COMAGIC_TOKEN", box.token)
        for suffix in SUFFIXES:
            target = folder / f"rows.{suffix}"
            assert main([*ASKED, "-o", str(target)]) == 0
            made[suffix] = unpacked(target)
    return made


def await_bytes(process, target, number):
    """Wait until the part has so many bytes, or the process has ended."""
    part = target.with_name(f".{target.name}.part")
    size = 0
    while process.poll() is None and size <= number:
        sleep(0.0005)  # leave the processor to the process
        with suppress(FileNotFoundError):
            size = part.stat().st_size


@unmeasured
@pytest.mark.parametrize(("moment", "suffix"), KILLS)
def test_a_killed_run_is_continued(comagic, tmp_path, whole, moment, suffix):
    """It is killed when a call comes, or when the part has a size; both are chosen by chance."""
    chance = random.Random(moment)
    target = tmp_path / f"rows.{suffix}"
    target.write_bytes(OLD)
    with service() as box:
        process = start(target, box)
        if moment % 2:
            box.await_calls(chance.randint(1, CALLS))
        else:
            packing = 3 if "." in suffix else 1
            await_bytes(process, target, chance.randrange(len(whole[suffix]) // packing))
        process.kill()
        code, _ = ended(process)
        assert code in {-signal.SIGKILL, 0}
        if code:
            assert target.read_bytes() in {OLD, whole[suffix]}
        more = ["--resume"] if {name for name in KEPT if name in left(target)} == KEPT else []
        before = len(box.pages)
        safe = checkpoint_of(target)["rows"] if more else 0
        assert comagic(*ASKED, "-o", target, *more, box=box).code == 0
        assert unpacked(target) == whole[suffix]
        assert left(target) <= {".{}.checkpoint"}
        assert len(box.pages) - before <= 2 + (ROWS - safe) // (PAGE - 1)


@unmeasured
def test_a_killed_run_leaves_no_other_file_under_the_name(comagic, tmp_path):
    """Rows without a key or totals: under the name is nothing, or the finished file.

    Each run continues the killed one before it.
    """
    target, chance = tmp_path / "deals.tsv", random.Random(6)
    words = ["deals", *ASKED[1:5], "--page-size", "15", "-o", target]
    with service(total_items="absent", rows=300) as box:
        environ = environment(tmp_path / "home", box)
        assert comagic(*words, box=box).code == 0
        finished = target.read_bytes()
        target.unlink()
        resume: list[str] = []
        for _ in range(KILLED // 2):
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *map(str, words), *resume],
                env=environ,
                stderr=subprocess.PIPE,
            )
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.2, 1.2))
            process.kill()
            process.communicate()
            if target.exists():
                assert target.read_bytes() == finished
                target.unlink()
            resume = ["--resume"] if (tmp_path / ".deals.tsv.checkpoint").exists() else []
        assert comagic(*words, *resume, box=box).code == 0
    assert target.read_bytes() == finished


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_is_written(comagic, tmp_path, whole, number):
    target = tmp_path / "rows.csv"
    target.write_bytes(OLD)
    with service(faults=fault("slow", 5, seconds=60)) as box:
        process = start(target, box)
        box.await_calls(5)
        process.send_signal(number)
        code, told = ended(process)
        assert (code, told) == (128 + number, f"comagic: {go_on(target)}")
        assert (target.read_bytes(), left(target)) == (OLD, KEPT)
        assert checkpoint_of(target)["rows"] >= PAGE + 2 * (PAGE - 1)  # the fourth is on its way
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0
        assert target.read_bytes() == whole["csv"]


def test_the_limit_of_a_day(comagic, tmp_path, whole):
    target = tmp_path / "rows.csv"
    with service(faults=fault("limit_exceeded", 4, detail="day")) as box:
        assert ended(start(target, box))[0] == 7
        assert left(target) == KEPT
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0
        assert target.read_bytes() == whole["csv"]


def test_a_full_disk(comagic, tmp_path, whole):
    """The part may be no longer than that; the checkpoint is shorter."""
    target = tmp_path / "rows.csv"
    target.write_bytes(OLD)
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (12_000, 12_000))
    with service() as box:
        code, told = ended(start(target, box, preexec_fn=full))
        assert code == 8, told
        assert "File too large" in told
        assert told.endswith(go_on(target))
        assert (target.read_bytes(), left(target)) == (OLD, KEPT)
        assert comagic(*ASKED, "-o", target, "--resume", box=box).code == 0
        assert target.read_bytes() == whole["csv"]


def test_two_runs_at_once(comagic, tmp_path):
    target = tmp_path / "rows.csv"
    target.write_bytes(OLD)
    with service(faults=fault("slow", 2, seconds=60)) as box:
        process = start(target, box)
        box.await_calls(2)
        calls = len(box.journal)
        for more in ([], ["--resume"]):
            ran = comagic(*ASKED, "-o", target, *more, box=box)
            assert (ran.code, ran.err.splitlines()[0]) == (
                9,
                f"comagic: {target} is being written by another run (process {process.pid}).",
            )
        assert len(box.journal) == calls
        assert target.read_bytes() == OLD
        process.kill()
        ended(process)
        assert comagic(*ASKED, "-o", target, box=box).code == 0
        assert left(target) == set()
