"""Exports that are stopped and continued: the request, the files beside the target, its bytes."""

from __future__ import annotations

import gzip
import io
import json
import shlex

import zstandard
from program import DAYS, SPAN, Watched

from comagic_cli.formats.base import Sink

OLD = b"the old rows\n"
ROWS, PAGE = 200, 20
COLUMNS = "communication_id,communication_date_time,communication_type,tags,site_domain_name"
SIZE = ["--page-size", str(PAGE)]
ASKED = ["communications", *DAYS, "--fields", COLUMNS, "--report-id", "1001", *SIZE]
KEPT = {".{}.part", ".{}.checkpoint"}


def go_on(target, *asked) -> str:
    """Return the last words of the message about an export that can be continued."""
    command = shlex.join(["comagic", *(asked or ASKED), "-o", str(target), "--resume"])
    return f"What is written is kept. Continue with: {command}\n"


def service(**quirks) -> Watched:
    return Watched(rows=quirks.pop("rows", ROWS), **quirks)


def left(target) -> set[str]:
    """Name what is beside the target, its name as `{}`."""
    names = {path.name for path in target.parent.iterdir()} - {target.name, "cache", "home"}
    return {name.replace(target.name, "{}") for name in names}


def unpacked(target) -> bytes:
    data = target.read_bytes()
    if target.suffix == ".gz":
        return gzip.decompress(data)
    if target.suffix == ".zst":
        reader = zstandard.ZstdDecompressor().stream_reader(
            io.BytesIO(data), read_across_frames=True
        )
        return reader.read()
    return data


def checkpoint_of(target) -> dict:
    return json.loads(target.with_name(f".{target.name}.checkpoint").read_bytes())


def keys(target) -> list[tuple[str, int]]:
    """Return the key of every row of JSON Lines."""
    return [_key(json.loads(line)) for line in unpacked(target).splitlines()]


def truth(box) -> list[tuple[str, int]]:
    return [_key(row) for row in box.truth("communications", *SPAN, fields=COLUMNS.split(","))]


def _key(row) -> tuple[str, int]:
    return row["communication_type"]["value_id"], row["communication_id"]


class Stopping:
    """A sink that stops, before or after it writes a page of a number."""

    def __init__(self, sink: Sink, page: int, error: BaseException, *, after: bool):
        self.sink, self.left, self.error, self.after = sink, page, error, after

    def begin(self):
        self.sink.begin()

    def write(self, page):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise self.error
        self.sink.write(page)
        if self.left == 0:
            raise self.error

    def end(self):
        self.sink.end()
