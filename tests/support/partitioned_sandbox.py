"""Days and months: by their names, and in a sandbox of ten days."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from outputs import names
from program import Watched

from comagic_cli.formats.partitions import Template, read_template
from comagic_cli.query.period import Period

SPAN = ("2024-10-01 00:00:00", "2024-10-10 23:59:59")
DAYS = [f"2024-10-{day:02}" for day in range(1, 11)]
COLUMNS = ("communication_id", "communication_date_time")
ASKED = ["communications", "--report-id", "1001", "--fields", ",".join(COLUMNS)]
TEN = [*ASKED, "--from", DAYS[0], "--till", DAYS[-1]]


def span(first: str, last: str) -> Period:
    return Period(datetime.fromisoformat(first), datetime.fromisoformat(f"{last} 23:59:59"))


def template_of(text: str) -> Template:
    template = read_template(text)
    assert isinstance(template, Template)
    return template


def partitions_of(folder: Path, first: str, last: str, name: str = "{date}.jsonl"):
    """Return the partitions of a period; their files are named from the root."""
    template = template_of(f"{folder}/{name}")
    parts = template.partitions(span(first, last))
    return [replace(part, file=f"{folder}/{part.file}") for part in parts]


class Box(Watched):
    """A sandbox that can say that two more rows match than do, of windows that begin so.

    With a `period` it answers the rows of that one instead, where a window begins before `until`.
    """

    lie = "no window"
    period: tuple[str, str] | None = None
    until = "9999"

    def answer(self, body, headers):
        answer = super().answer(body, headers)
        if not body:  # of a client that was killed while it sent
            return answer
        call = json.loads(body)
        if self.period and call["params"].get("date_from", "9999") < self.until:
            if "error" in json.loads(answer.body):
                return answer
            call["params"] |= dict(zip(("date_from", "date_till"), self.period, strict=True))
            answer = super().answer(json.dumps(call).encode(), headers)
        if self.journal[-1].params.get("date_from", "").startswith(self.lie):
            told = json.loads(answer.body)
            told["result"]["metadata"]["total_items"] += 2
            return replace(answer, body=json.dumps(told).encode())
        return answer


def box_of(rows=300, **more):
    return Box(rows, span=SPAN, **more)


def truth(box, day, last=None):
    """Write down as JSON Lines what a day's file is to hold."""
    span = (f"{day} 00:00:00", f"{last or day} 23:59:59")
    rows = box.truth("communications", *span, fields=COLUMNS)
    return sorted(json.dumps(row, separators=(",", ":")) for row in rows)


def lines(path):
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()


def exact(box, folder, days=DAYS, suffix="jsonl"):
    """Tell whether the files of days hold their rows, each once."""
    return all(sorted(lines(folder / f"{day}.{suffix}")) == truth(box, day) for day in days)


def visible(folder):
    return [name for name in names(folder) if not name.startswith(".")]
