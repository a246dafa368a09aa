"""What request the files of an output answer: a note beside them, which refuses another request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from comagic_cli.errors import UsageProblem
from comagic_cli.files.atomic_file import whole_file
from comagic_cli.files.stream import Output, naming
from comagic_cli.formats.base import OF_THE_RUN, Look

VERSION = 1
SHOWN = 60  # characters of a value that a message quotes

Request = Mapping[str, Any]
"""What a request is made of, by the options that say it: values that JSON has."""


def changed_look(look: Look) -> dict[str, Any]:
    """Return what of a look is not as usual, so that new choices change no old request."""
    usual = asdict(Look())
    return {
        name: value
        for name, value in asdict(look).items()
        if value != usual[name] and name not in OF_THE_RUN
    }


def read_request(note: Path) -> Request | None:
    """Read the request that a note tells of; `None` where there is none, or it is damaged."""
    try:
        with naming(str(note)):
            told = json.loads(_text(note))
        request: dict[str, Any] = told["request"]
        return request if told["sha256"] == _digest(request) else None
    except (ValueError, TypeError, KeyError):
        return None


def keep_request(note: Path, request: Request) -> None:
    """Write a note; it is there whole or not at all."""
    told = {"format": VERSION, "sha256": _digest(request), "request": dict(request)}
    with whole_file(str(note)) as part:
        Output(part, part.name).write(f"{json.dumps(told, indent=2)}\n".encode())


def check_request(note: Path, request: Request, output: str, found: int) -> None:
    """Refuse another request than the one that an output's files answer, `found` in number.

    Raises `UsageProblem`, too where nothing tells what request that is.
    """
    old = read_request(note)
    if old is None and found:
        raise UsageProblem(
            f"{output}: {found} files are there, and {note} does not tell what request they answer",
            hint="Write to another folder, or remove those files.",
        )
    if old is not None and (differ := differences(old, request)):
        raise UsageProblem(
            f"{output} has the files of another request: {'; '.join(differ)}",
            hint=f"Write to another folder, or remove those files and {note}.",
        )


def differences(old: Request, new: Request) -> list[str]:
    """Say what differs between two requests, one text an option."""
    plain = json.loads(_dumped(new))
    names = dict.fromkeys((*old, *plain))
    return [
        f"{name} was {_shown(old.get(name))} and is {_shown(plain.get(name))}"
        for name in names
        if old.get(name) != plain.get(name)
    ]


def _shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return "not given"
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _text(note: Path) -> str:
    try:
        return note.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _digest(request: Request) -> str:
    return sha256(_dumped(request).encode()).hexdigest()


def _dumped(request: Request) -> str:
    return json.dumps(dict(request), sort_keys=True, separators=(",", ":"))
