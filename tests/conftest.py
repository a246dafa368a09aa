"""What every test has: an environment of its own, without an account."""

from __future__ import annotations

import os
import signal
from importlib import import_module
from pkgutil import walk_packages
from threading import Thread

import pytest
from buckets import FaultyS3, S3Bucket, needs, running_moto
from coverage_marks import nothing_measured
from hypothesis import HealthCheck, settings
from program import InProcess

import comagic_cli

# The same examples each time, however long one takes, so that a suite that fails once fails again.
# COMAGIC_EXAMPLES=1000 python -m pytest ... tries more of them.
settings.register_profile(
    "same",
    derandomize=True,
    deadline=None,
    max_examples=int(os.environ.get("COMAGIC_EXAMPLES", "50")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same")


# A module is measured as it is imported, whichever test needs it first.
for module in walk_packages(comagic_cli.__path__, "comagic_cli."):
    if not module.name.endswith("__main__"):
        import_module(module.name)


def pytest_configure(config):
    config.addinivalue_line("markers", "unmeasured: don't measure coverage, see coverage_marks.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if item.get_closest_marker("unmeasured") is None:
        return (yield)
    with nothing_measured():
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("COMAGIC_", "_COMAGIC_", "AWS_", "GOOGLE_", "AZURE_")):
                patch.delenv(name)
        for name in ("COLUMNS", "NO_COLOR", "XDG_CONFIG_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("COMAGIC_LANG", "en")  # whatever the locale is
        patch.setenv("COMAGIC_JOBS", "1")  # else the order of calls depends on how long they take
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def heeded_signals():
    """Heed what `nohup` or a job in the background ignores: a process inherits that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)


@pytest.fixture
def comagic(capsysbinary, monkeypatch, tmp_path):
    """Run command lines in this process."""
    return InProcess(capsysbinary, monkeypatch, tmp_path / "cache")


@pytest.fixture(scope="session")
def moto():
    """Serve S3 once for all tests of a worker; return its port."""
    needs("moto", "boto3", "flask", "obstore")
    with running_moto() as port:
        yield port


@pytest.fixture
def bucket(moto):
    """Return a new bucket of S3, with a proxy before it that makes faults."""
    proxy = FaultyS3(moto)
    Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
    yield S3Bucket(proxy)
    proxy.shutdown()
    proxy.server_close()
