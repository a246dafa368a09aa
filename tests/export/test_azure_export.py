"""Exports to a container of Azure, which azurite stands for. It comes by `npm install azurite`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from urllib.request import Request, urlopen

import pytest
from buckets import needs
from partitioned_sandbox import TEN, box_of
from program import PATIENCE

ACCOUNT = "devstoreaccount1"  # and its key are azurite's own, and public
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
VERSION = "2021-08-06"


@pytest.fixture
def azure(tmp_path):
    """Serve Azure on loopback with a container `rows`; return the environment."""
    needs("obstore")
    program = shutil.which("azurite-blob")
    if program is None:
        assert not os.environ.get("CI"), "azurite is not installed"
        pytest.skip("azurite is not installed; it is not a package of Python")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--blobPort", str(port), "--inMemoryPersistence", "--silent"]
    command += ["--skipApiVersionCheck", "--disableTelemetry"]
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            with suppress(OSError):
                make_container(endpoint)
                break
            time.sleep(0.2)
        pairs = {"AccountName": ACCOUNT, "AccountKey": KEY, "BlobEndpoint": endpoint}
        text = ";".join(f"{name}={value}" for name, value in pairs.items())
        yield {"AZURE_STORAGE_CONNECTION_STRING": text}
    finally:
        server.kill()
        server.wait()


def make_container(endpoint):
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    text = f"PUT{chr(10) * 12}x-ms-date:{date}\nx-ms-version:{VERSION}\n"
    text += f"/{ACCOUNT}/{ACCOUNT}/rows\nrestype:container"
    signed = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": VERSION,
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(signed).decode()}",
    }
    url = f"{endpoint}/rows?restype=container"
    urlopen(Request(url, method="PUT", headers=headers)).close()


def test_days_and_a_manifest(comagic, azure):
    with box_of() as box:

        def run(*words):
            ran = comagic(*words, box=box, **azure)
            assert KEY not in ran.out + ran.err
            return ran

        output = "az://rows/calls/date={date}/part.csv"
        ran = run(*TEN, "-o", output, "-v")
        assert ran.code == 0, ran.err
        calls = len(box.pages)
        assert run(*TEN, "-o", output).code == 0
        assert len(box.pages) == calls
        ran = run(*TEN, "-o", output, "--where", "communication_id > 1")
        assert (ran.code, "another request" in ran.err) == (2, True)
        url = "az://rows/x.csv"
        assert run(*TEN, "-o", url, "--manifest", f"{url}.manifest.json").code == 0
        assert run("verify", url).out.startswith(f"{url}: 300 rows, ")
        ran = run(*TEN, "-o", "az://other/x.csv")
        assert (ran.code, "there is no such container" in ran.err) == (8, True)
        assert "AWS" not in ran.err
