"""A PostgreSQL of one's own, on a socket in a folder; it refuses to be root's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from shells import need

FAST = "-c fsync=off -c full_page_writes=off -c listen_addresses="


def _program(name):
    """Find a program that Debian keeps off the path."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(beside[-1]) if beside else need(name)


def _run(*command, **more):
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd="/", **more
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@contextmanager
def postgres():
    """Serve a database; yield the environment that psql finds it by."""
    need("psql")
    initdb, control = _program("initdb"), _program("pg_ctl")
    home = Path(tempfile.mkdtemp(prefix="pg"))  # its name is short enough for a socket
    owner = {"user": "nobody"} if os.geteuid() == 0 else {}
    if owner:
        shutil.chown(home, "nobody")
    data = home / "data"
    try:
        _run(initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", **owner)
        start = [control, "-D", data, "-w", "-l", home / "log", "-o", f"{FAST} -k {home}", "start"]
        _run(*start, **owner)
        yield {"PGHOST": str(home), "PGUSER": "postgres", "PGDATABASE": "postgres"}
        _run(control, "-D", data, "-w", "-m", "immediate", "stop", **owner)
    finally:
        shutil.rmtree(home, ignore_errors=True)
