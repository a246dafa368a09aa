"""`comagic api`: any method that only reads, and its answer as it came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import click
import msgspec

from comagic_cli.api.lists import Call, Items, ask_items, read_items
from comagic_cli.cli import completion as complete
from comagic_cli.cli.options import connection_options, make_context
from comagic_cli.cli.params import ExportCommand, OutputOption, PositiveInt, QueryOption, bundle
from comagic_cli.errors import UsageProblem
from comagic_cli.export.connection import Connection, connect
from comagic_cli.export.context import STDIN, Context
from comagic_cli.export.options import ServiceOptions, terminal_of, terminal_options
from comagic_cli.export.plan import masked_call
from comagic_cli.files.output import open_output
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.registry import make_sink
from comagic_cli.query.catalog import Field
from comagic_cli.query.paged_methods import page_size_of
from comagic_cli.rows.page import Page

FORMATS = ("json", "jsonl", "csv", "tsv", "table")

how = bundle(
    click.option(
        "--params",
        cls=QueryOption,
        metavar="JSON",
        default="{}",
        help="The parameters: an object, @FILE of one, or - for stdin.",
    ),
    click.option(
        "-f",
        "--format",
        cls=OutputOption,
        type=click.Choice(FORMATS),
        metavar="FORMAT",
        default="json",
        shell_complete=complete.complete_formats,
        help=f"{', '.join(FORMATS)}; default: json.",
    ),
    click.option(
        "-o", "--output", cls=OutputOption, metavar="FILE", type=click.Path(), help="A file."
    ),
    click.option(
        "--max-rows",
        cls=OutputOption,
        metavar="N",
        type=PositiveInt(),
        help="Print at most so many items.",
    ),
    click.option("--dry-run", cls=OutputOption, is_flag=True, help="Print the call; send nothing."),
    click.option("-q", "--quiet", cls=OutputOption, is_flag=True, help="Tell nothing but errors."),
    click.option("-v", "--verbose", cls=OutputOption, is_flag=True, help="Tell about every call."),
)


@click.command(cls=ExportCommand)
@click.argument("method", shell_complete=complete.complete_methods)
@how
@connection_options
@click.help_option("-h", "--help", help="Show this help.")
def api(
    method: str,
    params: str,
    format: str,  # noqa: A002 - the option's own name
    output: str | None,
    max_rows: int | None,
    *,
    dry_run: bool,
    **typed: Any,
) -> None:
    """Call a read-only API method and print the answer.

    METHOD begins with get. or getobj. The token is added, and --user-id if given. A list is
    paged to its end, unless the parameters hold limit or offset: then one call is made.

    \b
    Examples:
      comagic api get.account --sandbox
      comagic api get.reports_list --sandbox -f table
      comagic api getobj.columns_tree --sandbox --params '{"report_type": "calls"}'
    """  # noqa: D301 - \b is Click's
    options = ServiceOptions(**typed)
    context = make_context(options)
    request = Request.typed(method, params, context)
    if dry_run:
        user = {} if options.user_id is None else {"user_id": options.user_id}
        call = masked_call(request.method, user | dict(request.params))
        context.print(msgspec.json.format(msgspec.json.encode(call), indent=2).decode())
        return
    with connect(options, context) as connection:
        print_answer(request, connection, format, output, max_rows)


READS = re.compile(r"(get|getobj)(\.[a-z0-9_]+)+", re.ASCII)
EXAMPLE = """Example: --params '{"report_type": "calls"}'"""
VALUE = "value"  # the column of items that are no objects


@dataclass(frozen=True)
class Request:
    """A read-only method and its parameters, without the token."""

    method: str
    params: Mapping[str, Any]

    @classmethod
    def typed(cls, method: str, params: str, context: Context) -> Request:
        """Check what was typed. Raises `UsageProblem`."""
        if not READS.fullmatch(method):
            raise UsageProblem(
                f"{method!r} is not a read-only method, and no other is called",
                hint="Read-only methods begin with get. or getobj.",
            )
        read = read_params(params, context)
        if "access_token" in read:
            raise UsageProblem(
                "--params: the token can't be a parameter: others could see it",
                hint="Put it in COMAGIC_TOKEN, or in a file for --token-file.",
            )
        return cls(method, read)

    def pages(self, call: Call, note: Any) -> Iterator[Items]:
        """Yield what comes, answer by answer; `getobj.` is one object and never paged."""
        if self.method.startswith("getobj."):
            yield read_items(call(self.method, self.params), self.method)
        else:
            yield from ask_items(call, self.method, self.params, note, page_size_of(self.method))


def read_params(typed: str, context: Context) -> dict[str, Any]:
    """Read the parameters, every number digit for digit. Raises `UsageProblem`."""
    text, place = _text(typed, context)
    try:
        read = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{place} is not a JSON object: {error}", hint=EXAMPLE) from error
    return {name: _plain(value) for name, value in read.items()}


def print_answer(
    request: Request, connection: Connection, format_: str, output: str | None, max_rows: int | None
) -> None:
    """Send a request and print the answer. Raises `ComagicError`."""
    context = connection.context
    pages = capped(request.pages(connection.client.call, connection.note), max_rows)
    first = next(pages)  # a refusal leaves no file behind
    format_options = terminal_options(terminal_of(output, context.terminal))
    with open_output(output, context.stdout) as stream:
        write(stream, format_, _whole(first, pages), format_options)


def capped(pages: Iterator[Items], most: int | None) -> Iterator[Items]:
    """Yield pages until there are enough items; always one."""
    left = most
    for page in pages:
        if left is None:
            yield page
            continue
        yield Items(page.items[:left], page.marker, is_list=page.is_list)
        left -= len(page.items)
        if left <= 0:
            return


def write(
    stream: BinaryIO, format_: str, pages: Iterator[Items], format_options: FormatOptions
) -> None:
    """Write the items in a format: as JSON item by item; else once all their columns are known."""
    if format_ == "json":
        _write_json(stream, pages)
    elif format_ == "jsonl":
        stream.writelines(
            _formatted(item, page, -1) + b"\n" for page in pages for item in page.items
        )
    else:
        _write_columns(stream, format_, pages, format_options)


def columns_of(pages: list[Items]) -> list[str]:
    """Name the columns of all items, in the order in which they first come."""
    names: dict[str, None] = {}
    for page in pages:
        for item in page.items:
            names |= dict.fromkeys(_members(item))
    return list(names)


def _write_json(stream: BinaryIO, pages: Iterator[Items]) -> None:
    before = b"["
    try:
        for page in pages:
            if not page.is_list:
                stream.write(_formatted(page.items[0], page, 2))
                before = b""
                continue
            for item in page.items:
                stream.write(before + b"\n  " + _formatted(item, page, 2).replace(b"\n", b"\n  "))
                before = b","
    finally:
        stream.write({b"": b"\n", b"[": b"[]\n"}.get(before, b"\n]\n"))


def _write_columns(
    stream: BinaryIO, format_: str, pages: Iterator[Items], format_options: FormatOptions
) -> None:
    kept: list[Items] = []
    try:
        kept.extend(pages)
    finally:
        if names := columns_of(kept):
            sink = make_sink(format_, stream, [Field(name) for name in names], format_options)
            sink.begin()
            for page in filter(_has_items, kept):
                sink.write(Page(list(map(_as_object, page.items)), page.marker))
            sink.end()


def _has_items(page: Items) -> bool:
    return bool(page.items)


def _as_object(item: msgspec.Raw) -> bytes:
    return bytes(item) if _is_object(item) else b'{"%s":%s}' % (VALUE.encode(), bytes(item))


def _members(item: msgspec.Raw) -> list[str]:
    if not _is_object(item):
        return [VALUE]
    return list(msgspec.json.decode(item, type=dict[str, msgspec.Raw]))


def _is_object(item: msgspec.Raw) -> bool:
    return bytes(item).startswith(b"{")


def _formatted(item: msgspec.Raw, page: Items, indent: int) -> bytes:
    text = msgspec.json.format(bytes(item), indent=indent)
    return text.replace(page.marker, b"\\u") if page.marker else text


def _whole(first: Items, rest: Iterator[Items]) -> Iterator[Items]:
    yield first
    yield from rest


def _text(typed: str, context: Context) -> tuple[str | bytes, str]:
    """Return the JSON that was typed, or that stands where was typed; and what to call it."""
    if typed == STDIN:
        return context.read_text(STDIN, "--params"), "--params: standard input"
    if typed.startswith("@"):
        return context.read_text(typed[1:], "--params"), f"--params: {typed[1:]}"
    return typed.encode(errors="surrogateescape"), "--params"


def _plain(value: msgspec.Raw) -> Any:
    """Return what messages may show as it is, anything else as it was written."""
    text = bytes(value)
    return json.loads(text) if text.startswith(b'"') else value
