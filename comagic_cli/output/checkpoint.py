"""The checkpoint: how much of an unfinished file is safe, and what it takes to go on with it."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from comagic_cli.errors import UsageProblem
from comagic_cli.files.atomic_file import Part, write_private
from comagic_cli.files.stream import naming, reading
from comagic_cli.output.record import Record

FORMAT = 3  # of the checkpoint and of the part beside it
ANEW = "Leave --resume out to begin anew."
CHUNK = 1 << 20
SHOWN = 60  # characters of a value that a message quotes


class Checkpoint(Record, frozen=True, kw_only=True):
    """What an unfinished export has on the disk.

    `bytes` of the part are safe, with that `sha256`. `since` is the position of the reader there:
    see `Reader`. `missing` says what the windows that were read came short of.
    """

    format: int
    fingerprint: str
    since: str
    missing: list[str]


class _Format(msgspec.Struct):
    format: Any = None
    version: Any = None


def fingerprint_of(record: Record) -> str:
    """Return the SHA-256 of all that decides which rows come, and how they are written."""
    parts = (record.asked, record.period, record.report_id, record.filter)
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all. Raises `CannotWrite`."""
    with naming(str(path)):
        write_private(path, msgspec.json.encode(checkpoint), path.with_name(f"{path.name}.new"))


def is_left(part: Part) -> bool:
    """Tell whether an unfinished file is there; one that ended before its first rows is not."""
    return part.checkpoint.exists() and part.place.exists()


def read_checkpoint(part: Part) -> tuple[Checkpoint, hashlib._Hash]:
    """Read the checkpoint of an unfinished file, and the hash of the bytes that are safe.

    Raises `UsageProblem` where it is of another format, or the file was changed.
    """
    with reading(str(part.checkpoint)):
        checkpoint = _decoded(part, part.checkpoint.read_bytes())
    with reading(str(part.place)):
        digest = _digest(part.place, checkpoint.bytes)
    if digest.hexdigest() != checkpoint.sha256:
        raise UsageProblem(
            f"--resume: {part.place} is not as the unfinished export left it.", hint=ANEW
        )
    return checkpoint, digest


def _decoded(part: Part, text: bytes) -> Checkpoint:
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        of = msgspec.json.decode(text, type=_Format)
        if of.format != FORMAT:
            raise UsageProblem(
                f"--resume: {part.checkpoint} is of format {of.format}, by comagic {of.version}; "
                f"this version reads format {FORMAT}.",
                hint=ANEW,
            )
        checkpoint = msgspec.json.decode(text, type=Checkpoint)
        if fingerprint_of(checkpoint) == checkpoint.fingerprint:
            return checkpoint
    raise UsageProblem(f"--resume: {part.checkpoint} is damaged or was changed by hand.", hint=ANEW)


def _digest(path: Path, size: int) -> hashlib._Hash:
    """Hash the first bytes of a file, or all where it is shorter."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size and (chunk := file.read(min(size, CHUNK))):
            digest.update(chunk)
            size -= len(chunk)
    return digest


def check_same(checkpoint: Checkpoint, asked: dict[str, Any]) -> None:
    """Raise `UsageProblem` where what is asked now is not what the unfinished export asked."""
    now = msgspec.json.decode(msgspec.json.encode(asked))  # tuples are lists in the checkpoint
    then = checkpoint.asked
    for name in dict.fromkeys((*then, *now)):
        if then.get(name) != now.get(name):
            option = name.rstrip("_").replace("_", " ")
            raise UsageProblem(
                f"--resume: the unfinished export asked for something else: {option} was "
                f"{_shown(then.get(name))}, now it is {_shown(now.get(name))}.",
                hint="Type the same as then, or leave --resume out to begin anew.",
            )


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "left out"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
