"""The identity of a request: all that decides the rows and their bytes, by the names of options.

A checkpoint, a table of a database and the files of partitions each save it, so that another
request is not mixed with theirs. It holds no token and no password.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from comagic_cli.errors import UsageProblem
from comagic_cli.export.options import flag
from comagic_cli.export.request import ExportJob
from comagic_cli.files.store import Store
from comagic_cli.formats.base import RUNTIME_OPTIONS, FormatOptions

VERSION = 2  # of the note
MAX_QUOTED = 60  # characters of a value that a message quotes
NOT_OPTIONS = frozenset({"report", "types", "parameters"})
PERIOD = ("from", "till", "period", "max_rows")
"""Options that choose the days: the files of partitions and a table may have other days."""
OPTION_NAMES = {"zone": "tz"}  # of format options, where another

Identity = Mapping[str, Any]
"""Values that JSON has, by the name of their option; a value not given, or default, is absent."""


def identify(job: ExportJob, url: str) -> dict[str, Any]:
    """Return the identity of an export from a service."""
    request, options = job.request, job.options
    identity = {
        "report": request.report.command,
        "base_url": "sandbox" if options.sandbox else url,
        "user_id": list(options.users) or options.user_id,
        "report_id": options.report_id,
        "from": options.from_,
        "till": options.till,
        "period": options.period,
        "fields": list(request.columns),
        "types": request.own_types,
        "where": request.filter.texts,
        "as_saved": options.as_saved,
        "sort": [*map(str, request.sort)],
        "max_rows": options.max_rows,
        "parameters": dict(request.extra),
        "format": job.output.format,
        "table": options.table,
        **changed_options(job.output.format_options),
    }
    identity = {name: value for name, value in identity.items() if not _is_absent(value)}
    plain: dict[str, Any] = json.loads(_dump(identity))
    return plain


def changed_options(format_options: FormatOptions) -> dict[str, Any]:
    """Return the format options that are not the default, so that a new option changes nothing."""
    default = asdict(FormatOptions())
    return {
        OPTION_NAMES.get(name, name): value
        for name, value in asdict(format_options).items()
        if value != default[name] and name not in RUNTIME_OPTIONS
    }


def differences(old: Identity, new: Identity) -> str:
    """List what differs between two requests; "" where they are the same."""
    return "; ".join(
        f"{name if name in NOT_OPTIONS else flag(name)} was {_quote(old.get(name))} "
        f"and is {_quote(new.get(name))}"
        for name in dict.fromkeys((*old, *new))
        if _comparable(old, name) != _comparable(new, name)
    )


def _comparable(identity: Identity, name: str) -> Any:
    """Return a value to compare: the order of customers does not matter."""
    value = identity.get(name)
    return sorted(value, key=str) if name == "user_id" and isinstance(value, list) else value


def digest(value: Any) -> str:
    """Return the SHA-256 of a value that JSON has, as hexadecimal text."""
    return sha256(_dump(value).encode()).hexdigest()


def read_note(store: Store, name: str) -> Identity | None:
    """Read the identity in a note; `None` where there is none, or it is damaged."""
    try:
        note = json.loads(store.read(name) or "")
        identity: dict[str, Any] = note["request"]
        return identity if note["sha256"] == digest(identity) else None
    except (ValueError, TypeError, KeyError):
        return None


def write_note(store: Store, name: str, identity: Identity) -> None:
    """Write a note with an identity, whole or not at all."""
    note = {"format": VERSION, "sha256": digest(identity), "request": dict(identity)}
    store.write(name, f"{json.dumps(note, indent=2)}\n".encode())


def check_note(store: Store, name: str, identity: Identity, output: str, files: int) -> None:
    """Refuse another request than the one of `files` existing files of an output.

    Raises `UsageProblem`, also where no note says what request that is.
    """
    old, path = read_note(store, name), store.title(name)
    if old is None and files:
        raise UsageProblem(
            f"{output}: {files} files exist, and {path} does not say of which request",
            hint="Write to another folder, or remove those files.",
        )
    if old is not None and (changes := differences(old, identity)):
        raise UsageProblem(
            f"{output} has the files of another request: {changes}",
            hint=f"Write to another folder, or remove those files and {path}.",
        )


def _is_absent(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})


def _quote(value: Any) -> str:
    if _is_absent(value):
        return "not given"
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + "…"


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
