from __future__ import annotations

import os
import re
import time
from pathlib import Path
from threading import Thread

import pytest

from comagic_cli.files.cache import DAY, Cache, cache_key


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "deep" / "cache")


def test_what_is_kept_is_recalled_by_any_memory_of_the_same_place(cache):
    cache.set("zone", "Europe/Moscow")
    cache.set("other", "Ж")
    cache.set("zone", "Asia/Omsk")
    assert Cache(cache.directory).get("zone") == "Asia/Omsk"
    assert cache.get("other") == "Ж"
    assert sorted(path.name for path in cache.directory.iterdir()) == ["other", "zone"]


def test_only_the_owner_can_read_what_is_kept(cache):
    cache.set("zone", "Europe/Moscow")
    modes = [path.stat().st_mode & 0o777 for path in (cache.directory, cache.directory / "zone")]
    assert modes == [0o700, 0o600]


@pytest.mark.parametrize(("age", "recalled"), [(0, "x"), (DAY - 60, "x"), (DAY + 60, None)])
def test_what_is_old_is_forgotten(cache, age, recalled):
    cache.set("zone", "x")
    then = time.time() - age
    os.utime(cache.directory / "zone", (then, then))
    assert cache.get("zone") == recalled
    assert cache.get("zone", max_age=2 * DAY) == "x"


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"\xff")])
def test_what_cannot_be_read_is_not_remembered(cache, spoil):
    cache.set("zone", "x")
    spoil(cache.directory / "zone")
    assert cache.get("zone") is None


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path):
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file")
    cache.set("zone", "x")
    assert cache.get("zone") is None


def test_a_text_that_no_file_can_hold_is_kept_without_it(cache):
    cache.set("zone", "a\ud800b")
    assert cache.get("zone") == "a?b"


def test_what_fails_half_way_leaves_nothing_behind(cache):
    (cache.directory / "zone").mkdir(parents=True)
    cache.set("zone", "x")
    assert [path.name for path in cache.directory.iterdir()] == ["zone"]


def test_a_name_tells_its_kind_and_nothing_of_its_parts():
    name = cache_key("zone", "https://x.example", "secret", 7)
    assert re.fullmatch(r"zone-[0-9a-f]{32}", name)
    assert name == cache_key("zone", "https://x.example", "secret", 7)


@pytest.mark.parametrize(
    "parts", [("ab", "c"), ("a", "bc"), ("a", "b", "c"), ("abc",), ("abc", None), ("", "abc"), ()]
)
def test_other_parts_make_another_name(parts):
    assert cache_key("zone", *parts) != cache_key("zone", "a", "b", "d")
    others = [("ab", "c"), ("a", "bc"), ("a", "b", "c"), ("abc",), ("abc", None), ("", "abc"), ()]
    assert [cache_key("zone", *other) for other in others].count(cache_key("zone", *parts)) == 1


def test_one_run_at_a_time_is_let_in(cache):
    order = []

    def come():
        with Cache(cache.directory).lock("zone"):
            order.append("second")

    other = Thread(target=come)
    with cache.lock("zone"), cache.lock("another"):
        other.start()
        other.join(0.05)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    assert list(cache.directory.iterdir()) == []


def test_without_a_lock_nobody_waits(tmp_path):
    (tmp_path / "file").write_text("")
    cache, inside = Cache(tmp_path / "file"), []
    with cache.lock("zone"):
        inside.append("first")
        with cache.lock("zone"):
            inside.append("second")
    assert inside == ["first", "second"]


def test_what_goes_wrong_inside_gives_the_lock_back(cache):
    for _ in range(2):
        with pytest.raises(KeyError), cache.lock("zone"):
            raise KeyError
