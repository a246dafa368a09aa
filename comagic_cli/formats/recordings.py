"""Recordings: their names, which every file system takes, and the manifest that lists them."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from string import Formatter
from typing import TypeAlias

import msgspec

from comagic_cli.errors import UsageProblem
from comagic_cli.files.cloud import is_bucket, split_url
from comagic_cli.files.compression import compression_suffix
from comagic_cli.formats.partitions import file_name

Id: TypeAlias = int | str
Key: TypeAlias = tuple[str, str, str, str]

NAMES = {
    "date": "the day of the call",
    "month": "its month",
    "time": "its time, as 12-30-59",
    "communication_id": "the id of the call",
    "record_id": "the id of the recording",
    "ext": "mp3 or wav",
    "employee": "the first employee",
    "phone": "the phone of the contact",
    "direction": "in or out",
    "user_id": "the user of an agent's customer",
    "customer": "the customer",
}
"""What can stand in braces in the name of a recording, and what it means."""
HINT = f"In braces: {', '.join(NAMES)}; double a literal brace: {{{{."
RESERVED = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10)))
)
"""Names of devices, which Windows does not take for files, with any suffix."""
PLAIN_ID = frozenset("0123456789abcdefghijklmnopqrstuvwxyz_-")
MAX_ID, MAX_TEXT, MAX_NAME = 64, 60, 200  # bytes of an id, of another value, of a whole name
MAX_SUFFIX = 10  # bytes
AUDIO = frozenset({"mp3", "wav", "aac", "flac", "m4a", "oga", "ogg", "opus", "webm", "wma"})
CUT = frozenset({"employee", "phone", "direction", "customer"})  # where a name is too long
ROWS_AT_ONCE = 500  # of a manifest
SAVED = "saved"


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One recording of a call, as the account lists it.

    `kind` is `talk`, `voice_mail`, or `full` where the account only names a link to the whole.
    `duration` is that of the talk, as the service writes it.
    """

    communication_id: Id
    record_id: str
    kind: str = "talk"
    audio: str = "mp3"
    time: str = ""
    contact_phone_number: str = ""
    virtual_phone_number: str = ""
    direction: str = ""
    employees: tuple[str, ...] = ()
    duration: Id | None = None
    user_id: int | None = None
    customer: str = ""
    url: str = ""

    @property
    def key(self) -> Key:
        """Tell the recording from all others, also of an agent's other customers."""
        user = "" if self.user_id is None else str(self.user_id)
        return (user, str(self.communication_id), self.record_id, self.audio)


class ManifestRow(Recording, frozen=True, kw_only=True):
    """A recording and what became of it.

    `state` is `saved`, else why there is no file: `missing`, `refused` or `failed`; `reason` says
    more. `path` is the file's, as seen from the folder of the manifest.
    """

    path: str = ""
    bytes: int | None = None
    sha256: str = ""
    state: str = SAVED
    reason: str = ""


COLUMNS = tuple(each.name for each in msgspec.structs.fields(ManifestRow))


@dataclass(frozen=True)
class NameTemplate:
    """The names of recordings, as typed; `is_longer` says that the recording's id was added.

    `folder` is the path or URL before the first placeholder, with the slash at its end; "" is the
    current folder.
    """

    text: str
    folder: str
    names: frozenset[str]
    is_longer: bool = False

    def fill(self, recording: Recording) -> str:
        """Return the name of a recording, always the same."""
        values = _values(recording)
        return "/".join(_fill_part(part, values) for part in self.text.split("/"))


