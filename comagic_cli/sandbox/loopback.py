"""HTTP/1.1 on loopback: real sockets, so that faults are real too."""

from __future__ import annotations

import errno
import gzip
import socket
import struct
import sys
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Condition, Event
from typing import TYPE_CHECKING, Any, Final

from comagic_cli.errors import UsageProblem
from comagic_cli.sandbox.faults import HTML, Answer, page

if TYPE_CHECKING:
    from collections.abc import Callable

    Headers = tuple[tuple[str, str], ...]
    Respond = Callable[[bytes, Headers], Answer]
    Fetch = Callable[[str, dict[str, str]], Answer | None]

PATH: Final = "/v2.0"
_CLOSING_SECONDS: Final = 2.0
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: close sends a RST


class Loopback(ThreadingHTTPServer):
    """A server whose answers `respond` makes; bugs in it are collected, not printed.

    `fetch` answers what is got by its path and headers, whose names are in small letters.
    """

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], respond: Respond, fetch: Fetch, *, gzipped: bool
    ) -> None:
        self.respond = respond
        self.fetch = fetch
        self.gzipped = gzipped
        self.stopping = Event()
        self.bugs: list[BaseException] = []
        self._served = False
        self._open: set[socket.socket] = set()
        self._changed = Condition()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = map(str, self.server_address[:2])  # type: ignore[assignment]  # unused

    def serve_forever(self, poll_interval: float = 0.005) -> None:
        """Serve until stopped; `poll_interval` is in seconds."""
        self.expect()
        super().serve_forever(poll_interval)

    def expect(self) -> None:
        """Know that serving begins, so that `stop` waits for its end."""
        self._served = True

    def stop(self) -> None:
        """Stop serving, wake sleeping answers, shut connections and wait for their threads."""
        self.stopping.set()
        if self._served:
            self.shutdown()
        self.server_close()
        with self._changed:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open, _CLOSING_SECONDS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Keep a connection in mind until its thread ends."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._open.discard(request)
                self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # socketserver's
        """Collect what went wrong, except that clients hang up."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.bugs.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Loopback

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return
        body = self.rfile.read(int(length))
        path, _, _ = self.path.partition("?")
        if path.removesuffix("/") != PATH:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        self._send(self.server.respond(body, tuple(self.headers.items())))

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.fetch(self.path, headers)
        if answer is None:
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            self._send(answer)

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send(Answer(page(status), status, HTML))

    def _send(self, answer: Answer) -> None:
        if answer.wait and self.server.stopping.wait(answer.wait):
            self.close_connection = True
            return
        if answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True
            self.connection.close()
            return
        body, headers = self._packed(answer)
        self.wfile.write(self._head(answer, headers, len(body)) + body[: answer.sent])
        if answer.sent is not None:
            self.close_connection = True
            self.server.stopping.wait(answer.stall)

    def _packed(self, answer: Answer) -> tuple[bytes, dict[str, str]]:
        """Compress the body where quirk and client want it."""
        offered = "gzip" in self.headers.get("Accept-Encoding", "")
        if not (self.server.gzipped and offered) or "Content-Encoding" in answer.headers:
            return answer.body, answer.headers
        packed = gzip.compress(answer.body, 1)
        return packed, answer.headers | {"Content-Encoding": "gzip"}

    def _head(self, answer: Answer, headers: dict[str, str], length: int) -> bytes:
        phrase = HTTPStatus(answer.status).phrase if answer.status in _STATUSES else "Unknown"
        lines = [
            f"HTTP/1.1 {int(answer.status)} {phrase}",
            "Server: sandbox",
            f"Content-Type: {answer.kind}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in headers.items()),
            "Connection: close" if self.close_connection else "Connection: keep-alive",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def log_message(self, *_: Any) -> None:
        """Say nothing: stderr is the program's."""


_STATUSES: Final = frozenset(int(status) for status in HTTPStatus)


def listen(host: str, port: int, respond: Respond, fetch: Fetch, *, gzipped: bool) -> Loopback:
    """Open a server, or say why that can't be."""
    try:
        return Loopback((host, port), respond, fetch, gzipped=gzipped)
    except OSError as error:
        what = (
            "is in use" if error.errno == errno.EADDRINUSE else f"can't be used: {error.strerror}"
        )
        raise UsageProblem(
            f"Port {port} on {host} {what}.", hint="Leave --port out to take any free one."
        ) from error
