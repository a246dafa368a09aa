"""A time limit for a whole answer: the libraries' own is one for each piece of it."""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter


class TimedAdapter(HTTPAdapter):
    """Let every answer take as long as the read timeout says, from its first byte to its last."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections read within the time."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls.response_class, _TimedResponse):
            pool.ConnectionCls = _timed(pool.ConnectionCls)
        return pool


def _timed(connection: Any) -> Any:
    return type("TimedConnection", (connection,), {"response_class": _TimedResponse})


class _TimedResponse(HTTPResponse):
    """An answer that is read within the timeout that its socket has at the start."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Timed(raw, sock))


class _Timed(io.RawIOBase):
    """Read a socket; each piece has only what is left of the time."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        """Tell the buffer above that this can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read a piece. Raises `TimeoutError` when the time is over."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket, which stays open for the next answer."""
        self._raw.close()
        super().close()
