"""What every test has: an environment of its own, without an account."""

from __future__ import annotations

import os

import pytest
from program import InProcess


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("COMAGIC_", "_COMAGIC_")):
                patch.delenv(name)
        for name in ("COLUMNS", "NO_COLOR", "XDG_CONFIG_HOME"):
            patch.delenv(name, raising=False)
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        yield


@pytest.fixture
def comagic(capsysbinary, monkeypatch, tmp_path):
    """Run command lines in this process."""
    return InProcess(capsysbinary, monkeypatch, tmp_path / "cache")
