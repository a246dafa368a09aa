"""The manifest: what an export asked and what came, written beside its file; see `verify`."""

from __future__ import annotations

import os
import posixpath
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import msgspec

from comagic_cli.errors import RowsMissing
from comagic_cli.files.cloud import is_bucket, split_url
from comagic_cli.files.stream import read_errors
from comagic_cli.query.period import Period
from comagic_cli.query.query import TIME_FORMAT

FORMAT: Final = 1
SUFFIX = ".manifest.json"
MAX_SIZE = 1 << 28  # bytes; what is longer is not a manifest


class WindowCount(msgspec.Struct, frozen=True, omit_defaults=True, rename={"from_": "from"}):
    """A window that was read to its end: the two times sent, and its rows.

    `total` is what the service said matches; `received` are the distinct rows that came, `written`
    those that were not written before. `user_id` is there where several customers are exported.
    """

    from_: str
    till: str
    total: int | None
    received: int
    written: int
    user_id: int | None = None


class RowEnd(msgspec.Struct, frozen=True):
    """The first or last row: its shown time ("": unreadable) and key (null: it may repeat)."""

    time: str
    key: list[str] | None


class Stop(msgspec.Struct, frozen=True):
    """Where an earlier run was stopped: how many rows were safe, and the time of the last."""

    rows: int
    time: str


class CustomerCount(msgspec.Struct, frozen=True, omit_defaults=True):
    """One customer of an agent, and the rows that came; `refused` says why no more did."""

    customer_id: Any
    user_id: int
    report_id: int | str | None
    period: tuple[str, str] | None
    rows: int
    refused: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an export asked, as typed and as resolved, and what of it was written.

    `bytes` and `sha256` are those of the output, compressed where it is. `points` are the calls
    that cost one. `customers` are there where an agent exports several. `overstated` windows had a
    total one too large; `outside` rows came that show a time outside the period.
    """

    version: str
    asked: dict[str, Any]
    period: tuple[str, str] | None
    report_id: int | str | None
    filter: dict[str, Any] | None
    rows: int
    bytes: int
    sha256: str
    first: RowEnd | None
    last: RowEnd | None
    windows: list[WindowCount]
    stops: list[Stop]
    points: int
    customers: list[CustomerCount] = []
    overstated: int = 0
    outside: int = 0

    @property
    def members(self) -> dict[str, Any]:
        """Return the members by name."""
        return {name: getattr(self, name) for name in Record.__struct_fields__}


class Manifest(Record, frozen=True, kw_only=True):
    """What an export asked and brought.

    `output` is the file, from the manifest's own folder; null for what is not a file, and where no
    row came. `missing` says what an incomplete one lacks.
    """

    comagic_manifest: Literal[1]
    state: Literal["complete", "incomplete"]
    missing: str
    output: str | None


def format_period(period: Period) -> tuple[str, str]:
    """Return the ends of a period as the API takes them."""
    return period.start.strftime(TIME_FORMAT), period.end.strftime(TIME_FORMAT)


def write_manifest(
    stream: BinaryIO,
    path: str,
    record: Record,
    published: Path | str | None,
    missing: RowsMissing | None,
) -> None:
    """Write the manifest `path` of an export as JSON; `published` is its file, if it has one."""
    manifest = Manifest(
        comagic_manifest=FORMAT,
        state="incomplete" if missing else "complete",
        missing=missing.message if missing else "",
        output=_name_output(path, str(published)) if published else None,
        **record.members,
    )
    stream.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def _name_output(path: str, published: str) -> str:
    """Name a file from the folder of its manifest; in another place, by its full path or URL."""
    if is_bucket(path) != is_bucket(published):
        return published
    if not is_bucket(path):
        return os.path.relpath(published, Path(os.path.realpath(path)).parent)
    *place, key = split_url(published)
    *own_place, own_key = split_url(path)
    if place != own_place:
        return published
    return posixpath.relpath(f"/{key}", posixpath.dirname(f"/{own_key}"))


def name_beside(path: str, file: str) -> str:
    """Name a file, not resolved, as seen from the folder of another, which need not exist.

    In another place it is named by its full path or URL.
    """
    if is_bucket(path) or is_bucket(file):
        return _name_output(path, file if is_bucket(file) else str(Path(file).absolute()))
    return Path(os.path.relpath(file, Path(path).parent)).as_posix()


def find_named(path: str, name: str) -> str:
    """Return the path or URL of a file that another names from its own folder."""
    if is_bucket(name):
        return name
    if not is_bucket(path):
        return str(Path(path).parent / name)
    scheme, bucket, key = split_url(path)
    found = posixpath.normpath(posixpath.join(posixpath.dirname(key), name))
    return f"{scheme}://{bucket}/{found}"


def read_manifest(path: Path, name: str) -> Manifest | None:
    """Read a manifest; `None` where the file is something else.

    Raises `UsageProblem`, which calls the file `name`.
    """
    with read_errors(name):
        if path.stat().st_size > MAX_SIZE:
            return None
        text = path.read_bytes()
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode(text, type=Manifest)
    return None
