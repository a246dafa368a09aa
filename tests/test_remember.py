from __future__ import annotations

import os
import re
import time
from pathlib import Path
from threading import Thread

import pytest

from comagic_cli.files.cache import DAY, Memory, memory_of, name_of


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "deep" / "cache")


def test_what_is_kept_is_recalled_by_any_memory_of_the_same_place(memory):
    memory.keep("zone", "Europe/Moscow")
    memory.keep("other", "Ж")
    memory.keep("zone", "Asia/Omsk")
    assert Memory(memory.directory).recall("zone") == "Asia/Omsk"
    assert memory.recall("other") == "Ж"
    assert sorted(path.name for path in memory.directory.iterdir()) == ["other", "zone"]


def test_only_the_owner_can_read_what_is_kept(memory):
    memory.keep("zone", "Europe/Moscow")
    modes = [path.stat().st_mode & 0o777 for path in (memory.directory, memory.directory / "zone")]
    assert modes == [0o700, 0o600]


@pytest.mark.parametrize(("age", "recalled"), [(0, "x"), (DAY - 60, "x"), (DAY + 60, None)])
def test_what_is_old_is_forgotten(memory, age, recalled):
    memory.keep("zone", "x")
    then = time.time() - age
    os.utime(memory.directory / "zone", (then, then))
    assert memory.recall("zone") == recalled
    assert memory.recall("zone", most_age=2 * DAY) == "x"


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"\xff")])
def test_what_cannot_be_read_is_not_remembered(memory, spoil):
    memory.keep("zone", "x")
    spoil(memory.directory / "zone")
    assert memory.recall("zone") is None


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path):
    (tmp_path / "file").write_text("")
    memory = Memory(tmp_path / "file")
    memory.keep("zone", "x")
    assert memory.recall("zone") is None


def test_a_text_that_no_file_can_hold_is_kept_without_it(memory):
    memory.keep("zone", "a\ud800b")
    assert memory.recall("zone") == "a?b"


def test_what_fails_half_way_leaves_nothing_behind(memory):
    (memory.directory / "zone").mkdir(parents=True)
    memory.keep("zone", "x")
    assert [path.name for path in memory.directory.iterdir()] == ["zone"]


@pytest.mark.parametrize(
    ("environment", "directory"),
    [
        ({"XDG_CACHE_HOME": "/cache", "HOME": "/home/me"}, "/cache/comagic"),
        ({"XDG_CACHE_HOME": "", "HOME": "/home/me"}, "/home/me/.cache/comagic"),
        ({"XDG_CACHE_HOME": "not/whole", "HOME": "/home/me"}, "/home/me/.cache/comagic"),
        ({"HOME": "/home/me"}, "/home/me/.cache/comagic"),
        ({}, "/home/of-the-user/.cache/comagic"),
    ],
)
def test_where_things_are_remembered(monkeypatch, environment, directory):
    monkeypatch.setenv("HOME", "/home/of-the-user")
    assert memory_of(environment) == Memory(Path(directory))


def test_who_has_no_home_remembers_nothing(monkeypatch):
    def expanduser(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", expanduser)
    assert memory_of({}) is None
    assert memory_of({"XDG_CACHE_HOME": "/cache"}) == Memory(Path("/cache/comagic"))


def test_a_name_tells_its_kind_and_nothing_of_its_parts():
    name = name_of("zone", "https://x.example", "secret", 7)
    assert re.fullmatch(r"zone-[0-9a-f]{32}", name)
    assert name == name_of("zone", "https://x.example", "secret", 7)


@pytest.mark.parametrize(
    "parts", [("ab", "c"), ("a", "bc"), ("a", "b", "c"), ("abc",), ("abc", None), ("", "abc"), ()]
)
def test_other_parts_make_another_name(parts):
    assert name_of("zone", *parts) != name_of("zone", "a", "b", "d")
    others = [("ab", "c"), ("a", "bc"), ("a", "b", "c"), ("abc",), ("abc", None), ("", "abc"), ()]
    assert [name_of("zone", *other) for other in others].count(name_of("zone", *parts)) == 1


def test_one_run_at_a_time_is_let_in(memory):
    order = []

    def come():
        with Memory(memory.directory).alone("zone"):
            order.append("second")

    other = Thread(target=come)
    with memory.alone("zone"), memory.alone("another"):
        other.start()
        other.join(0.05)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    assert (memory.directory / "zone.lock").stat().st_mode & 0o777 == 0o600


def test_where_there_can_be_no_lock_all_are_let_in(tmp_path):
    (tmp_path / "file").write_text("")
    memory = Memory(tmp_path / "file")
    with memory.alone("zone"), memory.alone("zone"):
        pass


def test_what_goes_wrong_inside_gives_the_lock_back(memory):
    for _ in range(2):
        with pytest.raises(KeyError), memory.alone("zone"):
            raise KeyError
