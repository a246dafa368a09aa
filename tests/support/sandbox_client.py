"""A plain client for the sandbox's own tests: no library between the test and the wire."""

from __future__ import annotations

import http.client
import json
from typing import Any

from comagic_cli.query.catalog import flat_reports, report
from comagic_cli.sandbox.quirks import Quirks
from comagic_cli.sandbox.server import Sandbox

IDS = {entry.command: 1001 + place for place, entry in enumerate(flat_reports())}
NOW = "2026-10-08 12:00:00"
PERIOD = ("2026-10-01 00:00:00", "2026-10-05 23:59:59")
KEY = ["communication_type", "communication_id", "communication_date_time"]


def sandbox(*, now=NOW, quirks=None, **more):
    """Make a sandbox; what is neither an argument of it nor `quirks` is a quirk."""
    known = {"rows", "span", "times", "data", "seed", "clock"}
    arguments = {name: more.pop(name) for name in known & set(more)}
    return Sandbox(quirks=quirks or Quirks(**more), now=now, **arguments)


class Raw:
    """An answer as it came."""

    def __init__(self, response) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def connect(box):
    return http.client.HTTPConnection(box.url.split("/")[2], timeout=60)


def post(box, body, *, path="/v2.0", method="POST", headers=None):
    """Send a body over a connection of its own."""
    connection = connect(box)
    try:
        connection.request(method, path, body, headers or {})
        return Raw(connection.getresponse())
    finally:
        connection.close()


def envelope(method, params, id_=1):
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}).encode()


def call(box, method, **params) -> dict[str, Any]:
    """Call a method with the permanent key."""
    raw = post(box, envelope(method, {"access_token": box.token, **params}))
    return json.loads(raw.body)


def straight(box, method, **params) -> dict[str, Any]:
    """Call a method without a socket."""
    body = envelope(method, {"access_token": box.token, **params})
    return json.loads(box.answer(body, ()).body)


def ask(box, command="communications", period=PERIOD, *, fields=None, **params) -> dict[str, Any]:
    """Ask a report without a socket."""
    type_ = report(command)
    extra: dict[str, Any] = {"is_realtime": False} if command == "visits" else {}
    names = fields if fields is not None else [field.name for field in type_.fields]
    extra |= {"report_id": IDS[command]} if type_.is_flat else {}
    extra |= {"date_from": period[0], "date_till": period[1]}
    return straight(box, type_.method, **{"fields": names, "limit": 10_000, **extra, **params})


def rows(box, *args, **kwargs) -> list[dict[str, Any]]:
    """Return the rows of a report."""
    answer = ask(box, *args, **kwargs)
    assert "result" in answer, answer
    return answer["result"]["data"]


def total(box, *args, fields=(), **kwargs):
    return ask(box, *args, fields=list(fields), **kwargs)["result"]["metadata"].get("total_items")


def refused(answer) -> tuple[str, str | None]:
    """Return mnemonic and field of a refusal."""
    data = answer["error"]["data"]
    return data["mnemonic"], data["field"]


def paged(box, size, *args, **kwargs):
    """Page through a report by the rows received."""
    found: list[dict[str, Any]] = []
    while part := rows(box, *args, limit=size, offset=len(found), **kwargs):
        found += part
    return found
