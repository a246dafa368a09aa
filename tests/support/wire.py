"""A proxy before a database that does something when a message of a number comes."""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager, suppress
from threading import Event, Lock, Thread

from program import PATIENCE, ended, start

TALK = frozenset(b"QSdcf")  # of PostgreSQL: a statement, the end of one with parameters, COPY


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy:
    """Pass messages on; `at` is the number of that which `act` is called before or after."""

    def __init__(self, connect, split, at=None, act=None, *, after=False):
        self.messages = []
        self._connect, self._split = connect, split
        self._at, self._act, self._after = at, act, after
        self._lock = Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._sockets = [self._server]

    def serve(self):
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = self._connect()
                self._sockets += [client, server]
                for job in (self._ask, self._answer):
                    Thread(target=job, args=(client, server), daemon=True).start()

    def cut(self):
        """Cut all connections, as a network does that fails."""
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _ask(self, client, server):
        rest, state = b"", {}
        with suppress(OSError):
            while data := client.recv(1 << 16):
                whole, rest = self._split(rest + data, state)
                for name, message in whole:
                    if self._count(name) and not self._after:
                        self._act(self)
                        return
                    server.sendall(message)
                    if self._after and self._is_at(name):
                        self._act(self)
                        return
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _count(self, name):
        if name is None:
            return False
        with self._lock:
            self.messages.append(name)
            return self._at is not None and len(self.messages) == self._at

    def _is_at(self, name):
        return name is not None and self._at is not None and len(self.messages) == self._at

    def _answer(self, client, server):
        with suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_WR)


class Victim:
    """A run of the program that is killed while it waits for the proxy."""

    def __init__(self):
        self._process = None
        self._started = Event()

    def kill(self, _):
        self._started.wait(PATIENCE)
        self._process.kill()
        self._process.wait()

    def run(self, arguments, environ):
        self._process = start(arguments, environ)
        self._started.set()
        return ended(self._process)


@contextmanager
def proxy(connect, split, at=None, act=None, *, after=False):
    """Serve a proxy of what `connect` connects to; `split` cuts bytes into messages."""
    made = Proxy(connect, split, at, act, after=after)
    Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.cut()


def split_postgres(data, state):
    """Cut what a client of PostgreSQL sends into messages; only those of `TALK` have a name."""
    whole = []
    while len(data) >= 5:
        start = 1 if state.get("begun") else 0  # the first message has no type
        size = start + int.from_bytes(data[start : start + 4])
        if len(data) < size:
            break
        kind = data[0] if start else None
        whole.append((chr(kind) if kind in TALK else None, data[:size]))
        state["begun"] = True
        data = data[size:]
    return whole, data


def split_http(data, state):  # noqa: ARG001 - requests are told apart without
    """Cut what a client sends into requests, named by their first words."""
    whole = []
    while (end := data.find(b"\r\n\r\n")) >= 0:
        head = data[:end].decode("latin-1")
        sizes = [line[16:] for line in head.split("\r\n") if line.startswith("Content-Length: ")]
        size = end + 4 + int(sizes[0] if sizes else 0)
        if len(data) < size:
            break
        whole.append((data[end + 4 : size] if "INSERT" not in head else b"INSERT", data[:size]))
        data = data[size:]
    return whole, data


def to_port(port):
    """Return what connects to a port of this machine."""
    return lambda: socket.create_connection(("127.0.0.1", port))


def to_socket(path):
    """Return what connects to a Unix socket."""

    def connect():
        made = socket.socket(socket.AF_UNIX)
        made.connect(path)
        return made

    return connect
