"""A service that costs next to nothing: it serves pages out of memory, encoded before.

A page is made when it is asked for the first time; runs that count come after one that does not.
Its address says what it is: `/SET/LATENCY/CODING`, as `/12/0.2/gzip`. `GET` of an address returns
the bodies of the calls that came there since the last `DELETE`, a line each.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from rows import ALL, TWELVE, Rows

SETS = {
    "12": Rows(200_000, TWELVE),
    "102": Rows(50_000, ALL),
    "20k": Rows(20_000, TWELVE),
    "1m": Rows(1_000_000, TWELVE),
    "customer": Rows(10_000, TWELVE),  # half of the span has 5 000
}
CUSTOMERS = 20
KEPT = {
    "12",
    "102",
    "customer",
}  # sets whose pages are kept; the others are for memory, not for speed
LEVEL = 6  # of gzip, as gateways have it


class Service(BaseHTTPRequestHandler):
    """Answer calls of any method as if they were for rows."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    pages: ClassVar[dict[tuple[str, str, str], bytes]] = {}
    calls: ClassVar[defaultdict[str, list[bytes]]] = defaultdict(list)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.calls[self.path].append(body)
        name, latency, coding = self.path.strip("/").split("/")
        call = json.loads(body)
        # The number of the call is left out: where several are under way it differs from run to
        # run, and the program does not miss it.
        page_asked = {name: value for name, value in call["params"].items() if name != "user_id"}
        key = (name, coding, json.dumps([call["method"], page_asked], sort_keys=True))
        page = self.pages.get(key) or made(name, coding, call)
        if name in KEPT:
            self.pages[key] = page
        time.sleep(float(latency))
        self._send(page, coding)

    def do_GET(self) -> None:
        self._send(b"\n".join(self.calls[self.path]), "plain")

    def do_DELETE(self) -> None:
        self.calls[self.path].clear()
        self._send(b"", "plain")

    def _send(self, body: bytes, coding: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        if coding != "plain":
            self.send_header("Content-Encoding", coding)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: it would be timed too."""


def made(name: str, coding: str, call: dict[str, Any]) -> bytes:
    """Encode the answer to a call, without its number."""
    params, rows = call["params"], SETS[name]
    if call["method"] == "get.customer_users":
        total, data = CUSTOMERS, json.dumps(users()).encode()
    else:
        found = rows.between(params["date_from"], params["date_till"])
        total, data = len(found), rows.encoded(found[params["offset"] :][: params["limit"]])
    answer = b'{"jsonrpc":"2.0","id":null,"result":{"metadata":{"total_items":%d},"data":%s}}' % (
        total,
        data,
    )
    return gzip.compress(answer, LEVEL) if coding == "gzip" else answer


def users() -> list[dict[str, Any]]:
    """List a user of each customer."""
    return [
        {
            "id": number,
            "login": f"user{number}",
            "customer_id": 100 + number,
            "customer_name": f"customer {number}",
        }
        for number in range(1, CUSTOMERS + 1)
    ]


if __name__ == "__main__":
    service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    service.daemon_threads = True
    sys.stdout.write(f"http://127.0.0.1:{service.server_address[1]}\n")
    sys.stdout.flush()
    service.serve_forever()
