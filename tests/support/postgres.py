"""A PostgreSQL of one's own, on a socket in a folder; it refuses to be root's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from shells import need

FAST = "-c fsync=off -c full_page_writes=off"


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
def postgres(port=None):
    """Serve a database; yield the environment that psql finds it by.

    With a `port` it also listens on 127.0.0.1, where it wants passwords.
    """
    need("psql")
    initdb, control = _program("initdb"), _program("pg_ctl")
    home = Path(tempfile.mkdtemp(prefix="pg"))  # its name is short enough for a socket
    owner = {"user": "nobody"} if os.geteuid() == 0 else {}
    if owner:
        shutil.chown(home, "nobody")
    data = home / "data"
    try:
        _run(initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", **owner)
        (data / "pg_hba.conf").write_text(
            "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        listen = f"-p {port} -c listen_addresses=127.0.0.1" if port else "-c listen_addresses="
        options = f"{FAST} {listen} -k {home}"
        start = [control, "-D", data, "-w", "-l", home / "log", "-o", options, "start"]
        _run(*start, **owner)
        served = {"PGHOST": str(home), "PGUSER": "postgres", "PGDATABASE": "postgres"}
        yield served | ({"PGPORT": str(port)} if port else {})
        _run(control, "-D", data, "-w", "-m", "immediate", "stop", **owner)
    finally:
        shutil.rmtree(home, ignore_errors=True)
