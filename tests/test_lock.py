"""One run at a time: the lock on an output, here and between real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from outputs import HOME, names

from comagic_cli.errors import CannotWrite, OutputBusy
from comagic_cli.files import lock
from comagic_cli.files.lock import held

HOLD = """
import sys, time
from pathlib import Path
from comagic_cli.files.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.csv"


@pytest.fixture
def holder(target):
    """Hold the lock in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, target], stdin=-1, stdout=-1, cwd=HOME, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def refused(path: Path) -> OutputBusy:
    with pytest.raises(OutputBusy) as caught, held(path):
        pytest.fail("it was held twice")
    return caught.value


def test_a_lock_leaves_nothing_behind(target):
    with held(target):
        assert names(target.parent) == [".out.csv.lock"]
    assert names(target.parent) == []
    with held(target), held(target.with_name("other.csv")):
        pass


def test_a_second_holder_in_the_same_process_is_refused(target):
    with held(target):
        assert str(os.getpid()) in refused(target).message
    with held(target):
        pass


def test_a_second_process_is_told_who_holds_what(target, holder):
    error = refused(target)
    assert error.exit_code == 9
    assert error.message == f"{target} is being written by another run (process {holder.pid})."
    assert error.hint == "Wait until it has ended, or write to another file."


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_dies_with_its_process(target, holder, number):
    holder.send_signal(number)
    holder.wait()
    assert names(target.parent) == [".out.csv.lock"]
    with held(target):
        assert Path(f"{target.parent}/.out.csv.lock").read_text() == f"{os.getpid()}\n"
    assert names(target.parent) == []


def test_a_lock_whose_file_goes_as_it_is_taken_is_taken_anew(target, monkeypatch):
    """Its holder removes the file between our opening and our locking it."""
    take, taken = lock._take, []

    def slow(descriptor):
        taken.append(descriptor)
        if len(taken) == 1:
            target.with_name(".out.csv.lock").unlink()
        take(descriptor)

    monkeypatch.setattr(lock, "_take", slow)
    with held(target):
        assert len(taken) == 2
        assert "is being written" in refused(target).message


def test_the_lock_of_another_user_can_be_taken_once_it_is_free(target, monkeypatch):
    left = target.with_name(".out.csv.lock")
    left.touch()
    open_ = os.open
    monkeypatch.setattr(
        lock.os, "open", lambda path, flags, *mode: _not_to_write(open_, path, flags, *mode)
    )
    with held(target):
        assert refused(target).message == f"{target} is being written by another run."
    left.unlink(missing_ok=True)
    with pytest.raises(CannotWrite, match="takes no new files from you"), held(target):
        pytest.fail("it was held")


def _not_to_write(open_, path, flags, *mode):
    if flags & os.O_RDWR:  # root may write any file
        raise PermissionError(13, "Permission denied")
    return open_(path, flags, *mode)


def test_a_file_system_without_locks_is_told(target, monkeypatch):
    def none(_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock, "_take", none)
    with pytest.raises(CannotWrite, match="can't be written: No locks available"), held(target):
        pytest.fail("it was held")


def test_the_longest_name_is_locked(tmp_path):
    with held(tmp_path / ("я" * 125 + ".csv")), held(tmp_path / ("я" * 125 + ".tsv")):
        assert len(names(tmp_path)) == 2