def read_names(text: str, audio: str = "", *, with_record: bool = True) -> NameTemplate:
    """Read the names that were typed; `with_record` lets no two recordings have the same.

    Raises `UsageProblem` for placeholders that there are not, and names that could be the same.
    """
    names, head = set[str](), ""
    try:
        for literal, name, form, conversion in Formatter().parse(text):
            head += "" if names else literal
            if name is not None and (name not in NAMES or form or conversion):
                more = (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
                raise UsageProblem(f"-o {text}: there is no {{{name}{more}}}", hint=HINT)
            names |= {name} if name else set()
    except ValueError as error:
        raise UsageProblem(f"-o {text}: a brace stands alone", hint=HINT) from error
    if not text:
        raise UsageProblem("-o '': a name is empty", hint="Name the files: {record_id}.{ext}.")
    if text.endswith("/"):
        raise UsageProblem(f"-o {text} names a folder", hint="Name the files: {record_id}.{ext}.")
    _check_suffix(text, audio)
    needed = "record_id" if with_record else "communication_id"
    is_longer = needed not in names
    if is_longer:
        base, dot, ending = text.rpartition(".")
        has_suffix = dot and "/" not in ending
        text = f"{base}-{{{needed}}}.{ending}" if has_suffix else f"{text}-{{{needed}}}"
    folder = head[: head.rfind("/") + 1]
    if is_bucket(folder):
        split_url(folder)  # the bucket's name stands before the first placeholder
    return NameTemplate(text, folder, frozenset(names | {needed}), is_longer)


def _check_suffix(text: str, audio: str) -> None:
    """Raise `UsageProblem` for a suffix that says what the files are not."""
    suffix = Path(text).suffix.lower().removeprefix(".")
    if compression_suffix(text):
        raise UsageProblem(
            f"-o {text}: these files are not compressed", hint=f"Omit .{suffix} at the end."
        )
    if not audio or suffix == audio or suffix not in AUDIO:
        return
    more = f", or --audio {suffix}" if suffix in {"mp3", "wav"} else " at the end"
    raise UsageProblem(f"-o {text}: the recordings are {audio}", hint=f"Write .{{ext}}{more}.")


def same_name(path: str) -> str:
    """Return what is equal for paths that some file system takes for the same."""
    return unicodedata.normalize("NFC", path).casefold()


def _fill_part(part: str, values: Mapping[str, str]) -> str:
    filled = part.format_map(values)
    if filled == part or filled in {".", ".."}:
        return filled
    longest = MAX_TEXT
    while _size(filled) > MAX_NAME and longest > 1:
        longest -= 1
        filled = part.format_map(
            {name: _cut(value, longest) if name in CUT else value for name, value in values.items()}
        )
    if _size(filled) > MAX_NAME:
        filled = _shorten(filled)
    filled = filled.rstrip(" .") or "_"  # Windows drops them from the end of a name
    if filled.startswith(".") and not part.startswith("."):
        filled = f"_{filled}"
    if filled.partition(".")[0].rstrip().upper() in RESERVED:
        filled = f"_{filled}"
    return filled


def _shorten(name: str) -> str:
    """Shorten a name that consists of ids, so that different ones stay different."""
    base, dot, suffix = name.rpartition(".")
    is_suffix = base and _size(suffix) <= MAX_SUFFIX
    ending = f"-{_digest(name)}{dot}{suffix}" if is_suffix else f"-{_digest(name)}"
    return _cut(name, MAX_NAME - _size(ending)) + ending


def _values(recording: Recording) -> dict[str, str]:
    day, _, clock = recording.time.partition(" ")
    user = "" if recording.user_id is None else str(recording.user_id)
    texts = {
        "date": day,
        "month": day[:7],
        "time": clock.partition(".")[0].replace(":", "-"),
        "ext": recording.audio,
        "employee": next(iter(recording.employees), ""),
        "phone": recording.contact_phone_number,
        "direction": recording.direction,
        "user_id": user,
        "customer": recording.customer,
    }
    ids = {
        "communication_id": _safe_id(str(recording.communication_id)),
        "record_id": _safe_id(recording.record_id),
    }
    return {name: _safe_text(value) for name, value in texts.items()} | ids


def _safe_text(text: str) -> str:
    return _cut(file_name(unicodedata.normalize("NFC", text)), MAX_TEXT)


def _cut(text: str, size: int) -> str:
    """Cut a text to so many bytes, but not inside of a character."""
    return os.fsencode(text)[:size].decode(errors="ignore").strip(" .") or "_"


def _size(text: str) -> int:
    return len(os.fsencode(text))


def _safe_id(text: str) -> str:
    """Make an id safe, so that different ones stay different: also without capital letters."""
    if text and len(text) <= MAX_ID and PLAIN_ID.issuperset(text):
        return text
    return f"{_safe_text(text)[: MAX_ID - 20]}-{_digest(text)}"


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogateescape"), digest_size=8).hexdigest()


@dataclass
class RecordingManifest:
    """The rows of a manifest, one for each recording, in the order in which they were first seen.

    `is_csv` says how it is written; else it is JSON Lines.
    """

    is_csv: bool = False
    rows: dict[Key, ManifestRow] = field(default_factory=dict)

    def add(self, row: ManifestRow) -> None:
        """Add a row, or replace that of the same recording."""
        self.rows[row.key] = row

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the manifest."""
        if self.is_csv:
            yield _csv_lines([COLUMNS])
        rows = list(self.rows.values())
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            if self.is_csv:
                yield _csv_lines(map(_cells, some))
            else:
                yield b"".join(msgspec.json.encode(row) + b"\n" for row in some)


def is_csv_name(path: str) -> bool:
    """Tell whether a manifest is CSV by its suffix. Raises `UsageProblem` for other suffixes."""
    suffix = Path(path).suffix.lower()
    if suffix not in {".csv", ".jsonl", ".ndjson"}:
        raise UsageProblem(
            f"--manifest {path}: it is CSV or JSON Lines", hint="Name it .csv or .jsonl."
        )
    return suffix == ".csv"


def parse_manifest(text: str, path: str) -> RecordingManifest:
    """Read a manifest of recordings. Raises `UsageProblem` for what is not one."""
    manifest = RecordingManifest(is_csv_name(path))
    try:
        for row in _csv_rows(text) if manifest.is_csv else _json_rows(text):
            manifest.add(row)
    except (msgspec.DecodeError, ValueError, KeyError, csv.Error) as error:
        raise UsageProblem(
            f"{path} is not a manifest of recordings: {error}",
            hint="Name another file with --manifest.",
        ) from error
    return manifest


def _json_rows(text: str) -> Iterator[ManifestRow]:
    decode = msgspec.json.Decoder(ManifestRow).decode
    return (decode(line) for line in text.split("\n") if line.strip())


def _csv_rows(text: str) -> Iterator[ManifestRow]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if text and tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError("its columns are others")
    for cells in reader:
        values: dict[str, object] = dict(cells)
        values["employees"] = tuple(filter(None, cells["employees"].split("; ")))
        values["communication_id"] = _number(cells["communication_id"])
        for name in ("duration", "user_id", "bytes"):
            values[name] = _number(cells[name]) if cells[name] else None
        yield msgspec.convert(values, ManifestRow)


def _number(text: str) -> Id:
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else text


def _cells(row: ManifestRow) -> list[object]:
    values = msgspec.structs.asdict(row)
    values["employees"] = "; ".join(row.employees)
    return list(values.values())


def _csv_lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
