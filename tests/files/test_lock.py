"""One run at a time: the lock on an output, here and between real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from outputs import HOME, names

from comagic_cli.errors import CannotWrite, OutputBusy
from comagic_cli.files import lock
from comagic_cli.files.lock import lock_file

HOLD = """
import sys, time
from pathlib import Path
from comagic_cli.files.lock import lock_file
with lock_file(Path(sys.argv[1])):
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
    with pytest.raises(OutputBusy) as caught, lock_file(path):
        pytest.fail("it was held twice")
    return caught.value


def test_a_lock_leaves_nothing_behind(target):
    with lock_file(target):
        assert names(target.parent) == [".out.csv.lock"]
    assert names(target.parent) == []
    with lock_file(target), lock_file(target.with_name("other.csv")):
        pass


def test_a_second_holder_in_the_same_process_is_refused(target):
    with lock_file(target):
        assert str(os.getpid()) in refused(target).message
    with lock_file(target):
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
    with lock_file(target):
        assert Path(f"{target.parent}/.out.csv.lock").read_text() == f"{os.getpid()}\n"
    assert names(target.parent) == []


def test_runs_that_end_and_begin_at_once_never_write_together(target):
    """Each removes the lock file as it ends, while others open it."""
    inside, together = [], []

    def run():
        for _ in range(20):
            with suppress(OutputBusy), lock_file(target):
                inside.append(1)
                together.append(len(inside))
                inside.pop()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(together) == {1}
    assert names(target.parent) == []


def test_the_lock_file_of_another_user_can_be_locked(target):
    before = os.umask(0o077)
    try:
        with lock_file(target):
            assert target.with_name(".out.csv.lock").stat().st_mode & 0o777 == 0o666
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            PermissionError(13, "Permission denied"),
            "no files can be created in the folder {folder}.",
        ),
        (OSError(37, "No locks available"), "No locks available."),
    ],
)
def test_a_lock_that_can_t_be_taken(target, monkeypatch, error, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(lock.FileLock, "acquire", fail)  # root may write in any folder
    with pytest.raises(CannotWrite) as caught, lock_file(target):
        pytest.fail("it was held")
    told = message.format(folder=target.parent)
    assert caught.value.message == f"{target} can't be written: {told}"


def test_a_lock_file_that_another_user_has_locked_out(target, monkeypatch):
    def fail(*_, **__):
        raise PermissionError(13, "Permission denied")

    left = target.with_name(".out.csv.lock")
    left.touch()
    monkeypatch.setattr(lock.FileLock, "acquire", fail)
    with pytest.raises(CannotWrite) as caught, lock_file(target):
        pytest.fail("it was held")
    assert caught.value.message == (
        f"{target} can't be written: the lock file {left} belongs to another user."
    )


def test_the_longest_name_is_locked(tmp_path):
    with lock_file(tmp_path / ("я" * 125 + ".csv")), lock_file(tmp_path / ("я" * 125 + ".tsv")):
        assert len(names(tmp_path)) == 2
