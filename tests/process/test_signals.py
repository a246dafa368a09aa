"""The program as a process: stopped by signals, it leaves nothing half done."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from coverage_marks import measured
from program import PATIENCE, REPORT, Watched, ended, environment, fault, run, start, stop

OLD = "the old rows\n"
STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
WAITS = {
    "a page that does not come": fault("slow", 2, seconds=60),
    "a page that stops coming": fault("stall", 2, seconds=60),
    "a pause before another try": fault("503", 2, retry_after=600),
}


@pytest.fixture(params=WAITS)
def export(request, tmp_path):
    """Start an export to a file that waits in the second of its pages."""
    target = tmp_path / "rows.csv"
    target.write_text(OLD)
    with Watched(faults=WAITS[request.param]) as box:
        options = ["-o", target, "--page-size", "10", "--report-id", "1001"]
        process = start([*REPORT, *options], environment(tmp_path, box))
        box.await_calls(2)
        yield process
        process.kill()
        ended(process)


KEPT = "comagic: What is written is kept. Continue with: comagic "


def check_untouched(folder, told):
    """The old file is as it was; what is left of the new one, if anything, is told."""
    assert (folder / "rows.csv").read_text() == OLD
    left = {path.name for path in folder.glob(".*")}
    assert left == ({".rows.csv.part", ".rows.csv.checkpoint"} if told else set())
    assert not told or (told.startswith(KEPT) and told.endswith(" --resume\n"))


@pytest.mark.parametrize(("number", "code"), STOPS)
def test_a_signal_in_mid_export(export, tmp_path, number, code):
    ran = stop(export, number)
    assert (ran.code, ran.out) == (code, "")
    check_untouched(tmp_path, ran.err)


def test_two_signals_at_once(export, tmp_path):
    export.send_signal(signal.SIGINT)
    ran = stop(export, signal.SIGINT)
    assert (ran.code, ran.out) == (130, "")
    check_untouched(tmp_path, ran.err)


def test_a_kill_leaves_the_old_file(export, tmp_path):
    export.kill()
    assert ended(export).code == -signal.SIGKILL
    assert (tmp_path / "rows.csv").read_text() == OLD


def test_another_run_holds_the_file(export, tmp_path):
    assert export.poll() is None
    ran = run([*REPORT, "--sandbox", "-o", tmp_path / "rows.csv"], environment(tmp_path))
    assert (ran.code, ran.out, ran.err.splitlines()[0][:9]) == (9, "", "comagic: ")
    assert (tmp_path / "rows.csv").read_text() == OLD


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_what_is_written_to_a_pipe_before_a_signal_is_whole_rows(tmp_path, form):
    with Watched(faults=fault("slow", 3, seconds=60)) as box:
        options = ["--page-size", "10", "-f", form, "--report-id", "1001"]
        process = start([*REPORT, *options], environment(tmp_path, box))
        box.await_calls(3)
        ran = stop(process)
    assert (ran.code, ran.err) == (130, "")
    assert ran.out == "" or ran.out.endswith("\n")


def test_a_signal_while_the_sandbox_is_used(tmp_path):
    process = start(["communications", "--sandbox", "--from", "-2y"], environment(tmp_path))
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
        ("comagic_cli.cli.root", "--help"),
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


def test_a_signal_ignored_from_the_start_stays_so(tmp_path):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Watched(faults=fault("slow", 1, seconds=60)) as box:
        environ = environment(tmp_path, box)
        process = start([*REPORT, "--report-id", "1001"], environ, preexec_fn=ignore)
        box.await_calls(1)
        process.send_signal(signal.SIGHUP)
        ran = stop(process, signal.SIGTERM)
    assert (ran.code, ran.err) == (143, "")
