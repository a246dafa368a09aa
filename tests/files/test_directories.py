"""Where the configuration and the cache are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from comagic_cli.files.directories import user_directory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")

PLACES = [
    ("config", {"XDG_CONFIG_HOME": "/x"}, "/x/comagic"),
    ("config", {"XDG_CONFIG_HOME": "x"}, "/home/me/.config/comagic"),
    ("config", {"XDG_CONFIG_HOME": ""}, "/home/me/.config/comagic"),
    ("config", {}, "/home/me/.config/comagic"),
    ("cache", {"XDG_CACHE_HOME": "/x"}, "/x/comagic"),
    ("cache", {"XDG_CACHE_HOME": "x"}, "/home/me/.cache/comagic"),
    ("cache", {"XDG_CACHE_HOME": ""}, "/home/me/.cache/comagic"),
    ("cache", {}, "/home/me/.cache/comagic"),
]


@pytest.fixture(autouse=True)
def own_home(monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")


@pytest.mark.parametrize(("kind", "environment", "path"), PLACES)
def test_a_relative_folder_is_ignored_as_xdg_asks(monkeypatch, kind, environment, path):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert user_directory(kind) == Path(path)


@pytest.mark.parametrize("kind", ["config", "cache"])
def test_a_user_without_a_home_has_no_folder(monkeypatch, kind):
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # as in some containers
    assert user_directory(kind) is None
    monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", "/x")
    assert user_directory(kind) == Path("/x/comagic")
