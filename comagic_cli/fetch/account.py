"""What is asked of the account itself: its time zone, and which report to export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.errors import Refused, UsageProblem
from comagic_cli.fetch.wire import Answer
from comagic_cli.request.catalog import ReportType

Call = Callable[[str, Mapping[str, Any]], Answer]


def zone_named(name: str, origin: str) -> ZoneInfo:
    """Find a time zone by its IANA name. Raises `UsageProblem`, naming where the name came from."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, no name, or a folder of zones
        raise UsageProblem(
            f"{origin}: there is no time zone {name!r}", hint="Example: --tz Europe/Moscow"
        ) from error


def ask_zone(call: Call) -> ZoneInfo:
    """Ask for the account's time zone."""
    account = objects(call("get.account", {}), "get.account")
    name = account[0].get("timezone") if account else None
    if not isinstance(name, str):
        raise Refused("get.account names no time zone", hint="Give it with --tz, as Europe/Moscow.")
    return zone_named(name, "get.account")


def ask_report(call: Call, report: ReportType) -> int | str:
    """Find the account's only report of a type.

    Raises `UsageProblem`, with the list to choose from where there are more.
    """
    kind = report.type or report.method.removeprefix("get.")
    rows = [row for row in ask_reports(call) if row.get("type") == kind]
    if not rows:
        raise UsageProblem(
            f"the account has no report of the type {kind}",
            hint="Make one in the web account, or give its number with --report-id.",
        )
    if len(rows) == 1:
        chosen: int | str = rows[0]["id"]
        return chosen
    listed = "; ".join(f"{row['id']} {row.get('name') or ''}".strip() for row in rows)
    raise UsageProblem(
        f"the account has {len(rows)} reports of the type {kind}: {listed}",
        hint="Choose one with --report-id.",
    )


def ask_reports(call: Call) -> list[dict[str, Any]]:
    """Return every report of the account that has an id, each once."""
    answer = call("get.reports_list", {})
    found: dict[Any, dict[str, Any]] = {}
    _add(found, objects(answer, "get.reports_list"))
    known = 0
    while known < len(found) < (answer.total or 0):  # nothing new: a service that knows no offset
        known = len(found)
        answer = call("get.reports_list", {"offset": known})
        _add(found, objects(answer, "get.reports_list"))
    return list(found.values())


def _add(found: dict[Any, dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if isinstance(row.get("id"), int | str):
            found.setdefault(row["id"], row)


def objects(answer: Answer, method: str) -> list[dict[str, Any]]:
    """Return the data as a list of objects; a single object is a list of one.

    Half a surrogate pair becomes six visible characters: no text can hold it.
    """
    data = bytes(answer.data)
    if answer.marker:
        data = data.replace(answer.marker, b"\\\\u")
    try:
        read = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"{method}: the answer's data can't be read: {error}") from error
    items = read if isinstance(read, list) else [read]
    return [item for item in items if isinstance(item, dict)]
