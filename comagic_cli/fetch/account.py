"""What is asked of the account itself: its time zone, and which report to export."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from comagic_cli.errors import Refused, UsageProblem
from comagic_cli.fetch.wire import Answer
from comagic_cli.request.catalog import ReportType

STATE = "getobj.report_state"

Call = Callable[[str, Mapping[str, Any]], Answer]


def zone_named(name: str, origin: str) -> ZoneInfo:
    """Find a time zone by its IANA name. Raises `UsageProblem`, naming where the name came from."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, no name, or a folder of zones
        raise UsageProblem(
            f"{origin}: there is no time zone {name!r}", hint="Example: --tz Europe/Moscow"
        ) from error


def ask_account(call: Call) -> dict[str, Any]:
    """Ask for what the service tells of the account itself."""
    return next(iter(objects(call("get.account", {}), "get.account")), {})


def zone_of(account: Mapping[str, Any]) -> ZoneInfo:
    """Find the time zone in what is told of an account. Raises `Refused` where it is not told."""
    name = account.get("timezone")
    if not isinstance(name, str):
        raise Refused("get.account names no time zone", hint="Give it with --tz, as Europe/Moscow.")
    return zone_named(name, "get.account")


def ask_zone(call: Call) -> ZoneInfo:
    """Ask for the account's time zone."""
    return zone_of(ask_account(call))


def ask_report(call: Call, report: ReportType, named: str | None = None) -> dict[str, Any]:
    """Find the account's report by its id or name; without one, its only report of the type.

    Raises `UsageProblem`, with the list to choose from where there are more or none.
    """
    kind, rows = report.kind, ask_reports(call)
    of_kind = [row for row in rows if row.get("type") == kind]
    if named is not None:
        # Where the catalogue or the list has no type, that of the chosen report is the one.
        usable = of_kind + [row for row in rows if row.get("type") is None]
        return _named(named, usable if report.type else rows, kind)
    if len(of_kind) == 1:
        return of_kind[0]
    if not of_kind:
        raise UsageProblem(
            f"the account has no report of the type {kind}",
            hint="Make one in the web account, or give its number with --report-id.",
        )
    raise UsageProblem(
        f"the account has {len(of_kind)} reports of the type {kind}: {_listed(of_kind)}",
        hint="Choose one with --report-id.",
    )


def _named(named: str, rows: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Find a report by id, else by its exact name, else by its name in any case."""
    folded = named.casefold()
    found = (
        [row for row in rows if str(row["id"]) == named]
        or [row for row in rows if row.get("name") == named]
        or [row for row in rows if str(row.get("name")).casefold() == folded]
    )
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageProblem(
            f"--report-id: several reports are named {named!r}: {_listed(found)}",
            hint="Choose one by its number.",
        )
    there = f"; there are: {_listed(rows)}" if rows else ""
    raise UsageProblem(
        f"--report-id: no report of the type {kind} is named {named!r}{there}",
        hint="See comagic reports.",
    )


def _listed(rows: list[dict[str, Any]]) -> str:
    return "; ".join(f"{row['id']} {row.get('name') or ''}".strip() for row in rows)


def ask_reports(call: Call) -> list[dict[str, Any]]:
    """Return every report of the account that has an id, each once."""
    return ask_all(call, "get.reports_list")


def ask_state(call: Call, report_id: int | str) -> dict[str, Any]:
    """Ask how a report was last saved in the account. Raises `UsageProblem` where it was not."""
    answer = objects(call(STATE, {"report_id": report_id}), STATE)
    if not answer:
        raise UsageProblem(
            f"--as-saved: {STATE} tells nothing of the report {report_id}",
            hint="Save the report in the web account, or leave --as-saved out.",
        )
    return answer[0]


def ask_all(call: Call, method: str) -> list[dict[str, Any]]:
    """Return every object of a list that has an id, each once, page by page."""
    answer, found, known = call(method, {}), dict[Any, dict[str, Any]](), 0
    _add(found, objects(answer, method))
    total = _total(answer)
    while known < len(found) < total:  # nothing new: a service that knows no offset
        known = len(found)
        try:
            answer = call(method, {"offset": known})
        except Refused:
            if total < math.inf:
                raise
            break  # it takes none: that was all
        _add(found, objects(answer, method))
        total = total if answer.total is None else answer.total
    return list(found.values())


def _total(answer: Answer) -> float:
    """Tell how many there are; of a list without a total only an answer of nothing is the end."""
    if answer.total is None and answer.data.lstrip().startswith(b"["):
        return math.inf
    return answer.total or 0


def _add(found: dict[Any, dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if isinstance(row.get("id"), int | str):
            found.setdefault(row["id"], row)


def objects(answer: Answer, method: str) -> list[dict[str, Any]]:
    """Return the data as a list of objects; a single object is a list of one.

    Half a surrogate pair becomes six visible characters: no text can hold it.
    """
    data = answer.data
    if answer.marker:
        data = data.replace(answer.marker, b"\\\\u")
    try:
        read = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"{method}: the answer's data can't be read: {error}") from error
    items = read if isinstance(read, list) else [read]
    return [item for item in items if isinstance(item, dict)]
