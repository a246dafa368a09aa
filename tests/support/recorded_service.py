"""A service that answers each method with rows of a recorded shape; the values are invented."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

RECORDED = Path(__file__).parent.parent / "recorded"
ACCOUNT = {"app_id": 4242, "name": "ООО Пример", "timezone": "Europe/Moscow", "is_agent": False}


class RecordedService:
    """Serve the bodies of `tests/recorded`; `answers` adds to them or replaces them by method."""

    token = "recorded-token"

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.answers = {"get.account": [ACCOUNT]} | {
            path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
            for path in RECORDED.glob("get*.json")
        }
        self.answers |= answers or {}
        self.requests: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/v2.0"

    def __enter__(self):
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a call: rows by offset and limit, anything else as it is."""
        self.requests.append(request)
        method, params = request["method"], request["params"]
        if method not in self.answers:
            data = {"mnemonic": "method_not_found", "field": "method", "value": method}
            return {"error": {"code": -32601, "message": "Method not found", "data": data}}
        data = self.answers[method]
        metadata: dict[str, Any] = {"version": None}
        if isinstance(data, list):
            metadata["total_items"] = len(data)
            start = params.get("offset", 0)
            data = data[start : start + params.get("limit", 1000)]
        return {"result": {"data": data, "metadata": metadata}}

    def _handler(service):  # noqa: N805 - `self` is the handler below
        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                request = json.loads(self.rfile.read(length))
                answer = {"jsonrpc": "2.0", "id": request["id"], **service.answer(request)}
                body = json.dumps(answer, ensure_ascii=False).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json; charset=UTF-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
