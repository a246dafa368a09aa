from __future__ import annotations

import gzip
import os
import signal
import subprocess
from pathlib import Path

import pytest
from outputs import NEW, OLD, names, refusal, run, write, write_and_raise

from comagic_cli.errors import CannotWrite, RowsMissing
from comagic_cli.files import atomic_file as whole
from comagic_cli.files.output import open_output


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.csv"


@pytest.mark.parametrize("old", [None, OLD])
def test_a_file_is_written_whole(target, old):
    if old:
        target.write_bytes(old)
    with open_output(str(target)) as stream:
        stream.write(NEW)
        stream.write(NEW)
        assert (target.read_bytes() if old else target.exists()) == (old or False)
        beside = {name for name in names(target.parent) if name != "out.csv"}
        assert beside == {".out.csv.lock", ".out.csv.part"}
    assert target.read_bytes() == NEW + NEW
    assert names(target.parent) == ["out.csv"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit, BrokenPipeError])
@pytest.mark.parametrize("old", [None, OLD])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_failure_leaves_the_old_file_as_it_was(tmp_path, failure, old, suffix):
    target = tmp_path / f"out.csv{suffix}"
    if old:
        target.write_bytes(old)
    with pytest.raises(failure):
        write_and_raise(target, failure())
    assert names(tmp_path) == ([target.name] if old else [])
    assert not old or target.read_bytes() == old


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_rows_that_are_there_stay_beside_the_file_when_rows_are_missing(tmp_path, suffix):
    target = tmp_path / f"out.csv{suffix}"
    target.write_bytes(OLD)
    with pytest.raises(RowsMissing):
        write_and_raise(target, RowsMissing("2 rows are missing."))
    incomplete = tmp_path / f"{target.name}.incomplete"
    assert names(tmp_path) == [target.name, incomplete.name]
    assert target.read_bytes() == OLD
    written = incomplete.read_bytes()
    assert (gzip.decompress(written) if suffix else written) == NEW


def test_kill_9_in_mid_write_leaves_the_old_file_as_it_was(target):
    target.write_bytes(OLD)
    code = """
        import os, signal
        with open_output(sys.argv[1]) as stream:
            stream.write(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run(code, target).returncode == -signal.SIGKILL
    assert target.read_bytes() == OLD
    write(target)
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("limit", [0, 5])
def test_a_full_disk_leaves_the_old_file_as_it_was(target, limit):
    target.write_bytes(OLD)
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
        try:
            with open_output(sys.argv[1]) as stream:
                stream.write(b"more than that")
        except Exception as error:
            sys.exit(f"{error.exit_code} {error} {error.hint}")
    """
    done = run(code, target, limit, stderr=subprocess.PIPE)
    assert done.stderr.decode() == (
        f"8 {target} can't be written: File too large. "
        "Write a shorter period to each file, or raise the limit (`ulimit -f`).\n"
    )
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["out.csv"]


def test_a_failed_sync_is_a_failure(target, monkeypatch):
    target.write_bytes(OLD)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole.os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left on device"):
        write(target)
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["out.csv"]


# The file's name, mode and place


@pytest.mark.parametrize("umask", [0o022, 0o077, 0])
def test_a_new_file_has_the_mode_that_the_umask_leaves(target, umask):
    before = os.umask(umask)
    try:
        write(target)
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o7777 == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_an_old_file_keeps_its_mode_and_owner(target, mode):
    target.write_bytes(OLD)
    target.chmod(mode)
    write(target)
    assert target.stat().st_mode & 0o7777 == mode
    assert target.stat().st_uid == os.getuid()


@pytest.mark.parametrize("old", [None, OLD])
def test_what_a_symlink_points_to_is_replaced(tmp_path, old):
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / "real.csv"
    if old:
        real.write_bytes(old)
    link = tmp_path / "link.csv"
    link.symlink_to(Path("elsewhere") / "real.csv")
    write(link)
    assert link.readlink() == Path("elsewhere/real.csv")
    assert real.read_bytes() == NEW
    assert names(tmp_path) == ["elsewhere", "link.csv"]
    assert names(real.parent) == ["real.csv"]


def test_a_relative_name_is_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("out.csv")
    assert (tmp_path / "out.csv").read_bytes() == NEW


def test_the_longest_name_is_written(tmp_path):
    target = tmp_path / ("я" * 125 + ".csv")
    write(target)
    assert names(tmp_path) == [target.name]


def test_a_folder_that_can_not_be_synced_is_no_failure(target, monkeypatch):
    real_open = os.open

    def no_folders(path, flags, *mode):
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags, *mode)

    monkeypatch.setattr(whole.os, "open", no_folders)
    write(target)
    assert target.read_bytes() == NEW


# What can't be written is told before the block


def test_a_folder(tmp_path):
    assert refusal(tmp_path) == (f"{tmp_path} is a folder.", "Add a file name.")
    assert refusal(f"{tmp_path}/new/") == (f"{tmp_path}/new/ is a folder.", "Add a file name.")


def test_a_missing_folder(tmp_path):
    assert refusal(tmp_path / "a b" / "out.csv") == (
        f"{tmp_path}/a b/out.csv can't be written: the folder {tmp_path}/a b does not exist.",
        f"Create it: mkdir -p '{tmp_path}/a b'",
    )


def test_a_name_too_long(tmp_path):
    message, _ = refusal(tmp_path / ("x" * 300))
    assert message.endswith("x can't be written: File name too long.")


def test_a_symlink_to_itself(tmp_path):
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    message, _ = refusal(tmp_path / "loop.csv")
    assert message.endswith("can't be written: Too many levels of symbolic links.")


def test_a_write_protected_file(target, monkeypatch):
    target.write_bytes(OLD)
    target.chmod(0o444)
    monkeypatch.setattr(whole.os, "access", lambda *_: False)  # root may write any file
    assert refusal(target) == (
        f"{target} can't be written: it is write-protected.",
        f"Allow it with chmod u+w '{target}', or write another file.",
    )
    assert target.read_bytes() == OLD


def test_a_folder_that_takes_no_files(target, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(whole.os, "open", denied)  # root may write in any folder
    message, hint = refusal(target)
    assert message == (
        f"{target} can't be written: no files can be created in the folder {target.parent}."
    )
    assert hint.startswith("A file is first written under a hidden name in its folder.")
