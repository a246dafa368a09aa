"""Buckets on this machine: moto as S3, with a proxy before it that makes faults."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from itertools import count
from threading import Semaphore
from urllib.parse import unquote
from urllib.request import urlopen

import pytest
from program import PATIENCE

KEY, SECRET = "access-key-7531", "secret/key+8642"
NUMBERS = count()
ERROR = "<?xml version='1.0'?><Error><Code>{0}</Code><Message>{0} told for {1}</Message></Error>"


def needs(*packages):
    """Skip where a package is missing; in CI that is a failure."""
    for package in packages:
        if find_spec(package) is None:
            if os.environ.get("CI"):
                pytest.fail(f"{package} is not installed")
            pytest.skip(f"{package} is not installed")


@contextmanager
def running_moto():
    """Serve S3 on loopback; yield its port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/moto-api/") as answer:
                answer.read()
                break
            assert time.monotonic() < give_up, "moto does not start"
            time.sleep(0.1)
        yield port
    finally:
        server.kill()
        server.wait()


@dataclass
class Fault:
    """What happens to a request that `when` chooses, the first `times` of them.

    `kind` is a code of S3 with its status, such as `SlowDown 503`; `reset` (before the service
    has it), `lost` (after that), or `hang`.
    """

    kind: str
    when: Callable[[str, str], bool]
    times: int = 10**9


class Handler(BaseHTTPRequestHandler):
    """Pass requests on to moto."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for its head to be acknowledged
    server: FaultyS3

    def handle_any(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        proxy = self.server
        path = unquote(self.path)
        proxy.requests.append((self.command, path))
        proxy.arrived.release()
        fault = proxy.fault_of(self.command, path)
        if fault == "hang":
            time.sleep(PATIENCE)
        if fault in {"reset", "hang"}:
            self.break_off()
            return
        if fault and fault != "lost":
            code, status = fault.split()
            self.answer(int(status), ERROR.format(code, SECRET).encode(), {})
            return
        upstream = HTTPConnection("127.0.0.1", proxy.moto)
        headers = {name: value for name, value in self.headers.items() if name != "Connection"}
        if proxy.is_unconditional:
            headers = {k: v for k, v in headers.items() if not k.lower().startswith("if-")}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if fault == "lost":
            self.break_off()
            return
        told = dict(answer.getheaders())
        if self.command == "HEAD":
            self.answer(answer.status, b"", told, told.get("Content-Length"))
        else:
            self.answer(answer.status, data, told)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - of the base

    def answer(self, status, data, headers, length=None):
        with suppress(OSError):  # the client was killed
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def break_off(self):
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        """Say nothing."""


class FaultyS3(ThreadingHTTPServer):
    """A proxy before moto; `requests` are those that came, as method and path."""

    daemon_threads = True

    def __init__(self, moto):
        super().__init__(("127.0.0.1", 0), Handler)
        self.moto = moto
        self.requests: list[tuple[str, str]] = []
        self.arrived = Semaphore(0)
        self.faults: list[Fault] = []
        self.is_unconditional = False

    def handle_error(self, *_):
        """Say nothing of clients that were killed."""

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_port}"

    def fault_of(self, method, path):
        for fault in self.faults:
            if fault.times and fault.when(method, path):
                fault.times -= 1
                return fault.kind
        return None

    def fail(self, kind, method="PUT", part="", times=10**9):
        """Make a fault of the next requests of a method whose path contains a part."""
        self.faults.append(Fault(kind, lambda verb, path: verb == method and part in path, times))


@dataclass
class S3Bucket:
    """A new bucket, and what the service has in it."""

    proxy: FaultyS3
    name: str = field(default_factory=lambda: f"bucket-{os.getpid()}-{next(NUMBERS)}")

    def __post_init__(self):
        import boto3  # noqa: PLC0415 - it may be missing

        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.proxy.moto}",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )
        self.client.create_bucket(Bucket=self.name)

    @property
    def url(self):
        return f"s3://{self.name}"

    @property
    def environ(self):
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": self.proxy.endpoint,
            "AWS_REGION": "us-east-1",
        }

    def all_keys(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def visible(self):
        return [key for key in self.all_keys() if not key.rpartition("/")[2].startswith(".")]

    def locks(self):
        return [key for key in self.all_keys() if key.endswith(".lock")]

    def read(self, key):
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def put(self, key, data):
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def delete(self, key):
        self.client.delete_object(Bucket=self.name, Key=key)

    def uploads(self):
        """Return the multipart uploads that were neither completed nor aborted."""
        return self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])
