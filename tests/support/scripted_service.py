"""A server of raw bytes on loopback: it plays back what a test gives it, and keeps what it got."""

from __future__ import annotations

import json
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from comagic_cli.api.client import Client
from comagic_cli.api.http import HttpTransport
from comagic_cli.api.retry import RetryPolicy
from comagic_cli.errors import ComagicError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

TOKEN = "SeCrEt-Key/+0123456789"
CLOSE = "close"  # after this, the connection is closed
RESET = "reset"  # the same, with a RST
HANG = "hang"  # nothing more is sent
_NO_LINGER = struct.pack("ii", 1, 0)


def http(body: bytes | str = b"", status: int = 200, /, *headers: str, length: int | None = None):
    """Write an answer; `length` is a Content-Length that lies, -1 for none."""
    data = body.encode() if isinstance(body, str) else body
    announced = [f"Content-Length: {len(data) if length is None else length}"] * (length != -1)
    head = "\r\n".join([f"HTTP/1.1 {status} Whatever", *announced, *headers, "", ""])
    return head.encode("latin-1") + data


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Write the body of an answer with Transfer-Encoding: chunked."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def result(data: Any = (), **members: Any) -> str:
    """Write the API's answer to any call."""
    return json.dumps({"jsonrpc": "2.0", "result": {"data": data}, **members})


def refused(mnemonic: str | None = None, message: str | None = None, **members: Any) -> str:
    """Write the API's refusal of any call."""
    data = {"mnemonic": mnemonic, **members}
    return json.dumps({"jsonrpc": "2.0", "error": {"message": message, "data": data}})


@dataclass
class Playback:
    """Answers requests in turn, each with bytes or a list of bytes and CLOSE, RESET or HANG."""

    answers: Iterable[Any]
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._answers = iter(self.answers)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._stop = Event()
        self._open: list[socket.socket] = []
        self._threads = [Thread(target=self._accept, daemon=True)]
        self.port = self._listening.getsockname()[1]
        self.url = f"http{'s' * bool(self.tls)}://127.0.0.1:{self.port}/v2.0"

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(2)

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                self._open.append(connection)
                thread = Thread(target=self._serve, args=[connection], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection):
        with suppress(OSError, StopIteration), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = self.tls.wrap_socket(connection, server_side=True) if self.tls else connection
            with wire:
                while (request := _read_request(wire)) and self._play(wire, request):
                    pass

    def _play(self, wire, request) -> bool:
        self.requests.append(request)
        answer = next(self._answers)
        for part in [answer] if isinstance(answer, bytes) else answer:
            if part == RESET:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            if part == HANG:
                self._stop.wait()
            if isinstance(part, str):
                return False
            wire.sendall(part)
        return True


def _read_request(wire) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        if not (piece := wire.recv(65536)):
            return b""
        got += piece
        if got.startswith(b"\x16"):  # the start of TLS, which is not spoken here
            return got
    head, _, body = got.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if b"-length" in line]
    while len(body) < int(lengths[0] if lengths else 0):
        body += wire.recv(65536)
    return head + b"\r\n\r\n" + body


class Clockwork:
    """RetryPolicy that never waits: it writes down the pauses asked for. Chance is a half."""

    def __init__(self, **more: Any) -> None:
        self.pauses: list[float] = []
        self.retry_policy = RetryPolicy(sleep=self.pauses.append, jitter=lambda: 0.5, **more)


def client_of(url: str, *, timeout: float = 5, token: str = TOKEN, **more: Any) -> Client:
    """Make a client that doesn't wait; what it would tell is in `notes` of the clockwork."""
    more.setdefault("retry_policy", Clockwork().retry_policy)
    return Client(HttpTransport(url, timeout), token, **more)


def called(*answers, **more):
    """Call once; return the answer or the error, how often was asked, and the pauses."""
    clockwork = Clockwork(**more.pop("retry_policy", {}))
    with Playback(answers) as server:
        client = client_of(server.url, retry_policy=clockwork.retry_policy, **more)
        try:
            got = client.call("get.calls", {"limit": 1})
        except ComagicError as error:
            got = error
        client.transport.close()
    return got, len(server.requests), clockwork.pauses
