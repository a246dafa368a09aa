"""The program as a process: stopped by signals, it leaves nothing half done."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from coverage_marks import measured
from program import PATIENCE, REPORT, Watched, ended, environment, fault, start, stop

OLD = "the old rows\n"
STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
WAITS = {
    "a page that does not come": fault("slow", 2, seconds=60),
    "a page that stops coming": fault("stall", 2, seconds=60),
    "a pause before another try": fault("503", 2, retry_after=600),
}


@contextmanager
def waiting(wait, folder):
    """Start an export to a file that waits for the second of its pages."""
    target = folder / "rows.csv"
    target.write_text(OLD)
    with Watched(faults=WAITS[wait]) as box:
        options = ["-o", target, "--page-size", "10", "--report-id", "1001"]
        process = start([*REPORT, *options], environment(folder, box))
        box.await_calls(2)
        yield process
        process.kill()
        ended(process)


KEPT = "comagic: What is written is kept. Continue with: comagic "


def check_untouched(folder, said):
    """The old file is unchanged; if a part of the new one is left, the message says so."""
    assert (folder / "rows.csv").read_text() == OLD
    left = {path.name for path in folder.glob(".*")}
    assert left == ({".rows.csv.part", ".rows.csv.checkpoint"} if said else set())
    assert not said or (said.startswith(KEPT) and said.endswith(" --resume\n"))


# Each signal, and each wait.
@pytest.mark.parametrize(
    ("wait", "number", "code"), [(wait, *stop) for wait, stop in zip(WAITS, STOPS, strict=True)]
)
def test_a_signal_in_mid_export(tmp_path, wait, number, code):
    with waiting(wait, tmp_path) as export:
        ran = stop(export, number)
    assert (ran.code, ran.out) == (code, "")
    check_untouched(tmp_path, ran.err)


def test_two_signals_at_once(tmp_path):
    with waiting("a page that stops coming", tmp_path) as export:
        export.send_signal(signal.SIGINT)
        ran = stop(export, signal.SIGINT)
    assert (ran.code, ran.out) == (130, "")
    check_untouched(tmp_path, ran.err)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_what_is_written_to_a_pipe_before_a_signal_is_whole_rows(tmp_path, form):
    with Watched(faults=fault("slow", 3, seconds=60)) as box:
        options = ["--page-size", "10", "-f", form, "--report-id", "1001"]
        process = start([*REPORT, *options], environment(tmp_path, box))
        box.await_calls(3)
        ran = stop(process)
    assert (ran.code, ran.err) == (130, "")
    assert ran.out == "" or ran.out.endswith("\n")


def test_a_signal_during_an_export_of_the_sandbox(tmp_path):
    process = start(
        ["communications", "--sandbox", "--from", "-2y", "--page-size", "100"],
        environment(tmp_path),
    )
    assert process.stdout.readline()
    ran = stop(process)
    assert (ran.code, ran.err) == (130, "")


EARLY = """
import os, sys
module, number, *sys.argv[1:] = sys.argv[1:]

class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == module:
            os.kill(os.getpid(), int(number))

sys.meta_path.insert(0, Interrupt())
from comagic_cli.cli.main import run
run()
"""


@pytest.mark.parametrize(("number", "code"), STOPS)
@pytest.mark.parametrize(
    ("module", "word"),
    [
        ("click", "--help"),
        ("comagic_cli.export.pipeline", "communications"),
    ],
)
def test_a_signal_while_it_starts(tmp_path, number, code, module, word):
    done = subprocess.run(
        [sys.executable, "-c", EARLY, module, str(int(number)), word],
        env=environment(tmp_path) | measured(),
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_a_signal_ignored_from_the_start_stays_ignored(tmp_path):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Watched(faults=fault("slow", 1, seconds=60)) as box:
        environ = environment(tmp_path, box)
        process = start([*REPORT, "--report-id", "1001"], environ, preexec_fn=ignore)
        box.await_calls(1)
        process.send_signal(signal.SIGHUP)
        ran = stop(process, signal.SIGTERM)
    assert (ran.code, ran.err) == (143, "")
