from __future__ import annotations

import os
import threading

import pytest
from filelock import FileLock

from comagic_cli.config.private_file import lock_file, read_private, replace_private
from comagic_cli.errors import CannotWrite, UsageProblem


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_file_is_its_owner_s_from_its_first_byte(tmp_path, monkeypatch, umask):
    seen = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (seen.append(os.fstat(fd).st_mode & 0o777), fsync(fd))
    )
    path = tmp_path / "a" / "b" / "config.toml"
    old = os.umask(umask)
    try:
        with lock_file(path):
            replace_private(path, "é = 1\n")
    finally:
        os.umask(old)
    assert (seen[0], mode(path), mode(path.parent)) == (0o600, 0o600, 0o700)
    assert read_private(path, "x") == "é = 1\n"
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


def test_the_place_of_a_link_is_kept(tmp_path):
    real, link = tmp_path / "real.toml", tmp_path / "config.toml"
    real.write_text("old")
    link.symlink_to(real)
    replace_private(link, "new")
    assert (link.is_symlink(), real.read_text(), mode(real)) == (True, "new", 0o600)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_can_t_be_written_leaves_the_old_file(tmp_path, monkeypatch, error):
    path = tmp_path / "config.toml"
    path.write_text("old")

    def fail(_):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((CannotWrite, KeyboardInterrupt)) as caught:
        replace_private(path, "new")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]
    if isinstance(error, OSError):
        assert str(caught.value) == f"{path} can't be written: No space left on device."


def test_a_folder_that_can_t_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(CannotWrite, match="Not a directory"),
        lock_file(tmp_path / "file" / "x" / "y"),
    ):
        pass


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o601, 0o777])
def test_a_file_that_others_can_read_is_refused(tmp_path, bits):
    path = tmp_path / "my key"
    path.write_text("secret")
    path.chmod(bits)
    with pytest.raises(UsageProblem) as caught:
        read_private(path, "x")
    assert caught.value.message == f"x: {path} can be read by other users"
    assert caught.value.hint == f"Type: chmod 600 '{path}'"


def test_one_run_at_a_time_changes_a_file(tmp_path):
    path = tmp_path / "config.toml"
    inside, waiting = threading.Event(), threading.Event()

    def second():
        with lock_file(path):
            inside.set()

    other = threading.Thread(target=second)
    with lock_file(path):
        other.start()
        waiting.wait(0.05)
        assert not inside.is_set()
    other.join(20)
    assert inside.is_set()


def test_without_a_lock_nobody_waits(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError

    monkeypatch.setattr(FileLock, "acquire", fail)
    path, inside = tmp_path / "config.toml", []
    with lock_file(path):
        inside.append("first")
        with lock_file(path):
            inside.append("second")
    assert inside == ["first", "second"]
