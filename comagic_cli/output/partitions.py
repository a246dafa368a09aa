"""One file a day or month: how they are named, and which of them are to be written.

`calls/{date}.jsonl.gz` names a file a day, `{month}` one a month. Both may stand in one name, as
in `{month}/{date}.csv`: then it is a file a day. A brace that is meant as such is doubled.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from string import Formatter

from comagic_cli.errors import CannotWrite, UsageProblem
from comagic_cli.files.stream import naming
from comagic_cli.query.period import Period

SECOND = timedelta(seconds=1)
FORMATS = {"date": "%Y-%m-%d", "month": "%Y-%m"}
BRACES = "{date} writes a file a day, {month} a file a month; a brace meant as such is doubled: {{."


@dataclass(frozen=True, slots=True)
class Part:
    """A day or a month: its name as rows' times begin with it, its two ends, and its file."""

    name: str
    start: datetime
    end: datetime
    path: Path


@dataclass(frozen=True)
class Template:
    """The name of an output with placeholders.

    `folder` is what stands before the first of them, `below` is the rest, `daily` tells days from
    months.
    """

    text: str
    folder: Path
    below: str
    daily: bool

    def __str__(self) -> str:
        """Return it as it was typed."""
        return self.text

    @property
    def note(self) -> Path:
        """The hidden file that says what request the others answer."""
        return self.folder / f".{self._name}.json"

    @property
    def lock(self) -> Path:
        """What is locked for all the files."""
        return self.folder / self._name

    @property
    def _name(self) -> str:
        digest = sha256(self.below.encode("utf-8", "surrogateescape")).hexdigest()
        return f"comagic-{digest[:12]}"

    def parts(self, period: Period) -> Iterator[Part]:
        """Yield every day or month that the period touches."""
        start = period.start.replace(hour=0, minute=0, second=0)
        start = start if self.daily else start.replace(day=1)
        while start <= period.end:
            after = start + timedelta(days=1) if self.daily else _next_month(start)
            yield self._part(start, after - SECOND)
            start = after

    def _part(self, start: datetime, end: datetime) -> Part:
        names = {kind: start.strftime(form) for kind, form in FORMATS.items()}
        name = names["date" if self.daily else "month"]
        return Part(name, start, end, Path(self.text.format_map(names)))


@dataclass(frozen=True)
class Plan:
    """Which parts are to be written, which stay as they are, and which have not ended yet.

    `found` is how many files are there, those that are written again among them.
    """

    write: tuple[Part, ...]
    there: tuple[Part, ...]
    pending: tuple[Part, ...]
    found: int

    @property
    def runs(self) -> list[list[Part]]:
        """The parts to write, those next to each other together."""
        runs: list[list[Part]] = []
        for part in self.write:
            if runs and runs[-1][-1].end + SECOND == part.start:
                runs[-1].append(part)
            else:
                runs.append([part])
        return runs


def read_template(text: str) -> Template | str:
    """Read the name of an output; one without placeholders is a plain path.

    Raises `UsageProblem` for other placeholders and single braces.
    """
    head, kinds = _pieces(text)
    if not kinds:
        return head
    if text.endswith("/"):
        raise UsageProblem(f"-o {text} names a folder", hint="Name the files: {date}/part.csv.")
    below = text.split("/", head.count("/"))[-1]
    folder = Path(head[: head.rfind("/") + 1] or ".")
    return Template(text, folder, below, "date" in kinds)


def _pieces(text: str) -> tuple[str, set[str]]:
    """Return what stands before the first placeholder, and all placeholders' names."""
    head = ""
    kinds: set[str] = set()
    try:
        for literal, field, form, conversion in Formatter().parse(text):
            head += "" if kinds else literal
            if field is None:
                continue
            if field not in FORMATS or form or conversion:
                raise UsageProblem(f"-o {text}: there is no {{{field}}}", hint=BRACES)
            kinds.add(field)
    except ValueError as error:
        raise UsageProblem(f"-o {text}: a brace stands alone", hint=BRACES) from error
    return head, kinds


def make_plan(
    template: Template, period: Period, ended: Callable[[datetime], bool], since: datetime | None
) -> Plan:
    """Choose which parts of a period are to be written.

    `ended` tells whether a second is past. What is there is written again where it reaches `since`.
    Raises `UsageProblem` where the period cuts a part in two.
    """
    parts = list(template.parts(period))
    done = [part for part in parts if ended(part.end)]
    _must_be_whole(template, period, parts[0].start, done[-1].end if done else period.end)
    found = [part for part in done if _is_there(part.path)]
    there = [part for part in found if since is None or part.end < since]
    write = [part for part in done if part not in there]
    return Plan(tuple(write), tuple(there), tuple(parts[len(done) :]), len(found))


def _must_be_whole(template: Template, period: Period, start: datetime, end: datetime) -> None:
    """Refuse a period that begins or, unless that is still to come, ends inside of a part."""
    if period.start == start and period.end >= end:
        return
    unit, placeholder = ("day", "{date}") if template.daily else ("month", "{month}")
    where = f"begins at {period.start}" if period.start != start else f"ends at {period.end}"
    raise UsageProblem(
        f"{placeholder} writes whole {unit}s, and the period {where}",
        hint=f"Let --from be the first second of a {unit}, and --till the last, "
        f"or say --period {'7d' if template.daily else '3mo'}.",
    )


def _is_there(path: Path) -> bool:
    with naming(str(path)):
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
    if stat.S_ISDIR(mode):
        raise CannotWrite(f"{path} is a folder.", hint="A file of that name is to be written.")
    return True


def _next_month(start: datetime) -> datetime:
    return (start + timedelta(days=32)).replace(day=1)
