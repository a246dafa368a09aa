"""Partitions: one file per day or month, its name, and the sink that writes all of them.

`calls/{date}.jsonl.gz` names one file per day, `{month}` one per month. Both may be in one name, as
in `{month}/{date}.csv`: then there is one file per day. A literal brace is doubled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from glob import escape
from hashlib import sha256
from string import Formatter
from typing import BinaryIO, cast

from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.files.partition_file import PartitionFile
from comagic_cli.files.store import Store
from comagic_cli.formats.base import Sink
from comagic_cli.query.period import Period
from comagic_cli.rows.page import Marks, Page, split_page

FORMATS = {"date": "%Y-%m-%d", "month": "%Y-%m"}
CUSTOMER_NAMES = ("user_id", "customer")
BRACES = (
    "{date} writes one file per day, {month} one per month, {user_id} and {customer} one per "
    "customer; double a literal brace: {{."
)
UNSAFE = '/\\:*?"<>|'  # characters that some file system does not take
MAX_NAME = 100  # bytes
PLACE = "\0"  # stands for a day or month in a name
MAX_OPEN = 8  # files; rows come by time, so that few are written to at once
SECOND = timedelta(seconds=1)
# The next window can have rows from this long before its start: a row that has just been stored, or
# an hour that is shown twice because clocks went back.
OVERLAP = timedelta(hours=1, seconds=2)


@dataclass(frozen=True, slots=True)
class Partition:
    """A day or a month: the prefix of its rows' times as its name, its two ends, and its file.

    `file` is the file's name below the folder of the template.
    """

    name: str
    start: datetime
    end: datetime
    file: str


@dataclass(frozen=True)
class Template:
    """The name of an output with placeholders.

    `folder` is the path or URL before the first placeholder, with the slash at its end; `below` is
    the rest. `daily` is true for one file per day, false for one per month.
    """

    text: str
    folder: str
    below: str
    daily: bool

    def __str__(self) -> str:
        """Return the name as typed."""
        return self.text

    @property
    def note(self) -> str:
        """The hidden file in the folder with the identity of the request."""
        return f".{self.lock}.json"

    @property
    def lock(self) -> str:
        """The name in the folder to lock for all files."""
        digest = sha256(self.below.encode("utf-8", "surrogateescape")).hexdigest()
        return f"comagic-{digest[:12]}"

    def partitions(self, period: Period) -> Iterator[Partition]:
        """Yield every day or month that has a part of the period."""
        start = period.start.replace(hour=0, minute=0, second=0)
        start = start if self.daily else start.replace(day=1)
        while start <= period.end:
            after = start + timedelta(days=1) if self.daily else _next_month(start)
            yield self._partition(start, after - SECOND)
            start = after

    @property
    def pattern(self) -> str:
        """The pattern of `glob` that a complete file of any day or month matches."""
        below = self.below.format_map(dict.fromkeys(FORMATS, PLACE))
        return escape(below).replace(PLACE, "[0-9]*")

    def _partition(self, start: datetime, end: datetime) -> Partition:
        names = {kind: start.strftime(form) for kind, form in FORMATS.items()}
        name = names["date" if self.daily else "month"]
        return Partition(name, start, end, self.below.format_map(names))


@dataclass(frozen=True)
class Plan:
    """Which partitions to write, which to skip as they exist, and which have not ended yet.

    `files` is how many exist, those that are rewritten included.
    """

    write: tuple[Partition, ...]
    skip: tuple[Partition, ...]
    pending: tuple[Partition, ...]
    files: int

    @property
    def runs(self) -> list[list[Partition]]:
        """The partitions to write, neighbours together."""
        runs: list[list[Partition]] = []
        for partition in self.write:
            if runs and runs[-1][-1].end + SECOND == partition.start:
                runs[-1].append(partition)
            else:
                runs.append([partition])
        return runs

    def describe(self) -> list[str]:
        """Describe how many files exist and will be written, and what has not ended yet."""
        counts = f"files    {len(self.write)} to write, {len(self.skip)} exist already"
        if not self.pending:
            return [counts]
        names = " … ".join(dict.fromkeys((self.pending[0].name, self.pending[-1].name)))
        return [counts, f"not yet  {names} has not ended"]


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
    folder = head[: head.rfind("/") + 1]
    return Template(text, folder, below, "date" in kinds)


def names_customers(text: str) -> bool:
    """Check that a name has a placeholder for customers. Raises what `read_template` does."""
    return not _pieces(text)[1].isdisjoint(CUSTOMER_NAMES)


def fill_customer(text: str, values: Mapping[str, str]) -> str:
    """Put the values of a customer into a name; other placeholders stay as they are."""
    filled = ""
    for literal, field, _, _ in Formatter().parse(text):
        filled += literal.replace("{", "{{").replace("}", "}}")
        if field is not None:
            value = values.get(field, f"{{{field}}}")
            filled += value.replace("{", "{{").replace("}", "}}") if field in values else value
    return filled


def file_name(text: str) -> str:
    """Make a text safe as a part of a file name, and as short as file systems need it."""
    safe = "".join(char if char.isprintable() and char not in UNSAFE else "_" for char in text)
    safe = safe.strip(" .")
    while len(safe.encode()) > MAX_NAME:
        safe = safe[:-1]
    return safe or "_"


def _pieces(text: str) -> tuple[str, set[str]]:
    """Return the text before the first placeholder, and the names of all placeholders."""
    head = ""
    kinds: set[str] = set()
    try:
        for literal, field, form, conversion in Formatter().parse(text):
            head += "" if kinds else literal
            if field is None:
                continue
            if field not in (*FORMATS, *CUSTOMER_NAMES) or form or conversion:
                raise UsageProblem(f"-o {text}: there is no {{{field}}}", hint=BRACES)
            kinds.add(field)
    except ValueError as error:
        raise UsageProblem(f"-o {text}: a brace stands alone", hint=BRACES) from error
    return head, kinds


def make_plan(
    template: Template,
    store: Store,
    period: Period,
    ended: Callable[[datetime], bool],
    since: datetime | None,
) -> Plan:
    """Choose which partitions of a period to write to a store, that of the template's folder.

    `ended` checks that a second is past. Existing files that end at `since` or later are rewritten.
    Raises `UsageProblem` if the period starts or ends inside a partition.
    """
    partitions = list(template.partitions(period))
    past = [partition for partition in partitions if ended(partition.end)]
    last = past[-1].end if past else period.end
    _check_whole(template, period, partitions[0].start, last)
    files = store.existing(partition.file for partition in past)
    existing = [partition for partition in past if partition.file in files]
    skip = [partition for partition in existing if since is None or partition.end < since]
    write = [partition for partition in past if partition not in skip]
    return Plan(tuple(write), tuple(skip), tuple(partitions[len(past) :]), len(existing))


def _check_whole(template: Template, period: Period, start: datetime, end: datetime) -> None:
    """Refuse a period that begins, or ends in the past, inside a partition."""
    if period.start == start and period.end >= end:
        return
    unit, placeholder = ("day", "{date}") if template.daily else ("month", "{month}")
    where = f"begins at {period.start}" if period.start != start else f"ends at {period.end}"
    raise UsageProblem(
        f"{placeholder} writes whole {unit}s, and the period {where}",
        hint=f"Let --from be the first second of a {unit}, and --till the last, "
        f"or say --period {'7d' if template.daily else '3mo'}.",
    )


def _next_month(start: datetime) -> datetime:
    return (start + timedelta(days=32)).replace(day=1)


@dataclass
class OpenPartition:
    """A partition that is being written."""

    file: PartitionFile
    sink: Sink
    rows: int = 0


class PartitionedSink:
    """Write rows to partitions in a store by their times; `make` makes the sink of one file.

    A file is published when its partition is settled: all windows with a part of it were counted. A
    row without a readable time goes to the partition of the row before it or, if that is published,
    to the first that is not. `note` is called for every file.
    """

    def __init__(
        self,
        partitions: Sequence[Partition],
        store: Store,
        make: Callable[[BinaryIO], Sink],
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.waiting = {
            each.name: each for each in partitions
        }  # partitions that are not published, in order
        self.is_kept = False  # rows were saved as `NAME.incomplete`
        self.bytes = 0  # of the published files
        self._names = frozenset(self.waiting)
        self._current = partitions[0].name  # where a row without a time goes
        self._name_length = len(self._current)  # characters of a time that name the partition
        self._period = Period(partitions[0].start, partitions[-1].end)
        self._settled: list[Period] = []
        self._has_times = False  # once a row with a readable time came
        self._untimed = 0  # rows without one
        self._begun: dict[str, OpenPartition] = {}
        self._open: list[PartitionFile] = []
        self._store = store
        self._make = make
        self._note = note

    def begin(self) -> None:
        """Write nothing: each file begins with its first row."""

    def write(self, page: Page) -> None:
        """Write a page's rows, and publish the partitions that it settles.

        Raises `RowsMissing` for a row of a partition that is published already.
        """
        times = Marks.of(page.marks).times
        self._has_times = self._has_times or any(times)
        self._untimed += sum(not time for time in times)
        names = [self._name_of(time) for time in times]
        for name, some in split_page(page, names).items() if page.count else ():
            begun = self._begin(name)
            begun.sink.write(some)
            begun.rows += some.count
        if page.settled:
            first, last = map(datetime.fromisoformat, page.settled)
            self._settled = merge_periods(self._settled, Period(first, last))
            self._publish(OVERLAP)

    def end(self) -> None:
        """Publish the settled partitions, and end the files of the others."""
        self._publish(timedelta(0))
        for begun in self._begun.values():
            begun.sink.end()

    def check(self) -> None:
        """Raise `RowsMissing` if a partition is not settled."""
        if self._is_day_unknown:
            raise RowsMissing(
                f"{self._untimed} rows have no readable time: which file they belong to is unknown",
                hint="Write to a single file.",
            )
        if self.waiting:
            raise RowsMissing(f"{', '.join(self.waiting)}: the rows were not counted")

    @property
    def _is_day_unknown(self) -> bool:
        """Check that rows came, none with a time: they take the time of a row before them."""
        return self._untimed > 0 and not self._has_times and len(self._names) > 1

    def keep(self) -> None:
        """Save the rows of partitions that are not settled as `NAME.incomplete`."""
        for begun in self._begun.values():
            begun.file.publish_incomplete()
            self.is_kept = True

    def discard(self) -> None:
        """Delete the files of partitions that are not published."""
        for begun in self._begun.values():
            begun.file.discard()

    def _name_of(self, time: str) -> str:
        """Return the name of the partition of a row's time."""
        name = time[: self._name_length]
        if name in self.waiting:
            self._current = name
        elif name in self._names or not self.waiting:
            raise RowsMissing(
                f"a row of {name or 'no time'} came after its file was written",
                hint="Write it again with --refresh.",
            )
        return self._current

    def _begin(self, name: str) -> OpenPartition:
        if name not in self._begun:
            file = PartitionFile(self._store, self.waiting[name].file)
            self._begun[name] = OpenPartition(file, self._make(cast("BinaryIO", file)))
            self._make_room(file)
            self._begun[name].sink.begin()
        self._make_room(self._begun[name].file)
        return self._begun[name]

    def _make_room(self, file: PartitionFile) -> None:
        """Close the least recently used file if too many are open."""
        if file in self._open:
            self._open.remove(file)
        self._open.append(file)
        if len(self._open) > MAX_OPEN:
            self._open.pop(0).close()

    def _publish(self, margin: timedelta) -> None:
        if self._is_day_unknown:
            return
        whole = [each.name for each in self.waiting.values() if self._is_settled(each, margin)]
        for name in whole:
            self._publish_one(name)
        if self._current not in self.waiting:
            self._current = next(iter(self.waiting), "")

    def _publish_one(self, name: str) -> None:
        begun = self._begin(name)
        begun.sink.end()
        begun.file.publish()
        self.bytes += begun.file.bytes
        self._open.remove(begun.file)
        del self._begun[name], self.waiting[name]
        self._note(f"{begun.file.name}: {begun.rows} rows")

    def _is_settled(self, partition: Partition, margin: timedelta) -> bool:
        start = max(partition.start - margin, self._period.start)
        end = min(partition.end + margin, self._period.end)
        return any(each.start <= start and end <= each.end for each in self._settled)


@contextmanager
def open_partitions(sink: PartitionedSink) -> Iterator[PartitionedSink]:
    """Write to a sink; raise `RowsMissing` at the end if a partition is not complete.

    After `RowsMissing` the rows are saved as `NAME.incomplete`; after any other exception they are
    deleted. Published files stay.
    """
    try:
        yield sink
        sink.check()
    except RowsMissing:
        sink.keep()
        raise
    finally:
        sink.discard()


def merge_periods(periods: Sequence[Period], new: Period) -> list[Period]:
    """Add a period to others; adjacent and overlapping ones are merged."""
    apart = []
    for each in periods:
        if each.end + SECOND < new.start or new.end + SECOND < each.start:
            apart.append(each)
        else:
            new = Period(min(each.start, new.start), max(each.end, new.end))
    return [*apart, new]
